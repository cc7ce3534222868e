// A whole pool of agents that know each other by nothing but agent/core/peers.h: messages are carried at once, and an
// address answers or does not.

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "agent/core/peers.h"
#include "tests/unit/core/peers_driver.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using Way = Peers::Way;

constexpr std::uint32_t seeds = 3;

class Pool {
 public:
  struct Agent {
    std::uint32_t number = 0;
    Peers peers;
    bool alive = true;
    bool lies = false;  // gives records of nobody, and passes nothing on
    Instant joins;
  };

  // Agents 1 to `count`, the first three of them seeds of all, join one after the other within `joining`.
  Pool(std::uint64_t seed, std::uint32_t count, Duration joining) : random_(seed) {
    std::vector<Address> addresses;
    for (std::uint32_t i = 1; i <= seeds; ++i) addresses.push_back(address(i));
    for (std::uint32_t i = 1; i <= count; ++i) {
      agents.push_back({.number = i, .peers = Peers(peer(i), addresses), .joins = start + joining * (i - 1) / count});
    }
  }

  void run(Duration duration) {
    const Instant end = now_ + duration;
    while (true) {
      Agent* next = nullptr;
      for (Agent& agent : agents) {
        if (agent.alive && (next == nullptr || due(agent) < due(*next))) next = &agent;
      }
      if (next == nullptr || due(*next) >= end) break;
      now_ = std::max(now_, due(*next));
      shuffle(*next);
    }
    now_ = end;
    for (const Agent& agent : agents) agent.peers.check_invariants();
  }

  // Numbers of the honest agents that are joined to agent `from` by views of honest ones, whoever knows whom.
  [[nodiscard]] std::set<std::uint32_t> joined_to(std::uint32_t from) const {
    std::vector<std::vector<std::uint32_t>> edges(agents.size() + 1);
    for (const Agent& agent : agents) {
      for (const Peer& each : agent.peers.view()) {
        const auto other = static_cast<std::uint32_t>(prefix_of(each.node));
        if (other > agents.size() || !honest(agent) || !honest(agents[other - 1])) continue;
        if (!connected(agent.number, other)) continue;
        edges[agent.number].push_back(other);
        edges[other].push_back(agent.number);
      }
    }
    std::set<std::uint32_t> joined{from};
    for (std::vector<std::uint32_t> open{from}; !open.empty();) {
      const std::uint32_t at = open.back();
      open.pop_back();
      for (const std::uint32_t next : edges[at]) {
        if (joined.insert(next).second) open.push_back(next);
      }
    }
    return joined;
  }

  [[nodiscard]] std::uint32_t honest_count() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(agents, honest));
  }

  // In how many views of living agents each agent stands, by number - 1.
  [[nodiscard]] std::vector<int> in_degrees() const {
    std::vector<int> degrees(agents.size());
    for (const Agent& agent : agents) {
      if (!agent.alive) continue;
      for (const Peer& each : agent.peers.view()) {
        if (prefix_of(each.node) <= agents.size()) ++degrees[prefix_of(each.node) - 1];
      }
    }
    return degrees;
  }

  // Share of the entries in honest views that lead nowhere.
  [[nodiscard]] double dead_share() const {
    double all = 0, dead = 0;
    for (const Agent& agent : agents) {
      if (!honest(agent)) continue;
      for (const Peer& each : agent.peers.view()) {
        const std::uint64_t number = prefix_of(each.node);
        all += 1;
        dead += number > agents.size() || !agents[number - 1].alive ? 1 : 0;
      }
    }
    return dead / all;
  }

  static bool honest(const Agent& agent) { return agent.alive && !agent.lies; }

  std::vector<Agent> agents;
  std::function<bool(std::uint32_t, std::uint32_t)> connected = [](auto, auto) { return true; };
  std::uint64_t messages = 0;

 private:
  static Instant due(const Agent& agent) { return std::max(agent.joins, agent.peers.shuffle_due()); }

  Agent* dial(const Agent& from, const Address& to) {
    for (Agent& agent : agents) {
      if (agent.alive && agent.joins <= now_ && address(agent.number) == to && connected(from.number, agent.number)) {
        return &agent;
      }
    }
    return nullptr;
  }

  std::vector<Peer> records(const Agent& from, const std::vector<Peer>& honest_ones) {
    if (!from.lies) return honest_ones;
    return peers_from(1'000'000 + static_cast<std::uint32_t>(random_.below(1'000'000)), 4);
  }

  void shuffle(Agent& agent) {
    const auto exchange = agent.peers.begin_shuffle(now_, random_);
    if (!exchange) return;
    Agent* partner = dial(agent, exchange->partner.address);
    if (partner == nullptr || partner == &agent) {
      agent.peers.unreachable(now_, random_, exchange->partner.address);
      return;
    }
    messages += 2;
    agent.peers.reached(now_, peer(partner->number), Way::dialled);
    partner->peers.reached(now_, peer(agent.number), Way::accepted);
    const auto answer = partner->peers.on_shuffle(now_, random_, node(agent.number), records(agent, exchange->to_send));
    for (const NodeId& to : answer.walk_to) walk(*partner, to, peer(agent.number), protocol::limits::walk_hops_max);
    agent.peers.on_shuffled(now_, random_, node(partner->number), records(*partner, answer.to_send));
  }

  void walk(Agent& from, const NodeId& to, const Peer& newcomer, std::uint8_t hops_left) {
    Agent* at = &from;
    for (std::optional<Peers::Onward> next{{.to = to, .hops_left = hops_left}}; next;) {
      const Address onward = at->peers.find(next->to)->address;
      Agent* reached = dial(*at, onward);
      if (reached == nullptr) return at->peers.unreachable(now_, random_, onward);
      ++messages;
      if (reached->lies) return;
      const NodeId sender = node(at->number);
      at = reached;
      next = at->peers.on_walk(now_, random_, sender, newcomer, next->hops_left);
    }
  }

  Random random_;
  Instant now_ = start;
};

class PeersPool : public testing::TestWithParam<std::uint64_t> {};

TEST_P(PeersPool, many_that_join_by_three_seeds_become_one_pool) {
  Pool pool(GetParam(), 300, 10s);
  pool.run(70s);
  for (const Pool::Agent& agent : pool.agents) EXPECT_GE(agent.peers.view().size(), 8U) << agent.number;
  EXPECT_EQ(pool.joined_to(300).size(), 300U);
  pool.run(5min);
  EXPECT_EQ(pool.joined_to(1).size(), 300U);
  const auto degrees = pool.in_degrees();
  EXPECT_GE(*std::ranges::min_element(degrees), 1);
  EXPECT_LE(*std::ranges::max_element(degrees), 130) << "nobody is hot";
}

TEST_P(PeersPool, half_of_it_dies_and_the_rest_stays_one_pool_and_forgets_the_dead) {
  Pool pool(GetParam(), 200, 10s);
  pool.run(10min);
  for (std::uint32_t i = seeds; i < 200; i += 2) pool.agents[i].alive = false;
  pool.run(35min);
  EXPECT_EQ(pool.joined_to(1).size(), pool.honest_count());
  EXPECT_LE(pool.dead_share(), 0.1);
}

// They have nothing of each other but the addresses of seeds, and nobody needs a seed any more.
TEST_P(PeersPool, two_halves_that_never_met_find_each_other_when_the_network_heals) {
  Pool pool(GetParam(), 80, 10s);
  pool.connected = [](std::uint32_t a, std::uint32_t b) { return a % 2 == b % 2; };
  pool.run(15min);
  pool.connected = [](auto, auto) { return true; };
  EXPECT_EQ(pool.joined_to(80).size(), 40U);
  pool.run(30min);
  EXPECT_EQ(pool.joined_to(80).size(), 80U);
}

TEST_P(PeersPool, the_honest_stay_one_pool_among_a_third_of_liars) {
  Pool pool(GetParam(), 100, 10s);
  for (std::uint32_t i = seeds; i < 100; i += 3) pool.agents[i].lies = true;
  pool.run(60s);
  EXPECT_EQ(pool.joined_to(1).size(), pool.honest_count());
  for (const Pool::Agent& agent : pool.agents) {
    if (agent.lies) continue;
    const auto view = agent.peers.view();
    EXPECT_GE(std::ranges::count_if(view,
                                    [&](const Peer& each) {
                                      const std::uint64_t number = prefix_of(each.node);
                                      return number <= pool.agents.size() && Pool::honest(pool.agents[number - 1]);
                                    }),
              2)
        << agent.number;
  }
  pool.run(5min);
  EXPECT_EQ(pool.joined_to(1).size(), pool.honest_count());
}

TEST_P(PeersPool, an_idle_pool_is_quiet) {
  Pool pool(GetParam(), 100, 10s);
  pool.run(10min);
  pool.messages = 0;
  pool.run(1h);
  EXPECT_LE(static_cast<double>(pool.messages) / (100 * 3'600), 0.05) << "messages per agent and second";
}

INSTANTIATE_TEST_SUITE_P(seed, PeersPool, testing::Range(std::uint64_t{0}, std::uint64_t{2}));

}  // namespace
}  // namespace agent::core
