#pragma once
// Key pairs. Signing (Ed25519, RFC 8032) and key exchange (X25519, RFC 7748) never share a key.

#include <cstddef>
#include <optional>
#include <span>

#include "crypto/bytes.h"
#include "crypto/domain.h"
#include "crypto/secret.h"

namespace crypto {

using Seed = Secret<32>;

// Signs as a user, a node or a job. Made from a seed of 32 random bytes, which is all that needs to be stored: the same
// seed always gives the same pair and, for the same statement, the same signature. Move-only; a pair that was moved
// from must not sign.
class SigningPair {
 public:
  explicit SigningPair(const Seed& seed);
  [[nodiscard]] const PublicKey& public_key() const { return public_; }
  // Over `domain \0 body`.
  [[nodiscard]] Signature sign(Domain domain, std::span<const std::byte> body) const;

 private:
  Secret<64> secret_;
  PublicKey public_;
};

// Whether `signature` over `domain \0 body` was made with the secret half of `key`. Refuses keys of small order and
// signatures that are not in the canonical form.
[[nodiscard]] bool verify(Domain domain, std::span<const std::byte> body, const Signature& signature,
                          const PublicKey& key);

// The name of a signing key: BLAKE2b-256 over `domain \0 key`; `user_domain` or `node_domain`.
[[nodiscard]] KeyId key_id(Domain domain, const PublicKey& key);

// A static key of links, the key of one run of an agent (its instance), or the ephemeral key of one handshake. Made
// from 32 random bytes. Move-only.
class ExchangePair {
 public:
  explicit ExchangePair(Secret<32> secret);
  [[nodiscard]] const ExchangeKey& public_key() const { return public_; }
  [[nodiscard]] const Secret<32>& secret() const { return secret_; }

 private:
  Secret<32> secret_;
  ExchangeKey public_;
};

// X25519. Nothing if `theirs` is of low order, whose result everybody knows.
[[nodiscard]] std::optional<Secret<32>> exchange(const Secret<32>& ours, const ExchangeKey& theirs);

}  // namespace crypto
