#include "protocol/codec.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/wire_reader.h"
#include "protocol/wire_writer.h"
#include "tests/unit/protocol/generate.h"
#include "tests/unit/protocol/raw.h"

namespace protocol {
namespace {

using test::arbitrary_envelope;
using test::raw;
using test::Raw;

class EveryKind : public testing::TestWithParam<std::size_t> {};

std::string kind_name(const testing::TestParamInfo<std::size_t>& param) {
  return std::string(name_of(static_cast<Kind>(param.param)));
}
INSTANTIATE_TEST_SUITE_P(Codec, EveryKind, testing::Range<std::size_t>(0, kind_count), kind_name);

TEST_P(EveryKind, comes_back_as_it_was_sent) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Envelope sent = arbitrary_envelope(GetParam(), seed, 12);
    const auto received = decode(encode(sent));
    ASSERT_TRUE(received) << to_string(received.error());
    ASSERT_EQ(*received, sent);
  }
}

TEST_P(EveryKind, filled_to_every_limit_fits_its_largest_size) {
  Envelope sent{.sequence = ~std::uint64_t{0}, .heard = ~std::uint64_t{0}};
  sent.message = test::make<Message>(GetParam(), test::Largest());
  const auto bytes = encode(sent);
  const std::size_t limit = check_of(static_cast<Kind>(GetParam())).bytes_max;
  EXPECT_LE(bytes.size(), limit);
  const auto received = decode(bytes);
  ASSERT_TRUE(received) << to_string(received.error());
  EXPECT_EQ(*received, sent);
}

TEST_P(EveryKind, empty_comes_back) {
  Envelope sent;
  sent.message = test::make<Message>(GetParam(), [](auto&) {});
  const auto received = decode(encode(sent));
  ASSERT_TRUE(received) << to_string(received.error());
  EXPECT_EQ(*received, sent);
}

TEST_P(EveryKind, cut_short_anywhere_is_truncated) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto bytes = encode(arbitrary_envelope(GetParam(), seed, 6));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto received = decode(std::span(bytes).first(size));
      ASSERT_FALSE(received) << size << " of " << bytes.size();
      ASSERT_EQ(received.error(), DecodeError::truncated) << size << " of " << bytes.size();
    }
  }
}

TEST_P(EveryKind, followed_by_a_byte_is_refused) {
  auto bytes = encode(arbitrary_envelope(GetParam(), 7, 6));
  bytes.push_back(std::byte{0xc0});
  EXPECT_EQ(test::error_of(decode(bytes)), DecodeError::trailing_bytes);
}

TEST_P(EveryKind, with_any_byte_changed_is_refused_or_means_something_that_travels) {
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    const auto bytes = encode(arbitrary_envelope(GetParam(), seed, 4));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      auto changed = bytes;
      for (const int value : test::telling_bytes) {
        changed[at] = static_cast<std::byte>(value);
        const auto received = decode(changed);
        if (!received) continue;
        ASSERT_EQ(decode(encode(*received)), received) << "seed " << seed << " byte " << at << " = " << value;
      }
    }
  }
}

// The bytes of `envelope` with `extra` appended to the message's fields, `count` of them.
Raw with_extra_fields(const Envelope& envelope, std::size_t count, const Raw& extra) {
  const auto bytes = encode(envelope);
  WireReader in(bytes);
  in.array();
  in.number(~std::uint64_t{0});
  in.number(~std::uint64_t{0});
  const std::size_t header = bytes.size() - in.left();
  const std::size_t fields = in.array();
  const std::size_t body = bytes.size() - in.left();
  WireWriter array;
  array.array(fields + count);
  return Raw(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header)) + array.take() +
         Raw(bytes.begin() + static_cast<std::ptrdiff_t>(body), bytes.end()) + extra;
}

TEST_P(EveryKind, of_a_later_version_loses_its_new_fields_only) {
  const Envelope sent = arbitrary_envelope(GetParam(), 3, 4);
  const Raw extra = raw({0xc0}) + raw({0x93, 1, 0x91, 0x91, 2, 0xa2, 'h', 'i'}) + raw({0xc4, 2, 0, 0});
  const auto received = decode(with_extra_fields(sent, 3, extra));
  ASSERT_TRUE(received) << to_string(received.error());
  EXPECT_EQ(*received, sent);
}

TEST_P(EveryKind, with_too_many_new_fields_is_refused) {
  const Envelope sent = arbitrary_envelope(GetParam(), 3, 4);
  const auto most = limits::unknown_fields_max;
  EXPECT_TRUE(decode(with_extra_fields(sent, most, test::repeated(0xc0, most))));
  EXPECT_EQ(test::error_of(decode(with_extra_fields(sent, most + 1, test::repeated(0xc0, most + 1)))),
            DecodeError::too_long);
}

TEST_P(EveryKind, names_itself) {
  EXPECT_EQ(kind_of(test::make<Message>(GetParam(), [](auto&) {})), static_cast<Kind>(GetParam()));
}

TEST(Codec, accept_has_these_bytes) {
  const Envelope accept{.sequence = 300, .heard = 7, .message = Accept{BranchId(5)}};
  EXPECT_EQ(encode(accept), raw({0x93, 0xcd, 0x01, 0x2c, 0x07, 0x93, 15, 1, 5}));
}

TEST(Codec, intervals_are_one_flat_array) {
  const Envelope settled{.message = Settled{LoopId{}, {{1, 3}, {3, 4}, {200, 256}}}};
  EXPECT_EQ(encode(settled), raw({0x93, 0, 0, 0x94, 22, 1, 0x92, 0xc4, 16}) + test::repeated(0, 16) + raw({0x90}) +
                                 raw({0x96, 1, 3, 3, 4, 0xcc, 200, 0xcd, 1, 0}));
}

TEST(Codec, unknown_kind_is_told_from_nonsense) {
  constexpr int unknown = static_cast<int>(kind_count);
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x94, unknown, 1, 0x91, 2, 0xa1, 'x'}))), DecodeError::unknown_kind);
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x92, 0xcd, 0xff, 0xff, 1}))), DecodeError::unknown_kind);
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x93, unknown, 1, 0x91}))), DecodeError::truncated);
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x92, unknown, 1, 7}))), DecodeError::trailing_bytes);
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x93, unknown, 1, 0xc1}))), DecodeError::wrong_type);
}

TEST(Codec, missing_field_and_version_0_are_refused) {
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x92, 17, 1}))), DecodeError::missing_field);
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x93, 17, 1, 5}))), DecodeError::missing_field);
  EXPECT_TRUE(decode(raw({0x93, 1, 0, 0x94, 17, 1, 5, 6})));
  EXPECT_TRUE(decode(raw({0x93, 1, 0, 0x94, 17, 9, 5, 6})));
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x94, 17, 0, 5, 6}))), DecodeError::bad_version);
  EXPECT_EQ(test::error_of(decode(raw({0x93, 1, 0, 0x91, 17}))), DecodeError::missing_field);
}

// A `recall` of the intervals given as raw numbers.
Raw recall_of(const Raw& numbers) {
  return raw({0x93, 0, 0, 0x94, 18, 1, 9, 0x92, 1}) + raw({0x90 + static_cast<int>(numbers.size())}) + numbers;
}

TEST(Codec, interval_list_must_be_canonical) {
  ASSERT_TRUE(decode(recall_of(raw({1, 2, 2, 3}))));
  EXPECT_EQ(test::error_of(decode(recall_of(raw({1, 1})))), DecodeError::bad_value) << "empty interval";
  EXPECT_EQ(test::error_of(decode(recall_of(raw({3, 1})))), DecodeError::bad_value) << "reversed";
  EXPECT_EQ(test::error_of(decode(recall_of(raw({5, 6, 1, 2})))), DecodeError::bad_value) << "unsorted";
  EXPECT_EQ(test::error_of(decode(recall_of(raw({1, 5, 4, 6})))), DecodeError::bad_value) << "overlapping";
  EXPECT_EQ(test::error_of(decode(recall_of(raw({1, 5, 6})))), DecodeError::bad_value) << "odd";
  EXPECT_EQ(test::error_of(decode(recall_of(raw({0xff, 5})))), DecodeError::bad_value) << "negative";
}

TEST(Codec, values_outside_their_range_are_refused) {
  EXPECT_EQ(test::error_of(decode(raw({0x93, 0, 0, 0x95, 16, 1, 5, 11, 0xa0}))), DecodeError::bad_value)
      << "RefuseReason";
  EXPECT_TRUE(decode(raw({0x93, 0, 0, 0x95, 16, 1, 5, 10, 0xa0})));
  EXPECT_EQ(test::error_of(decode(raw({0x93, 0, 0, 0x94, 11, 1, 0xcd, 1, 0, 0}))), DecodeError::bad_value)
      << "u8 of 256";
  EXPECT_EQ(test::error_of(decode(raw({0x93, 0, 0, 0x94, 17, 1, 0xff, 6}))), DecodeError::bad_value) << "branch -1";
  EXPECT_EQ(test::error_of(decode(raw({0x93, 0, 0, 0x94, 18, 1, 9, 0x92, 2, 0}))), DecodeError::bad_value)
      << "no such choice";
}

TEST(Codec, values_of_wrong_types_are_refused) {
  const auto want_with = [](const Raw& field) { return decode(raw({0x93, 0, 0, 0x94, 17, 1, 5}) + field); };
  ASSERT_TRUE(want_with(raw({6})));
  for (const Raw& other : {raw({0xc0}), raw({0xc3}), raw({0xa1, '6'}), raw({0xc4, 1, 6}), raw({0x91, 6}),
                           raw({0x81, 1, 2}), raw({0xca, 0, 0, 0, 0}), raw({0xd4, 1, 6}), raw({0xc1})}) {
    const auto received = want_with(other);
    ASSERT_FALSE(received);
    EXPECT_EQ(test::error_of(received), DecodeError::wrong_type) << std::to_integer<int>(other[0]);
  }
}

TEST(Codec, byte_array_must_have_its_exact_size) {
  const auto absent = [](int size) {
    return decode(raw({0x93, 0, 0, 0x93, 36, 1, 0xc4, size}) + test::repeated(1, static_cast<std::size_t>(size)));
  };
  EXPECT_TRUE(absent(32));
  EXPECT_EQ(test::error_of(absent(31)), DecodeError::bad_value);
  EXPECT_EQ(test::error_of(absent(33)), DecodeError::too_long);
}

TEST(Codec, text_for_people_is_cut_between_characters) {
  const auto reason_after = [](std::size_t plain, std::string_view rest) {
    Bye bye;
    bye.reason.assign(plain, 'x');
    bye.reason.append(rest);
    return std::get<Bye>(decode(encode({.message = bye}))->message).reason;
  };
  constexpr std::size_t max = limits::reason_bytes_max;
  EXPECT_EQ(reason_after(max - 1, "\xc3\xa9"), std::string(max - 1, 'x'));
  EXPECT_EQ(reason_after(max - 2, "\xc3\xa9y").size(), max);
  EXPECT_EQ(reason_after(max, "").size(), max);
  EXPECT_EQ(reason_after(max + 1, "").size(), max);
}

TEST(Codec, message_larger_than_its_kind_may_be_is_refused) {
  // Unknown fields make a small kind large without breaking any other limit.
  const Raw blob = raw({0xc5, 0x08, 0x00}) + test::repeated(0, 0x800);
  const Envelope accept{.message = Accept{BranchId(1)}};
  EXPECT_EQ(test::error_of(decode(with_extra_fields(accept, 1, blob))), DecodeError::too_large);
  EXPECT_EQ(test::error_of(decode(test::repeated(0xc0, limits::message_bytes_max + 1))), DecodeError::too_large);
}

TEST(Codec, piece_must_lie_inside_its_content) {
  const auto piece_of = [](int offset, int total) {
    return test::error_of(
        decode(raw({0x93, 0, 0, 0x96, 35, 1, 0xc4, 32}) + test::repeated(0, 32) + raw({offset, total, 0xc4, 2, 7, 8})));
  };
  EXPECT_EQ(piece_of(3, 5), std::nullopt);
  EXPECT_EQ(piece_of(4, 5), DecodeError::bad_value);
  EXPECT_EQ(piece_of(9, 5), DecodeError::bad_value);
}

TEST(Codec, hops_beyond_their_limit_are_refused) {
  const auto walk = [](int hops) { return test::error_of(decode(raw({0x93, 0, 0, 0x94, 6, 1, 0xc4, 0, hops}))); };
  EXPECT_EQ(walk(limits::walk_hops_max), std::nullopt);
  EXPECT_EQ(walk(limits::walk_hops_max + 1), DecodeError::bad_value);
  const auto ask = [](int hops) { return test::error_of(decode(raw({0x93, 0, 0, 0x97, 12, 1, 0, 0, 0, 0x90, hops}))); };
  EXPECT_EQ(ask(limits::refer_hops_max), std::nullopt);
  EXPECT_EQ(ask(limits::refer_hops_max + 1), DecodeError::bad_value);
  const auto refer = [](int hops) {
    return test::error_of(
        decode(raw({0x93, 0, 0, 0x95, 13, 1, 0, 0x92, 0, 0x92, 0xc4, 16}) + test::repeated(0, 16) + raw({0, hops})));
  };
  EXPECT_EQ(refer(limits::refer_hops_max), std::nullopt);
  EXPECT_EQ(refer(limits::refer_hops_max + 1), DecodeError::bad_value);
}

TEST(Codec, byte_strings_of_one_list_share_a_limit) {
  const auto log_of_two = [](std::size_t each) {
    WireWriter records;
    records.array(2);
    for (int i = 0; i < 2; ++i) records.bytes(Raw(each));
    return decode(raw({0x93, 0, 0, 0x96, 31, 1, 0xc4, 16}) + test::repeated(0, 16) + raw({0x92, 0, 0xc4, 32}) +
                  test::repeated(0, 32) + raw({0}) + records.take());
  };
  EXPECT_EQ(test::error_of(log_of_two(limits::journal_bytes_max / 2)), std::nullopt);
  EXPECT_EQ(test::error_of(log_of_two(limits::journal_bytes_max / 2 + 1)), DecodeError::too_long);
}

TEST(Codec, lists_of_one_message_share_the_interval_limit) {
  Holds holds;
  for (std::uint64_t i = 0; i < limits::intervals_per_message_max / 2; ++i) holds.todo.push_back({2 * i, 2 * i + 1});
  holds.unsettled = holds.todo;
  const auto bytes = encode({.message = holds});
  ASSERT_TRUE(decode(bytes));
  WireReader in(bytes);
  in.array();
  in.skip(2);
  in.array();
  in.skip(4);
  for (std::size_t numbers = in.array(); numbers > 0; --numbers) in.number(~std::uint64_t{0});
  // `started`, which is empty, gets one interval.
  const auto started_at = static_cast<std::ptrdiff_t>(bytes.size() - in.left());
  ASSERT_EQ(bytes[bytes.size() - in.left()], std::byte{0x90});
  const Raw spliced = Raw(bytes.begin(), bytes.begin() + started_at) + raw({0x92, 1, 2}) +
                      Raw(bytes.begin() + started_at + 1, bytes.end());
  EXPECT_EQ(test::error_of(decode(spliced)), DecodeError::too_long);
}

}  // namespace
}  // namespace protocol
