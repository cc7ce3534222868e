#include "protocol/wire_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "tests/unit/protocol/raw.h"

namespace protocol {
namespace {

using test::raw;
using test::Raw;

TEST(WireWriter, numbers_take_their_shortest_form) {
  WireWriter out;
  for (const std::uint64_t value : {std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{255}, std::uint64_t{256},
                                    std::uint64_t{65'536}, std::uint64_t{1} << 32U}) {
    out.number(value);
  }
  out.negative(-32);
  out.negative(-33);
  EXPECT_EQ(out.take(), raw({127,  0xcc, 128, 0xcc, 255, 0xcd, 1, 0, 0xce, 0,    1,    0,   0,
                             0xcf, 0,    0,   0,    1,   0,    0, 0, 0,    0xe0, 0xd0, 0xdf}));
}

TEST(WireWriter, least_and_largest_numbers_are_whole) {
  WireWriter out;
  out.number(std::numeric_limits<std::uint64_t>::max());
  out.negative(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(out.take(), raw({0xcf}) + test::repeated(0xff, 8) + raw({0xd3, 0x80}) + test::repeated(0, 7));
}

TEST(WireWriter, texts_and_bytes_keep_their_types) {
  WireWriter out;
  out.text("");
  out.text("ab");
  out.text(std::string(32, 'x'));
  out.bytes({});
  out.bytes(Raw(256));
  out.boolean(true);
  out.boolean(false);
  out.nothing();
  EXPECT_EQ(out.take(), raw({0xa0, 0xa2, 'a', 'b', 0xd9, 32}) + test::repeated('x', 32) + raw({0xc4, 0, 0xc5, 1, 0}) +
                            test::repeated(0, 256) + raw({0xc3, 0xc2, 0xc0}));
}

TEST(WireWriter, arrays_take_their_shortest_header) {
  WireWriter out;
  for (const std::size_t count : {0U, 15U, 16U, 65'535U, 65'536U}) out.array(count);
  EXPECT_EQ(out.take(), raw({0x90, 0x9f, 0xdc, 0, 16, 0xdc, 0xff, 0xff, 0xdd, 0, 1, 0, 0}));
}

}  // namespace
}  // namespace protocol
