#pragma once
// The two queues of a link, cut into frames and put together again.
//
// What a frame says is one byte, the queue, and a stretch of that queue's stream, in which each message stands behind
// its length. Control goes before bulk, so a control message never waits behind more than the frames that are sealed
// already; and since a bulk message is cut at frames, never behind a whole one.
//
// Invariant: what waits is at most `waiting_bytes()`; an empty queue holds no memory worth mentioning.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "agent/link/closing.h"
#include "protocol/framing.h"
#include "protocol/kind.h"

namespace agent::link {

using Bytes = std::vector<std::byte>;
inline constexpr std::size_t queue_count = 2;

class Outbox {
 public:
  // `frame_bytes_max` > 1: the most that one frame says.
  explicit Outbox(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  // REQUIRES: 1 .. limits::message_bytes_max bytes.
  void push(protocol::Queue queue, std::span<const std::byte> message);
  [[nodiscard]] bool empty() const { return waiting_bytes_ == 0; }
  [[nodiscard]] std::size_t waiting_bytes() const { return waiting_bytes_; }
  // What the next frame says. REQUIRES: not empty.
  [[nodiscard]] Bytes next_frame();

 private:
  struct Waiting {
    std::deque<Bytes> messages;  // each behind its length
    std::size_t sent = 0;        // of the first
  };

  std::size_t frame_bytes_max_;
  std::array<Waiting, queue_count> queues_;
  std::size_t waiting_bytes_ = 0;
};

class Inbox {
 public:
  // The messages that are complete now. After an error it is over: malformed, or too_long.
  [[nodiscard]] tl::expected<std::vector<Bytes>, CloseReason> take(std::span<const std::byte> frame);

 private:
  std::array<protocol::MessageReader, queue_count> readers_;
};

}  // namespace agent::link
