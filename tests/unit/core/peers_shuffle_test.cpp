#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/peers.h"
#include "tests/unit/core/peers_driver.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using Origin = Peers::Choice::Origin;
using Way = Peers::Way;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_F(PeersTest, a_newcomer_asks_a_seed_at_once_and_takes_sixteen_records) {
  const auto exchange = shuffle();
  EXPECT_EQ(now, start);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->partner.origin, Origin::seed);
  EXPECT_EQ(exchange->to_send, std::vector{peer(1)});
  Peer seed = peer(60);
  seed.address = address(1'000);
  peers.reached(now, seed, Way::dialled);
  peers.on_shuffled(now, random, node(61), peers_from(90, 4));
  EXPECT_THAT(peers.view(), IsEmpty()) << "nobody else was asked";
  for (std::uint32_t part = 0; part < 6; ++part)
    peers.on_shuffled(now, random, node(60), peers_from(100 + 4 * part, 4));
  EXPECT_THAT(peers.view(), SizeIs(Peers::join_count));
}

TEST_F(PeersTest, a_seed_gives_a_newcomer_sixteen_records_and_starts_walks_instead_of_keeping_it) {
  know(100, Peers::view_max);
  const auto before = nodes_of(peers.view());
  const auto answer = peers.on_shuffle(now, random, node(2), {peer(2)});
  EXPECT_THAT(answer.to_send, SizeIs(Peers::join_count));
  EXPECT_THAT(answer.walk_to, SizeIs(Peers::walks_per_join));
  EXPECT_EQ(nodes_of(peers.view()), before);
}

TEST_F(PeersTest, a_seed_that_knows_few_keeps_the_newcomer) {
  const auto answer = peers.on_shuffle(now, random, node(2), {peer(2)});
  EXPECT_THAT(answer.to_send, IsEmpty());
  EXPECT_THAT(answer.walk_to, IsEmpty());
  EXPECT_THAT(nodes_of(peers.view()), UnorderedElementsAre(node(2)));
}

TEST_F(PeersTest, a_walk_goes_on_until_its_last_hop_keeps_the_newcomer) {
  know(2, 2);
  const auto onward = peers.on_walk(now, random, node(2), peer(50), 4);
  ASSERT_TRUE(onward);
  EXPECT_EQ(onward->to, node(3)) << "not back";
  EXPECT_EQ(onward->hops_left, 3);
  EXPECT_EQ(peers.find(node(50)), std::nullopt);
  EXPECT_FALSE(peers.on_walk(now, random, node(2), peer(50), 1));
  EXPECT_EQ(peers.find(node(50)), peer(50));
}

TEST_F(PeersTest, a_walk_that_can_not_go_on_ends) {
  know(2);
  EXPECT_FALSE(peers.on_walk(now, random, node(2), peer(50), 4));
  EXPECT_EQ(peers.find(node(50)), peer(50));
}

// Shuffles with one of the view; visits to the seed are passed over.
class PeersShuffleTest : public PeersTest {
 protected:
  Peers::Exchange shuffle_known() {
    while (true) {
      const auto exchange = shuffle();
      if (exchange && exchange->partner.origin == Origin::known) return *exchange;
    }
  }
  static std::ptrdiff_t count_from(const std::vector<Peer>& view, std::uint64_t least_prefix) {
    return std::ranges::count_if(view, [&](const Peer& each) { return prefix_of(each.node) >= least_prefix; });
  }
};

TEST_F(PeersShuffleTest, goes_to_the_oldest_and_carries_ourselves_and_three_others) {
  know(2, 10);
  std::set<NodeId> asked;
  for (int i = 0; i < 10; ++i) {
    const auto exchange = shuffle_known();
    ASSERT_THAT(exchange.to_send, SizeIs(4));
    EXPECT_EQ(exchange.to_send.front(), peer(1));
    EXPECT_THAT(nodes_of(exchange.to_send), testing::Not(testing::Contains(*exchange.partner.node)));
    asked.insert(*exchange.partner.node);
    peers.on_shuffled(now, random, *exchange.partner.node, {});
  }
  EXPECT_THAT(asked, SizeIs(10)) << "one after the other";
}

TEST_F(PeersShuffleTest, an_answer_replaces_what_was_given_and_no_more) {
  know(100, Peers::view_max);
  const auto exchange = shuffle_known();
  auto expected = nodes_of(peers.view());
  for (const Peer& given : exchange.to_send) std::erase(expected, given.node);
  std::erase(expected, *exchange.partner.node);
  for (std::uint32_t i = 0; i < 4; ++i) expected.push_back(node(1'000 + i));
  for (std::uint32_t part = 0; part < 10; ++part) {
    peers.on_shuffled(now, random, *exchange.partner.node, peers_from(1'000 + 4 * part, 4));
  }
  EXPECT_THAT(nodes_of(peers.view()), testing::UnorderedElementsAreArray(expected));
  EXPECT_EQ(peers.heard_count(), 4U) << "those that were given away";
}

TEST_F(PeersShuffleTest, an_answer_that_brings_what_was_known_replaces_nothing) {
  know(100, Peers::view_max);
  const auto before = nodes_of(peers.view());
  const auto exchange = shuffle_known();
  peers.on_shuffled(now, random, *exchange.partner.node, {peer(1), peer(100), peer(101), peer(102)});
  EXPECT_EQ(nodes_of(peers.view()), before);
}

TEST_F(PeersShuffleTest, the_asked_gives_four_and_takes_four_and_only_once_between_shuffles_of_its_own) {
  know(100, Peers::view_max);
  const auto answer = peers.on_shuffle(now, random, node(100), peers_from(1'000, 4));
  EXPECT_THAT(answer.to_send, SizeIs(4));
  EXPECT_THAT(answer.walk_to, IsEmpty());
  EXPECT_THAT(nodes_of(answer.to_send), testing::Not(testing::Contains(node(100))));
  EXPECT_EQ(count_from(peers.view(), 1'000), 4);
  for (const Peer& given : answer.to_send) EXPECT_EQ(peers.find(given.node), std::nullopt);

  EXPECT_THAT(peers.on_shuffle(now, random, node(100), peers_from(2'000, 4)).to_send, SizeIs(4));
  EXPECT_EQ(count_from(peers.view(), 2'000), 0);
  (void)peers.on_shuffle(now, random, node(101), peers_from(3'000, 4));
  EXPECT_EQ(count_from(peers.view(), 3'000), 4);
  (void)shuffle();
  (void)peers.on_shuffle(now, random, node(100), peers_from(4'000, 4));
  EXPECT_EQ(count_from(peers.view(), 4'000), 4);
}

TEST_F(PeersShuffleTest, a_partner_that_does_not_answer_is_dropped) {
  know(2, 10);
  const auto exchange = shuffle_known();
  const Instant asked = now;
  EXPECT_GE(peers.shuffle_due(), asked + Peers::answer_within) << "it has time to answer";
  (void)shuffle();
  EXPECT_EQ(peers.find(*exchange.partner.node), std::nullopt);
  EXPECT_THAT(peers.view(), SizeIs(9));
}

TEST_F(PeersShuffleTest, the_period_doubles_to_a_minute_and_two_dead_contacts_bring_it_back) {
  know(2, 10);
  std::vector<Duration> waits;
  for (int i = 0; i < 12; ++i) {
    const auto exchange = shuffle();
    if (exchange->partner.node) peers.on_shuffled(now, random, *exchange->partner.node, {});
    waits.push_back(peers.shuffle_due() - now);
  }
  EXPECT_LE(waits.at(0), 1500ms);
  for (std::size_t i = 7; i < waits.size(); ++i) {
    EXPECT_GE(waits[i], 30s);
    EXPECT_LE(waits[i], 90s);
  }
  peers.unreachable(now, random, address(500));
  peers.unreachable(now, random, address(501));
  peers.unreachable(now, random, address(2));
  EXPECT_EQ(peers.shuffle_due() - now, waits.back()) << "one of the view, and two that were never in it";
  peers.unreachable(now, random, address(3));
  EXPECT_LE(peers.shuffle_due() - now, 1500ms);
}

TEST_F(PeersShuffleTest, alone_it_tries_its_seed_ever_more_rarely) {
  int tries = 0;
  while (now < start + 1h) {
    if (shuffle()) {
      ++tries;
      peers.unreachable(now, random, address(1'000));
    }
  }
  EXPECT_GE(tries, 40);
  EXPECT_LE(tries, 130);
}

TEST_F(PeersShuffleTest, nobody_known_is_nobody_to_shuffle_with) {
  Peers alone(peer(1), {});
  int rounds = 0;
  for (; now < start + 1h; now = std::max(now, alone.shuffle_due()), ++rounds) {
    EXPECT_FALSE(alone.begin_shuffle(now, random));
  }
  EXPECT_LE(rounds, 90);
}

TEST_F(PeersShuffleTest, walks_displace_one_entry_between_two_shuffles) {
  know(100, Peers::view_max);
  peers.on_shuffled(now, random, *shuffle_known().partner.node, {});
  know(1'000, 50);
  EXPECT_EQ(count_from(peers.view(), 1'000), 1);
  peers.on_shuffled(now, random, *shuffle_known().partner.node, {});
  know(2'000, 50);
  EXPECT_EQ(count_from(peers.view(), 1'000), 2);
}

}  // namespace
}  // namespace agent::core
