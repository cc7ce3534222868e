// A stream in parts against the same stream read at once by a naive model. Byte 0 of the input says how long the parts
// are: n bytes, then 2n, then 3n and round again; the rest is the stream.

#include "protocol/framing.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace {

constexpr std::size_t message_bytes_max = 512;

using Bytes = std::vector<std::byte>;

struct Seen {
  std::vector<Bytes> messages;
  std::optional<protocol::FramingError> error;
  bool operator==(const Seen&) const = default;
};

Seen read_at_once(std::span<const std::byte> stream) {
  Seen seen;
  while (stream.size() >= 4) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length * 256 + std::to_integer<std::size_t>(stream[i]);
    if (length == 0) seen.error = protocol::FramingError::empty_message;
    if (length > message_bytes_max) seen.error = protocol::FramingError::message_too_long;
    if (seen.error || stream.size() - 4 < length) return seen;
    seen.messages.emplace_back(stream.begin() + 4, stream.begin() + 4 + static_cast<std::ptrdiff_t>(length));
    stream = stream.subspan(4 + length);
  }
  return seen;
}

void take_all(protocol::MessageReader& reader, Seen& seen) {
  while (true) {
    auto next = reader.next();
    if (!next) {
      seen.error = next.error();
      return;
    }
    if (!*next) return;
    seen.messages.push_back(std::move(**next));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  auto stream = std::as_bytes(std::span(bytes + 1, size - 1));
  const Seen wanted = read_at_once(stream);
  protocol::MessageReader reader(message_bytes_max);
  Seen seen;
  for (std::size_t round = 0; !stream.empty(); ++round) {
    const std::size_t part = std::min((bytes[0] + std::size_t{1}) * (1 + round % 3), stream.size());
    reader.feed(stream.first(part));
    stream = stream.subspan(part);
    take_all(reader, seen);
    assert(reader.pending_bytes() < message_bytes_max + 4);
  }
  assert(seen == wanted);
  return 0;
}
