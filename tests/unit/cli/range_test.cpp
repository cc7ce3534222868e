#include "agent/cli/range.h"

#include <gtest/gtest.h>

namespace agent::cli {
namespace {

std::string error_of(std::string_view text) {
  const auto range = parse_range(text);
  if (range) return "none";
  switch (range.error()) {
    case RangeError::not_a_range: return "not_a_range";
    case RangeError::bad_number: return "bad_number";
    case RangeError::negative: return "negative";
    case RangeError::overflow: return "overflow";
    case RangeError::reversed: return "reversed";
    case RangeError::zero_step: return "zero_step";
    case RangeError::one_too_many: return "one_too_many";
  }
  return "unknown";
}

constexpr std::uint64_t highest = 18446744073709551615U;

struct Good {
  std::string_view text;
  Range range;
  std::string_view high;
};

TEST(Range, CountsValuesHalfOpenAndInclusive) {
  const Good ranges[] = {
      {"0..10", {0, 1, 10}, "10"},
      {"0..=10", {0, 1, 11}, "11"},
      {"3..10:3", {3, 3, 3}, "10"},
      {"3..11:3", {3, 3, 3}, "10"},
      {"3..=12:3", {3, 3, 4}, "13"},
      {"5..6:100", {5, 100, 1}, "6"},
      {"7..7", {7, 1, 0}, "7"},
      {"7..=7", {7, 1, 1}, "8"},
      {"0..1e9", {0, 1, 1'000'000'000}, "1000000000"},
      {"1_000..0x1F_40:1e3", {1000, 1000, 7}, "7001"},
      {"25E3..25001", {25'000, 1, 1}, "25001"},
      {"0..18446744073709551615", {0, 1, highest}, "18446744073709551615"},
      {"1..=18446744073709551615", {1, 1, highest}, "18446744073709551616"},
      {"0..=18446744073709551615:2", {0, 2, highest / 2 + 1}, "18446744073709551615"},
      {"18446744073709551615..=0xffffffffffffffff", {highest, 1, 1}, "18446744073709551616"},
      {"0..=1:18446744073709551615", {0, highest, 1}, "1"},
      {"0e99..1", {0, 1, 1}, "1"},
  };
  for (const auto& [text, expected, high] : ranges) {
    const auto range = parse_range(text);
    ASSERT_TRUE(range.has_value()) << text;
    EXPECT_EQ(*range, expected) << text;
    EXPECT_EQ(exclusive_high(*range), high) << text;
  }
}

TEST(Range, RefusesByName) {
  EXPECT_EQ(error_of("0..=18446744073709551615"), "one_too_many");
  EXPECT_EQ(error_of("0..18446744073709551616"), "overflow");
  EXPECT_EQ(error_of("0..1e20"), "overflow");
  EXPECT_EQ(error_of("0..99999999999999999999999999"), "overflow");
  EXPECT_EQ(error_of("0..0x10000000000000000"), "overflow");
  EXPECT_EQ(error_of("10..9"), "reversed");
  EXPECT_EQ(error_of("10..=9"), "reversed");
  EXPECT_EQ(error_of("0..9:0"), "zero_step");
  EXPECT_EQ(error_of("-5..5"), "negative");
  EXPECT_EQ(error_of("0..-5"), "negative");
  EXPECT_EQ(error_of("0..5:-1"), "negative");
  for (const auto* text : {"", "5", "0-9", "0.9", ":", "0:9"}) EXPECT_EQ(error_of(text), "not_a_range") << text;
  for (const auto* text :
       {"..",    "0..",   "..9",   "a..9",  "0..9x",    "0...9", "0..9:",  "0..9:1:2", "1.5..2", "0..1.5e3",
        "0..+9", "0.. 9", "_1..9", "1_..9", "1__0..99", "0x..9", "0xg..9", "1e..9",    "e3..9",  "1e-3..9"})
    EXPECT_NE(error_of(text), "none") << text;
}

TEST(Range, ExplainsWhatToType) {
  EXPECT_EQ(to_string(RangeError::one_too_many),
            "0..=18446744073709551615 is one value too many: a range has at most 18446744073709551615 values, as "
            "0..18446744073709551615 has");
  EXPECT_EQ(to_string(RangeError::negative),
            "the numbers of a range cannot be negative: start at 0 and subtract in the command");
}

}  // namespace
}  // namespace agent::cli
