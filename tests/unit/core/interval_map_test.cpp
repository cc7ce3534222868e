#include "agent/core/interval_map.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "agent/core/random.h"

namespace agent::core {
namespace {

using Map = IntervalMap<int>;
using Entries = std::vector<Map::Entry>;

Entries runs_within(const Map& map, Interval window) {
  Entries seen;
  map.for_each_within(window, [&](Interval where, int value) { seen.push_back({where, value}); });
  return seen;
}

TEST(interval_map, neighbours_of_equal_value_become_one) {
  Map map;
  map.assign({0, 5}, 7);
  map.assign({10, 15}, 7);
  map.assign({5, 10}, 7);
  EXPECT_EQ(map.entries(), (Entries{{{0, 15}, 7}}));
  map.assign({15, 20}, 8);
  EXPECT_EQ(map.entries(), (Entries{{{0, 15}, 7}, {{15, 20}, 8}}));
}

TEST(interval_map, a_new_value_splits_the_old_one_and_joins_it_again) {
  Map map;
  map.assign({0, 10}, 1);
  map.assign({4, 6}, 2);
  EXPECT_EQ(map.entries(), (Entries{{{0, 4}, 1}, {{4, 6}, 2}, {{6, 10}, 1}}));
  map.assign({4, 6}, 1);
  EXPECT_EQ(map.entries(), (Entries{{{0, 10}, 1}}));
}

TEST(interval_map, assigning_the_absent_value_takes_no_memory) {
  Map map(3);
  map.assign({0, 100}, 3);
  EXPECT_TRUE(map.empty());
  map.assign({0, 100}, 4);
  map.assign({10, 20}, 3);
  EXPECT_EQ(map.entries(), (Entries{{{0, 10}, 4}, {{20, 100}, 4}}));
  EXPECT_EQ(map.at(9), 4);
  EXPECT_EQ(map.at(10), 3);
  EXPECT_EQ(map.at(100), 3);
}

TEST(interval_map, gaps_count_as_the_absent_value) {
  Map map(5);
  map.assign({10, 20}, 1);
  map.assign({30, 40}, 9);
  EXPECT_EQ(map.max_within({10, 20}), 1);
  EXPECT_EQ(map.max_within({10, 21}), 5);
  EXPECT_EQ(map.max_within({0, 31}), 9);
  EXPECT_EQ(map.max_within({50, 60}), 5);
  EXPECT_EQ(runs_within(map, {5, 35}), (Entries{{{5, 10}, 5}, {{10, 20}, 1}, {{20, 30}, 5}, {{30, 35}, 9}}));
  EXPECT_EQ(runs_within(map, {12, 15}), (Entries{{{12, 15}, 1}}));
  EXPECT_EQ(runs_within(map, {20, 22}), (Entries{{{20, 22}, 5}}));
}

TEST(interval_map, holds_the_whole_index_space_as_one_run) {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  Map map;
  map.assign({0, all}, 1);
  map.assign({all - 1, all}, 2);
  EXPECT_EQ(map.entries(), (Entries{{{0, all - 1}, 1}, {{all - 1, all}, 2}}));
  EXPECT_EQ(map.at(all - 1), 2);
  map.erase({0, all});
  EXPECT_TRUE(map.empty());
}

TEST(interval_map, holds_values_that_own_memory) {
  IntervalMap<std::string> map("none");
  map.assign({0, 10}, std::string(100, 'x'));
  map.assign({3, 4}, "other");
  EXPECT_EQ(map.at(5), std::string(100, 'x'));
  EXPECT_EQ(map.at(3), "other");
  EXPECT_EQ(map.at(10), "none");
}

// The dumb twin: an array of values.
class IntervalMapTwin : public testing::TestWithParam<unsigned> {};

TEST_P(IntervalMapTwin, agrees_with_an_array) {
  constexpr int absent = 1;
  Random random(GetParam());
  Map map(absent);
  std::array<int, 80> twin{};
  twin.fill(absent);
  const auto some_interval = [&] {
    const std::uint64_t begin = random.below(64);
    return Interval{begin, begin + 1 + random.below(14)};
  };
  for (int round = 0; round < 500; ++round) {
    const Interval changed = some_interval();
    const int value = random.chance(1, 4) ? absent : static_cast<int>(random.below(4));
    const bool erased = random.chance(1, 5);
    erased ? map.erase(changed) : map.assign(changed, value);
    for (auto i = changed.begin; i < changed.end; ++i) twin.at(i) = erased ? absent : value;
    map.check_invariants();
    for (std::size_t i = 0; i < twin.size(); ++i) ASSERT_EQ(map.at(i), twin.at(i)) << i;

    const Interval window = some_interval();
    const auto first = twin.begin() + static_cast<std::ptrdiff_t>(window.begin);
    const auto last = twin.begin() + static_cast<std::ptrdiff_t>(window.end);
    ASSERT_EQ(map.max_within(window), *std::max_element(first, last));
    std::uint64_t covered = window.begin;
    int before = -1;
    for (const auto& [where, run] : runs_within(map, window)) {
      ASSERT_EQ(where.begin, covered);
      ASSERT_NE(run, before);
      for (auto i = where.begin; i < where.end; ++i) ASSERT_EQ(twin.at(i), run);
      covered = where.end;
      before = run;
    }
    ASSERT_EQ(covered, window.end);
  }
}

INSTANTIATE_TEST_SUITE_P(seed, IntervalMapTwin, testing::Range(0U, 20U));

}  // namespace
}  // namespace agent::core
