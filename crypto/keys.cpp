#include "crypto/keys.h"

#include <sodium.h>

#include <cassert>
#include <utility>
#include <vector>

#include "crypto/digest.h"
#include "crypto/raw.h"

namespace crypto {

namespace {

// Ed25519 reads its message twice, so it must lie in one piece.
std::vector<std::byte> in_domain(Domain domain, std::span<const std::byte> body) {
  const auto prefix = std::as_bytes(std::span(domain.text()));
  std::vector<std::byte> message;
  message.reserve(prefix.size() + 1 + body.size());
  message.insert(message.end(), prefix.begin(), prefix.end());
  message.push_back(std::byte{0});
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

}  // namespace

SigningPair::SigningPair(const Seed& seed) {
  [[maybe_unused]] const int result =
      crypto_sign_seed_keypair(raw_out(public_.bytes), raw_out(secret_.writable()), raw(seed.bytes()));
  assert(result == 0);
}

Signature SigningPair::sign(Domain domain, std::span<const std::byte> body) const {
  assert(sodium_is_zero(raw(secret_.bytes()), secret_.bytes().size()) == 0);
  const std::vector<std::byte> message = in_domain(domain, body);
  Signature signature;
  [[maybe_unused]] const int result =
      crypto_sign_detached(raw_out(signature.bytes), nullptr, raw(message), message.size(), raw(secret_.bytes()));
  assert(result == 0);
  return signature;
}

bool verify(Domain domain, std::span<const std::byte> body, const Signature& signature, const PublicKey& key) {
  const std::vector<std::byte> message = in_domain(domain, body);
  return crypto_sign_verify_detached(raw(signature.bytes), raw(message), message.size(), raw(key.bytes)) == 0;
}

KeyId key_id(Domain domain, const PublicKey& key) {
  return KeyId{digest(domain, key.bytes).bytes};
}

ExchangePair::ExchangePair(Secret<32> secret) : secret_(std::move(secret)) {
  [[maybe_unused]] const int result = crypto_scalarmult_base(raw_out(public_.bytes), raw(secret_.bytes()));
  assert(result == 0);
}

std::optional<Secret<32>> exchange(const Secret<32>& ours, const ExchangeKey& theirs) {
  Secret<32> shared;
  if (crypto_scalarmult(raw_out(shared.writable()), raw(ours.bytes()), raw(theirs.bytes)) != 0) return std::nullopt;
  return shared;
}

}  // namespace crypto
