// Jobs whose iterations start at most once: what is granted, what is lost, and what is never started again.

#include <gtest/gtest.h>

#include "tests/unit/core/owner_among_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class StartedOnce : public OwnerAmongPeers {
 protected:
  StartedOnce() {
    terms.retries = 3;
    terms.started_at_most_once = true;
  }
};

TEST_F(StartedOnce, no_more_is_granted_than_there_are_free_slots) {
  submit(100);
  EXPECT_EQ(IntervalSet(lend_to(1, 3).intervals).count(), 3U);
}

TEST_F(StartedOnce, who_has_finished_something_gets_as_much_as_it_wants) {
  submit(100);
  const protocol::Grant first = lend_to(1, 2);
  say(1, protocol::Want{.branch = first.branch, .iterations = 1});
  ASSERT_EQ(told<protocol::Grant>(1).size(), 2U);
  EXPECT_EQ(IntervalSet(told<protocol::Grant>(1).back().intervals).count(), 1U);
  EXPECT_EQ(told<protocol::Grant>(1).back().branch, first.branch);
}

TEST_F(StartedOnce, who_wants_and_wants_gets_no_hoard) {
  submit(100);
  const protocol::Grant first = lend_to(1, 2);
  for (int i = 0; i < 20; ++i) {
    say(1, protocol::Want{.branch = first.branch, .iterations = 1'000});
    say(1, protocol::Accept{.branch = first.branch});
  }
  std::uint64_t granted = 0;
  for (const auto& grant : told<protocol::Grant>(1)) granted += IntervalSet(grant.intervals).count();
  EXPECT_LE(granted, 4U);
}

TEST_F(StartedOnce, a_piece_of_a_range_goes_with_its_bounds_one_for_each_slot) {
  terms.body = Body::command_per_piece;
  submit(1'000'000);
  const protocol::Grant grant = lend_to(1, 3);
  EXPECT_EQ(grant.pieces.size(), 3U);
  EXPECT_EQ(IntervalSet(grant.pieces), IntervalSet(grant.intervals));
}

TEST_F(StartedOnce, what_a_silent_helper_holds_stays_with_it_until_its_lease_has_ended_and_is_lost_then) {
  submit(4);
  const protocol::Grant grant = lend_to(1);
  step(LinkDown{.peer = node_numbered(1)});
  run_dry();
  EXPECT_EQ(done<StartTask>().size(), 2U);
  advance(10s);
  EXPECT_TRUE(done<AnswerVerdict>().empty());
  advance(5s);
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<StartTask>().size(), 2U);
  const AnswerVerdict verdict = done<AnswerVerdict>().front();
  EXPECT_EQ(verdict.verdict, Verdict::done);
  EXPECT_EQ(verdict.counts.lost, 2U);
  EXPECT_EQ(verdict.counts.ok, 2U);
  EXPECT_EQ(verdict.counts.committed, 4U);
  EXPECT_EQ(IntervalSet(lost()), IntervalSet(grant.intervals));
  EXPECT_EQ(lost().size(), 2U);  // of a list each by itself
}

TEST_F(StartedOnce, a_grant_that_nobody_answers_is_not_given_to_anybody_else) {
  submit(4);
  link(1);
  say(1, protocol::Ask{.request = 1, .slots = 2, .tags = {}});
  advance(8s, {1});
  run_dry();
  EXPECT_EQ(done<StartTask>().size(), 2U);
  EXPECT_TRUE(done<AnswerVerdict>().empty());
  say(1, nothing_held(told<protocol::Grant>(1).front().branch));
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 2U);
}

TEST_F(StartedOnce, what_is_refused_or_returned_was_not_started_and_starts_here) {
  submit(6);
  link(1);
  say(1, protocol::Ask{.request = 1, .slots = 2, .tags = {}});
  say(1, protocol::Refuse{.branch = told<protocol::Grant>(1).front().branch, .reason = "no"});
  const protocol::Grant grant = lend_to(2);
  say(2, protocol::Returned{.branch = grant.branch, .intervals = grant.intervals, .still_lent = {}});
  run_dry();
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 6U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 0U);
}

TEST_F(StartedOnce, a_refusal_that_comes_twice_does_not_take_back_the_next_grant) {
  submit(6);
  link(1);
  say(1, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  const protocol::Refuse refuse{.branch = told<protocol::Grant>(1).front().branch, .reason = "no"};
  say(1, refuse);
  const std::uint64_t old = sent[node_numbered(1)];
  say(1, protocol::Ask{.request = 2, .slots = 1, .tags = {}});
  ASSERT_EQ(told<protocol::Grant>(1).size(), 2U);
  protocol::Refuse again = refuse;
  again.branch = told<protocol::Grant>(1).back().branch;
  step(MessageReceived{.from = node_numbered(1), .sequence = old, .heard = 0, .message = again, .proofs = {}});
  run_dry();
  EXPECT_TRUE(done<AnswerVerdict>().empty());
  EXPECT_EQ(done<StartTask>().size(), 5U);
}

TEST_F(StartedOnce, a_helper_that_was_started_anew_has_lost_what_it_held) {
  submit(4);
  (void)lend_to(1);
  run_dry();
  link(1, 2, std::byte{1});
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 2U);
}

TEST_F(StartedOnce, a_late_result_of_what_is_lost_counts) {
  submit(5);
  const protocol::Grant grant = lend_to(1);
  step(LinkDown{.peer = node_numbered(1)});
  advance(15s);
  ASSERT_EQ(agent.counts(terms.job)->lost, 2U);
  link(1);
  const Interval first{.begin = grant.intervals.front().begin, .end = grant.intervals.front().begin + 1};
  protocol::Holds holds = nothing_held(grant.branch);
  holds.unsettled = {first};
  say(1, holds);
  EXPECT_EQ(agent.counts(terms.job)->lost, 1U);
  EXPECT_EQ(told<protocol::Resend>(1).size(), 1U);
  report(1, grant.branch, first);
  run_dry();
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 4U);
}

TEST_F(StartedOnce, a_helper_that_comes_back_with_results_gets_nothing_more_since_its_place_may_be_taken) {
  terms.branch_number = 1;
  submit(20);
  const protocol::Grant grant = lend_to(1);
  step(LinkDown{.peer = node_numbered(1)});
  advance(15s);
  (void)lend_to(2);
  link(1);
  protocol::Holds holds = nothing_held(grant.branch);
  holds.unsettled = grant.intervals;
  say(1, holds);
  ASSERT_EQ(told<protocol::Resend>(1).size(), 1U);
  say(1, protocol::Want{.branch = grant.branch, .iterations = 2});
  say(1, protocol::Ask{.request = 7, .slots = 2, .tags = {}});
  EXPECT_EQ(told<protocol::Grant>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Grant>(2).size(), 1U);
}

TEST_F(StartedOnce, what_still_runs_at_a_helper_that_comes_back_goes_on_there) {
  submit(4);
  const protocol::Grant grant = lend_to(1);
  step(LinkDown{.peer = node_numbered(1)});
  advance(15s);
  link(1);
  protocol::Holds holds = nothing_held(grant.branch);
  holds.started = {{.begin = grant.intervals.front().begin, .end = grant.intervals.front().begin + 1}};
  say(1, holds);
  run_dry();
  EXPECT_TRUE(done<AnswerVerdict>().empty());
  report(1, grant.branch, holds.started.front());
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 3U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 1U);
}

TEST_F(StartedOnce, a_loss_at_a_helper_is_one_here) {
  submit(4);
  const protocol::Grant grant = lend_to(1);
  const std::uint64_t begin = grant.intervals.front().begin;
  report(1, grant.branch, {.begin = begin, .end = begin + 1}, Outcome::lost);
  report(1, grant.branch, {.begin = begin + 1, .end = begin + 2});
  run_dry();
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 1U);
}

TEST_F(StartedOnce, a_helper_does_not_lend_on) {
  link(1);
  say(1, protocol::Probe{.request = 1, .path = {}});
  Proofs proofs;
  terms.size = 100;
  proofs.terms = terms;
  proofs.mandates.push_back({.job = terms.job, .epoch = {}, .sequence = 1, .time_to_live = 60s});
  say(1,
      protocol::Grant{.branch = BranchId(1),
                      .request = 1,
                      .loop = {.job = terms.job, .path = {}},
                      .intervals = {{.begin = 0, .end = 50}}},
      proofs);
  ASSERT_EQ(told<protocol::Accept>(1).size(), 1U);
  link(2);
  say(2, protocol::Ask{.request = 1, .slots = 2, .tags = {}});
  EXPECT_TRUE(told<protocol::Grant>(2).empty());
  // What it did not start comes back when its master asks for it.
  say(1, protocol::Recall{.branch = BranchId(1), .what = std::uint64_t{100}});
  ASSERT_EQ(told<protocol::Returned>(1).size(), 1U);
  EXPECT_EQ(IntervalSet(told<protocol::Returned>(1).front().intervals).count(), 49U);
}

TEST_F(StartedOnce, a_halt_rule_counts_a_loss_as_a_failure) {
  terms.halt = {.when = HaltRule::When::soon, .what = HaltRule::What::failed, .amount = 2};
  submit(50);
  (void)lend_to(1);
  step(LinkDown{.peer = node_numbered(1)});
  advance(15s);
  run_dry();
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().verdict, Verdict::halted);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 2U);
  EXPECT_EQ(done<StartTask>().size(), 1U);
}

TEST(started_once, a_task_of_ours_that_is_lost_after_its_start_is_not_started_again) {
  Driver driver(1);
  driver.submit({.job = job_named(1), .size = 2, .retries = 2, .started_at_most_once = true});
  const TaskId task = driver.task_at(0);
  driver.step(TaskStarted{.task = task});
  driver.lose(task, TaskLost::Cause::launcher_died);
  driver.exit_with(driver.task_at(1), 1);
  const auto& job = driver.jobs.at(job_named(1));
  ASSERT_TRUE(job.verdict);
  EXPECT_EQ(job.verdict->counts.lost, 1U);
  EXPECT_EQ(job.verdict->counts.failed, 1U);
  EXPECT_EQ(job.verdict->counts.retried + job.verdict->counts.redone, 0U);
  EXPECT_EQ(job.commits.front().outcome, Outcome::lost);
}

TEST(started_once, a_task_of_ours_that_never_started_may_start_again) {
  Driver driver(1);
  driver.submit({.job = job_named(1), .size = 1, .started_at_most_once = true});
  driver.lose(driver.task_at(0), TaskLost::Cause::launcher_died);
  driver.lose(driver.task_at(0), TaskLost::Cause::no_room);
  driver.advance(1s);
  driver.lose(driver.task_at(0), TaskLost::Cause::cannot_start);
  driver.advance(1s);
  driver.exit_with(driver.task_at(0), 0);
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->counts.ok, 1U);
}

}  // namespace
}  // namespace agent::core
