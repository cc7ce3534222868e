#include "protocol/wire_reader.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/unit/protocol/raw.h"

namespace protocol {
namespace {

using test::raw;
using test::Raw;

constexpr auto u64_max = std::numeric_limits<std::uint64_t>::max();
constexpr auto i64_min = std::numeric_limits<std::int64_t>::min();
constexpr auto i64_max = std::numeric_limits<std::int64_t>::max();

std::string_view chars(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Every form that the msgpack specification gives a value, several after one another: the offset after each must be
// right.
TEST(WireReader, reads_every_form_of_every_value) {
  const Raw input =
      raw({0x05, 0xcc, 0xfe, 0xcd, 1, 2, 0xce, 1, 2, 3, 4, 0xcf, 1, 2, 3, 4, 5, 6, 7, 8}) +
      raw({0xff, 0xd0, 0x80, 0xd1, 0xff, 0x00, 0xd2, 0xff, 0, 0, 0, 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0, 0xd0, 5}) +
      raw({0xc0, 0xc2, 0xc3}) + raw({0xa0, 0xa2, 'a', 'b', 0xd9, 1, 'c', 0xda, 0, 1, 'd', 0xdb, 0, 0, 0, 1, 'e'}) +
      raw({0xd9, 0, 0xda, 0, 0, 0xdb, 0, 0, 0, 0}) +
      raw({0xc4, 1, 'f', 0xc5, 0, 1, 'g', 0xc6, 0, 0, 0, 1, 'h', 0xc4, 0}) +
      raw({0x90, 0x92, 1, 2, 0xdc, 0, 1, 3, 0xdd, 0, 0, 0, 1, 4, 0xdc, 0, 0, 0xdd, 0, 0, 0, 0});
  WireReader in(input);
  EXPECT_EQ(in.number(u64_max), 5U);
  EXPECT_EQ(in.number(u64_max), 0xfeU);
  EXPECT_EQ(in.number(u64_max), 0x102U);
  EXPECT_EQ(in.number(u64_max), 0x1020304U);
  EXPECT_EQ(in.number(u64_max), 0x102030405060708U);
  EXPECT_EQ(in.signed_number(i64_min, i64_max), -1);
  EXPECT_EQ(in.signed_number(i64_min, i64_max), -128);
  EXPECT_EQ(in.signed_number(i64_min, i64_max), -256);
  EXPECT_EQ(in.signed_number(i64_min, i64_max), -16'777'216);
  EXPECT_EQ(in.signed_number(i64_min, i64_max), i64_min);
  EXPECT_EQ(in.number(u64_max), 5U) << "a positive number in a signed form";
  EXPECT_TRUE(in.nothing());
  EXPECT_FALSE(in.boolean());
  EXPECT_TRUE(in.boolean());
  for (const char* text : {"", "ab", "c", "d", "e", "", "", ""}) EXPECT_EQ(in.text(9), text);
  for (const char* bytes : {"f", "g", "h", ""}) EXPECT_EQ(chars(in.bytes(9)), bytes);
  EXPECT_EQ(in.array(), 0U);
  EXPECT_EQ(in.array(), 2U);
  EXPECT_EQ(in.number(9), 1U);
  EXPECT_EQ(in.number(9), 2U);
  EXPECT_EQ(in.array(), 1U);
  EXPECT_EQ(in.number(9), 3U);
  EXPECT_EQ(in.array(), 1U);
  EXPECT_EQ(in.number(9), 4U);
  EXPECT_EQ(in.array(), 0U);
  EXPECT_EQ(in.array(), 0U);
  in.finish();
  EXPECT_TRUE(in.ok()) << to_string(*in.error());
}

TEST(WireReader, skips_every_form_of_every_value) {
  const Raw values = raw({0x05, 0xcc, 1, 0xcd, 1, 2, 0xce, 1, 2, 3, 4, 0xcf, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xd0, 1}) +
                     raw({0xc0, 0xc2, 0xc3, 0xa0, 0xa1, 'x', 0xd9, 0, 0xc4, 1, 7, 0x92, 1, 0x91, 2, 0x90, 0xdc, 0, 0});
  const Raw input = values + raw({0x2a});
  WireReader in(input);
  in.skip(17);
  EXPECT_TRUE(in.ok()) << to_string(*in.error());
  EXPECT_EQ(in.number(99), 0x2aU);
  in.finish();
  EXPECT_TRUE(in.ok());
}

TEST(WireReader, nothing_takes_only_a_nil) {
  const Raw input = raw({0xc0, 7});
  WireReader in(input);
  EXPECT_TRUE(in.nothing());
  EXPECT_FALSE(in.nothing());
  EXPECT_EQ(in.number(9), 7U);
  EXPECT_FALSE(in.nothing()) << "at the end";
  EXPECT_EQ(in.error(), DecodeError::truncated);
}

TEST(WireReader, signed_numbers_stay_in_their_range) {
  const auto read = [](const Raw& input, std::int64_t min, std::int64_t max) {
    WireReader in(input);
    in.signed_number(min, max);
    return in.error();
  };
  EXPECT_EQ(read(raw({0xd0, 0x80}), -128, 127), std::nullopt);
  EXPECT_EQ(read(raw({0xd1, 0xff, 0x7f}), -128, 127), DecodeError::bad_value);
  EXPECT_EQ(read(raw({0xcc, 0x80}), -128, 127), DecodeError::bad_value);
  EXPECT_EQ(read(raw({0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0}), i64_min, i64_max), DecodeError::bad_value);
  EXPECT_EQ(read(raw({0xcf, 0x7f, 255, 255, 255, 255, 255, 255, 255}), i64_min, i64_max), std::nullopt);
  EXPECT_EQ(read(raw({0xa0}), i64_min, i64_max), DecodeError::wrong_type);
}

TEST(WireReader, first_error_stays_and_later_values_are_empty) {
  const Raw input = raw({0xa3, 'a', 'b', 'c', 5, 0x91, 6});
  WireReader in(input);
  EXPECT_EQ(in.text(2), "");
  EXPECT_EQ(in.error(), DecodeError::too_long);
  EXPECT_EQ(in.number(9), 0U);
  EXPECT_EQ(in.array(), 0U);
  EXPECT_FALSE(in.nothing());
  in.skip(1);
  in.finish();
  EXPECT_EQ(in.error(), DecodeError::too_long);
}

TEST(WireReader, array_never_promises_more_than_is_left) {
  const Raw input = raw({0x92, 1});
  WireReader in(input);
  EXPECT_EQ(in.array(), 0U);
  EXPECT_EQ(in.error(), DecodeError::truncated);
}

}  // namespace
}  // namespace protocol
