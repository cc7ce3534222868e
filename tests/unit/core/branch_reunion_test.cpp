#include <gtest/gtest.h>

#include "agent/core/branch.h"
#include "tests/unit/core/loans.h"

namespace agent::core {
namespace {

using How = TaskEnded::How;
using Rest = Partition::Rest;

class BranchReunion : public BranchLoans {
 protected:
  static Helper::There nothing() { return {}; }
  static Helper::There there_runs(Interval piece) {
    Helper::There there;
    there.started = {piece};
    return there;
  }
};

TEST_F(BranchReunion, mending_takes_back_what_is_not_there_and_asks_for_what_is_finished_there) {
  begin_as_owner(10);
  Helper& helper = lend(1, 6);  // 4 .. 10
  Helper::There there;
  there.unstarted = span(8, 10);
  there.started = {{.begin = 7, .end = 8}};
  there.finished = span(6, 7);
  const Branch::Mended mended = branch->mend(helper, there, now);
  EXPECT_TRUE(mended.differed);
  EXPECT_TRUE(mended.dropped.empty());
  EXPECT_EQ(mended.missing, span(6, 7));
  EXPECT_EQ(helper.held, span(6, 10));
  EXPECT_EQ(helper.started.size(), 1U);
  EXPECT_EQ(partition().unstarted(), span(0, 6));
  EXPECT_EQ(partition().attempt_of({.begin = 4, .end = 6}), Attempt(1));
}

TEST_F(BranchReunion, mending_keeps_copies_that_run_and_drops_what_others_have) {
  begin_as_owner(10);
  Helper& helper = lend(1, 6);  // 4 .. 10
  branch->take_back(helper, span(4, 10), Rest::maybe_started);
  lend(2, branch->share_back(4));  // 6 .. 10
  Helper::There there;
  there.unstarted = span(8, 10);                                     // somebody else has it now: dropped
  there.started = {{.begin = 4, .end = 5}, {.begin = 6, .end = 7}};  // todo: resumed; elsewhere: a copy
  const Branch::Mended mended = branch->mend(helper, there, now);
  EXPECT_EQ(mended.dropped, span(8, 10));
  EXPECT_EQ(helper.held.intervals(), (std::vector<Interval>{{.begin = 4, .end = 5}, {.begin = 6, .end = 7}}));
  EXPECT_EQ(branch->helper(node(2))->held, span(6, 10));
  EXPECT_EQ(partition().unstarted().count(), 5U);  // 0 .. 4 and 5
}

TEST_F(BranchReunion, ends_that_agree_differ_in_nothing) {
  begin_as_owner(10);
  Helper& helper = lend(1, 6);
  progress(1, {{.begin = 4, .end = 5}});
  Helper::There there;
  there.unstarted = span(6, 10);
  there.started = {{.begin = 4, .end = 6}};
  EXPECT_FALSE(branch->mend(helper, there, now).differed);
  EXPECT_EQ(helper.held, span(4, 10));
  EXPECT_EQ(partition().unstarted(), span(0, 4));
}

TEST_F(BranchReunion, an_orphan_gets_what_its_silent_master_had_of_us) {
  begin_as_owner(10);
  lend(1, 6).state = Helper::State::silent;  // 4 .. 10
  progress(1, {}, {{.begin = 6, .end = 10}});
  branch->helper(node(1))->state = Helper::State::silent;
  Helper::There there;
  there.unstarted = span(8, 10);
  there.started = {{.begin = 7, .end = 8}};
  there.finished = span(6, 7);
  const Branch::Adopted adopted = branch->adopt(node(2), BranchId(20), there, now);
  EXPECT_EQ(adopted.wanted, span(7, 10));
  EXPECT_EQ(adopted.to_send, span(6, 7));
  EXPECT_TRUE(adopted.settled.empty());
  EXPECT_EQ(branch->helper(node(1))->held, span(4, 6));
  EXPECT_EQ(branch->helper(node(2))->held, span(6, 10));
}

TEST_F(BranchReunion, an_orphan_keeps_nothing_that_a_live_helper_is_at_unless_it_runs) {
  begin_as_owner(10);
  lend(1, 6);  // 4 .. 10, alive
  lend(3, 2);  // 2 .. 4
  (void)report(3, {.begin = 3, .end = 4});
  Helper::There there;
  there.unstarted = span(8, 10);
  there.started = {{.begin = 7, .end = 8}};
  there.finished = span(3, 4);
  const Branch::Adopted adopted = branch->adopt(node(2), BranchId(20), there, now);
  EXPECT_EQ(adopted.wanted, span(7, 8));
  EXPECT_TRUE(adopted.to_send.empty());
  EXPECT_EQ(adopted.settled, span(3, 4));
  EXPECT_EQ(branch->helper(node(1))->held, span(4, 10));
}

TEST_F(BranchReunion, an_orphan_that_holds_what_is_todo_here_goes_on_with_it) {
  begin_as_owner(10);
  branch->take_back(lend(1, 8), span(2, 10), Rest::never_started);
  Helper::There there;
  there.unstarted = span(2, 6);
  const Branch::Adopted adopted = branch->adopt(node(2), BranchId(20), there, now);
  EXPECT_EQ(adopted.wanted, span(2, 6));
  EXPECT_EQ(partition().out(), span(2, 6));
}

TEST_F(BranchReunion, the_adopted_drops_what_is_not_wanted_and_sends_what_is) {
  begin_as_helper({.begin = 0, .end = 6});
  end(start(), How::exited, 0);  // 0: finished, wanted
  end(start(), How::exited, 0);  // 1: finished, of no use
  (void)branch->results().send(0, 10);
  branch->results().on_stored(1);
  const TaskId third = start();  // 2: not wanted
  branch->on_adopted({.node = node(5), .id = BranchId(8)}, span(3, 5), span(0, 1), losers, actions);
  EXPECT_EQ(branch->upstream(), Upstream(Master{.node = node(5), .id = BranchId(8)}));
  EXPECT_EQ(losers.tasks, (std::vector{third}));
  EXPECT_EQ(done<DropResult>().size(), 1U);
  EXPECT_EQ(branch->results().send(0, 10).covers, span(0, 1));
  EXPECT_EQ(partition().unstarted(), span(3, 5));
}

TEST_F(BranchReunion, an_orphan_that_claims_what_nobody_was_lent_gets_nothing_of_it) {
  begin_as_owner(10);
  lend(1, 4).state = Helper::State::silent;  // 6 .. 10
  Helper::There there;
  there.unstarted = span(1, 4);
  there.started = {{.begin = 4, .end = 5}, {.begin = 5, .end = 7}};
  there.lent_on = span(5, 8);
  there.finished = span(0, 1);
  const Branch::Adopted adopted = branch->adopt(node(2), BranchId(20), there, now);
  EXPECT_EQ(adopted.wanted, span(6, 8));
  EXPECT_TRUE(adopted.to_send.empty());
  EXPECT_TRUE(adopted.settled.empty());
  EXPECT_EQ(branch->helper(node(2))->granted, span(6, 8));
  EXPECT_FALSE(report(2, {.begin = 0, .end = 1}));
  EXPECT_TRUE(done<CommitReceived>().empty());
  EXPECT_EQ(partition().unstarted(), span(0, 6));
}

TEST_F(BranchReunion, an_orphan_that_runs_what_three_others_are_at_drops_it) {
  begin_as_owner(10);
  lend(1, 1);  // 9
  lend_copy(2, {.begin = 9, .end = 10});
  EXPECT_EQ(branch->adopt(node(3), BranchId(20), there_runs({.begin = 9, .end = 10}), now).wanted, span(9, 10));
  EXPECT_TRUE(branch->adopt(node(4), BranchId(21), there_runs({.begin = 9, .end = 10}), now).wanted.empty());
  EXPECT_EQ(branch->helper(node(4))->held, IntervalSet());
}

TEST_F(BranchReunion, an_orphan_whose_result_came_first_wins_against_whom_its_master_had_asked_besides) {
  begin_as_owner(10);
  lend(1, 2).state = Helper::State::silent;  // 8 .. 10
  lend_copy(2, {.begin = 8, .end = 9});
  Helper::There there;
  there.finished = span(8, 9);
  EXPECT_EQ(branch->adopt(node(3), BranchId(20), there, now).to_send, span(8, 9));
  EXPECT_TRUE(report(3, {.begin = 8, .end = 9}));
  EXPECT_EQ(losers.helpers, (std::vector{std::pair(node(2), span(8, 9))}));
}

TEST_F(BranchReunion, what_starts_at_most_once_is_never_kept_as_a_copy) {
  terms.started_at_most_once = true;
  begin_as_owner(10);
  lend(1, 1);  // 9
  EXPECT_TRUE(branch->adopt(node(3), BranchId(20), there_runs({.begin = 9, .end = 10}), now).wanted.empty());
  EXPECT_EQ(branch->helper(node(1))->held, span(9, 10));
}

TEST_F(BranchReunion, what_a_helper_does_not_know_of_any_more_is_lost_if_it_starts_at_most_once) {
  terms.started_at_most_once = true;
  begin_as_owner(10);
  Helper& helper = lend(1, 3);  // 7 .. 10
  const Branch::Mended mended = branch->mend(helper, there_runs({.begin = 7, .end = 8}), now);
  EXPECT_TRUE(mended.differed);
  EXPECT_EQ(helper.held, span(7, 8));
  EXPECT_EQ(partition().lost(), span(8, 10));
  EXPECT_EQ(partition().unstarted(), span(0, 7));
}

TEST_F(BranchReunion, what_was_reported_meanwhile_is_not_asked_for_again) {
  begin_as_owner(10);
  lend(1, 4);  // 6 .. 10
  (void)report(1, {.begin = 6, .end = 7});
  Helper& helper = *branch->helper(node(1));
  Helper::There there;
  there.unstarted = span(7, 10);
  there.finished = span(6, 7);
  const Branch::Mended mended = branch->mend(helper, there, now);
  EXPECT_FALSE(mended.differed);
  EXPECT_TRUE(mended.missing.empty());
  EXPECT_EQ(branch->settled_for(helper), span(6, 7));
}

TEST_F(BranchReunion, a_helper_that_holds_nothing_any_more_gives_everything_back_under_a_new_attempt) {
  begin_as_owner(10);
  Helper& helper = lend(1, 4);  // 6 .. 10
  progress(1, {{.begin = 6, .end = 8}});
  EXPECT_TRUE(branch->mend(helper, nothing(), now).differed);
  EXPECT_TRUE(helper.held.empty());
  EXPECT_TRUE(partition().out().empty());
  EXPECT_EQ(partition().attempt_of({.begin = 6, .end = 8}), Attempt(1));
}

TEST_F(BranchReunion, who_is_adopted_reports_to_its_new_master_from_the_beginning) {
  begin_as_helper({.begin = 0, .end = 4});
  branch->upward().next_number = 9;
  branch->orphaned().emplace();
  branch->on_adopted({.node = node(5), .id = BranchId(8)}, span(0, 4), {}, losers, actions);
  EXPECT_FALSE(branch->orphaned());
  EXPECT_EQ(branch->upward().next_number, 0U);
  EXPECT_EQ(partition().unstarted(), span(0, 4));
}

TEST_F(BranchReunion, what_a_silent_helper_loses_to_an_orphan_may_have_begun_there) {
  begin_as_owner(10);
  Helper& silent = lend(1, 6);  // 4 .. 10
  silent.state = Helper::State::silent;
  Helper::There there;
  there.unstarted = span(6, 8);
  (void)branch->adopt(node(2), BranchId(9), there, now);
  branch->take_back_unstarted(*branch->helper(node(2)), span(6, 8), {});
  EXPECT_EQ(partition().attempt_of({.begin = 6, .end = 8}), Attempt(1));
}

TEST_F(BranchReunion, what_was_begun_by_one_of_two_holders_is_not_issued_again_as_never_begun) {
  begin_as_owner(10);
  Helper& first = lend(1, 6);  // 4 .. 10
  lend(2, branch->copy({.begin = 4, .end = 5}));
  branch->forget(node(2));
  branch->take_back_unstarted(first, span(4, 6), {});
  EXPECT_EQ(partition().attempt_of({.begin = 4, .end = 5}), Attempt(2));
  EXPECT_EQ(partition().attempt_of({.begin = 5, .end = 6}), Attempt(0));
}

TEST_F(BranchReunion, who_returns_something_names_the_least_attempt_and_is_believed_within_reason) {
  begin_as_owner(10);
  Helper& helper = lend(1, 6);  // 4 .. 10
  branch->take_back_unstarted(helper, span(8, 10), Attempt(3));
  EXPECT_EQ(partition().attempt_of({.begin = 8, .end = 10}), Attempt(3));
  branch->take_back_unstarted(helper, span(6, 8), Attempt(1U << 29));
  EXPECT_EQ(partition().attempt_of({.begin = 6, .end = 8}), Attempt(1'000));
}

}  // namespace
}  // namespace agent::core
