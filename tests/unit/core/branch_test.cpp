#include "agent/core/branch.h"

#include <gtest/gtest.h>

#include "tests/unit/core/loans.h"

namespace agent::core {
namespace {

using How = TaskEnded::How;
using Cause = TaskLost::Cause;
using namespace std::chrono_literals;

class BranchTest : public BranchLoans {};

TEST_F(BranchTest, an_iteration_fails_for_good_when_its_retries_are_used_up) {
  terms.retries = 2;
  begin_as_owner(1);
  for (int attempt = 0; attempt < 2; ++attempt) {
    end(start(), How::exited, 1);
    EXPECT_TRUE(done<CommitResult>().empty());
    EXPECT_EQ(done<DropResult>().size(), 1U);
    actions.clear();
  }
  end(start(), How::killed);
  ASSERT_EQ(done<CommitResult>().size(), 1U);
  EXPECT_EQ(done<CommitResult>().front().outcome, Outcome::failed);
  EXPECT_EQ(done<CommitResult>().front().attempt, Attempt(2));
  EXPECT_EQ(branch->counts().retried, 2U);
}

TEST_F(BranchTest, the_third_launcher_that_dies_under_a_process_fails_it) {
  begin_as_owner(1);
  lose(start(), Cause::launcher_died, /*started=*/false);
  lose(start(), Cause::deadline_passed);
  for (int death = 0; death < 2; ++death) lose(start(), Cause::launcher_died);
  EXPECT_TRUE(done<CommitResult>().empty());
  EXPECT_EQ(branch->counts().redone, 4U);
  lose(start(), Cause::launcher_died);
  ASSERT_EQ(done<CommitResult>().size(), 1U);
  EXPECT_EQ(done<CommitResult>().front().outcome, Outcome::failed);
  EXPECT_EQ(notices(Notice::What::piece_given_up), 1U);
  EXPECT_EQ(notices(Notice::What::task_lost), 5U);
}

TEST_F(BranchTest, eight_refusals_of_a_process_fail_it) {
  begin_as_owner(1);
  for (std::uint32_t refusal = 1; refusal < Branch::refusals_max; ++refusal) lose(start(), Cause::no_room);
  EXPECT_TRUE(done<CommitResult>().empty());
  lose(start(), Cause::no_room);
  EXPECT_EQ(done<CommitResult>().size(), 1U);
  EXPECT_EQ(notices(Notice::What::no_room), 8U);
}

TEST_F(BranchTest, tries_and_deaths_are_counted_apart_and_remembered_together) {
  terms.retries = 1;
  begin_as_owner(1);
  lose(start(), Cause::launcher_died);
  end(start(), How::exited, 1);
  lose(start(), Cause::launcher_died);
  const Piece last = running_at(start());
  EXPECT_EQ(last.tries, 1U);
  EXPECT_EQ(last.deaths, 2U);
  EXPECT_EQ(last.attempt, Attempt(3));
}

TEST_F(BranchTest, what_was_stopped_although_it_is_wanted_starts_again_under_a_new_attempt) {
  begin_as_owner(2);
  end(start(), How::stopped);
  const Piece again = running_at(start());
  EXPECT_EQ(again.interval, (Interval{.begin = 0, .end = 1}));
  EXPECT_EQ(again.attempt, Attempt(1));
  EXPECT_EQ(again.tries, 0U);
  EXPECT_EQ(branch->counts().redone, 1U);
}

TEST_F(BranchTest, a_piece_that_runs_again_keeps_its_bounds) {
  terms.body = Body::command_per_piece;
  terms.retries = 1;
  begin_as_owner(1'000);
  end(start(), How::exited, 0);
  const TaskId second = start();
  const Interval piece = running_at(second).interval;
  ASSERT_GT(piece.count(), 1U);
  end(second, How::exited, 1);
  EXPECT_EQ(running_at(start()).interval, piece);
}

TEST_F(BranchTest, no_more_than_the_clients_slots_run_and_nothing_new_while_its_results_are_full) {
  terms.slots_max = 2;
  begin_as_owner(10);
  const TaskId first = start();
  (void)start();
  EXPECT_FALSE(branch->wants_slot());
  branch->set_results_full(true);
  end(first, How::exited, 0);
  EXPECT_FALSE(branch->wants_slot());
  branch->set_results_full(false);
  const TaskId third = start();
  branch->set_results_full(true);
  end(third, How::stopped);
  EXPECT_TRUE(branch->wants_slot());  // it must run again, room or not
}

TEST_F(BranchTest, a_helper_whose_copy_lost_is_a_loser_and_holds_it_no_more) {
  begin_as_owner(2);
  const TaskId task = start();
  lend_copy(1, {.begin = 0, .end = 1});
  end(task, How::exited, 0);
  EXPECT_EQ(losers.helpers, (std::vector{std::pair(node(1), IntervalSet(Interval{.begin = 0, .end = 1}))}));
  EXPECT_TRUE(losers.tasks.empty());
  EXPECT_TRUE(branch->helper(node(1))->held.empty());
}

TEST_F(BranchTest, a_task_whose_copy_won_elsewhere_is_a_loser_and_its_result_is_dropped) {
  begin_as_owner(2);
  const TaskId task = start();
  lend_copy(1, {.begin = 0, .end = 1});
  EXPECT_TRUE(report(1, {.begin = 0, .end = 1}, Attempt(1)));
  EXPECT_EQ(losers.tasks, (std::vector{task}));
  EXPECT_EQ(done<CommitReceived>().size(), 1U);
  end(task, How::exited, 0);
  EXPECT_TRUE(done<CommitResult>().empty());
  EXPECT_EQ(done<DropResult>(), (std::vector{DropResult{.task = task}}));
}

TEST_F(BranchTest, of_one_iteration_there_are_never_more_than_three_copies) {
  begin_as_owner(3);
  end(start(), How::exited, 0, 1s);
  (void)start();
  now += 60s;
  const Interval piece{.begin = 1, .end = 2};
  EXPECT_EQ(branch->worth_copying(now, node(1)), piece);
  lend_copy(1, piece);
  EXPECT_EQ(branch->worth_copying(now, node(1)), std::nullopt);  // it has one
  EXPECT_EQ(branch->worth_copying(now, node(2)), piece);
  lend_copy(2, piece);
  EXPECT_EQ(branch->worth_copying(now, node(3)), std::nullopt);
  EXPECT_EQ(branch->worth_copying(now, std::nullopt), std::nullopt);
}

TEST_F(BranchTest, nothing_is_copied_before_it_takes_too_long_or_if_it_may_start_only_once) {
  begin_as_owner(3);
  end(start(), How::exited, 0, 1s);
  (void)start();
  now += 1'499ms;
  EXPECT_EQ(branch->worth_copying(now, node(1)), std::nullopt);
  now += 2ms;
  EXPECT_NE(branch->worth_copying(now, node(1)), std::nullopt);

  terms.started_at_most_once = true;
  begin_as_owner(3);
  end(start(), How::exited, 0, 1s);
  (void)start();
  now += 60s;
  EXPECT_EQ(branch->worth_copying(now, node(1)), std::nullopt);
}

TEST_F(BranchTest, copies_of_what_a_helper_runs_are_its_masters_to_make) {
  begin_as_helper({.begin = 0, .end = 3});
  end(start(), How::exited, 0, 1s);
  (void)start();
  now += 60s;
  EXPECT_EQ(branch->worth_copying(now, node(1)), std::nullopt);
}

TEST_F(BranchTest, a_copy_that_came_from_a_master_is_not_lent_on) {
  begin_as_helper({.begin = 0, .end = 1});
  branch->on_granted({}, {{.interval = {.begin = 5, .end = 6}, .attempt = Attempt(1), .copy = true}}, Attempt(1));
  EXPECT_EQ(branch->partition().todo_count(), 2U);
  EXPECT_EQ(branch->partition().lendable_count(), 1U);
  EXPECT_EQ(lend(1, 2).held, IntervalSet(Interval{.begin = 0, .end = 1}));
}

TEST_F(BranchTest, what_waits_for_a_loop_of_its_own_is_not_copied) {
  begin_as_owner(3);
  end(start(), How::exited, 0, 1s);
  const TaskId task = start();
  branch->park(task);
  now += 60s;
  EXPECT_EQ(branch->parked(), (std::vector{Interval{.begin = 1, .end = 2}}));
  EXPECT_EQ(branch->worth_copying(now, node(1)), std::nullopt);
  branch->resume(task);
  EXPECT_NE(branch->worth_copying(now, node(1)), std::nullopt);
}

TEST_F(BranchTest, the_verdict_waits_for_what_is_out) {
  begin_as_owner(2);
  const TaskId first = start();
  const TaskId second = start();
  end(first, How::exited, 0);
  EXPECT_FALSE(branch->conclude(actions));
  end(second, How::exited, 1);
  const auto verdict = branch->conclude(actions);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->verdict, Verdict::done);
  EXPECT_EQ(verdict->counts, (Counts{.total = 2, .committed = 2, .ok = 1, .failed = 1}));
}

TEST_F(BranchTest, a_helper_keeps_its_results_until_they_are_settled) {
  begin_as_helper({.begin = 0, .end = 2});
  const TaskId first = start();
  end(first, How::exited, 0);
  EXPECT_TRUE(done<CommitResult>().empty());
  EXPECT_EQ(branch->results().kept(), IntervalSet(Interval{.begin = 0, .end = 1}));
  branch->on_settled(IntervalSet(Interval{.begin = 0, .end = 1}), actions);
  EXPECT_EQ(done<DropResult>(), (std::vector{DropResult{.task = first}}));
  EXPECT_EQ(branch->results().kept_count(), 0U);
}

}  // namespace
}  // namespace agent::core
