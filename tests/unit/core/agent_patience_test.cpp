// How much of what peers ask is answered, and how long what they hold back is waited for: one liar costs little, and
// an honest peer that asks about many branches at once gets all its answers.

#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class AgentPatience : public PlayedPeers {
 protected:
  // As both ends compute it for an empty set.
  static constexpr std::uint64_t digest_of_nothing = 0xcbf29ce484222325U;

  void run_all_here() {
    while (!tasks.empty()) exit_with(tasks.begin()->first, 0, 1s);
  }
  static protocol::Holds question(unsigned branch) {
    return {.branch = {.sender_is = protocol::Side::master, .branch = BranchId(branch)}};
  }
  protocol::Orphan orphan() const {
    return {.loop = {.job = job_named(1), .path = {}},
            .master = peer_named(9),
            .branch = BranchId(7),
            .finished = single(0, 100),
            .last = true};
  }
  void be_lent_forty_branches() {
    link(1);
    earn_lease(1);
    for (unsigned branch = 0; branch < 40; ++branch)
      grant(1, single(100 * branch, 100 * branch + 10), 1'000'000, branch + 1);
    forget();
  }
  void say_stale(unsigned number, Message message) {
    step(MessageReceived{.from = peer_named(number),
                         .sequence = 1,
                         .heard = heard_by(number),
                         .message = std::move(message),
                         .proofs = {}});
  }
};

TEST_F(AgentPatience, a_master_may_ask_about_all_of_its_branches_at_once) {
  be_lent_forty_branches();
  for (unsigned branch = 1; branch <= 40; ++branch) say(1, question(branch));
  EXPECT_EQ(told<protocol::Holds>(1).size(), 40U);
  for (unsigned branch = 1; branch <= 40; ++branch) {
    protocol::Recall recall{.branch = BranchId(branch), .what = {}};
    recall.what = std::uint64_t{10};
    say(1, recall);
  }
  EXPECT_EQ(told<protocol::Returned>(1).size(), 40U);
}

TEST_F(AgentPatience, who_asks_about_one_branch_for_ever_is_answered_now_and_then) {
  be_lent_forty_branches();
  for (int i = 0; i < 1'000; ++i) say(1, question(1));
  EXPECT_EQ(told<protocol::Holds>(1).size(), static_cast<std::size_t>(Patience::with_a_branch.burst));
  forget();
  for (int i = 0; i < 1'000; ++i) say(1, question(1'000));  // no branch of ours
  EXPECT_LE(told<protocol::Holds>(1).size(), static_cast<std::size_t>(Patience::with_a_link.burst));
}

TEST_F(AgentPatience, results_are_not_sent_again_as_often_as_somebody_likes) {
  link(1);
  earn_lease(1);
  grant(1, single(0, 200));
  for (int i = 0; i < 200; ++i) exit_with(task_at(static_cast<std::uint64_t>(i)), 0);
  forget();
  for (int i = 0; i < 1'000; ++i)
    say(1, protocol::Resend{.loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 200)});
  const std::size_t reports = told<protocol::Report>(1).size();
  EXPECT_GE(reports, 1U);
  EXPECT_LE(reports, static_cast<std::size_t>(Patience::with_a_branch.burst));
}

TEST_F(AgentPatience, orphans_tales_that_help_nobody_are_not_all_answered) {
  submit(terms_of(100));
  link(1);
  forget();
  for (int i = 0; i < 10'000; ++i) say(1, orphan());
  EXPECT_GE(told<protocol::Adopt>(1).size(), 1U);
  EXPECT_LE(told<protocol::Adopt>(1).size(), static_cast<std::size_t>(Patience::with_a_link.burst));
}

TEST_F(AgentPatience, a_question_that_is_not_answered_is_asked_again) {
  submit(terms_of(100));
  link(1);
  const protocol::Grant given = lend_to(1);
  live.erase(1);
  advance(4s);
  ASSERT_EQ(notices(Notice::What::suspected), 1U);
  forget();
  say(1, protocol::Beat{});
  ASSERT_EQ(told<protocol::Holds>(1).size(), 1U);
  live.insert(1);
  auto beat = [&] {
    protocol::Beat said;
    said.branches.push_back({.branch = {.sender_is = protocol::Side::helper, .branch = given.branch}});
    say(1, said);
  };
  advance(4s);
  EXPECT_EQ(told<protocol::Holds>(1).size(), 1U);
  advance(1s);
  beat();
  EXPECT_EQ(told<protocol::Holds>(1).size(), 2U);
}

TEST_F(AgentPatience, what_was_said_before_a_silence_does_not_end_it) {
  link(1);
  earn_lease(1);
  grant(1, scattered(1'000), 1'000'000);
  live.erase(1);
  advance(3500ms);
  ASSERT_EQ(notices(Notice::What::suspected), 1U);
  forget();
  for (int i = 0; i < 100; ++i) say_stale(1, protocol::Beat{});
  EXPECT_EQ(notices(Notice::What::heard_again), 0U);
  EXPECT_TRUE(told<protocol::Holds>(1).empty());
  say(1, protocol::Beat{});
  EXPECT_EQ(notices(Notice::What::heard_again), 1U);
}

TEST_F(AgentPatience, many_mandates_that_are_late_make_one_beat_for_each_helper) {
  link(1);
  earn_lease(1);
  grant(1, single(0, 1'000), 1'000);
  for (unsigned number = 2; number < 8; ++number) {
    link(number);
    (void)lend_to(number);
  }
  forget();
  Proofs proofs;
  for (std::uint64_t i = 0; i < 256; ++i)
    proofs.mandates.push_back(
        {.job = job_named(1), .epoch = {}, .sequence = 1'000 + i, .time_to_live = 60s, .age = 20s});
  say(1, protocol::Beat{}, proofs);
  EXPECT_EQ(told_all<protocol::Beat>(), 6U);
}

TEST_F(AgentPatience, who_probes_and_never_grants_does_not_keep_an_idle_node_from_others) {
  link(1);
  link(2);
  std::size_t honest = 0, liar = 0;
  for (unsigned i = 0; i < 600; ++i) {
    forget();
    if (i % 5 == 0) say(2, protocol::Probe{.request = 5'000U + i, .path = {}, .iterations = 100});
    advance(500ms);
    say(1, protocol::Probe{.request = 90'000U + i, .path = {}, .iterations = 100, .round_trip_ns = ~std::uint64_t{0}});
    advance(500ms);
    honest += told<protocol::Offer>(2).size();
    liar += told<protocol::Offer>(1).size();
  }
  EXPECT_LE(liar, 40U);
  EXPECT_GE(honest, 12U);  // it never grants anything either, and has its rests, too
}

TEST_F(AgentPatience, who_wants_and_returns_for_ever_does_not_drive_up_the_attempts) {
  submit(terms_of(1'000));
  link(1);
  protocol::Grant given = lend_to(1);
  const std::size_t rounds = 1'000;
  for (std::size_t i = 0; i < rounds; ++i) {
    forget();
    say(1, protocol::Returned{.branch = given.branch,
                              .intervals = given.intervals,
                              .why = protocol::ReturnReason::recalled,
                              .still_lent = {},
                              .attempt = Attempt(given.attempt.value() + 1'000)});
    say(1, protocol::Want{.branch = given.branch, .iterations = 1'000});
    const auto grants = told<protocol::Grant>(1);
    if (grants.empty()) break;
    given = grants.back();
    say(1, protocol::Accept{.branch = given.branch});
  }
  EXPECT_LE(given.attempt.value(), 100'000U);
}

TEST_F(AgentPatience, an_attempt_that_nobody_can_have_reached_is_distrusted) {
  submit(terms_of(1'000));
  link(1);
  const protocol::Grant given = lend_to(1);
  forget();
  say(1, protocol::Returned{.branch = given.branch,
                            .intervals = given.intervals,
                            .why = protocol::ReturnReason::recalled,
                            .still_lent = {},
                            .attempt = Attempt(~std::uint32_t{0})});
  EXPECT_EQ(notices(Notice::What::strange), 1U);
  say(1, protocol::Ask{.request = 101, .slots = 1, .tags = {}});
  EXPECT_TRUE(told<protocol::Grant>(1).empty());
}

TEST_F(AgentPatience, errands_to_those_who_answer_under_another_address_are_given_up) {
  link(1);
  for (unsigned i = 0; i < 40; ++i) {
    advance(3s);
    const std::size_t dialled = done<Dial>().size();
    forget();
    for (std::size_t k = 0; k < dialled; ++k) {
      const Peer other{.node = peer_named(50 + i), .instance = {}, .address = address_named(200)};
      step(LinkUp{.peer = other, .dialled = true, .roles = 7, .slots = 1, .round_trip = 1ms});
      step(LinkDown{.peer = other.node});
    }
    Proofs proofs;
    proofs.records.push_back(record_named(100 + i));
    say(1, protocol::Walk{.record = {}, .hops_left = 1}, proofs);
  }
  EXPECT_LT(agent.sizes().errands, 8U);
}

TEST_F(AgentPatience, what_a_helper_says_that_it_lent_on_is_not_awaited_for_ever) {
  submit(terms_of(10));
  link(1);
  const protocol::Grant given = lend_to(1);
  run_all_here();
  for (int minute = 0; minute < 10; ++minute) {
    say(1, protocol::Report{.branch = given.branch,
                            .number = 0,
                            .batches = {},
                            .lent = {{.helper = peer_named(3), .attempt = {}, .what = given.intervals}}});
    advance(60s);
    run_all_here();
  }
  EXPECT_EQ(agent.job_count(), 0U);
}

TEST_F(AgentPatience, one_peer_does_not_fill_the_memory_with_gaps) {
  link(1);
  earn_lease(1);
  std::size_t accepted = 0;
  for (unsigned branch = 1; branch <= 60; ++branch) {
    forget();
    grant(1, scattered(3'000), 1'000'000, branch);
    accepted += told<protocol::Accept>(1).size();
  }
  EXPECT_LT(accepted, 60U);
  EXPECT_GE(accepted, 20U);
}

}  // namespace
}  // namespace agent::core
