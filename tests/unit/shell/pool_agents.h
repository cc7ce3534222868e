#pragma once
// Agents of one pool on one loop, each with its own state directory, keys and user; they talk over loopback.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/exec/orphans.h"
#include "agent/shell/agent.h"
#include "agent/shell/invitations.h"
#include "agent/shell/system.h"
#include "tests/unit/shell/agent_client.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/loopback.h"
#include "tests/unit/shell/sample_job.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {

struct PoolAgentOptions {
  std::uint32_t slots = 1;
  bool allow_weak_sandbox = false;
};

class PoolAgent {
 public:
  using Options = PoolAgentOptions;
  PoolAgent(EventLoop& loop, const std::string& path) : loop_(loop), state(*StateDir::open(path)) {
    EXPECT_TRUE(state.lock());
  }

  // Of a pool that is made for it.
  void found(const std::string& name) {
    auto root = found_pool(state, name, wall_now_ms(), secret_maker());
    EXPECT_TRUE(root) << root.error().message;
  }
  // Invited by `inviter`, whose user may run jobs here from then on.
  void join(const PoolAgent& inviter, const std::string& name) {
    const Pool pool = **load_pool(inviter.state);
    Invitations invitations = *Invitations::load(inviter.state, pool);
    const auto text = invitations.invite(
        {.addresses = {crypto::NamedAddress{.host = "inviter.example", .port = 4'422}}}, wall_now_ms(), secret_maker());
    const crypto::JoinToken token = crypto::read_token(text->view(), wall_now_ms(), 0).value();
    const NodeKeys keys = node_keys(state).value();
    const link::Moment now{.at = boot_now(), .wall_ms = wall_now_ms()};
    link::Joiner joiner({.token = token,
                         .link_key = keys.link,
                         .node_key = keys.node,
                         .user_key = keys.user,
                         .name = name,
                         .make_secret = secret_maker()},
                        now);
    link::JoinHost host({.credentials = pool.credentials,
                         .find_secret = [&](const crypto::TokenId& id) { return invitations.secret_of(id); },
                         .make_secret = secret_maker()},
                        now);
    for (int round = 0; round < 4 && !joiner.ended(); ++round) {
      host.receive(joiner.take_output(), now);
      if (const auto asked = host.take_request()) {
        host.answer(*invitations.answer(*asked, {.now_wall_ms = wall_now_ms(), .peers = {}, .is_others_name = {}},
                                        secret_maker()));
      }
      joiner.receive(host.take_output(), now);
    }
    ASSERT_TRUE(joiner.ended());
    const auto joined = joiner.take_outcome();
    ASSERT_TRUE(joined) << to_text(joined.error());
    ASSERT_TRUE(keep_joined(state, joined->trust, joined->answer));
  }

  // A member since `found` or `join`, that listens on loopback.
  void start(const std::vector<protocol::Address>& seeds, const Options& options = {}) {
    Pool pool = **load_pool(state);
    auto started = Agent::start(loop_.get(), state,
                                {.slots = options.slots,
                                 .program = "/opt/gibbon",
                                 .version = "9.9",
                                 .trusted_user = pool.user_key.public_key(),
                                 .allow_weak_sandbox = options.allow_weak_sandbox,
                                 .on_ended = [this] { ended = true; }});
    ASSERT_TRUE(started) << started.error().message;
    agent = *std::move(started);
    const auto entered = agent->enter_pool(std::move(pool), {loopback()}, seeds);
    ASSERT_TRUE(entered) << entered.error().message;
  }
  [[nodiscard]] protocol::Address address() const { return agent->listening().front(); }

  // A client that has said hello.
  [[nodiscard]] AgentClient& greeted() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    agent->serve(ends[0]);
    AgentClient& made = *clients.emplace_back(std::make_unique<AgentClient>(loop_.get(), ends[1]));
    made.say(client::Hello{.program_version = "9.9"});
    EXPECT_TRUE(loop_.run_until([&] { return made.count<client::Welcome>() == 1; }));
    return made;
  }
  // Of this node's user.
  void launch(AgentClient& by, SampleJob job, const std::vector<std::string>& items) {
    const Pool pool = **load_pool(state);
    job.manifest.pool = pool.credentials.trust.pool;
    job.manifest.user_certificate = pool.user_chain;
    by.say(job.submit(pool.user_key));
    for (std::size_t first = 0; first < items.size(); first += chunk_items) {
      const auto end = std::min(items.size(), first + chunk_items);
      by.say(items_of(
          job.id(), first / chunk_items, first,
          {items.begin() + static_cast<std::ptrdiff_t>(first), items.begin() + static_cast<std::ptrdiff_t>(end)},
          end == items.size()));
    }
    ASSERT_TRUE(loop_.run_until([&] { return by.count<client::Accepted>() == 1; }));
  }

 private:
  static constexpr std::size_t chunk_items = 100;
  static MakeSecret secret_maker() {
    return [] {
      crypto::Secret<32> secret;
      fill_random(secret.writable());
      return secret;
    };
  }

  EventLoop& loop_;

 public:
  StateDir state;
  std::unique_ptr<Agent> agent;
  std::vector<std::unique_ptr<AgentClient>> clients;
  bool ended = false;
};

// "alpha" made the pool, and invited all others.
class PoolAgentsTest : public testing::Test {
 protected:
  ~PoolAgentsTest() override {
    for (auto& each : agents) {
      each->clients.clear();
      each->agent.reset();
    }
    (void)loop.run_until([] { return exec::reap_orphans({}).left == 0; });
  }
  void start_pool(std::size_t count, const PoolAgentOptions& options = {}) {
    static constexpr std::array names{"alpha", "beta", "gamma", "delta"};
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = names.at(i);
      agents.push_back(std::make_unique<PoolAgent>(loop, directory.file(name)));
      if (i == 0) {
        agents[0]->found(name);
      } else {
        agents[i]->join(*agents[0], name);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<protocol::Address> seeds;
      if (i > 0) seeds.push_back(agents[0]->address());
      agents[i]->start(seeds, options);
    }
  }
  [[nodiscard]] bool wait_for(std::function<bool()> condition) { return loop.run_until(std::move(condition)); }
  [[nodiscard]] bool wait_for_verdict(const AgentClient& of) {
    return wait_for([&] { return of.count<client::Verdict>() >= 1; });
  }
  static std::size_t done_by(const AgentClient& client, const std::string& node) {
    return static_cast<std::size_t>(std::ranges::count(client.results, node, &client::Result::node));
  }

  TemporaryDirectory directory;
  EventLoop loop;
  std::vector<std::unique_ptr<PoolAgent>> agents;
};

}  // namespace agent::shell
