#include "agent/cli/duration.h"

#include <gtest/gtest.h>

#include <string>

namespace agent::cli {
namespace {

TEST(Duration, TakesUnitsAndFractions) {
  const auto ns = [](std::string_view text) {
    return parse_duration(text).value_or(std::chrono::nanoseconds{-1}).count();
  };
  EXPECT_EQ(ns("10s"), 10'000'000'000);
  EXPECT_EQ(ns("10"), 10'000'000'000);
  EXPECT_EQ(ns("0"), 0);
  EXPECT_EQ(ns("1.5m"), 90'000'000'000);
  EXPECT_EQ(ns("2h"), 7'200'000'000'000);
  EXPECT_EQ(ns("500ms"), 500'000'000);
  EXPECT_EQ(ns("1d"), 86'400'000'000'000);
  EXPECT_EQ(ns(".5"), 500'000'000);
  EXPECT_EQ(ns("1."), 1'000'000'000);
  EXPECT_EQ(ns("0.0000000014"), 1);
  EXPECT_EQ(ns("0.0000000015"), 2);
  EXPECT_EQ(ns("0.33333333333333333333333333333"), 333'333'333);
  EXPECT_EQ(ns("36500d"), 3'153'600'000'000'000'000);
}

TEST(Duration, RefusesByName) {
  const auto error = [](std::string_view text) {
    const auto duration = parse_duration(text);
    EXPECT_FALSE(duration.has_value()) << text;
    return duration ? DurationError::empty : duration.error();
  };
  EXPECT_EQ(error(""), DurationError::empty);
  EXPECT_EQ(error("-1s"), DurationError::negative);
  EXPECT_EQ(error("36501d"), DurationError::too_long);
  EXPECT_EQ(error("36500.1d"), DurationError::too_long);
  EXPECT_EQ(error(std::string(100, '9')), DurationError::too_long);
  EXPECT_EQ(error("10x"), DurationError::bad_unit);
  EXPECT_EQ(error("10S"), DurationError::bad_unit);
  EXPECT_EQ(error("1h30m"), DurationError::bad_unit);
  EXPECT_EQ(error("1e3"), DurationError::bad_unit);
  for (const auto* text : {".", "s", "1.2.3", "+1", " 1", "nan"})
    EXPECT_EQ(error(text), DurationError::bad_number) << text;
}

}  // namespace
}  // namespace agent::cli
