#include "protocol/wire.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

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

// Two bytes on the wire, a kibibyte in memory.
struct Bulky {
  std::uint8_t number = 0;
  std::array<std::byte, 1023> rest{};
};

template <class V>
void fields(V& v, Field<V, Bulky> m) {
  v(m.number);
}

TEST(Decoder, refuses_a_list_that_would_take_more_memory_than_its_size_justifies) {
  const auto decode_list = [](std::size_t count) {
    WireWriter out;
    out.array(count);
    for (std::size_t i = 0; i < count; ++i) {
      out.array(1);
      out.number(7);
    }
    const auto bytes = out.take();
    WireReader in(bytes);
    Decoder decoder(in);
    std::vector<Bulky> list;
    decoder.list(list, 1'000);
    return std::pair(in.error(), list.capacity());
  };
  // The slack alone pays for 127 of them and the parser.
  EXPECT_EQ(decode_list(127), std::pair(std::optional<DecodeError>(), std::size_t{127}));
  EXPECT_EQ(decode_list(140), std::pair(std::optional(DecodeError::too_much), std::size_t{0}));
}

TEST(Decoder, charges_the_lists_of_one_message_together) {
  WireWriter out;
  for (int list = 0; list < 2; ++list) {
    out.array(100);
    for (int i = 0; i < 100; ++i) {
      out.array(1);
      out.number(7);
    }
  }
  const auto bytes = out.take();
  WireReader in(bytes);
  Decoder decoder(in);
  std::vector<Bulky> first;
  std::vector<Bulky> second;
  decoder.list(first, 1'000);
  EXPECT_TRUE(in.ok());
  decoder.list(second, 1'000);
  EXPECT_EQ(in.error(), DecodeError::too_much);
  EXPECT_EQ(second.capacity(), 0U);
}

}  // namespace
}  // namespace protocol
