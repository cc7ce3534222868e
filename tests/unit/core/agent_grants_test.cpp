#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using protocol::RefuseReason;
using What = Notice::What;

class AgentGrants : public PlayedPeers {
 protected:
  explicit AgentGrants(std::uint32_t slots = 1) : PlayedPeers(slots) {}

  void be_helper(unsigned master) {
    link(master);
    earn_lease(master);
  }
  protocol::Grant grant_for(unsigned job) const {
    return {.branch = BranchId(1), .loop = {.job = job_named(job), .path = {}}, .intervals = single(0, 5)};
  }
  protocol::Grant lend_unanswered(unsigned number) {
    say(number, protocol::Ask{.request = 100, .slots = 1, .tags = {}});
    return told<protocol::Grant>(number).back();
  }
  std::vector<RefuseReason> refusals(unsigned number) const {
    std::vector<RefuseReason> reasons;
    for (const protocol::Refuse& refuse : told<protocol::Refuse>(number)) reasons.push_back(refuse.why);
    return reasons;
  }
};

// Two slots.
class AgentGrantsWide : public AgentGrants {
 protected:
  AgentGrantsWide() : AgentGrants(2) {}
};

TEST_F(AgentGrants, a_grant_is_accepted_at_once_and_begun) {
  be_helper(1);
  forget();
  grant(1, single(3, 8));
  EXPECT_EQ(told<protocol::Accept>(1), (std::vector{protocol::Accept{.branch = BranchId(1)}}));
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks.begin()->second.piece, (Interval{.begin = 3, .end = 4}));
}

TEST_F(AgentGrants, a_grant_that_is_not_accepted_in_two_seconds_is_taken_back) {
  submit(terms_of(10));
  link(1);
  const Instant asked = now;
  say(1, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  const auto grants = told<protocol::Grant>(1);
  ASSERT_EQ(grants.size(), 1U);
  advance(1'999ms);
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
  advance(1ms);
  EXPECT_EQ(told<protocol::Cancel>(1), (std::vector{protocol::Cancel{.branch = grants.front().branch,
                                                                     .intervals = grants.front().intervals,
                                                                     .why = protocol::CancelReason::not_accepted}}));
  EXPECT_EQ(times_of<protocol::Cancel>(1), (std::vector{asked + Branch::answer_patience}));
  // Lent to somebody else, under a new attempt: perhaps it was begun there.
  link(2);
  forget();
  const protocol::Grant again = lend_to(2);
  EXPECT_EQ(again.intervals, grants.front().intervals);
  EXPECT_EQ(again.attempt, Attempt(1));
}

TEST_F(AgentGrants, an_accepted_grant_is_not_taken_back) {
  submit(terms_of(10));
  link(1);
  (void)lend_to(1);
  advance(10s);
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
}

TEST_F(AgentGrants, what_is_refused_is_todo_again_as_if_it_had_never_left) {
  submit(terms_of(10));
  link(1);
  link(2);
  say(1, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  const protocol::Grant given = told<protocol::Grant>(1).front();
  say(1, protocol::Refuse{.branch = given.branch, .why = RefuseReason::no_slot, .reason = ""});
  EXPECT_EQ(notices(What::refused), 1U);
  EXPECT_EQ(agent.helpers_of({.job = job_named(1), .path = {}}), 0U);
  const protocol::Grant again = lend_to(2);
  EXPECT_EQ(again.intervals, given.intervals);
  EXPECT_EQ(again.attempt, Attempt(0));
}

TEST_F(AgentGrants, a_refusal_of_what_was_accepted_is_nothing) {
  submit(terms_of(10));
  link(1);
  const protocol::Grant given = lend_to(1);
  say(1, protocol::Refuse{.branch = given.branch, .why = RefuseReason::no_slot, .reason = ""});
  EXPECT_EQ(notices(What::refused), 0U);
  EXPECT_EQ(agent.helpers_of({.job = job_named(1), .path = {}}), 1U);
}

TEST_F(AgentGrants, refusals_say_why) {
  link(1);
  // It has echoed nothing of ours.
  step(MessageReceived{.from = peer_named(1), .sequence = 1, .message = grant_for(1), .proofs = proofs_of(10)});
  say(1, protocol::Beat{});
  earn_lease(1);
  Proofs unknown = proofs_of(10);
  unknown.terms.reset();
  say(1, grant_for(1), unknown);
  Proofs unlicensed = proofs_of(10);
  unlicensed.mandates.clear();
  say(1, grant_for(1), unlicensed);
  Proofs stale = proofs_of(10);
  stale.mandates.front().age = stale.mandates.front().time_to_live;
  say(1, grant_for(1), stale);
  EXPECT_EQ(refusals(1), (std::vector{RefuseReason::not_permitted, RefuseReason::content_missing,
                                      RefuseReason::no_mandate, RefuseReason::no_mandate}));
  EXPECT_EQ(agent.sizes().branches, 0U);
  EXPECT_EQ(agent.job_count(), 0U);
}

TEST_F(AgentGrants, a_grant_of_a_loop_of_our_own_is_refused) {
  submit(terms_of(10));
  be_helper(1);
  say(1, grant_for(1), proofs_of(10));
  EXPECT_EQ(refusals(1), (std::vector{RefuseReason::not_permitted}));
}

TEST_F(AgentGrants, a_grant_of_a_job_that_has_ended_is_refused) {
  be_helper(1);
  grant(1, single(0, 5));
  say(1, protocol::Ended{.job = job_named(1), .statement = {}});
  grant(1, single(5, 9));
  EXPECT_EQ(refusals(1), (std::vector{RefuseReason::job_ended}));
}

TEST_F(AgentGrants, what_this_machine_may_not_run_is_refused_with_the_reason) {
  be_helper(1);
  Proofs proofs = proofs_of(10);
  proofs.veto = Veto{.why = RefuseReason::sandbox_level, .reason = "not without a sandbox"};
  say(1, grant_for(1), proofs);
  EXPECT_EQ(told<protocol::Refuse>(1), (std::vector{protocol::Refuse{.branch = BranchId(1),
                                                                     .why = RefuseReason::sandbox_level,
                                                                     .reason = "not without a sandbox"}}));
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(agent.sizes().branches, 0U);
}

// Whoever refuses for a reason that will be the same in a second is let alone with that job for a minute.
TEST_F(AgentGrants, who_must_not_run_a_job_is_neither_asked_nor_given_any_of_it_for_a_minute) {
  submit(terms_of(1'000'000));
  link(1);
  say(1, protocol::Refuse{.branch = lend_unanswered(1).branch, .why = RefuseReason::sandbox_level, .reason = "no box"});
  ASSERT_EQ(notices(Notice::What::refused), 1U);
  EXPECT_EQ(done<Notice>().back().reason, "no box") << "for whoever waits";
  forget();
  const auto ask = [&] { say(1, protocol::Ask{.request = 7, .slots = 1, .tags = {}}); };
  ask();
  advance(59s);
  ask();
  EXPECT_TRUE(told<protocol::Grant>(1).empty());
  EXPECT_TRUE(told<protocol::Probe>(1).empty());
  advance(2s);
  ask();
  EXPECT_EQ(told<protocol::Grant>(1).size(), 1U);
}

TEST_F(AgentGrants, who_had_no_slot_may_be_given_more_at_once) {
  submit(terms_of(1'000'000));
  link(1);
  say(1, protocol::Refuse{.branch = lend_unanswered(1).branch, .why = RefuseReason::no_slot, .reason = {}});
  (void)lend_to(1);
}

TEST_F(AgentGrants, one_name_of_a_branch_is_for_one_loop) {
  be_helper(1);
  grant(1, single(0, 5));
  say(1, grant_for(2), proofs_of(10, 2));
  EXPECT_EQ(refusals(1), (std::vector{RefuseReason::malformed}));
}

TEST_F(AgentGrants, what_was_begun_before_keeps_its_bounds_its_attempt_and_its_tries) {
  be_helper(1);
  Proofs proofs = proofs_of(100);
  proofs.terms->retries = 2;
  proofs.terms->body = Body::command_per_piece;
  say(1,
      protocol::Grant{.branch = BranchId(1),
                      .loop = {.job = job_named(1), .path = {}},
                      .intervals = single(0, 10),
                      .attempt = Attempt(3),
                      .histories = {{.iteration = 4, .tries = 2, .deaths = {}}},
                      .pieces = single(4, 9)},
      proofs);
  ASSERT_EQ(tasks.size(), 1U);
  const StartTask first = tasks.begin()->second;
  EXPECT_EQ(first.piece, (Interval{.begin = 4, .end = 9}));
  EXPECT_EQ(first.attempt, Attempt(3));
  forget();
  exit_with(first.task, 1);  // its third try
  EXPECT_EQ(attached<protocol::Report>(1).front().results, (std::vector{first.task}));
}

TEST_F(AgentGrants, a_recall_by_number_gets_the_last_unstarted) {
  be_helper(1);
  grant(1, single(0, 10));
  forget();
  say(1, protocol::Recall{.branch = BranchId(1), .what = std::uint64_t{3}});
  say(1, protocol::Recall{.branch = BranchId(1), .what = std::uint64_t{100}});
  say(1, protocol::Recall{.branch = BranchId(2), .what = std::uint64_t{1}});
  const auto returned = told<protocol::Returned>(1);
  ASSERT_EQ(returned.size(), 2U);
  EXPECT_EQ(returned[0].intervals, single(7, 10));
  EXPECT_EQ(returned[0].why, protocol::ReturnReason::recalled);
  EXPECT_EQ(returned[1].intervals, single(1, 7));
}

TEST_F(AgentGrants, a_recall_by_name_gets_what_of_it_is_unstarted_and_is_answered_in_any_case) {
  be_helper(1);
  grant(1, single(0, 10));
  forget();
  say(1, protocol::Recall{.branch = BranchId(1), .what = protocol::Intervals{{.begin = 0, .end = 2}}});
  say(1, protocol::Recall{.branch = BranchId(1), .what = protocol::Intervals{{.begin = 0, .end = 2}}});
  const auto returned = told<protocol::Returned>(1);
  ASSERT_EQ(returned.size(), 2U);
  EXPECT_EQ(returned[0].intervals, single(1, 2));
  EXPECT_TRUE(returned[1].intervals.empty());
}

TEST_F(AgentGrants, what_is_returned_is_todo_again_under_the_same_attempt) {
  submit(terms_of(10));
  link(1);
  link(2);
  const protocol::Grant given = lend_to(1);
  say(1, protocol::Returned{.branch = given.branch, .intervals = given.intervals, .still_lent = {}});
  const protocol::Grant again = lend_to(2);
  EXPECT_EQ(again.intervals, given.intervals);
  EXPECT_EQ(again.attempt, Attempt(0));
}

TEST_F(AgentGrants, nobody_returns_what_somebody_else_holds) {
  submit(terms_of(10));
  link(1);
  link(2);
  const protocol::Grant first = lend_to(1);
  const protocol::Grant second = lend_to(2);
  say(2, protocol::Returned{.branch = first.branch, .intervals = first.intervals, .still_lent = {}});
  say(2, protocol::Returned{.branch = second.branch, .intervals = first.intervals, .still_lent = {}});
  forget();
  link(3);
  const IntervalSet rest(lend_to(3).intervals);
  EXPECT_TRUE(rest.both(IntervalSet(first.intervals)).empty());
}

TEST_F(AgentGrants, what_is_cancelled_is_stopped_and_never_reported) {
  be_helper(1);
  grant(1, single(0, 5));
  const TaskId task = task_at(0);
  say(1, protocol::Cancel{.branch = BranchId(1), .intervals = single(0, 1)});
  EXPECT_TRUE(stops.contains(task));
  forget();
  exit_with(task, 0);
  EXPECT_EQ(done<DropResult>(), (std::vector{DropResult{.task = task}}));
  for (const Attached& extra : attached<protocol::Report>(1)) EXPECT_TRUE(extra.results.empty());
  EXPECT_EQ(tasks.begin()->second.piece, (Interval{.begin = 1, .end = 2}));
}

TEST_F(AgentGrants, all_that_a_helper_lost_at_once_is_told_in_one_message) {
  be_helper(1);
  grant(1, scattered(1'000));
  link(2);
  const protocol::Grant given = lend_to(2);
  ASSERT_GT(given.intervals.size(), 100U);
  forget();
  say(1, protocol::Cancel{.branch = BranchId(1), .intervals = scattered(1'000)});
  ASSERT_EQ(told<protocol::Cancel>(2).size(), 1U);
  EXPECT_EQ(told<protocol::Cancel>(2).front().intervals, given.intervals);
}

TEST_F(AgentGrants, who_lost_all_before_it_accepted_is_not_fed_beyond_the_branch_number) {
  JobTerms terms = terms_of(0);
  terms.size.reset();
  terms.branch_number = 1;
  submit(terms);
  link(1);
  link(2);
  step(ItemsAdded{.job = job_named(1), .known = 1});
  exit_with(task_at(0), 0, 1s);
  step(ItemsAdded{.job = job_named(1), .known = 2});
  advance(30s);
  say(1, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  ASSERT_EQ(told<protocol::Grant>(1).size(), 1U);  // a copy of what takes so long here
  exit_with(task_at(1), 0, 30s);
  ASSERT_EQ(told<protocol::Cancel>(1).size(), 1U);
  step(ItemsAdded{.job = job_named(1), .known = 100});
  (void)lend_to(2);
  say(1, protocol::Want{.branch = told<protocol::Grant>(1).front().branch, .iterations = 10});
  say(1, protocol::Accept{.branch = told<protocol::Grant>(1).front().branch});
  EXPECT_EQ(told<protocol::Grant>(1).size(), 1U);
  EXPECT_EQ(agent.helpers_of({.job = job_named(1), .path = {}}), 1U);
}

TEST_F(AgentGrants, long_lists_go_in_parts) {
  be_helper(1);
  grant(1, scattered(16'000));
  link(2);
  IntervalSet lent;
  for (int round = 0; round < 3; ++round) {
    const protocol::Grant given = lend_to(2);
    EXPECT_LE(given.intervals.size(), Partition::share_intervals_max);
    lent.insert(IntervalSet(given.intervals));
  }
  ASSERT_GT(lent.intervals().size(), 4'096U);
  forget();
  say(1, protocol::Cancel{.branch = BranchId(1), .intervals = {}});
  const auto cancels = told<protocol::Cancel>(2);
  EXPECT_EQ(cancels.size(), 2U);
  for (const protocol::Cancel& cancel : cancels) EXPECT_LE(cancel.intervals.size(), 4'096U);
  EXPECT_EQ(sum(2, &protocol::Cancel::intervals), lent);
}

TEST_F(AgentGrants, a_helper_learns_to_whom_it_turns_our_master_first) {
  be_helper(1);
  const protocol::Refuge root{
      .role = protocol::RefugeRole::ancestor, .node = peer_named(9), .address = address_named(9)};
  grant(1, single(0, 10), 100, 1, {root});
  link(2);
  const protocol::Grant given = lend_to(2);
  EXPECT_EQ(
      given.refuges,
      (std::vector{
          protocol::Refuge{.role = protocol::RefugeRole::ancestor, .node = peer_named(1), .address = address_named(1)},
          root}));
}

TEST_F(AgentGrantsWide, the_grant_that_ends_our_waiting_is_that_of_whom_we_wait_for) {
  be_helper(1);
  be_helper(2);
  link(3);
  say(1, protocol::Probe{.request = 5, .path = {}});
  ASSERT_FALSE(told<protocol::Offer>(1).empty());
  forget();
  protocol::Grant of_another = grant_for(1);
  of_another.request = 5;
  of_another.intervals = single(0, 1);
  say(2, of_another, proofs_of(10));
  say(3, protocol::Probe{.request = 1, .path = {}});
  EXPECT_TRUE(told<protocol::Offer>(3).empty());  // one slot is empty, but promised
  say(3, protocol::Release{.request = 1});        // that is enough of it
  say(1, protocol::Release{.request = 5});
  say(3, protocol::Probe{.request = 2, .path = {}});
  EXPECT_EQ(told<protocol::Offer>(3).size(), 1U);
}

}  // namespace
}  // namespace agent::core
