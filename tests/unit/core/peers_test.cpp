#include "agent/core/peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/peers_driver.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using Origin = Peers::Choice::Origin;
using Way = Peers::Way;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_F(PeersTest, a_free_hint_is_used_once_and_before_anything_else) {
  know(2, 5);
  peers.hear_free(now, node(2), hint_of(peer(20)));
  const auto chosen = choose();
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->origin, Origin::free_hint);
  EXPECT_EQ(chosen->node, std::nullopt);
  EXPECT_EQ(chosen->node_prefix, 20U);
  EXPECT_EQ(chosen->address, address(20));
  EXPECT_NE(choose()->origin, Origin::free_hint);
}

TEST_F(PeersTest, the_youngest_free_hint_comes_first_and_names_whom_we_know) {
  know(3);
  peers.hear_free(now, node(3), hint_of(peer(20)));
  peers.hear_free(now, node(3), hint_of(peer(3)));
  EXPECT_EQ(choose()->node, node(3));
  EXPECT_EQ(choose()->node_prefix, 20U);
}

TEST_F(PeersTest, free_hints_are_forgotten_after_two_minutes) {
  peers.hear_free(now, node(2), hint_of(peer(20)));
  now += 120s - 1ns;
  peers.hear_free(now, node(2), hint_of(peer(21)));
  now += 1ns;
  EXPECT_EQ(choose()->node_prefix, 21U);
  EXPECT_EQ(peers.free_count(), 0U);
}

TEST_F(PeersTest, an_excluded_node_is_not_chosen_and_its_hint_not_used_up) {
  know(2, 2);
  peers.hear_free(now, node(2), hint_of(peer(20)));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(choose({node(2), node(20)})->node, node(3));
  EXPECT_EQ(peers.free_count(), 1U);
}

TEST_F(PeersTest, any_known_peer_may_be_chosen_and_seeds_only_when_all_others_are_excluded) {
  know(2, 3);
  std::set<NodeId> chosen;
  for (int i = 0; i < 100; ++i) chosen.insert(choose()->node.value());
  EXPECT_THAT(chosen, UnorderedElementsAre(node(2), node(3), node(4)));
  EXPECT_EQ(choose(chosen)->origin, Origin::seed);
  EXPECT_EQ(choose(chosen), std::nullopt) << "it is being dialled";
}

TEST_F(PeersTest, a_preferred_peer_comes_before_others_of_the_view) {
  know(2, 10);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(peers.choose(now, random, {node(2)}, {node(2), node(7)})->node, node(7));
}

TEST_F(PeersTest, what_is_heard_is_chosen_once_and_heard_anew_when_it_answers) {
  peers.hear_of(now, node(2), hint_of(peer(30)));
  EXPECT_EQ(choose()->origin, Origin::heard);
  EXPECT_EQ(peers.heard_count(), 0U);
  peers.reached(now, peer(30), Way::accepted);
  EXPECT_EQ(peers.heard_count(), 0U) << "whoever dials us need not be where he comes from";
  peers.reached(now, peer(30), Way::dialled);
  EXPECT_EQ(peers.heard_count(), 1U);
}

TEST_F(PeersTest, we_are_nobody_that_we_know) {
  peers.hear_of(now, node(2), hint_of(peer(1)));
  peers.hear_free(now, node(2), hint_of(peer(1)));
  peers.hear_of(now, node(2), {.node_prefix = 50, .address = address(1)});
  know(1);
  peers.reached(now, peer(1), Way::dialled);
  (void)peers.on_shuffle(now, random, node(2), {peer(1), peer(3)});
  EXPECT_THAT(nodes_of(peers.view()), UnorderedElementsAre(node(3)));
  EXPECT_EQ(peers.heard_count() + peers.free_count(), 0U);
  Peers alone(peer(1), {address(1)});
  EXPECT_EQ(alone.choose(now, random, {}), std::nullopt);
}

TEST_F(PeersTest, a_seed_that_turned_out_to_be_ourselves_is_left_alone) {
  Peer other_name = peer(1);
  other_name.address = address(1'000);
  peers.reached(now, other_name, Way::dialled);
  EXPECT_EQ(choose(), std::nullopt);
}

TEST_F(PeersTest, a_seed_that_answered_has_a_name_and_can_be_excluded) {
  Peer seed = peer(60);
  seed.address = address(1'000);
  EXPECT_EQ(choose()->origin, Origin::seed);
  peers.reached(now, seed, Way::dialled);
  EXPECT_FALSE(choose({node(60)}));
  EXPECT_EQ(choose()->origin, Origin::heard) << "it is heard of, too";
  EXPECT_EQ(choose()->node, node(60));
  EXPECT_FALSE(choose({node(60)}));
}

TEST_F(PeersTest, a_dead_seed_rests_longer_each_time) {
  Duration before = 0s;
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(choose());
    peers.unreachable(now, random, address(1'000));
    const Instant failed = now;
    while (!choose()) now += 100ms;
    EXPECT_LE(now - failed, 90s + 100ms);
    before = std::max(before, now - failed);
    peers.unreachable(now, random, address(1'000));
    now += 2min;
  }
  EXPECT_GE(before, 30s);
}

TEST_F(PeersTest, an_address_where_nobody_answers_is_dropped_wherever_it_stands) {
  know(2, 2);
  peers.hear_free(now, node(3), hint_of(peer(2)));
  peers.hear_of(now, node(3), {.node_prefix = 70, .address = address(2)});
  peers.unreachable(now, random, address(2));
  EXPECT_THAT(nodes_of(peers.view()), UnorderedElementsAre(node(3)));
  EXPECT_EQ(peers.heard_count() + peers.free_count(), 0U);
}

TEST_F(PeersTest, whom_we_found_dead_others_do_not_bring_back_for_a_while) {
  const auto bury = [&] {
    know(2, 2);
    ASSERT_TRUE(peers.find(node(2)));
    peers.unreachable(now, random, address(2));
    know(2);
    EXPECT_EQ(peers.find(node(2)), std::nullopt);
  };
  bury();
  now += Peers::buried_for;
  bury();
  peers.reached(now, peer(2), Way::accepted);
  bury();
  Peer restarted = peer(2);
  restarted.instance = InstanceKey({std::byte{1}});
  (void)peers.on_walk(now, random, node(3), restarted, 1);
  EXPECT_EQ(peers.find(node(2)), restarted);
}

TEST_F(PeersTest, what_was_told_last_of_a_node_replaces_what_was_told_before) {
  know(2, 3);
  Peer moved = peer(2);
  moved.address = address(200);
  moved.instance = InstanceKey({std::byte{9}});
  (void)peers.on_walk(now, random, node(3), moved, 1);
  EXPECT_EQ(peers.find(node(2)), moved);
  peers.unreachable(now, random, address(2));
  EXPECT_EQ(peers.find(node(2)), moved) << "only its old address is dead";

  Peer restarted = moved;
  restarted.instance = InstanceKey({std::byte{10}});
  restarted.address = address(300);
  peers.reached(now, restarted, Way::accepted);
  EXPECT_EQ(peers.find(node(2))->instance, restarted.instance);
  EXPECT_EQ(peers.find(node(2))->address, moved.address);
  peers.reached(now, restarted, Way::dialled);
  EXPECT_EQ(peers.find(node(2)), restarted);
  EXPECT_THAT(peers.view(), SizeIs(3));
}

TEST_F(PeersTest, who_left_the_pool_is_forgotten_everywhere) {
  know(2);
  peers.hear_free(now, node(3), hint_of(peer(2)));
  peers.hear_of(now, node(3), hint_of(peer(4)));
  peers.forget(node(2));
  peers.forget(node(4));
  EXPECT_THAT(peers.view(), IsEmpty());
  EXPECT_EQ(peers.heard_count() + peers.free_count(), 0U);
}

TEST_F(PeersTest, one_teller_fills_his_quota_of_hints_and_no_more) {
  for (std::uint32_t i = 0; i < 10; ++i) peers.hear_of(now, node(3), hint_of(peer(100 + i)));
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    peers.hear_of(now, node(2), hint_of(peer(5'000 + i)));
    peers.hear_free(now, node(2), hint_of(peer(5'000 + i)));
  }
  EXPECT_EQ(peers.heard_count(), 10U + Peers::heard_per_teller_max);
  EXPECT_EQ(peers.free_count(), Peers::free_per_teller_max);
  EXPECT_EQ(choose()->node_prefix, 5'999U) << "his youngest";
}

TEST_F(PeersTest, memory_is_bounded_whoever_tells) {
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    peers.hear_of(now, node(100 + i), hint_of(peer(10'000 + i)));
    peers.hear_free(now, node(100 + i), hint_of(peer(10'000 + i)));
    (void)peers.on_walk(now, random, node(100 + i), peer(20'000 + i), 1);
    (void)peers.on_shuffle(now, random, node(100 + i), peers_from(30'000 + 4 * i, 4));
  }
  EXPECT_EQ(peers.heard_count(), Peers::heard_max);
  EXPECT_EQ(peers.free_count(), Peers::free_max);
  EXPECT_THAT(peers.view(), SizeIs(Peers::view_max));
}

TEST_F(PeersTest, a_busy_answer_tells_two_free_peers_once_and_two_others) {
  know(2, 5);
  for (std::uint32_t i = 20; i < 23; ++i) peers.hear_free(now, node(3), hint_of(peer(i)));
  EXPECT_THAT(peers.tell_free(now, node(22)), testing::ElementsAre(hint_of(peer(21)), hint_of(peer(20))));
  EXPECT_THAT(peers.tell_free(now, node(22)), IsEmpty());
  EXPECT_EQ(peers.free_count(), 1U) << "the asker's own";
  for (int i = 0; i < 20; ++i) {
    const auto others = peers.tell_others(random, node(2));
    ASSERT_THAT(others, SizeIs(2));
    EXPECT_NE(others[0].node_prefix, others[1].node_prefix);
    EXPECT_NE(others[0].node_prefix, 2U);
    EXPECT_NE(others[1].node_prefix, 2U);
  }
}

}  // namespace
}  // namespace agent::core
