#include "agent/core/power.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "agent/core/random.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};
constexpr std::optional<double> unknown;

TEST(power_meter, knows_nothing_before_there_is_anything_to_know) {
  PowerMeter meter;
  EXPECT_EQ(meter.per_second(start, unknown), std::nullopt);
  EXPECT_EQ(meter.per_second(start, 2.5), 2.5);
  meter.held(start);
  EXPECT_EQ(meter.per_second(start + 10s, unknown), std::nullopt);
}

TEST(power_meter, is_iterations_by_time_where_no_mean_is_known) {
  PowerMeter meter;
  meter.held(start);
  meter.done(start + 4s, 6);
  meter.done(start + 8s, 6);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 8s, unknown), 1.5);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 12s, unknown), 1.0);
}

TEST(power_meter, four_iterations_at_the_mean_temper_the_first_ones) {
  PowerMeter meter;
  meter.held(start);
  meter.done(start + 1s, 10);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 1s, 2.0), (10.0 + 4.0) / (1.0 + 2.0));
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 1s, 0.5), (10.0 + 4.0) / (1.0 + 8.0));
}

TEST(power_meter, a_helper_that_finishes_nothing_loses_standing) {
  PowerMeter meter;
  meter.held(start);
  EXPECT_DOUBLE_EQ(*meter.per_second(start, 2.0), 2.0);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 2s, 2.0), 1.0);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 18s, 2.0), 0.2);
}

TEST(power_meter, time_in_which_nothing_was_held_does_not_count) {
  PowerMeter meter;
  meter.held(start);
  meter.done(start + 2s, 4);
  meter.dry(start + 2s);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 1h, unknown), 2.0);
  meter.dry(start + 1h);
  meter.held(start + 2h);
  meter.held(start + 2h + 1s);
  meter.done(start + 2h + 2s, 4);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 2h + 2s, unknown), 2.0);
}

TEST(power_meter, what_comes_while_nothing_is_held_does_not_count_either) {
  PowerMeter meter;
  meter.done(start, 1'000);
  EXPECT_EQ(meter.per_second(start, unknown), std::nullopt);
  meter.held(start);
  meter.done(start + 1s, 1);
  meter.dry(start + 1s);
  meter.done(start + 1s, 1'000);
  EXPECT_DOUBLE_EQ(*meter.per_second(start + 1s, unknown), 1.0);
}

TEST(power_meter, iterations_in_no_time_are_finite_power) {
  PowerMeter meter;
  meter.held(start);
  meter.done(start, 1);
  EXPECT_DOUBLE_EQ(*meter.per_second(start, unknown), 1e9);
}

TEST(power_meter, the_newest_window_weighs_three_tenths) {
  PowerMeter meter;
  meter.held(start);
  Instant now = start;
  for (int i = 0; i < 3'000; ++i) meter.done(now += 1s, 1);
  EXPECT_NEAR(*meter.per_second(now, unknown), 1.0, 1e-9);
  for (int i = 0; i < 30; ++i) meter.done(now += 1s, 11);
  EXPECT_NEAR(*meter.per_second(now, unknown), 0.7 * 1.0 + 0.3 * 11.0, 1e-9);
  for (int i = 0; i < 3'000; ++i) meter.done(now += 1s, 11);
  EXPECT_NEAR(*meter.per_second(now, unknown), 11.0, 1e-9);
  meter.check_invariants();
}

TEST(power_meter, iterations_that_take_longer_than_a_window_count_for_all_of_their_time) {
  PowerMeter meter;
  meter.held(start);
  Instant now = start;
  for (int i = 0; i < 5; ++i) {
    meter.done(now += 100s, 1);
    EXPECT_NEAR(*meter.per_second(now, unknown), 0.01, 1e-12);
    meter.check_invariants();
  }
}

TEST(power_meter, goes_on_after_a_very_long_time) {
  PowerMeter meter;
  meter.held(start);
  meter.done(start + 1s, 1'000'000);
  EXPECT_LT(*meter.per_second(start + 24h * 365, 1.0), 0.05);
  meter.done(start + 24h * 365, 1'000);
  EXPECT_NEAR(*meter.per_second(start + 24h * 365, unknown), 1'000.0 / (365 * 86'400), 1e-9);
  meter.check_invariants();
}

TEST(power_meter, idle_gaps_and_the_moments_of_asking_change_nothing) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    PowerMeter plain, gappy;
    Instant now = start, later = start;
    plain.held(now);
    gappy.held(later);
    for (int i = 0; i < 400; ++i) {
      const Duration step = random.jittered(1s);
      now += step;
      later += step;
      const std::uint64_t iterations = random.below(5);
      plain.done(now, iterations);
      gappy.done(later, iterations);
      if (random.chance(1, 3)) {
        gappy.dry(later);
        later += random.jittered(1min);
        gappy.held(later);
      }
      ASSERT_NEAR(*plain.per_second(now, 2.0), *gappy.per_second(later, 2.0), 1e-6);
      gappy.check_invariants();
    }
  }
}

TEST(cost_meter, is_the_mean_task_time_of_an_iteration) {
  CostMeter cost;
  EXPECT_EQ(cost.mean(), std::nullopt);
  cost.observe(1, 4s);
  EXPECT_EQ(cost.mean(), 4s);
  cost.observe(3, 8s);
  EXPECT_EQ(cost.mean(), 3s);
}

TEST(cost_meter, no_claim_breaks_it) {
  CostMeter cost;
  cost.observe(1, Duration(-5));
  EXPECT_EQ(cost.mean(), 1ns);
  cost.observe(~std::uint64_t{0}, 0s);
  EXPECT_EQ(cost.mean(), 1ns);
  CostMeter dear;
  for (int i = 0; i < 10; ++i) dear.observe(1, Duration::max());
  EXPECT_EQ(dear.mean(), Duration::max());
}

}  // namespace
}  // namespace agent::core
