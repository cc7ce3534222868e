#include "crypto/channel.h"

#include <cassert>
#include <utility>

namespace crypto {

std::string_view to_string(ChannelError error) {
  switch (error) {
    case ChannelError::too_long: return "too long for a frame";
    case ChannelError::bad_frame: return "a frame that the other end did not send next";
    case ChannelError::used_up: return "the counter of frames is used up";
    case ChannelError::dead: return "the channel has ended";
  }
  assert(false);
  return {};
}

Channel::Channel(Session session, FrameCounters from)
    : send_(std::move(session.send), from.sent),
      receive_(std::move(session.receive), from.received),
      hash_(std::move(session.hash)),
      remote_(session.remote) {}

ChannelError Channel::die(ChannelError why) {
  dead_ = true;
  send_.forget();
  receive_.forget();
  return why;
}

tl::expected<std::vector<std::byte>, ChannelError> Channel::seal(std::span<const std::byte> plain) {
  if (dead_) return tl::unexpected(ChannelError::dead);
  if (plain.size() > frame_plain_bytes_max) return tl::unexpected(ChannelError::too_long);
  auto frame = send_.seal({}, plain);
  if (!frame) return tl::unexpected(die(ChannelError::used_up));
  return *std::move(frame);
}

tl::expected<std::vector<std::byte>, ChannelError> Channel::open(std::span<const std::byte> frame) {
  if (dead_) return tl::unexpected(ChannelError::dead);
  if (receive_.used_up()) return tl::unexpected(die(ChannelError::used_up));
  if (frame.size() > frame_bytes_max) return tl::unexpected(die(ChannelError::bad_frame));
  auto plain = receive_.open({}, frame);
  if (!plain) return tl::unexpected(die(ChannelError::bad_frame));
  return *std::move(plain);
}

bool Channel::new_handshake_due() const {
  return send_.next() >= messages_max || receive_.next() >= messages_max;
}

}  // namespace crypto
