#pragma once
// Fixed-size byte strings of this room. Those that mean different things are different types: a digest never passes
// for a key. All of them are public values; secrets live in `Secret` (secret.h).

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#ifdef NDEBUG
#error "assertions guard our own state and stay on in every build: do not define NDEBUG"
#endif

namespace crypto {

using Bytes16 = std::array<std::byte, 16>;
using Bytes32 = std::array<std::byte, 32>;
using Bytes64 = std::array<std::byte, 64>;

template <class Tag, std::size_t N>
struct Tagged {
  std::array<std::byte, N> bytes{};
  auto operator<=>(const Tagged&) const = default;
};

using Digest = Tagged<struct DigestTag, 32>;            // BLAKE2b-256
using KeyId = Tagged<struct KeyIdTag, 32>;              // name of a user or a node: digest of its signing key
using PublicKey = Tagged<struct PublicKeyTag, 32>;      // Ed25519, verifies signatures
using ExchangeKey = Tagged<struct ExchangeKeyTag, 32>;  // X25519, public half
using Signature = Tagged<struct SignatureTag, 64>;      // Ed25519

}  // namespace crypto
