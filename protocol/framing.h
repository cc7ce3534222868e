#pragma once
// Messages in a stream of bytes: each behind its length, big-endian, in four bytes (messages) or two (frames of a
// link).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "protocol/limits.h"

namespace protocol {

enum class FramingError : std::uint8_t { empty_message, message_too_long };
[[nodiscard]] std::string_view to_string(FramingError error);

enum class LengthPrefix : std::uint8_t { two_bytes = 2, four_bytes = 4 };

// Appends `message` behind its length. REQUIRES: 1 .. limits::message_bytes_max bytes, of a frame frame_bytes_max.
void append_framed(std::vector<std::byte>& stream, std::span<const std::byte> message,
                   LengthPrefix prefix = LengthPrefix::four_bytes);

// Cuts a stream, received in arbitrary parts, into messages.
//
// feed() takes what arrived; next() yields complete messages in order until there is none. A length is judged as soon
// as its bytes are there, before anything is allocated for it, and memory grows with what was really received,
// never with what a length promises: at most twice the bytes fed and not yet taken. After an error the stream has lost
// its meaning: feed() does nothing, next() repeats the error; hang up. Invariants: `begin_ <= buffer_.size()`; the
// bytes before `begin_` are taken.
class MessageReader {
 public:
  explicit MessageReader(std::size_t message_bytes_max = limits::message_bytes_max,
                         LengthPrefix prefix = LengthPrefix::four_bytes);

  // From the next message on, for who knows more of the other end by now.
  void allow(std::size_t message_bytes_max) { message_bytes_max_ = message_bytes_max; }

  void feed(std::span<const std::byte> received);
  // The next complete message; nothing if it is not complete yet.
  [[nodiscard]] tl::expected<std::optional<std::vector<std::byte>>, FramingError> next();
  // Bytes fed and not yielded. Not 0 at the end of a stream: it ended inside a message.
  [[nodiscard]] std::size_t pending_bytes() const { return buffer_.size() - begin_; }

 private:
  std::size_t message_bytes_max_;
  LengthPrefix prefix_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::optional<FramingError> error_;
};

}  // namespace protocol
