#include "protocol/framing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/unit/protocol/allocation.h"
#include "tests/unit/protocol/raw.h"
#include "tests/unit/protocol/rng.h"

namespace protocol {
namespace {

using test::raw;
using test::Raw;

// All that the reader yields now; fails the test on an error.
std::vector<Raw> drain(MessageReader& reader) {
  std::vector<Raw> messages;
  while (true) {
    auto next = reader.next();
    if (!next) {
      ADD_FAILURE() << to_string(next.error());
      return messages;
    }
    if (!*next) return messages;
    messages.push_back(Raw(**next));
  }
}

// The one message that is ready, or nothing; fails the test on an error.
std::optional<Raw> one(MessageReader& reader) {
  auto next = reader.next();
  if (!next) ADD_FAILURE() << to_string(next.error());
  if (!next || !*next) return std::nullopt;
  return Raw(**next);
}

TEST(Framing, length_is_big_endian_in_front) {
  Raw stream;
  append_framed(stream, Raw(0x0102, std::byte{7}));
  ASSERT_EQ(stream.size(), 4U + 0x0102);
  EXPECT_EQ(Raw(stream.begin(), stream.begin() + 5), raw({0, 0, 1, 2, 7}));
}

TEST(Framing, a_frame_has_two_bytes_of_length_and_a_reader_can_be_allowed_more) {
  Raw stream;
  append_framed(stream, Raw(0x0102, std::byte{7}), LengthPrefix::two_bytes);
  append_framed(stream, raw({8}), LengthPrefix::two_bytes);
  EXPECT_EQ(Raw(stream.begin(), stream.begin() + 3), raw({1, 2, 7}));
  MessageReader reader(0x0102, LengthPrefix::two_bytes);
  reader.feed(stream);
  EXPECT_EQ(drain(reader), (std::vector<Raw>{Raw(0x0102, std::byte{7}), raw({8})}));

  append_framed(stream, Raw(limits::frame_bytes_max), LengthPrefix::two_bytes);
  MessageReader strict(0x0102, LengthPrefix::two_bytes);
  strict.feed(stream);
  ASSERT_TRUE(one(strict) && one(strict));
  strict.allow(limits::frame_bytes_max);
  EXPECT_EQ(one(strict)->size(), limits::frame_bytes_max);
}

TEST(Framing, messages_come_out_whole_wherever_the_stream_is_cut) {
  const std::vector<Raw> sent = {raw({1}), raw({2, 3, 4}), Raw(300, std::byte{5}), raw({6, 7})};
  Raw stream;
  for (const Raw& message : sent) append_framed(stream, message);
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); second += 1 + (second % 7)) {
      MessageReader reader;
      std::vector<Raw> received;
      const auto all = std::span<const std::byte>(stream);
      for (const auto part : {all.first(first), all.subspan(first, second - first), all.subspan(second)}) {
        reader.feed(part);
        for (Raw& message : drain(reader)) received.push_back(std::move(message));
      }
      ASSERT_EQ(received, sent) << "cut at " << first << " and " << second;
      ASSERT_EQ(reader.pending_bytes(), 0U);
    }
  }
}

TEST(Framing, messages_come_out_whole_byte_by_byte_and_in_random_cuts) {
  test::Rng rng(4);
  std::vector<Raw> sent;
  Raw stream;
  for (int i = 0; i < 200; ++i) {
    sent.emplace_back(1 + rng.below(2'000), static_cast<std::byte>(i));
    append_framed(stream, sent.back());
  }
  for (const std::size_t longest : {std::size_t{1}, std::size_t{5}, std::size_t{1'000}, std::size_t{100'000}}) {
    MessageReader reader;
    std::vector<Raw> received;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t size = std::min<std::size_t>(1 + rng.below(longest), stream.size() - at);
      reader.feed(std::span(stream).subspan(at, size));
      at += size;
      if (rng.below(3) == 0) continue;  // several feeds before the next look
      for (Raw& message : drain(reader)) received.push_back(std::move(message));
    }
    for (Raw& message : drain(reader)) received.push_back(std::move(message));
    EXPECT_EQ(received, sent) << "cuts of at most " << longest;
  }
}

TEST(Framing, length_of_zero_is_refused) {
  MessageReader reader;
  reader.feed(raw({0, 0, 0}));
  ASSERT_EQ(one(reader), std::nullopt);
  reader.feed(raw({0}));
  EXPECT_EQ(test::error_of(reader.next()), FramingError::empty_message);
}

TEST(Framing, longest_message_passes_and_one_byte_more_is_refused_by_its_length_alone) {
  MessageReader reader;
  Raw stream;
  append_framed(stream, Raw(limits::message_bytes_max));
  reader.feed(stream);
  EXPECT_EQ(drain(reader), std::vector<Raw>{Raw(limits::message_bytes_max)});
  reader.feed(raw({0x00, 0x10, 0x00, 0x01}));
  EXPECT_EQ(test::error_of(reader.next()), FramingError::message_too_long);
}

TEST(Framing, limit_can_be_set) {
  MessageReader reader(3);
  reader.feed(raw({0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 4}));
  EXPECT_EQ(one(reader), raw({1, 2, 3}));
  EXPECT_EQ(test::error_of(reader.next()), FramingError::message_too_long);
}

TEST(Framing, error_stays_and_ends_the_taking_in) {
  MessageReader reader;
  reader.feed(raw({0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(test::error_of(reader.next()), FramingError::message_too_long);
  test::reset_peak();
  const std::size_t before = test::bytes_held();
  for (int i = 0; i < 100; ++i) reader.feed(raw({0, 0, 0, 1, 1, 0, 0, 0, 1, 1}));
  EXPECT_EQ(test::error_of(reader.next()), FramingError::message_too_long);
  EXPECT_EQ(reader.pending_bytes(), 0U);
  EXPECT_LE(test::bytes_held(), before);
}

TEST(Framing, memory_follows_what_was_received_not_what_was_promised) {
  MessageReader reader;
  test::reset_peak();
  const std::size_t before = test::bytes_held();
  reader.feed(raw({0x00, 0x10, 0x00, 0x00}));
  ASSERT_EQ(one(reader), std::nullopt);
  for (int i = 0; i < 1'000; ++i) reader.feed(raw({1}));
  ASSERT_EQ(one(reader), std::nullopt);
  EXPECT_LE(test::peak_bytes_held() - before, 4'096U);
}

TEST(Framing, drained_reader_gives_its_memory_back) {
  MessageReader reader;
  Raw stream;
  append_framed(stream, Raw(500'000));
  const std::size_t before = test::bytes_held();
  reader.feed(stream);
  ASSERT_EQ(drain(reader).size(), 1U);
  EXPECT_LE(test::bytes_held() - before, 1'024U);
}

TEST(Framing, end_inside_a_message_shows_as_pending_bytes) {
  MessageReader reader;
  reader.feed(raw({0, 0, 0, 2, 1}));
  ASSERT_EQ(one(reader), std::nullopt);
  EXPECT_EQ(reader.pending_bytes(), 5U);
}

}  // namespace
}  // namespace protocol
