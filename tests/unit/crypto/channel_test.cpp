#include "crypto/channel.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/crypto/place.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using Bytes = std::vector<std::byte>;

const Bytes32 there = samples::filled<Bytes32>(0x51);
const Bytes32 back = samples::filled<Bytes32>(0x52);
const Bytes plain = samples::bytes_of("what is said");

Session session(const Bytes32& send, const Bytes32& receive) {
  return {.send = Secret<32>(send),
          .receive = Secret<32>(receive),
          .hash = samples::bytes_of("hash"),
          .remote = ExchangeKey{samples::filled<Bytes32>(0x53)}};
}
Channel left(FrameCounters from = {}) {
  return Channel(session(there, back), from);
}
Channel right(FrameCounters from = {}) {
  return Channel(session(back, there), from);
}

TEST(channel, carries_frames_both_ways_and_counts_them) {
  Channel one = left();
  Channel other = right();
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(other.open(one.seal(plain).value()), plain);
    EXPECT_EQ(one.open(other.seal({}).value()), Bytes{});
    EXPECT_EQ(other.open(one.seal({}).value()), Bytes{});
    EXPECT_EQ(one.counters(), (FrameCounters{2 * i + 2, i + 1}));
    EXPECT_EQ(other.counters(), (FrameCounters{i + 1, 2 * i + 2}));
  }
  EXPECT_EQ(samples::bytes_of("hash"), Bytes(one.session_hash().begin(), one.session_hash().end()));
  EXPECT_EQ(one.remote(), ExchangeKey{samples::filled<Bytes32>(0x53)});
}

TEST(channel, carries_as_much_as_a_message_of_noise_holds_and_no_more) {
  Channel one = left();
  Channel other = right();
  const Bytes longest(65'519, std::byte{9});
  const Bytes frame = one.seal(longest).value();
  EXPECT_EQ(frame.size(), 65'535u);
  EXPECT_EQ(other.open(frame), longest);
  EXPECT_EQ(one.seal(Bytes(65'520)), tl::unexpected(ChannelError::too_long));
  EXPECT_EQ(other.open(one.seal(plain).value()), plain);
}

void expect_dead(Channel& channel) {
  EXPECT_TRUE(channel.dead());
  EXPECT_EQ(channel.seal(plain), tl::unexpected(ChannelError::dead));
  EXPECT_EQ(channel.open(right().seal(plain).value()), tl::unexpected(ChannelError::dead));
}

TEST(channel, is_dead_in_both_directions_after_a_frame_that_does_not_open) {
  const Bytes good = right().seal(plain).value();
  for (std::size_t at = 0; at < good.size(); ++at) {
    Channel one = left();
    Bytes bad = good;
    bad[at] ^= std::byte{1} << (at % 8);
    EXPECT_EQ(one.open(bad), tl::unexpected(ChannelError::bad_frame));
    expect_dead(one);
    EXPECT_EQ(one.open(good), tl::unexpected(ChannelError::dead));
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    Channel one = left();
    EXPECT_EQ(one.open(std::span(good).first(size)), tl::unexpected(ChannelError::bad_frame));
    expect_dead(one);
  }
  // Longer than any message of Noise, though sealed with the right key.
  Channel one = left();
  EXPECT_EQ(one.open(Cipher(Secret<32>(back)).seal({}, Bytes(65'520)).value()),
            tl::unexpected(ChannelError::bad_frame));
  expect_dead(one);
  Channel other = left();
  EXPECT_EQ(other.open(Cipher(Secret<32>(back)).seal({}, Bytes(65'519)).value()), Bytes(65'519));
}

TEST(channel, takes_no_frame_twice_out_of_order_after_a_gap_or_back_from_where_it_came) {
  const auto dies_at_second = [](auto frames) {
    Channel one = left();
    Channel other = right();
    auto [first, second] = frames(other, one);
    EXPECT_EQ(one.open(first), plain);
    EXPECT_EQ(one.open(second), tl::unexpected(ChannelError::bad_frame));
    expect_dead(one);
  };
  dies_at_second([](Channel& other, Channel&) {
    const Bytes frame = other.seal(plain).value();
    return std::pair(frame, frame);
  });
  dies_at_second([](Channel& other, Channel&) {
    const Bytes first = other.seal(plain).value();
    static_cast<void>(other.seal(plain).value());
    return std::pair(first, other.seal(plain).value());
  });
  dies_at_second([](Channel& other, Channel& one) {
    static_cast<void>(one.seal(plain).value());
    return std::pair(other.seal(plain).value(), one.seal(plain).value());
  });
  Channel one = left();
  Channel other = right();
  static_cast<void>(other.seal(plain).value());
  EXPECT_EQ(one.open(other.seal(plain).value()), tl::unexpected(ChannelError::bad_frame));
}

TEST(channel, is_due_for_a_new_handshake_after_2_to_the_32_frames_either_way_and_works_on) {
  constexpr std::uint64_t most = std::uint64_t{1} << 32U;
  Channel one = left({.sent = most - 1, .received = 7});
  Channel other = right({.sent = 7, .received = most - 1});
  EXPECT_FALSE(one.new_handshake_due() || other.new_handshake_due());
  EXPECT_EQ(other.open(one.seal(plain).value()), plain);
  EXPECT_TRUE(one.new_handshake_due());
  EXPECT_TRUE(other.new_handshake_due());
  EXPECT_EQ(other.open(one.seal(plain).value()), plain);
}

TEST(channel, ends_with_its_counter) {
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  Channel one = left({.sent = last - 1});
  Channel other = right({.received = last - 1});
  EXPECT_EQ(other.open(one.seal(plain).value()), plain);
  EXPECT_EQ(one.seal(plain), tl::unexpected(ChannelError::used_up));
  expect_dead(one);
  EXPECT_EQ(other.open(plain), tl::unexpected(ChannelError::used_up));
  expect_dead(other);
}

TEST(channel, keeps_no_key_when_it_is_dead_or_gone) {
  samples::Place<Channel> place;
  Channel* one = place.make(session(there, back));
  ASSERT_TRUE(place.contains(there) && place.contains(back));
  static_cast<void>(one->open(plain));
  EXPECT_FALSE(place.contains(std::span(there).first(4)) || place.contains(std::span(back).first(4)));
  one->~Channel();
  one = place.make(session(there, back));
  ASSERT_TRUE(place.contains(there) && place.contains(back));
  one->~Channel();
  EXPECT_FALSE(place.contains(std::span(there).first(4)) || place.contains(std::span(back).first(4)));
}

}  // namespace
}  // namespace crypto
