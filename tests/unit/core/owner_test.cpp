#include "agent/core/owner.h"

#include <gtest/gtest.h>

#include "tests/unit/core/driver.h"

namespace agent::core {
namespace {

constexpr Interval everything{.begin = 0, .end = ~std::uint64_t{0}};

Interval one(std::uint64_t index) {
  return {.begin = index, .end = index + 1};
}

// A loop of ten iterations whose single pieces are started in order; task n runs iteration n.
class OwnerTest : public testing::Test {
 protected:
  Owner& own(const JobTerms& terms, std::optional<std::uint64_t> size = 10, const LoopPath& path = {}) {
    const TaskId opener(path.empty() ? 0 : 77);
    owner.emplace(LoopId{.job = terms.job, .path = path}, terms, size, opener, partition);
    return *owner;
  }
  void start(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) (void)partition.start_next(1);
  }
  void finish(std::uint64_t index, Outcome outcome) {
    ASSERT_EQ(partition.finish(one(index)), Partition::Finish::accepted);
    owner->accept({.piece = one(index), .attempt = {}, .outcome = outcome, .source = {.task = TaskId(index)}},
                  partition, actions);
    owner->check_invariants(partition);
    partition.check_invariants();
  }
  // Its task was told to stop, and has.
  void leave(std::uint64_t index) { partition.remove(IntervalSet(one(index))); }
  std::vector<Interval> committed() {
    std::vector<Interval> pieces;
    for (const Action& action : actions) {
      if (const auto* commit = std::get_if<CommitResult>(&action)) pieces.push_back(commit->piece);
    }
    return pieces;
  }
  std::vector<TaskId> dropped() {
    std::vector<TaskId> tasks;
    for (const Action& action : actions) {
      if (const auto* drop = std::get_if<DropResult>(&action)) tasks.push_back(drop->task);
    }
    return tasks;
  }

  JobTerms search(bool lowest) const { return {.job = job_named(1), .size = 10, .found = 3, .lowest_hit = lowest}; }
  JobTerms halting(HaltRule rule) const { return {.job = job_named(1), .size = 10, .halt = rule}; }

  Partition partition;
  std::optional<Owner> owner;
  std::vector<Action> actions;
};

TEST_F(OwnerTest, a_result_is_committed_for_who_opened_the_loop) {
  const LoopPath path{{.iteration = 4, .ordinal = 1}};
  own({.job = job_named(1)}, 10, path);
  start(1);
  finish(0, Outcome::failed);
  EXPECT_EQ(actions, (std::vector<Action>{CommitResult{.task = TaskId(0),
                                                       .job = job_named(1),
                                                       .path = path,
                                                       .opener = TaskId(77),
                                                       .piece = one(0),
                                                       .attempt = {},
                                                       .outcome = Outcome::failed}}));
  EXPECT_EQ(partition.settled(), IntervalSet(one(0)));
}

TEST_F(OwnerTest, a_result_of_a_peer_is_committed_by_its_place_in_the_batch) {
  own({.job = job_named(1)});
  start(1);
  (void)partition.finish(one(0));
  const NodeId executor(protocol::Bytes32{std::byte{5}});
  owner->accept({.piece = one(0),
                 .attempt = Attempt(2),
                 .source = {.task = {}, .batch = BatchId(3), .index = 4, .executor = executor}},
                partition, actions);
  EXPECT_EQ(actions, (std::vector<Action>{CommitReceived{.batch = BatchId(3),
                                                         .index = 4,
                                                         .executor = executor,
                                                         .job = job_named(1),
                                                         .path = {},
                                                         .opener = {},
                                                         .piece = one(0),
                                                         .attempt = Attempt(2)}}));
}

TEST_F(OwnerTest, any_hit_stops_everything_else) {
  own(search(false));
  start(3);
  finish(1, Outcome::hit);
  EXPECT_FALSE(owner->starts());
  EXPECT_FALSE(owner->goes_on(one(0)));
  EXPECT_EQ(owner->unwanted(), everything);
  EXPECT_FALSE(partition.has_todo());
  EXPECT_FALSE(owner->conclude(partition, actions));
  finish(0, Outcome::ok);  // it came in time
  leave(2);
  const auto ending = owner->conclude(partition, actions);
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->verdict, Verdict::hit);
  EXPECT_EQ(ending->decisive, one(1));
  EXPECT_EQ(committed(), (std::vector{one(1), one(0)}));
}

TEST_F(OwnerTest, a_hit_waits_for_what_lies_below_if_the_lowest_is_wanted) {
  own(search(true));
  start(6);
  finish(4, Outcome::hit);
  EXPECT_TRUE(committed().empty());
  EXPECT_TRUE(owner->starts());
  EXPECT_EQ(owner->unwanted(), (Interval{.begin = 4, .end = ~std::uint64_t{0}}));
  EXPECT_TRUE(owner->goes_on(one(3)));
  EXPECT_FALSE(owner->goes_on(one(5)));
  EXPECT_FALSE(partition.has_todo());  // 6 .. 10 are wanted no more

  finish(5, Outcome::hit);  // above: of no interest
  EXPECT_EQ(dropped(), (std::vector{TaskId(5)}));
  finish(2, Outcome::hit);  // below: the better one
  EXPECT_EQ(dropped(), (std::vector{TaskId(5), TaskId(4)}));
  leave(3);
  finish(1, Outcome::ok);
  EXPECT_FALSE(owner->conclude(partition, actions));
  finish(0, Outcome::failed);
  const auto ending = owner->conclude(partition, actions);
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->verdict, Verdict::hit);
  EXPECT_EQ(ending->decisive, one(2));
  EXPECT_EQ(committed(), (std::vector{one(1), one(0), one(2)}));
  EXPECT_EQ(owner->counts(partition), (Counts{.total = 10, .committed = 3, .ok = 1, .failed = 1, .hits = 1}));
}

TEST_F(OwnerTest, a_candidate_is_not_lost_when_somebody_cancels) {
  own(search(true));
  start(3);
  finish(2, Outcome::hit);
  owner->cancel(partition);
  EXPECT_EQ(owner->unwanted(), everything);
  leave(0);
  leave(1);
  const auto ending = owner->conclude(partition, actions);
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->verdict, Verdict::cancelled);
  EXPECT_EQ(committed(), (std::vector{one(2)}));
}

TEST_F(OwnerTest, the_batch_of_a_candidate_is_kept_and_no_other) {
  own(search(true));
  start(3);
  (void)partition.finish(one(2));
  owner->accept({.piece = one(2),
                 .attempt = {},
                 .outcome = Outcome::hit,
                 .source = {.task = {}, .batch = BatchId(6), .index = 0, .executor = {}}},
                partition, actions);
  EXPECT_TRUE(owner->keeps(BatchId(6)));
  EXPECT_FALSE(owner->keeps(BatchId(5)));
  finish(0, Outcome::hit);
  EXPECT_FALSE(owner->keeps(BatchId(6)));
}

TEST_F(OwnerTest, halt_now_ends_at_the_very_result_that_makes_the_number_full) {
  own(halting({.when = HaltRule::When::now, .what = HaltRule::What::failed, .amount = 2}));
  start(4);
  finish(0, Outcome::failed);
  finish(1, Outcome::ok);
  EXPECT_TRUE(owner->starts());
  finish(2, Outcome::failed);
  EXPECT_FALSE(owner->starts());
  EXPECT_EQ(owner->unwanted(), everything);
  leave(3);
  const auto ending = owner->conclude(partition, actions);
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->verdict, Verdict::halted);
  EXPECT_EQ(ending->decisive, one(2));
}

TEST_F(OwnerTest, halt_soon_starts_nothing_more_and_takes_what_still_comes) {
  own(halting({.when = HaltRule::When::soon, .what = HaltRule::What::succeeded, .amount = 1}));
  start(3);
  finish(1, Outcome::ok);
  EXPECT_FALSE(owner->starts());
  EXPECT_EQ(owner->unwanted(), std::nullopt);
  EXPECT_FALSE(owner->goes_on(one(0)));  // a failure is not tried again
  EXPECT_FALSE(owner->conclude(partition, actions));
  finish(0, Outcome::ok);
  finish(2, Outcome::failed);
  const auto ending = owner->conclude(partition, actions);
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->verdict, Verdict::halted);
  EXPECT_EQ(ending->decisive, one(1));
  EXPECT_EQ(owner->counts(partition).committed, 3U);
}

TEST_F(OwnerTest, a_share_of_an_open_loop_is_not_judged_before_its_input_has_ended) {
  own(halting(
          {.when = HaltRule::When::now, .what = HaltRule::What::done, .amount = 50, .unit = HaltRule::Unit::percent}),
      std::nullopt);
  owner->add_items(4, partition);
  start(4);
  for (std::uint64_t i = 0; i < 3; ++i) finish(i, Outcome::ok);
  EXPECT_TRUE(owner->starts());
  owner->end_items();
  finish(3, Outcome::ok);
  EXPECT_EQ(owner->conclude(partition, actions)->verdict, Verdict::halted);
}

TEST_F(OwnerTest, an_open_loop_is_not_over_before_its_input_and_takes_nothing_more_after_a_hit) {
  own(search(false), std::nullopt);
  owner->add_items(2, partition);
  start(2);
  finish(0, Outcome::ok);
  owner->add_items(1, partition);  // never shrinks
  finish(1, Outcome::ok);
  EXPECT_FALSE(owner->conclude(partition, actions));
  owner->add_items(4, partition);
  EXPECT_EQ(partition.todo(), IntervalSet(Interval{.begin = 2, .end = 4}));
  start(1);
  finish(2, Outcome::hit);
  owner->add_items(9, partition);
  EXPECT_FALSE(partition.has_todo());
  EXPECT_EQ(owner->conclude(partition, actions)->verdict, Verdict::hit);
}

TEST_F(OwnerTest, the_halt_rule_is_for_the_root_loop) {
  own(halting({.when = HaltRule::When::now, .what = HaltRule::What::done, .amount = 1}), 10,
      {{.iteration = 0, .ordinal = 0}});
  start(1);
  finish(0, Outcome::ok);
  EXPECT_TRUE(owner->starts());
}

TEST_F(OwnerTest, nobody_waits_for_the_results_of_an_abandoned_loop) {
  own({.job = job_named(1)}, 10, {{.iteration = 0, .ordinal = 0}});
  start(2);
  owner->abandon(partition);
  EXPECT_TRUE(owner->abandoned());
  EXPECT_FALSE(partition.has_todo());
  EXPECT_EQ(owner->unwanted(), everything);
  finish(0, Outcome::ok);
  EXPECT_TRUE(committed().empty());
  EXPECT_EQ(dropped(), (std::vector{TaskId(0)}));
}

}  // namespace
}  // namespace agent::core
