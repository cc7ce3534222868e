#include "agent/shell/seldom.h"

#include <gtest/gtest.h>

namespace agent::shell {
namespace {

TEST(SeldomTest, a_flood_says_little_and_how_much_was_left_out) {
  Seldom seldom;
  core::Instant now(std::chrono::hours(1));
  for (int i = 0; i < 1'000; ++i) {
    const auto line = seldom.say(now, "knock");
    EXPECT_EQ(line.has_value(), i < Seldom::at_once_max) << i;
    EXPECT_EQ(line.value_or("knock"), "knock");
  }
  now += Seldom::period;
  EXPECT_EQ(seldom.say(now, "knock"), "knock (980 such lines were left out before)");
  EXPECT_FALSE(seldom.say(now, "knock"));
}

TEST(SeldomTest, who_comes_now_and_then_is_always_told_of) {
  Seldom seldom;
  core::Instant now(std::chrono::hours(1));
  for (int i = 0; i < 100; ++i, now += Seldom::period) EXPECT_EQ(seldom.say(now, "knock"), "knock");
}

}  // namespace
}  // namespace agent::shell
