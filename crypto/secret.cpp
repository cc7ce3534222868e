#include "crypto/secret.h"

#include <sodium.h>

#include <cassert>

namespace crypto {

void wipe(std::span<std::byte> bytes) {
  sodium_memzero(bytes.data(), bytes.size());
}

bool same_in_constant_time(std::span<const std::byte> left, std::span<const std::byte> right) {
  assert(left.size() == right.size());
  return sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace crypto
