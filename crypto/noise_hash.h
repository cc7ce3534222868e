#pragma once
// The hash functions that a handshake can be built on: for each a plain and a keyed digest, and what follows from the
// two. Product handshakes use SHA-512; the others stand here so that everybody's published vectors can be run.
//
// HMAC of BLAKE2b is that of RFC 2104 with a block of 128 bytes, not BLAKE2b's own keyed mode: Noise wants it so.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "crypto/secret.h"

namespace crypto {

enum class NoiseHash : std::uint8_t { sha512, sha256, blake2b };

inline constexpr std::size_t noise_hash_bytes_max = 64;

using ByteParts = std::initializer_list<std::span<const std::byte>>;

struct NoiseHashRow {
  NoiseHash hash;
  std::string_view name;  // as in protocol names
  std::size_t bytes;      // of a digest
  // Both write `bytes` bytes to the front of `out`, which may not overlap the parts; the parts count as one string.
  void (*digest)(ByteParts parts, std::span<std::byte, noise_hash_bytes_max> out);
  void (*keyed)(std::span<const std::byte> key, ByteParts parts, std::span<std::byte, noise_hash_bytes_max> out);
};
[[nodiscard]] const NoiseHashRow& noise_hash_row(NoiseHash hash);

// HKDF of RFC 5869 with `salt` and no information, or HKDF of the Noise specification (4.3), which is the same: up to
// three outputs, each of the size of a digest at the front of a secret.
struct DerivedSecrets {
  std::array<Secret<noise_hash_bytes_max>, 3> outputs;
};
[[nodiscard]] DerivedSecrets derive(NoiseHash hash, std::span<const std::byte> salt,
                                    std::span<const std::byte> key_material);

}  // namespace crypto
