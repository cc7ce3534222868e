#include "protocol/framing.h"

#include <cassert>

namespace protocol {
namespace {

// An idle reader keeps no more than this.
constexpr std::size_t kept_bytes_max = 64 * limits::kib;

std::size_t bytes_of(LengthPrefix prefix) {
  return static_cast<std::size_t>(prefix);
}

std::uint32_t read_length(std::span<const std::byte> prefix) {
  std::uint32_t length = 0;
  for (const std::byte each : prefix) length = length << 8U | std::to_integer<std::uint32_t>(each);
  return length;
}

}  // namespace

std::string_view to_string(FramingError error) {
  switch (error) {
    case FramingError::empty_message: return "message of length 0";
    case FramingError::message_too_long: return "message longer than allowed";
  }
  assert(false);
  return {};
}

void append_framed(std::vector<std::byte>& stream, std::span<const std::byte> message, LengthPrefix prefix) {
  const bool frame = prefix == LengthPrefix::two_bytes;
  assert(!message.empty() && message.size() <= (frame ? limits::frame_bytes_max : limits::message_bytes_max));
  const auto length = static_cast<std::uint32_t>(message.size());
  for (auto shift = static_cast<unsigned>(8 * bytes_of(prefix)); shift > 0;) {
    shift -= 8;
    stream.push_back(static_cast<std::byte>(length >> shift & 0xffU));
  }
  stream.insert(stream.end(), message.begin(), message.end());
}

MessageReader::MessageReader(std::size_t message_bytes_max, LengthPrefix prefix)
    : message_bytes_max_(message_bytes_max), prefix_(prefix) {
  assert(message_bytes_max > 0);
}

void MessageReader::feed(std::span<const std::byte> received) {
  if (error_) return;
  if (begin_ > 0) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  buffer_.insert(buffer_.end(), received.begin(), received.end());
}

tl::expected<std::optional<std::vector<std::byte>>, FramingError> MessageReader::next() {
  assert(begin_ <= buffer_.size());
  if (error_) return tl::unexpected(*error_);
  const auto pending = std::span(buffer_).subspan(begin_);
  const std::size_t prefix = bytes_of(prefix_);
  if (pending.size() < prefix) return std::nullopt;
  const std::size_t length = read_length(pending.first(prefix));
  if (length == 0) error_ = FramingError::empty_message;
  if (length > message_bytes_max_) error_ = FramingError::message_too_long;
  if (error_) {
    buffer_ = {};
    begin_ = 0;
    return tl::unexpected(*error_);
  }
  if (pending.size() - prefix < length) return std::nullopt;
  const auto content = pending.subspan(prefix, length);
  std::vector<std::byte> message(content.begin(), content.end());
  begin_ += prefix + length;
  if (pending_bytes() == 0) {
    begin_ = 0;
    buffer_.clear();
    if (buffer_.capacity() > kept_bytes_max) buffer_.shrink_to_fit();
  }
  return message;
}

}  // namespace protocol
