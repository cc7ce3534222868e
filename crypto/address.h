#pragma once
// Where an agent can be reached, as far as signed records and tokens speak of it.

#include <compare>
#include <cstddef>
#include <cstdint>

#include "crypto/bytes.h"

namespace crypto {

inline constexpr std::size_t addresses_max = 3;

struct Address {
  Bytes16 ip{};            // IPv4 as ::ffff:a.b.c.d
  std::uint16_t port = 0;  // not 0
  auto operator<=>(const Address&) const = default;
};

}  // namespace crypto
