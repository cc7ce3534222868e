#include <gtest/gtest.h>

#include "agent/core/branch.h"
#include "tests/unit/core/loans.h"

namespace agent::core {
namespace {

using How = TaskEnded::How;
using Rest = Partition::Rest;
using namespace std::chrono_literals;

class BranchLending : public BranchLoans {};

TEST_F(BranchLending, what_comes_back_unstarted_keeps_its_attempt) {
  begin_as_owner(10);
  Helper& helper = lend(1, 4);
  EXPECT_EQ(helper.held, span(6, 10));
  EXPECT_EQ(partition().out(), span(6, 10));
  branch->take_back(helper, span(7, 9), Rest::never_started);
  EXPECT_EQ(helper.held.intervals(), (std::vector<Interval>{{.begin = 6, .end = 7}, {.begin = 9, .end = 10}}));
  EXPECT_EQ(partition().todo().intervals(), (std::vector<Interval>{{.begin = 0, .end = 6}, {.begin = 7, .end = 9}}));
  EXPECT_EQ(partition().attempt_of({.begin = 7, .end = 9}), Attempt(0));
}

TEST_F(BranchLending, what_a_lost_helper_had_started_keeps_its_bounds_and_all_of_it_gets_a_new_attempt) {
  terms.body = Body::command_per_piece;
  begin_as_owner(10);
  lend(1, 4);
  progress(1, {{.begin = 6, .end = 8}});
  EXPECT_EQ(branch->forget(node(1)), (std::vector<Interval>{{.begin = 6, .end = 8}}));
  EXPECT_EQ(branch->helper(node(1)), nullptr);
  EXPECT_TRUE(partition().out().empty());
  ASSERT_EQ(partition().redo().size(), 1U);
  EXPECT_EQ(partition().redo().begin()->second.interval, (Interval{.begin = 6, .end = 8}));
  EXPECT_EQ(partition().redo().begin()->second.attempt, Attempt(1));
  EXPECT_EQ(partition().attempt_of({.begin = 8, .end = 10}), Attempt(1));
  EXPECT_EQ(partition().attempt_of({.begin = 0, .end = 6}), Attempt(0));
}

TEST_F(BranchLending, what_a_lost_helper_held_with_others_stays_with_them) {
  begin_as_owner(4);
  lend(1, 2);
  lend_copy(2, {.begin = 3, .end = 4});
  progress(1, {{.begin = 3, .end = 4}});
  EXPECT_TRUE(branch->forget(node(1)).empty()) << "nothing is begun again for it";
  EXPECT_EQ(partition().out(), span(3, 4));
  EXPECT_EQ(partition().todo_count(), 3U);
}

TEST_F(BranchLending, a_late_result_of_what_was_taken_back_is_welcome_and_a_second_one_is_not) {
  begin_as_owner(10);
  Helper& helper = lend(1, 4);
  branch->take_back(helper, span(6, 10), Rest::maybe_started);
  EXPECT_TRUE(report(1, {.begin = 6, .end = 7}));
  EXPECT_EQ(partition().settled(), span(6, 7));
  EXPECT_FALSE(report(1, {.begin = 6, .end = 7}));
  EXPECT_EQ(done<CommitReceived>().size(), 1U);
  EXPECT_EQ(partition().todo_count(), 9U);
}

TEST_F(BranchLending, a_result_that_is_not_all_of_it_open_frees_the_rest_of_its_piece) {
  begin_as_owner(10);
  lend(1, 4);
  lend_copy(2, {.begin = 6, .end = 7});
  EXPECT_TRUE(report(2, {.begin = 6, .end = 7}, Attempt(1)));
  EXPECT_FALSE(report(1, {.begin = 6, .end = 8}, Attempt(900)));
  EXPECT_EQ(partition().out(), span(8, 10));
  EXPECT_TRUE(partition().unstarted().contains({.begin = 7, .end = 8}));
  // The attempt that it claimed was never issued: one above the one that was.
  EXPECT_EQ(partition().attempt_of({.begin = 7, .end = 8}), Attempt(1));
}

TEST_F(BranchLending, a_result_of_what_was_never_granted_is_none) {
  begin_as_owner(10);
  lend(1, 4);
  EXPECT_FALSE(report(1, {.begin = 5, .end = 7}));
  EXPECT_EQ(partition().out(), span(6, 10));
  EXPECT_TRUE(done<CommitReceived>().empty());
}

TEST_F(BranchLending, helpers_learn_once_that_what_they_reported_is_settled) {
  begin_as_owner(10);
  lend(1, 4);
  (void)report(1, {.begin = 6, .end = 8});
  Helper& helper = *branch->helper(node(1));
  EXPECT_EQ(branch->settled_for(helper), span(6, 8));
  branch->told_settled(helper, span(6, 8));
  EXPECT_TRUE(branch->settled_for(helper).empty());
}

TEST_F(BranchLending, a_relay_tells_only_what_its_own_master_has_settled) {
  begin_as_helper({.begin = 0, .end = 10});
  lend(1, 4);
  (void)report(1, {.begin = 6, .end = 8});
  EXPECT_TRUE(branch->settled_for(*branch->helper(node(1))).empty());
  branch->on_settled(span(7, 8), actions);
  EXPECT_EQ(branch->settled_for(*branch->helper(node(1))), span(7, 8));
  EXPECT_TRUE(done<DropBatch>().empty());  // 6 is still needed
  branch->on_settled(span(6, 7), actions);
  EXPECT_EQ(done<DropBatch>().size(), 1U);
}

TEST_F(BranchLending, what_a_silent_helper_runs_is_copied_before_what_takes_longest) {
  begin_as_owner(10);
  end(start(), How::exited, 0, 1s);
  lend(1, 2);  // 8 .. 10
  lend(2, 2);  // 6 .. 8
  lend(3, 2);  // 4 .. 6
  progress(1, {{.begin = 8, .end = 9}});
  now += 10s;
  progress(2, {{.begin = 6, .end = 7}});
  now += 10s;
  progress(3, {{.begin = 4, .end = 5}});
  EXPECT_EQ(branch->worth_copying(now, node(9)), (Interval{.begin = 8, .end = 9}));
  EXPECT_FALSE(branch->is_at_silent_helper({.begin = 4, .end = 5}));
  branch->helper(node(3))->state = Helper::State::silent;
  EXPECT_TRUE(branch->is_at_silent_helper({.begin = 4, .end = 5}));
  EXPECT_FALSE(branch->is_at_silent_helper({.begin = 8, .end = 9}));
  EXPECT_EQ(branch->worth_copying(now, node(9)), (Interval{.begin = 4, .end = 5}));
}

TEST_F(BranchLending, what_a_helper_lent_on_is_the_helpers_to_copy) {
  begin_as_owner(10);
  end(start(), How::exited, 0, 1s);
  lend(1, 2);
  progress(1, {{.begin = 8, .end = 9}}, {{.begin = 8, .end = 10}});
  now += 29s;
  EXPECT_EQ(branch->worth_copying(now, node(9)), std::nullopt);
}

TEST_F(BranchLending, what_a_helper_lent_on_and_nothing_comes_of_is_copied_one_by_one) {
  begin_as_owner(10);
  end(start(), How::exited, 0, 1s);
  lend(1, 3);  // 7 .. 10
  progress(1, {}, {{.begin = 7, .end = 10}});
  now += 30s;
  EXPECT_EQ(branch->worth_copying(now, node(1)), std::nullopt);
  const std::optional<Interval> first = branch->worth_copying(now, std::nullopt);
  EXPECT_EQ(first, (Interval{.begin = 7, .end = 8}));
  (void)branch->start_copy(TaskId(77), *first, now);
  EXPECT_EQ(branch->worth_copying(now, std::nullopt), (Interval{.begin = 8, .end = 9}));
  // A result through it, and it is trusted with the rest for as long again.
  report(1, {.begin = 9, .end = 10});
  EXPECT_EQ(branch->worth_copying(now, std::nullopt), std::nullopt);
}

TEST_F(BranchLending, a_straggler_is_as_old_as_our_knowledge_of_it) {
  begin_as_owner(10);
  end(start(), How::exited, 0, 1s);
  lend(1, 2);
  progress(1, {{.begin = 8, .end = 9}});
  now += 1s;
  progress(1, {{.begin = 8, .end = 9}});
  EXPECT_EQ(branch->worth_copying(now, node(9)), std::nullopt);
  now += 501ms;
  EXPECT_EQ(branch->worth_copying(now, node(9)), (Interval{.begin = 8, .end = 9}));
  progress(1, {{.begin = 9, .end = 10}});
  EXPECT_EQ(branch->worth_copying(now, node(9)), std::nullopt);
}

TEST_F(BranchLending, what_is_returned_leaves_the_branch) {
  begin_as_helper({.begin = 0, .end = 10});
  (void)start();
  EXPECT_EQ(branch->return_back(2).what, span(8, 10));
  EXPECT_EQ(branch->return_these(span(0, 3)).what, span(1, 3));            // 0 has begun
  EXPECT_EQ(branch->return_half(Partition::Last::keep).what, span(6, 8));  // of 3 .. 8
  EXPECT_EQ(branch->return_unstarted().what, span(3, 6));
  EXPECT_EQ(partition().granted(), span(0, 1));
}

TEST_F(BranchLending, when_the_lease_lapses_all_that_is_unfinished_leaves_the_branch) {
  begin_as_helper({.begin = 0, .end = 10});
  end(start(), How::exited, 0);
  const TaskId second = start();
  lend(1, 4);
  branch->lapse(losers);
  EXPECT_EQ(losers.tasks, (std::vector{second}));
  EXPECT_EQ(losers.helpers, (std::vector{std::pair(node(1), span(6, 10))}));
  EXPECT_EQ(partition().granted(), span(0, 1));
  EXPECT_EQ(branch->results().kept(), span(0, 1));
}

TEST_F(BranchLending, a_helper_is_one_until_it_holds_nothing_and_owes_nothing) {
  begin_as_owner(10);
  lend(1, 1);
  EXPECT_EQ(branch->helper_count(), 1U);
  (void)report(1, {.begin = 9, .end = 10});
  EXPECT_EQ(branch->helper_count(), 0U);
  branch->drop_idle_helpers();
  ASSERT_NE(branch->helper(node(1)), nullptr);  // it is to be told that it is settled
  branch->told_settled(*branch->helper(node(1)), span(9, 10));
  branch->drop_idle_helpers();
  EXPECT_EQ(branch->helper(node(1)), nullptr);
}

TEST_F(BranchLending, a_result_that_comes_before_its_task_could_be_stopped_frees_what_nobody_else_has) {
  begin_as_helper({.begin = 0, .end = 1});
  branch->on_granted({}, {{.interval = {.begin = 4, .end = 8}}}, {});
  const TaskId task = start();  // a piece to be run again goes first, and whole
  ASSERT_EQ(running_at(task).interval, (Interval{.begin = 4, .end = 8}));
  lend_copy(1, {.begin = 5, .end = 7});
  EXPECT_TRUE(report(1, {.begin = 5, .end = 7}));
  end(task, TaskEnded::How::exited);
  IntervalSet open(Interval{.begin = 0, .end = 1});
  open.insert(span(4, 5));
  open.insert(span(7, 8));
  EXPECT_EQ(partition().unstarted(), open);
  EXPECT_TRUE(partition().out().empty());
}

}  // namespace
}  // namespace agent::core
