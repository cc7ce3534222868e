#include "agent/sim/event_heap.h"

#include <gtest/gtest.h>

#include "agent/core/random.h"

namespace agent::sim {
namespace {

TEST(EventHeap, GivesByTimeAndThenByOrderOfArrival) {
  EventHeap<int> heap;
  core::Random random(1);
  std::vector<std::pair<std::int64_t, int>> expected;
  for (int i = 0; i < 1'000; ++i) {
    const auto at = static_cast<std::int64_t>(random.below(20));
    heap.push(WorldTime(Duration(at)), i);
    expected.emplace_back(at, i);
  }
  std::ranges::sort(expected);
  for (const auto& [at, what] : expected) {
    EXPECT_EQ(heap.next_at(), WorldTime(Duration(at)));
    EXPECT_EQ(heap.pop().what, what);
  }
  EXPECT_TRUE(heap.empty());
}

TEST(EventHeap, WhatIsPutInForTheSameMomentComesAfterWhatWasThere) {
  EventHeap<int> heap;
  heap.push(WorldTime(Duration(5)), 1);
  heap.push(WorldTime(Duration(5)), 2);
  EXPECT_EQ(heap.pop().what, 1);
  heap.push(WorldTime(Duration(5)), 3);
  EXPECT_EQ(heap.pop().what, 2);
  EXPECT_EQ(heap.pop().what, 3);
}

TEST(EventHeapDeathTest, NothingHappensInThePast) {
  EventHeap<int> heap;
  heap.push(WorldTime(Duration(5)), 1);
  (void)heap.pop();
  EXPECT_DEATH(heap.push(WorldTime(Duration(4)), 2), "popped_");
}

}  // namespace
}  // namespace agent::sim
