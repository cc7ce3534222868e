#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class AgentMeeting : public PlayedPeers {
 protected:
  explicit AgentMeeting(std::vector<Address> seeds = {}) : PlayedPeers(1, std::move(seeds)) {}

  static Proofs records_of(std::initializer_list<unsigned> numbers) {
    Proofs proofs;
    for (unsigned number : numbers) proofs.records.push_back(record_named(number));
    return proofs;
  }
  // Peers 1 .. `count` are linked, and in the view.
  void know(unsigned count) {
    for (unsigned number = 1; number <= count; ++number) link(number);
    for (unsigned number = 1; number <= count; ++number)
      say(number, protocol::Walk{.record = {}, .hops_left = 1}, records_of({number}));
    forget();
  }
};

// Knows one address, and nobody there.
class AgentNewcomer : public AgentMeeting {
 protected:
  AgentNewcomer() : AgentMeeting({address_named(1)}) {}
};

TEST_F(AgentNewcomer, a_newcomer_dials_its_seed_once_for_all_that_it_wants_there) {
  step(DeadlinePassed{});
  ASSERT_EQ(done<Dial>().size(), 1U);
  EXPECT_EQ(done<Dial>().front(), (Dial{.address = address_named(1), .peer = std::nullopt}));
  submit(terms_of(100));
  EXPECT_GE(agent.sizes().errands, 1U);
  EXPECT_EQ(done<Dial>().size(), 1U);
  link(1);
  EXPECT_EQ(agent.sizes().errands, 0U);
  advance(5s);
  ASSERT_FALSE(told<protocol::Shuffle>(1).empty());
  EXPECT_EQ(attached<protocol::Shuffle>(1).front().records, (std::vector{peer_named(0)}));
}

TEST_F(AgentMeeting, an_agent_alone_dials_nobody_until_it_knows_seeds) {
  advance(60s);
  EXPECT_TRUE(done<Dial>().empty());
  step(AddressesKnown{.own = address_named(7), .seeds = {address_named(7), address_named(1)}});
  advance(1s);
  EXPECT_EQ(done<Dial>(), (std::vector{Dial{.address = address_named(1), .peer = std::nullopt}})) << "not itself";
}

TEST_F(AgentNewcomer, a_seed_that_is_named_no_more_is_not_dialled_again) {
  step(AddressesKnown{.own = address_named(0), .seeds = {address_named(2)}});
  advance(60s);
  ASSERT_FALSE(done<Dial>().empty());
  for (const Dial& dial : done<Dial>()) EXPECT_EQ(dial.address, address_named(2));
}

TEST_F(AgentNewcomer, errands_to_where_nobody_answers_are_given_up_and_tried_again_later) {
  step(DeadlinePassed{});
  step(DialFailed{.address = address_named(1), .peer = std::nullopt});
  EXPECT_EQ(agent.sizes().errands, 0U);
  forget();
  advance(2min);
  EXPECT_GE(done<Dial>().size(), 1U);
}

TEST_F(AgentNewcomer, errands_to_where_nobody_answers_do_not_pile_up) {
  submit(terms_of(100'000));
  advance(10min);
  EXPECT_LE(agent.sizes().errands, 16U);
}

TEST_F(AgentNewcomer, what_is_answered_to_a_newcomer_is_known_from_then_on) {
  link(1);
  say(1, protocol::Shuffled{}, records_of({2, 3}));
  live.clear();
  unlink(1);
  submit(terms_of(1'000));
  advance(10s);
  for (unsigned number : {2U, 3U}) {
    EXPECT_TRUE(
        std::ranges::any_of(done<Dial>(), [&](const Dial& dial) { return dial.address == address_named(number); }));
  }
}

TEST_F(AgentMeeting, a_newcomer_gets_sixteen_records_in_messages_of_four_and_two_walks) {
  know(20);
  link(50);
  forget();
  say(50, protocol::Shuffle{}, records_of({50}));
  const auto answers = attached<protocol::Shuffled>(50);
  EXPECT_EQ(answers.size(), 4U);
  std::set<NodeId> records;
  for (const Attached& answer : answers) {
    EXPECT_LE(answer.records.size(), protocol::limits::records_max);
    records.insert(answer.records.begin(), answer.records.end());
  }
  EXPECT_EQ(records.size(), Peers::join_count);
  EXPECT_FALSE(records.contains(peer_named(50)));
  std::size_t walks = 0;
  for (const Send& send : done<Send>()) {
    const auto* walk = std::get_if<protocol::Walk>(&send.message);
    if (walk == nullptr) continue;
    ++walks;
    EXPECT_NE(send.to, peer_named(50));
    EXPECT_EQ(walk->hops_left, protocol::limits::walk_hops_max);
    EXPECT_EQ(send.attached.records, (std::vector{peer_named(50)}));
  }
  EXPECT_EQ(walks, Peers::walks_per_join);
}

TEST_F(AgentMeeting, who_is_known_already_gets_as_many_records_as_it_gave) {
  know(20);
  say(5, protocol::Shuffle{}, records_of({5, 60}));
  const auto answers = attached<protocol::Shuffled>(5);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_LE(answers.front().records.size(), protocol::limits::records_max);
  EXPECT_EQ(told_all<protocol::Walk>(), 0U);
}

TEST_F(AgentMeeting, a_walk_goes_on_with_one_hop_less) {
  know(5);
  say(1, protocol::Walk{.record = {}, .hops_left = 3}, records_of({50}));
  std::vector<Send> walks;
  for (const Send& send : done<Send>()) {
    if (std::holds_alternative<protocol::Walk>(send.message)) walks.push_back(send);
  }
  ASSERT_EQ(walks.size(), 1U);
  EXPECT_NE(walks.front().to, peer_named(1));
  EXPECT_EQ(std::get<protocol::Walk>(walks.front().message).hops_left, 2U);
  EXPECT_EQ(walks.front().attached.records, (std::vector{peer_named(50)}));
}

TEST_F(AgentMeeting, a_walk_ends_with_its_last_hop_and_its_newcomer_is_known) {
  know(1);
  say(1, protocol::Walk{.record = {}, .hops_left = 1}, records_of({50}));
  EXPECT_EQ(told_all<protocol::Walk>(), 0U);
  submit(terms_of(1'000));
  advance(5s);
  EXPECT_TRUE(std::ranges::any_of(done<Dial>(), [](const Dial& dial) { return dial.peer == peer_named(50); }));
}

TEST_F(AgentMeeting, a_walk_without_a_record_goes_nowhere) {
  know(5);
  say(1, protocol::Walk{.record = {}, .hops_left = 3});
  EXPECT_EQ(told_all<protocol::Walk>(), 0U);
}

TEST_F(AgentMeeting, records_are_exchanged_now_and_then) {
  know(8);
  advance(10min);
  EXPECT_GE(told_all<protocol::Shuffle>(), 5U);
  for (const Send& send : done<Send>()) {
    if (!std::holds_alternative<protocol::Shuffle>(send.message)) continue;
    EXPECT_EQ(send.attached.records.front(), peer_named(0));
    EXPECT_LE(send.attached.records.size(), protocol::limits::records_max);
  }
}

}  // namespace
}  // namespace agent::core
