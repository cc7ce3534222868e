#include "agent/core/interval_set.h"

#include <gtest/gtest.h>

#include "agent/core/random.h"

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

std::vector<bool> members(const IntervalSet& set, std::uint64_t size) {
  std::vector<bool> is(size);
  for (Interval interval : set.intervals())
    for (std::uint64_t index = interval.begin; index < interval.end; ++index) is[index] = true;
  return is;
}

TEST(interval_set, taking_from_the_back_crosses_gaps) {
  IntervalSet set(std::vector<Interval>{{0, 10}, {20, 23}, {30, 31}});
  EXPECT_EQ(set.take_back(6), IntervalSet(std::vector<Interval>{{8, 10}, {20, 23}, {30, 31}}));
  EXPECT_EQ(set, IntervalSet(Interval{0, 8}));
  EXPECT_EQ(set.take_back(100), IntervalSet(Interval{0, 8}));
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set.take_back(1).empty());
}

TEST(interval_set, half_is_the_upper_half_of_each_and_every_second_single) {
  IntervalSet set(std::vector<Interval>{{0, 9}, {20, 21}, {30, 31}, {40, 41}, {50, 52}});
  EXPECT_EQ(set.take_half(100), IntervalSet(std::vector<Interval>{{5, 9}, {20, 21}, {40, 41}, {51, 52}}));
  EXPECT_EQ(set, IntervalSet(std::vector<Interval>{{0, 5}, {30, 31}, {50, 51}}));
  IntervalSet lone(Interval{7, 8});
  EXPECT_TRUE(lone.take_half(100).empty());
  IntervalSet many(std::vector<Interval>{{0, 4}, {10, 14}, {20, 24}});
  EXPECT_EQ(many.take_half(1), IntervalSet(Interval{22, 24}));
  EXPECT_EQ(many.count(), 10U);
}

TEST(interval_set, agrees_with_a_list_of_bits) {
  Random random(5);
  constexpr std::uint64_t size = 64;
  for (int round = 0; round < 2'000; ++round) {
    auto some = [&] {
      IntervalSet set;
      for (std::uint64_t left = random.below(6); left > 0; --left) {
        const std::uint64_t begin = random.below(size);
        set.insert({begin, begin + 1 + random.below(size - begin)});
      }
      return set;
    };
    IntervalSet left = some();
    const IntervalSet right = some();
    std::vector<bool> expected(size), without(size);
    for (std::uint64_t i = 0; i < size; ++i) {
      expected[i] = members(left, size)[i] && members(right, size)[i];
      without[i] = members(left, size)[i] && !members(right, size)[i];
    }
    EXPECT_EQ(members(left.both(right), size), expected);
    left.both(right).check_invariants();
    left.erase(right);
    EXPECT_EQ(members(left, size), without);
    const std::uint64_t before = left.count();
    IntervalSet rest = left;
    const IntervalSet taken =
        random.chance(1, 2) ? rest.take_half(random.below(4)) : rest.take_back(1 + random.below(9));
    taken.check_invariants();
    rest.check_invariants();
    EXPECT_EQ(taken.count() + rest.count(), before);
    EXPECT_TRUE(taken.both(rest).empty());
    rest.insert(taken);
    EXPECT_EQ(rest, left);
  }
}

}  // namespace
}  // namespace agent::core
