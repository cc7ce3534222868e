#include "agent/core/slots.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/random.h"

namespace agent::core {
namespace {

JobId job(unsigned char number) {
  return JobId({std::byte{number}});
}

LoopId loop(LoopPath path) {
  return {.job = job(1), .path = std::move(path)};
}

constexpr Interval one(std::uint64_t index) {
  return {index, index + 1};
}

TEST(slots, tasks_take_the_lowest_empty_slot_until_none_is_left) {
  Slots slots(2);
  EXPECT_EQ(slots.place(TaskId(1), loop({}), one(0)), 1U);
  EXPECT_EQ(slots.place(TaskId(2), loop({}), one(1)), 2U);
  EXPECT_FALSE(slots.can_place(loop({})));
  EXPECT_EQ(slots.place(TaskId(3), loop({}), one(2)), std::nullopt);
  EXPECT_EQ(slots.running_count(), 2U);
  slots.remove(TaskId(1));
  EXPECT_EQ(slots.empty_count(), 1U);
  EXPECT_EQ(slots.slot_of(TaskId(1)), std::nullopt);
  EXPECT_EQ(slots.place(TaskId(3), loop({}), one(2)), 1U);
  slots.check_invariants();
}

TEST(slots, none_at_all_take_nothing) {
  Slots slots(0);
  EXPECT_FALSE(slots.can_place(loop({})));
  EXPECT_EQ(slots.place(TaskId(1), loop({}), one(0)), std::nullopt);
}

TEST(slots, a_parked_task_lends_its_slot_to_loops_below_it_only) {
  Slots slots(1);
  EXPECT_EQ(slots.place(TaskId(1), loop({{2, 0}}), {5, 8}), 1U);
  EXPECT_FALSE(slots.can_place(loop({{2, 0}, {5, 0}}))) << "it still runs";
  slots.park(TaskId(1));
  EXPECT_EQ(slots.running_count(), 0U);
  EXPECT_EQ(slots.empty_count(), 0U);

  EXPECT_TRUE(slots.can_place(loop({{2, 0}, {5, 0}})));
  EXPECT_TRUE(slots.can_place(loop({{2, 0}, {7, 3}})));
  EXPECT_TRUE(slots.can_place(loop({{2, 0}, {5, 0}, {9, 1}})));
  EXPECT_FALSE(slots.can_place(loop({})));
  EXPECT_FALSE(slots.can_place(loop({{2, 0}}))) << "its own loop";
  EXPECT_FALSE(slots.can_place(loop({{2, 0}, {4, 0}}))) << "opened by another iteration";
  EXPECT_FALSE(slots.can_place(loop({{2, 0}, {8, 0}}))) << "opened by another iteration";
  EXPECT_FALSE(slots.can_place(loop({{2, 1}, {5, 0}}))) << "below another loop";
  EXPECT_FALSE(slots.can_place({.job = job(2), .path = {{2, 0}, {5, 0}}})) << "of another job";
}

TEST(slots, a_parked_task_goes_on_when_nothing_stands_on_it) {
  Slots slots(1);
  slots.place(TaskId(1), loop({}), one(0));
  EXPECT_FALSE(slots.can_resume(TaskId(1))) << "it runs";
  slots.park(TaskId(1));
  EXPECT_TRUE(slots.can_resume(TaskId(1)));
  EXPECT_EQ(slots.place(TaskId(2), loop({{0, 0}}), one(4)), 1U);
  EXPECT_FALSE(slots.can_resume(TaskId(1)));
  slots.remove(TaskId(2));
  EXPECT_TRUE(slots.can_resume(TaskId(1)));
  EXPECT_TRUE(slots.parked(TaskId(1)));
  slots.resume(TaskId(1));
  EXPECT_FALSE(slots.parked(TaskId(1)));
  EXPECT_EQ(slots.running_count(), 1U);
  EXPECT_FALSE(slots.can_place(loop({{0, 0}})));
  slots.check_invariants();
}

TEST(slots, the_deepest_parked_ancestor_comes_before_an_empty_slot) {
  Slots slots(3);
  slots.place(TaskId(1), loop({}), one(0));
  slots.place(TaskId(2), loop({{0, 0}}), one(1));
  slots.park(TaskId(1));
  slots.park(TaskId(2));
  EXPECT_EQ(slots.slot_of(TaskId(2)), 2U);
  EXPECT_EQ(slots.place(TaskId(3), loop({{0, 0}, {1, 0}}), one(0)), 2U);
  EXPECT_EQ(slots.place(TaskId(4), loop({{0, 0}, {1, 0}}), one(1)), 1U);
  EXPECT_EQ(slots.place(TaskId(5), loop({{0, 0}, {1, 0}}), one(2)), 3U);
  slots.check_invariants();
}

TEST(slots, what_stands_on_a_removed_task_stays_and_keeps_the_slot) {
  Slots slots(1);
  slots.place(TaskId(1), loop({}), one(0));
  slots.park(TaskId(1));
  slots.place(TaskId(2), loop({{0, 0}}), one(0));
  slots.park(TaskId(2));
  slots.place(TaskId(3), loop({{0, 0}, {0, 0}}), one(0));

  slots.remove(TaskId(2));
  EXPECT_EQ(slots.slot_of(TaskId(3)), 1U);
  slots.check_invariants();
  slots.remove(TaskId(1));
  EXPECT_EQ(slots.slot_of(TaskId(3)), 1U);
  EXPECT_EQ(slots.running_count(), 1U);
  EXPECT_EQ(slots.empty_count(), 0U);
  slots.check_invariants();
  slots.remove(TaskId(3));
  EXPECT_EQ(slots.empty_count(), 1U);
}

TEST(slots, the_deepest_loop_there_is_fits_one_slot_and_a_deeper_one_none) {
  Slots slots(1);
  LoopPath path;
  ASSERT_EQ(Slots::depth_max, 33U);
  for (std::uint64_t level = 0; level < Slots::depth_max; ++level) {
    ASSERT_EQ(slots.place(TaskId(level), loop(path), one(0)), 1U);
    slots.park(TaskId(level));
    path.push_back({0, 0});
  }
  EXPECT_FALSE(slots.can_place(loop(path)));
  EXPECT_EQ(slots.place(TaskId(99), loop(path), one(0)), std::nullopt);
  EXPECT_FALSE(Slots(1).can_place(loop(path)));
  slots.check_invariants();
}

// The dumb twin: a list of tasks in the order in which they came.
class SlotsTwin : public testing::TestWithParam<std::uint64_t> {
 protected:
  struct Task {
    TaskId task;
    LoopId loop;
    Interval piece;
    SlotNumber slot = 0;
    bool parked = false;
  };

  [[nodiscard]] const Task* top_of(SlotNumber slot) const {
    const auto last = std::find_if(tasks.rbegin(), tasks.rend(), [&](const Task& task) { return task.slot == slot; });
    return last == tasks.rend() ? nullptr : &*last;
  }

  // A loop that some iteration in `under` opened, or a root loop.
  LoopId some_loop() {
    if (tasks.empty() || random.chance(1, 3))
      return {.job = job(static_cast<unsigned char>(random.below(2))), .path = {}};
    const Task& opener = random.pick(tasks);
    LoopId inner = opener.loop;
    inner.path.push_back({opener.piece.begin + random.below(opener.piece.count() + 1), 0});
    return inner;
  }

  [[nodiscard]] static bool stands_below(const Task& top, const LoopId& loop) {
    LoopPath head = loop.path;
    if (head.size() <= top.loop.path.size()) return false;
    const std::uint64_t opener = head[top.loop.path.size()].iteration;
    head.resize(top.loop.path.size());
    return head == top.loop.path && loop.job == top.loop.job && opener >= top.piece.begin && opener < top.piece.end;
  }

  [[nodiscard]] std::vector<SlotNumber> open_for(const LoopId& loop) const {
    std::vector<SlotNumber> open;
    for (SlotNumber slot = 1; slot <= slots.count(); ++slot) {
      const Task* top = top_of(slot);
      if (top == nullptr || (top->parked && stands_below(*top, loop))) open.push_back(slot);
    }
    return open;
  }

  void place(TaskId id) {
    const LoopId where = some_loop();
    if (where.path.size() >= 10) return;
    const auto open = open_for(where);
    ASSERT_EQ(slots.can_place(where), !open.empty());
    const std::uint64_t begin = random.below(4);
    const Interval piece{begin, begin + 1 + random.below(3)};
    const auto slot = slots.place(id, where, piece);
    ASSERT_EQ(slot.has_value(), !open.empty());
    if (!slot) return;
    ASSERT_TRUE(std::ranges::count(open, *slot) == 1);
    tasks.push_back({id, where, piece, *slot});
  }

  void change_one() {
    if (tasks.empty()) return;
    Task& task = tasks[random.below(tasks.size())];
    const bool top = top_of(task.slot) == &task;
    ASSERT_EQ(slots.can_resume(task.task), top && task.parked);
    if (random.chance(1, 4)) {
      slots.remove(task.task);
      tasks.erase(tasks.begin() + (&task - tasks.data()));
    } else if (top) {
      task.parked ? slots.resume(task.task) : slots.park(task.task);
      task.parked = !task.parked;
    }
  }

  Random random{GetParam()};
  Slots slots{static_cast<std::uint32_t>(1 + random.below(5))};
  std::vector<Task> tasks;
};

TEST_P(SlotsTwin, agrees_with_a_list_of_tasks) {
  for (std::uint64_t round = 0; round < 1'000; ++round) {
    random.chance(1, 2) ? place(TaskId(round)) : change_one();
    slots.check_invariants();
    std::uint32_t running = 0, empty = 0;
    for (const Task& task : tasks) {
      running += task.parked ? 0 : 1;
      ASSERT_EQ(slots.slot_of(task.task), task.slot);
      ASSERT_EQ(slots.parked(task.task), task.parked);
      ASSERT_TRUE(task.parked || top_of(task.slot) == &task);
    }
    for (SlotNumber slot = 1; slot <= slots.count(); ++slot) empty += top_of(slot) == nullptr ? 1 : 0;
    ASSERT_EQ(slots.running_count(), running);
    ASSERT_EQ(slots.empty_count(), empty);
  }
}

INSTANTIATE_TEST_SUITE_P(seed, SlotsTwin, testing::Range(std::uint64_t{0}, std::uint64_t{20}));

}  // namespace
}  // namespace agent::core
