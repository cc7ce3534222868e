#include "crypto/digest.h"

#include <sodium.h>

#include <cassert>

namespace crypto {

namespace {

static_assert(Digest{}.bytes.size() == crypto_generichash_BYTES);

crypto_generichash_state* state_of(std::byte* bytes) {
  return reinterpret_cast<crypto_generichash_state*>(bytes);
}

}  // namespace

Hasher::Hasher() {
  static_assert(state_bytes == sizeof(crypto_generichash_state) && alignof(crypto_generichash_state) <= 64);
  [[maybe_unused]] const int result =
      crypto_generichash_init(state_of(state_.data()), nullptr, 0, crypto_generichash_BYTES);
  assert(result == 0);
}

Hasher::Hasher(Domain domain) : Hasher() {
  add(std::as_bytes(std::span(domain.text())));
  add(std::array{std::byte{0}});
}

void Hasher::add(std::span<const std::byte> part) {
  assert(!finished_);
  crypto_generichash_update(state_of(state_.data()), reinterpret_cast<const unsigned char*>(part.data()), part.size());
}

Digest Hasher::finish() {
  assert(!finished_);
  finished_ = true;
  Digest result;
  crypto_generichash_final(state_of(state_.data()), reinterpret_cast<unsigned char*>(result.bytes.data()),
                           result.bytes.size());
  return result;
}

Digest content_digest(std::span<const std::byte> content) {
  Hasher hasher;
  hasher.add(content);
  return hasher.finish();
}

Digest digest(Domain domain, std::span<const std::byte> body) {
  Hasher hasher(domain);
  hasher.add(body);
  return hasher.finish();
}

}  // namespace crypto
