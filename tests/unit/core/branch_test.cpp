#include "agent/core/branch.h"

#include <gtest/gtest.h>

namespace agent::core {
namespace {

TEST(branch, a_piece_that_must_run_again_keeps_its_bounds_and_goes_first) {
  Branch branch;
  branch.grant({0, 100});
  const Piece first = branch.start_next(10);
  Piece again = first;
  again.attempt = Attempt(1);
  branch.put_back(again);
  branch.check_invariants();
  EXPECT_EQ(branch.start_next(50), again);
  EXPECT_EQ(branch.start_next(50).interval, (Interval{10, 60}));
  branch.check_invariants();
}

TEST(branch, finished_is_kept_until_it_is_settled) {
  Branch branch;
  branch.grant({0, 2});
  const Piece piece = branch.start_next(2);
  branch.finish(piece.interval);
  EXPECT_FALSE(branch.idle());
  branch.check_invariants();
  branch.settle(piece.interval);
  EXPECT_TRUE(branch.idle());
  EXPECT_EQ(branch.settled().count(), 2u);
  branch.check_invariants();
}

TEST(branch, dropping_a_window_leaves_what_lies_outside_and_what_runs) {
  Branch branch;
  branch.grant({0, 30});
  const Piece running = branch.start_next(5);
  Piece again = branch.start_next(5);
  again.attempt = Attempt(1);
  branch.put_back(again);
  branch.drop_unstarted({.begin = 5, .end = 20});
  branch.check_invariants();
  EXPECT_FALSE(branch.has_redo());
  EXPECT_EQ(branch.todo_count(), 10u);
  EXPECT_EQ(branch.running().at(0), running);
}

TEST(branch, what_is_abandoned_or_discarded_leaves_it) {
  Branch branch;
  branch.grant({0, 2});
  const Piece one = branch.start_next(1);
  const Piece two = branch.start_next(1);
  branch.abandon(one.interval);
  branch.finish(two.interval);
  branch.discard(two.interval);
  branch.check_invariants();
  EXPECT_TRUE(branch.idle());
  EXPECT_TRUE(branch.settled().empty());
}

}  // namespace
}  // namespace agent::core
