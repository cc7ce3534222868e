// Messages of the client socket: whatever decodes is encoded again to something that decodes equal.

#include "protocol/client.h"

#include <cassert>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto first = protocol::client::decode_client(std::as_bytes(std::span(bytes, size)));
  if (!first) return 0;
  const auto encoded = protocol::client::encode(*first);
  assert(encoded.size() <= size);
  const auto second = protocol::client::decode_client(encoded);
  assert(second && *second == *first);
  return 0;
}
