#include "agent/core/interval_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace agent::core {
namespace {

TEST(interval_set, touching_intervals_become_one) {
  IntervalSet set;
  set.insert(Interval{5, 10});
  set.insert(Interval{0, 5});
  set.insert(Interval{12, 13});
  set.insert(Interval{10, 12});
  EXPECT_EQ(set.intervals(), (std::vector<Interval>{{0, 13}}));
  EXPECT_EQ(set.count(), 13u);
}

TEST(interval_set, holds_the_whole_index_space_as_one_interval) {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  IntervalSet set(Interval{0, all});
  EXPECT_EQ(set.count(), all);
  EXPECT_EQ(set.take_front(3), (Interval{0, 3}));
  set.erase(Interval{all - 1, all});
  EXPECT_EQ(set.intervals(), (std::vector<Interval>{{3, all - 1}}));
  EXPECT_FALSE(set.contains(Interval{all - 1, all}));
}

TEST(interval_set, taking_from_the_front_never_crosses_a_gap) {
  IntervalSet set;
  set.insert(Interval{0, 2});
  set.insert(Interval{4, 9});
  EXPECT_EQ(set.take_front(5), (Interval{0, 2}));
  EXPECT_EQ(set.take_front(2), (Interval{4, 6}));
  EXPECT_EQ(set.take_front(100), (Interval{6, 9}));
  EXPECT_EQ(set.take_front(1), std::nullopt);
}

// The dumb twin: a set of single indices.
class IntervalSetTwin : public testing::TestWithParam<unsigned> {};

TEST_P(IntervalSetTwin, agrees_with_a_set_of_single_indices) {
  std::mt19937 random(GetParam());
  auto below = [&](std::uint64_t n) { return random() % n; };
  IntervalSet set;
  std::set<std::uint64_t> twin;
  for (int round = 0; round < 500; ++round) {
    std::uint64_t begin = below(60);
    Interval interval{begin, begin + 1 + below(12)};
    switch (below(4)) {
      case 0:
      case 1:
        set.insert(interval);
        for (auto i = interval.begin; i < interval.end; ++i) twin.insert(i);
        break;
      case 2:
        set.erase(interval);
        for (auto i = interval.begin; i < interval.end; ++i) twin.erase(i);
        break;
      default:
        if (auto taken = set.take_front(interval.count())) {
          ASSERT_EQ(taken->begin, *twin.begin());
          for (auto i = taken->begin; i < taken->end; ++i) ASSERT_EQ(twin.erase(i), 1u);
        } else {
          ASSERT_TRUE(twin.empty());
        }
    }
    set.check_invariants();
    ASSERT_EQ(set.count(), twin.size());
    Interval probe{below(70), 0};
    probe.end = probe.begin + 1 + below(8);
    std::size_t present = 0;
    for (auto i = probe.begin; i < probe.end; ++i) present += twin.count(i);
    ASSERT_EQ(set.contains(probe), present == probe.count());
    ASSERT_EQ(set.intersects(probe), present > 0);
    ASSERT_EQ(set.within(probe).count(), present);
  }
}

INSTANTIATE_TEST_SUITE_P(seed, IntervalSetTwin, testing::Range(0u, 20u));

}  // namespace
}  // namespace agent::core
