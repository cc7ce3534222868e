#include <gtest/gtest.h>

#include <set>

#include "protocol/client.h"
#include "protocol/codec.h"
#include "tests/unit/protocol/generate.h"
#include "tests/unit/protocol/raw.h"

namespace protocol::client {
namespace {

using test::arbitrary_client;
using test::raw;
using test::Raw;

class EveryClientKind : public testing::TestWithParam<std::size_t> {};

std::string client_kind_name(const testing::TestParamInfo<std::size_t>& param) {
  return std::string(name_of(static_cast<Kind>(param.param)));
}
INSTANTIATE_TEST_SUITE_P(ClientCodec, EveryClientKind, testing::Range<std::size_t>(0, kind_count), client_kind_name);

TEST_P(EveryClientKind, comes_back_as_it_was_sent) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const ClientMessage sent = arbitrary_client(GetParam(), seed, 12);
    const auto received = decode_client(encode(sent));
    ASSERT_TRUE(received) << to_string(received.error());
    ASSERT_EQ(*received, sent);
    ASSERT_EQ(kind_of(*received), static_cast<Kind>(GetParam()));
  }
}

TEST_P(EveryClientKind, cut_short_anywhere_is_truncated) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto bytes = encode(arbitrary_client(GetParam(), seed, 6));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto received = decode_client(std::span(bytes).first(size));
      ASSERT_FALSE(received) << size << " of " << bytes.size();
      ASSERT_EQ(received.error(), DecodeError::truncated);
    }
  }
}

TEST_P(EveryClientKind, followed_by_a_byte_is_refused) {
  auto bytes = encode(arbitrary_client(GetParam(), 7, 6));
  bytes.push_back(std::byte{0});
  EXPECT_EQ(test::error_of(decode_client(bytes)), DecodeError::trailing_bytes);
}

TEST_P(EveryClientKind, with_any_byte_changed_is_refused_or_means_something_that_travels) {
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    const auto bytes = encode(arbitrary_client(GetParam(), seed, 4));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      auto changed = bytes;
      for (const int value : test::telling_bytes) {
        changed[at] = static_cast<std::byte>(value);
        const auto received = decode_client(changed);
        if (!received) continue;
        ASSERT_EQ(decode_client(encode(*received)), received) << "seed " << seed << " byte " << at << " = " << value;
      }
    }
  }
}

TEST(ClientCodec, shown_has_these_bytes) {
  EXPECT_EQ(encode(ClientMessage(Shown{JobId{}, 200})),
            raw({0x94, 3, 1, 0xc4, 16}) + test::repeated(0, 16) + raw({0xcc, 200}));
}

TEST(ClientCodec, message_without_fields_travels) {
  EXPECT_EQ(encode(ClientMessage(GetStatus{})), raw({0x92, 5, 1}));
  EXPECT_EQ(decode_client(raw({0x92, 5, 1})), ClientMessage(GetStatus{}));
}

TEST(ClientCodec, unknown_kind_is_told_from_nonsense) {
  constexpr int unknown = static_cast<int>(kind_count);
  EXPECT_EQ(test::error_of(decode_client(raw({0x93, unknown, 1, 5}))), DecodeError::unknown_kind);
  EXPECT_EQ(test::error_of(decode_client(raw({0x93, unknown, 1}))), DecodeError::truncated);
}

TEST(ClientCodec, each_side_has_its_kinds) {
  EXPECT_EQ(sender_of(Kind::hello), Sender::client);
  EXPECT_EQ(sender_of(Kind::stop_agent), Sender::client);
  EXPECT_EQ(sender_of(Kind::welcome), Sender::agent);
  EXPECT_EQ(sender_of(Kind::warning), Sender::agent);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kind_count; ++i) names.insert(name_of(static_cast<Kind>(i)));
  EXPECT_EQ(names.size(), kind_count);
}

Items chunk_of(std::initializer_list<std::size_t> sizes) {
  Items chunk;
  for (const std::size_t size : sizes) chunk.items.emplace_back(Bytes(size));
  return chunk;
}

TEST(ClientCodec, chunk_limits_hold_at_their_edges) {
  EXPECT_TRUE(is_well_sized(chunk_of({limits::item_bytes_max})));
  EXPECT_TRUE(is_well_sized(chunk_of({limits::chunk_bytes_max - 1, 1})));
  EXPECT_FALSE(is_well_sized(chunk_of({limits::chunk_bytes_max, 1})));
  EXPECT_FALSE(is_well_sized(chunk_of({}))) << "an empty chunk that is not the last";
  Items end;
  end.last = true;
  EXPECT_TRUE(is_well_sized(end));
  ASSERT_TRUE(decode_client(encode(ClientMessage(end))));
  ASSERT_TRUE(decode_client(encode(ClientMessage(chunk_of({limits::item_bytes_max})))));
}

TEST(ClientCodec, chunk_over_its_limits_is_refused) {
  const auto chunk_with = [](const Raw& items) {
    return decode_client(raw({0x97, 2, 1, 0xc4, 16}) + test::repeated(0, 16) + raw({0, 0}) + items + raw({0xc2}));
  };
  const auto item = [](std::size_t size) {
    WireWriter out;
    out.array(2);
    out.number(0);
    out.bytes(Bytes(size));
    return out.take();
  };
  EXPECT_TRUE(chunk_with(raw({0x92}) + item(40'000) + item(25'536)));
  EXPECT_EQ(test::error_of(chunk_with(raw({0x92}) + item(40'000) + item(25'537))), DecodeError::bad_value);
  EXPECT_EQ(test::error_of(chunk_with(raw({0x91}) + item(limits::item_bytes_max + 1))), DecodeError::too_long);
  EXPECT_EQ(test::error_of(chunk_with(raw({0x90}))), DecodeError::bad_value);
  Raw many = raw({0xdc, 0x04, 0x01});
  for (std::size_t i = 0; i <= limits::chunk_items_max; ++i) many = many + item(0);
  EXPECT_EQ(test::error_of(chunk_with(many)), DecodeError::too_long);
}

TEST(ClientCodec, long_item_travels_as_its_length) {
  Items chunk;
  chunk.items = {Item(TooLong{5'000'000'000}), Item(Bytes{std::byte{'a'}})};
  EXPECT_EQ(decode_client(encode(ClientMessage(chunk))), ClientMessage(chunk));
}

TEST(ClientCodec, result_that_covers_nothing_is_refused) {
  auto bytes = encode(ClientMessage(Results{.results = {Result{.covers = {0, 1}}}}));
  ASSERT_TRUE(decode_client(bytes));
  // [kind, version, job, sequence, [[[begin, end], ...
  constexpr std::size_t end_at = 1 + 1 + 1 + 18 + 1 + 1 + 3 + 1 + 1;
  ASSERT_EQ(bytes[end_at], std::byte{1});
  bytes[end_at] = std::byte{0};
  EXPECT_EQ(test::error_of(decode_client(bytes)), DecodeError::bad_value);
}

std::size_t encoded_size(const std::vector<Result>& results) {
  return encode(ClientMessage(Results{.results = results})).size();
}

TEST(ClientCodec, size_bound_of_a_result_holds_and_is_close) {
  const std::size_t none = encoded_size({});
  EXPECT_LE(none, results_overhead_bytes);
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    Result result;
    test::Arbitrary(seed, seed % 300)(result);
    const std::size_t size = encoded_size({result}) - none;
    ASSERT_LE(size, encoded_size_bound(result)) << "seed " << seed;
    ASSERT_GE(size + 160, encoded_size_bound(result)) << "seed " << seed;
  }
  Result largest;
  test::Largest()(largest);
  EXPECT_LE(encoded_size({largest}) - none, encoded_size_bound(largest));
  EXPECT_LE(encoded_size_bound(largest) + results_overhead_bytes, limits::message_bytes_max);
}

TEST(ClientCodec, results_filled_up_to_the_bound_fit_a_message) {
  std::vector<Result> results;
  std::size_t bound = results_overhead_bytes;
  for (std::uint64_t seed = 0; results.size() < limits::results_per_message_max; ++seed) {
    Result result;
    test::Arbitrary(seed, 8'000)(result);
    if (bound + encoded_size_bound(result) > limits::message_bytes_max) break;
    bound += encoded_size_bound(result);
    results.push_back(result);
  }
  ASSERT_GT(results.size(), 10U);
  EXPECT_LE(encoded_size(results), bound);
  EXPECT_TRUE(decode_client(encode(ClientMessage(Results{.results = results}))));
}

}  // namespace
}  // namespace protocol::client
