// Messages between agents: whatever decodes is encoded again to something that decodes equal.

#include <cassert>
#include <cstdint>
#include <span>

#include "protocol/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto first = protocol::decode(std::as_bytes(std::span(bytes, size)));
  if (!first) return 0;
  const auto encoded = protocol::encode(*first);
  assert(encoded.size() <= size);
  const auto second = protocol::decode(encoded);
  assert(second && *second == *first);
  return 0;
}
