#include "crypto/canonical.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using samples::bytes_of;
using samples::from_hex;
using samples::to_hex;

constexpr std::size_t any_size = 1'000'000;

template <class Field>
std::string written(Field field, WireFault expected = WireFault::none, std::size_t bytes_max = any_size) {
  Writer writer(bytes_max);
  field(writer);
  EXPECT_EQ(writer.fault(), expected);
  return writer.fault() == WireFault::none ? to_hex(writer.take()) : "";
}

template <class Field>
WireFault read(std::string_view hex, Field field, std::size_t bytes_max = any_size) {
  const auto input = from_hex(hex);
  Reader reader(input, bytes_max);
  field(reader);
  return reader.finish();
}

template <class T>
WireFault read_number(std::string_view hex, T& value, T low = std::numeric_limits<T>::min(),
                      T high = std::numeric_limits<T>::max()) {
  return read(hex, [&](Reader& reader) { reader.number(value, low, high); });
}

TEST(canonical, numbers_are_written_in_their_shortest_form_and_read_back) {
  const std::vector<std::pair<std::uint64_t, std::string>> cases{{0, "00"},
                                                                 {1, "01"},
                                                                 {127, "7f"},
                                                                 {128, "8001"},
                                                                 {300, "ac02"},
                                                                 {16'383, "ff7f"},
                                                                 {16'384, "808001"},
                                                                 {~std::uint64_t{0}, "ffffffffffffffffff01"},
                                                                 {std::uint64_t{1} << 63U, "80808080808080808001"}};
  for (const auto& [value, hex] : cases) {
    EXPECT_EQ(written([number = value](Writer& writer) { writer.number(number); }), hex);
    std::uint64_t back = 77;
    EXPECT_EQ(read_number(hex, back), WireFault::none);
    EXPECT_EQ(back, value);
  }
}

TEST(canonical, signed_numbers_survive_at_both_ends) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{-64}, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max()}) {
    const auto hex = written([&](Writer& writer) { writer.number(value); });
    std::int64_t back = 77;
    EXPECT_EQ(read_number(hex, back), WireFault::none);
    EXPECT_EQ(back, value);
  }
  EXPECT_EQ(written([](Writer& writer) { writer.number(std::int32_t{-1}); }), "01");
  EXPECT_EQ(written([](Writer& writer) { writer.number(std::int32_t{1}); }), "02");
}

TEST(canonical, a_second_form_of_a_number_is_malformed) {
  for (const char* hex : {"8000", "808000", "ff00", "80808080808080808000", "ffffffffffffffffff02",
                          "ffffffffffffffffff8100", "80808080808080808080808001"}) {
    std::uint64_t value = 77;
    EXPECT_EQ(read_number(hex, value), WireFault::malformed) << hex;
    EXPECT_EQ(value, 77u) << hex;
  }
}

TEST(canonical, a_cut_number_or_a_trailing_byte_is_malformed) {
  std::uint64_t value = 0;
  EXPECT_EQ(read_number("", value), WireFault::malformed);
  EXPECT_EQ(read_number("80", value), WireFault::malformed);
  EXPECT_EQ(read_number("0100", value), WireFault::malformed);
}

TEST(canonical, a_number_outside_its_type_or_bounds_is_out_of_bounds_in_both_directions) {
  std::uint8_t small = 77;
  EXPECT_EQ(read_number("ff01", small), WireFault::none);
  EXPECT_EQ(small, 255);
  EXPECT_EQ(read_number("8002", small), WireFault::out_of_bounds);
  std::int32_t whole = 77;
  EXPECT_EQ(read_number("8080808010", whole), WireFault::out_of_bounds);  // 2^31
  EXPECT_EQ(read_number("ffffffff0f", whole), WireFault::none);
  EXPECT_EQ(whole, std::numeric_limits<std::int32_t>::min());
  std::uint32_t bounded = 0;
  EXPECT_EQ(read_number("02", bounded, 3U, 5U), WireFault::out_of_bounds);
  EXPECT_EQ(read_number("03", bounded, 3U, 5U), WireFault::none);
  EXPECT_EQ(read_number("05", bounded, 3U, 5U), WireFault::none);
  EXPECT_EQ(read_number("06", bounded, 3U, 5U), WireFault::out_of_bounds);
  written([](Writer& writer) { writer.number(std::uint32_t{2}, 3, 5); }, WireFault::out_of_bounds);
  written([](Writer& writer) { writer.number(std::uint32_t{6}, 3, 5); }, WireFault::out_of_bounds);
}

enum class Colour { red, green, blue };

TEST(canonical, a_choice_beyond_the_last_is_refused) {
  Colour colour = Colour::red;
  EXPECT_EQ(read("02", [&](Reader& reader) { reader.choice(colour, Colour::blue); }), WireFault::none);
  EXPECT_EQ(colour, Colour::blue);
  EXPECT_EQ(read("03", [&](Reader& reader) { reader.choice(colour, Colour::blue); }), WireFault::out_of_bounds);
  EXPECT_EQ(colour, Colour::blue);
  written([](Writer& writer) { writer.choice(static_cast<Colour>(3), Colour::blue); }, WireFault::out_of_bounds);
}

TEST(canonical, a_flag_is_zero_or_one) {
  bool flag = false;
  EXPECT_EQ(read("01", [&](Reader& reader) { reader.flag(flag); }), WireFault::none);
  EXPECT_TRUE(flag);
  EXPECT_EQ(read("02", [&](Reader& reader) { reader.flag(flag); }), WireFault::malformed);
  EXPECT_TRUE(flag);
  EXPECT_EQ(read("00", [&](Reader& reader) { reader.flag(flag); }), WireFault::none);
  EXPECT_FALSE(flag);
}

TEST(canonical, a_length_beyond_the_input_is_malformed_and_beyond_the_bound_out_of_bounds) {
  std::vector<std::byte> bytes;
  auto field = [&](Reader& reader) { reader.bytes(bytes, 4); };
  EXPECT_EQ(read("03616263", field), WireFault::none);
  EXPECT_EQ(bytes, bytes_of("abc"));
  EXPECT_EQ(read("046162", field), WireFault::malformed);
  EXPECT_EQ(read("056162636465", field), WireFault::out_of_bounds);
  EXPECT_EQ(read("ffffffffffffffffff01", field), WireFault::out_of_bounds);
  EXPECT_EQ(bytes, bytes_of("abc"));
  written([](Writer& writer) { writer.bytes(bytes_of("abcde"), 4); }, WireFault::out_of_bounds);
}

TEST(canonical, a_text_holds_no_nul) {
  std::string text;
  EXPECT_EQ(read("03616263", [&](Reader& reader) { reader.text(text, 9); }), WireFault::none);
  EXPECT_EQ(text, "abc");
  EXPECT_EQ(read("03610063", [&](Reader& reader) { reader.text(text, 9); }), WireFault::out_of_bounds);
  written([](Writer& writer) { writer.text(std::string("a\0c", 3), 9); }, WireFault::out_of_bounds);
}

TEST(canonical, fixed_bytes_have_no_length) {
  std::array<std::byte, 3> value{};
  EXPECT_EQ(read("616263", [&](Reader& reader) { reader.fixed(value); }), WireFault::none);
  EXPECT_EQ(to_hex(value), "616263");
  EXPECT_EQ(written([&](Writer& writer) { writer.fixed(value); }), "616263");
  EXPECT_EQ(read("6162", [&](Reader& reader) { reader.fixed(value); }), WireFault::malformed);
}

TEST(canonical, a_list_is_counted_and_bounded_before_anything_is_allocated) {
  std::vector<std::uint32_t> list;
  auto field = [&](Reader& reader) {
    list.clear();
    reader.list(list, {.least = 1, .most = 2'000'000'000}, [&](std::uint32_t& value) { reader.number(value); });
  };
  EXPECT_EQ(read("0305ac0207", field), WireFault::none);
  EXPECT_EQ(list, (std::vector<std::uint32_t>{5, 300, 7}));
  EXPECT_EQ(read("00", field), WireFault::out_of_bounds);
  EXPECT_EQ(read("040102", field), WireFault::malformed);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(read("ffffffff03010203", field), WireFault::malformed);  // a claim of more than 10^9
  EXPECT_EQ(list.capacity(), 4u);
  EXPECT_EQ(written([&](Writer& writer) {
              const std::vector<std::uint32_t> values{5, 300, 7};
              writer.list(values, {.most = 3}, [&](const std::uint32_t& value) { writer.number(value); });
            }),
            "0305ac0207");
  written(
      [&](Writer& writer) {
        const std::vector<std::uint32_t> values{5, 300, 7};
        writer.list(values, {.most = 2}, [&](const std::uint32_t& value) { writer.number(value); });
      },
      WireFault::out_of_bounds);
}

TEST(canonical, a_table_is_in_strictly_ascending_order) {
  std::map<std::string, std::uint32_t> table;
  auto field = [&](Reader& reader) {
    table.clear();
    reader.table(table, {.most = 9, .element_bytes_min = 2}, 4, [&](std::uint32_t& value) { reader.number(value); });
  };
  EXPECT_EQ(read("02016105016206", field), WireFault::none);
  EXPECT_EQ(table, (std::map<std::string, std::uint32_t>{{"a", 5}, {"b", 6}}));
  EXPECT_EQ(read("02016205016106", field), WireFault::malformed);
  EXPECT_EQ(read("02016105016106", field), WireFault::malformed);
  EXPECT_EQ(read("0105616263646505", field), WireFault::out_of_bounds);
}

TEST(canonical, an_optional_is_there_or_not) {
  std::optional<std::uint32_t> value = 9;
  auto field = [&](Reader& reader) {
    value.reset();
    reader.maybe(value, [&](std::uint32_t& inner) { reader.number(inner); });
  };
  EXPECT_EQ(read("0105", field), WireFault::none);
  EXPECT_EQ(value, 5u);
  EXPECT_EQ(read("00", field), WireFault::none);
  EXPECT_EQ(value, std::nullopt);
  EXPECT_EQ(read("0205", field), WireFault::malformed);
}

TEST(canonical, an_alternative_beyond_the_last_is_refused) {
  std::variant<std::uint32_t, std::uint64_t> value;
  auto field = [&](Reader& reader) { reader.alternative(value, [&](auto& inner) { reader.number(inner); }); };
  EXPECT_EQ(read("0105", field), WireFault::none);
  EXPECT_EQ(value, (std::variant<std::uint32_t, std::uint64_t>(std::uint64_t{5})));
  EXPECT_EQ(read("0205", field), WireFault::out_of_bounds);
  EXPECT_EQ(read("0005", field), WireFault::none);
  EXPECT_EQ(value.index(), 0u);
}

TEST(canonical, the_first_fault_sticks_and_nothing_is_read_after_it) {
  std::uint32_t first = 1;
  std::uint32_t second = 2;
  EXPECT_EQ(read("0903",
                 [&](Reader& reader) {
                   reader.number(first, 0, 8);
                   reader.number(second);
                   reader.require(false);
                 }),
            WireFault::out_of_bounds);
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(second, 2u);
}

TEST(canonical, the_size_of_the_whole_is_bounded_in_both_directions) {
  std::array<std::byte, 3> value{};
  EXPECT_EQ(written([&](Writer& writer) { writer.fixed(value); }, WireFault::none, 3), "000000");
  written([&](Writer& writer) { writer.fixed(value); }, WireFault::out_of_bounds, 2);
  EXPECT_EQ(read(
                "000000", [&](Reader& reader) { reader.fixed(value); }, 3),
            WireFault::none);
  EXPECT_EQ(read(
                "000000", [&](Reader& reader) { reader.fixed(value); }, 2),
            WireFault::out_of_bounds);
}

}  // namespace
}  // namespace crypto
