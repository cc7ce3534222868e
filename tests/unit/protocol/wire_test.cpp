#include "protocol/wire.h"

#include <gtest/gtest.h>

#include <limits>

namespace protocol {
namespace {

TEST(Cut, leaves_a_text_within_its_limit_alone) {
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("", 0), "");
  EXPECT_EQ(cut("\xc3\xa9", 2), "\xc3\xa9");
}

TEST(Cut, ends_between_characters) {
  EXPECT_EQ(cut("abc", 2), "ab");
  EXPECT_EQ(cut("a\xc3\xa9", 2), "a");
  EXPECT_EQ(cut("\xf0\x9f\x90\x92x", 4), "\xf0\x9f\x90\x92");
  for (const std::size_t inside : {1U, 2U, 3U}) EXPECT_EQ(cut("\xf0\x9f\x90\x92", inside), "") << inside;
}

TEST(Cut, loses_at_most_3_bytes_of_what_is_not_utf8) {
  const std::string text(1000, '\x80');
  EXPECT_EQ(cut(text, 256).size(), 253U);
  EXPECT_EQ(cut(text, 2).size(), 0U);
}

TEST(Canonical, is_sorted_disjoint_and_without_empty_intervals) {
  constexpr auto last = std::numeric_limits<std::uint64_t>::max();
  const auto canonical = [](const Intervals& intervals) { return is_canonical(intervals); };
  EXPECT_TRUE(canonical({}));
  EXPECT_TRUE(canonical({{0, last}}));
  EXPECT_TRUE(canonical({{0, 1}, {1, 2}, {5, 6}}));
  EXPECT_FALSE(canonical({{1, 1}}));
  EXPECT_FALSE(canonical({{2, 1}}));
  EXPECT_FALSE(canonical({{0, 2}, {1, 3}}));
  EXPECT_FALSE(canonical({{4, 5}, {1, 2}}));
}

}  // namespace
}  // namespace protocol
