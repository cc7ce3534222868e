#pragma once
// ChaCha20-Poly1305 (RFC 8439) with a counter for nonce, as the Noise specification wants it (5.1, 12.3).
//
// Each sealing and each successful opening advances the counter by one. The nonce is four zero bytes and the counter,
// little-endian. The counter 2^64-1 is reserved: nothing is sealed or opened with it. An opening that fails changes
// nothing; whether anything may follow it is for the owner to decide.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "crypto/secret.h"

namespace crypto {

inline constexpr std::size_t seal_bytes = 16;  // what sealing adds

class Cipher {
 public:
  explicit Cipher(Secret<32> key, std::uint64_t next = 0);
  [[nodiscard]] std::uint64_t next() const { return next_; }
  [[nodiscard]] bool used_up() const { return next_ == std::numeric_limits<std::uint64_t>::max(); }
  // `beside` is authenticated and not contained. Nothing: the counter is used up.
  [[nodiscard]] std::optional<std::vector<std::byte>> seal(std::span<const std::byte> beside,
                                                           std::span<const std::byte> plain);
  // Nothing: not sealed with this key, counter and `beside`, or the counter is used up.
  [[nodiscard]] std::optional<std::vector<std::byte>> open(std::span<const std::byte> beside,
                                                           std::span<const std::byte> sealed);
  // Forgets the key. REQUIRES: nothing is sealed or opened afterwards.
  void forget();

 private:
  Secret<32> key_;
  std::uint64_t next_;
  bool forgotten_ = false;
};

}  // namespace crypto
