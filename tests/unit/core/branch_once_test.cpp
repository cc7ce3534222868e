#include <gtest/gtest.h>

#include "agent/core/branch.h"
#include "tests/unit/core/loans.h"

namespace agent::core {
namespace {

using How = TaskEnded::How;
using Rest = Partition::Rest;

class BranchOnce : public BranchLoans {
 protected:
  BranchOnce() { terms.started_at_most_once = true; }

  std::vector<Interval> committed_as_lost() const {
    std::vector<Interval> pieces;
    for (const CommitLost& each : done<CommitLost>()) pieces.push_back(each.piece);
    return pieces;
  }
};

TEST_F(BranchOnce, of_a_list_each_slot_gets_one_iteration) {
  begin_as_owner(10);
  const Share share = branch->share_for_slots(3);
  EXPECT_EQ(share.intervals, span(7, 10));
  lend(1, share);
  EXPECT_EQ(partition().out(), span(7, 10));
  const Share rest = branch->share_for_slots(100);
  EXPECT_EQ(rest.intervals, span(0, 7));
  lend(2, rest);
}

TEST_F(BranchOnce, of_a_range_each_slot_gets_one_piece_with_its_bounds) {
  terms.body = Body::command_per_piece;
  begin_as_owner(1'000'000);
  const Share share = branch->share_for_slots(3);
  ASSERT_EQ(share.pieces.size(), 3U);
  IntervalSet pieces;
  for (const Piece& piece : share.pieces) {
    EXPECT_FALSE(pieces.intersects(piece.interval));
    pieces.insert(piece.interval);
  }
  EXPECT_EQ(pieces, share.intervals);
  EXPECT_LT(share.pieces[0].interval.begin, share.pieces[1].interval.begin);
  EXPECT_LT(share.pieces[1].interval.begin, share.pieces[2].interval.begin);
  lend(1, share);
}

TEST_F(BranchOnce, what_a_helper_held_is_lost_with_it_and_that_is_news_once) {
  begin_as_owner(10);
  lend(1, 3);  // 7 .. 10
  branch->forget(node(1));
  EXPECT_EQ(partition().lost(), span(7, 10));
  EXPECT_TRUE(partition().out().empty());
  EXPECT_EQ(partition().unstarted(), span(0, 7));
  EXPECT_EQ(branch->take_news_of_loss(), span(7, 10));
  EXPECT_TRUE(branch->take_news_of_loss().empty());
}

TEST_F(BranchOnce, what_was_surely_not_started_is_todo_again) {
  begin_as_owner(10);
  Helper& helper = lend(1, 3);  // 7 .. 10
  branch->take_back(helper, span(8, 10), Rest::never_started);
  EXPECT_TRUE(partition().lost().empty());
  EXPECT_TRUE(partition().unstarted().contains({.begin = 8, .end = 10}));
  EXPECT_EQ(helper.held, span(7, 8));
}

TEST_F(BranchOnce, a_task_of_ours_that_is_lost_after_its_start_ends_as_lost) {
  begin_as_owner(2);
  lose(start(), TaskLost::Cause::launcher_died, true);
  EXPECT_EQ(partition().settled(), span(0, 1));
  EXPECT_EQ(branch->counts().lost, 1U);
  EXPECT_EQ(notices(Notice::What::lost), 1U);
  EXPECT_EQ(partition().unstarted(), span(1, 2));
}

TEST_F(BranchOnce, what_was_lost_is_found_again_with_a_result_that_comes_all_the_same) {
  begin_as_owner(4);
  lend(1, 2);  // 2 .. 4
  branch->forget(node(1));
  EXPECT_EQ(branch->counts().lost, 2U);
  ASSERT_TRUE(branch->welcome_back(node(1)));
  Helper& back = *branch->helper(node(1));
  EXPECT_TRUE(back.reconciling);
  EXPECT_EQ(back.id, BranchId(1));
  Helper::There there;
  there.finished = span(2, 3);
  EXPECT_EQ(branch->mend(back, there, now).missing, span(2, 3));
  EXPECT_EQ(partition().lost(), span(3, 4));
  EXPECT_TRUE(report(1, {.begin = 2, .end = 3}));
  EXPECT_EQ(branch->counts().lost, 1U);
  EXPECT_EQ(branch->counts().ok, 1U);
}

TEST_F(BranchOnce, nobody_is_welcomed_back_who_could_bring_nothing) {
  begin_as_owner(6);
  EXPECT_FALSE(branch->welcome_back(node(1)));
  // All that it had was taken back unstarted: nothing of it is lost.
  branch->take_back(lend(1, 2), span(4, 6), Rest::never_started);
  branch->forget(node(1));
  EXPECT_FALSE(branch->welcome_back(node(1)));
  lend(2, 2);
  branch->forget(node(2));
  EXPECT_TRUE(branch->welcome_back(node(2)));
  EXPECT_FALSE(branch->welcome_back(node(2)));
}

TEST_F(BranchOnce, who_is_a_helper_again_is_not_welcomed_as_its_former_self) {
  begin_as_owner(6);
  lend(1, 2);
  branch->forget(node(1));
  lend(1, 2);
  EXPECT_FALSE(branch->welcome_back(node(1)));
  EXPECT_FALSE(branch->helper(node(1))->reconciling);
}

TEST_F(BranchOnce, what_may_start_again_leaves_no_former_helper) {
  terms.started_at_most_once = false;
  begin_as_owner(6);
  lend(1, 2);
  branch->forget(node(1));
  EXPECT_FALSE(branch->welcome_back(node(1)));
  EXPECT_TRUE(partition().lost().empty());
  EXPECT_EQ(partition().todo_count(), 6U);
}

TEST_F(BranchOnce, the_lost_fail_for_good_when_nothing_else_is_left) {
  begin_as_owner(4);
  lend(1, 2);  // 2 .. 4
  end(start(), How::exited, 0);
  branch->forget(node(1));
  EXPECT_FALSE(branch->conclude(actions));
  end(start(), How::exited, 0);
  const std::optional<AnswerVerdict> verdict = branch->conclude(actions);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->verdict, Verdict::done);
  EXPECT_EQ(verdict->counts.ok, 2U);
  EXPECT_EQ(verdict->counts.lost, 2U);
  EXPECT_EQ(verdict->counts.committed, 4U);
  EXPECT_EQ(IntervalSet(committed_as_lost()), span(2, 4));
}

TEST_F(BranchOnce, of_a_range_what_is_lost_is_committed_as_it_was_lost) {
  terms.body = Body::command_per_piece;
  begin_as_owner(1'000);
  lend(1, branch->share_for_slots(1));
  const IntervalSet held = branch->helper(node(1))->held;
  branch->forget(node(1));
  branch->commit_lost(actions);
  EXPECT_EQ(IntervalSet(committed_as_lost()), held);
  EXPECT_TRUE(partition().lost().empty());
}

TEST_F(BranchOnce, nobody_misses_what_is_lost_after_the_job_was_cancelled) {
  begin_as_owner(4);
  lend(1, 2);
  branch->cancel();
  branch->forget(node(1));
  EXPECT_TRUE(partition().lost().empty());
  EXPECT_TRUE(branch->take_news_of_loss().empty());
}

}  // namespace
}  // namespace agent::core
