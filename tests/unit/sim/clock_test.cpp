#include "agent/sim/clock.h"

#include <gtest/gtest.h>

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

TEST(NodeClock, ReadsWorldTimeWhenItIsRight) {
  EXPECT_EQ(NodeClock{}.read(WorldTime(5s)), Instant(5s));
}

TEST(NodeClock, IsOffAndRunsFastOrSlow) {
  EXPECT_EQ((NodeClock{.offset = 7s, .rate_ppm = 1'000}.read(WorldTime(1000s))), Instant(1008s));
  EXPECT_EQ((NodeClock{.offset = -7s, .rate_ppm = -1'000}.read(WorldTime(1000s))), Instant(992s));
}

TEST(NodeClock, TellsTheFirstMomentAtWhichItReadsSomething) {
  for (const std::int64_t ppm : {-100'000, -10'000, -37, -1, 0, 1, 49, 10'000, 100'000}) {
    for (const std::int64_t at :
         {1LL, 999'999LL, 1'000'001LL, 123'456'789'012LL, 86'400'000'000'000LL, 9'000'000'000'000'001LL}) {
      const NodeClock clock{.offset = 3s, .rate_ppm = ppm};
      const Instant wanted(3s + Duration(at));
      const WorldTime when = clock.when(wanted);
      EXPECT_GE(clock.read(when), wanted) << ppm << " " << at;
      EXPECT_LT(clock.read(when - 1ns), wanted) << ppm << " " << at;
    }
  }
}

TEST(NodeClock, WhatItReadFromTheBeginningIsReadAtTheBeginning) {
  EXPECT_EQ((NodeClock{.offset = 100s}.when(Instant(5s))), WorldTime{});
}

TEST(NodeClock, LongSpansDoNotOverflow) {
  const WorldTime far(std::chrono::hours(24 * 365 * 50));
  EXPECT_GT((NodeClock{.rate_ppm = 100'000}.read(far)), Instant(far.time_since_epoch()));
  EXPECT_EQ(from_seconds(1e30), Duration::max());
}

}  // namespace
}  // namespace agent::sim
