#include "crypto/cipher.h"

#include <sodium.h>

#include <array>
#include <cassert>
#include <utility>

#include "crypto/raw.h"

namespace crypto {

namespace {

static_assert(seal_bytes == crypto_aead_chacha20poly1305_ietf_ABYTES);

using Nonce = std::array<std::byte, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  for (std::size_t at = 4; at < nonce.size(); ++at, counter >>= 8U) nonce[at] = static_cast<std::byte>(counter & 0xffU);
  return nonce;
}

}  // namespace

Cipher::Cipher(Secret<32> key, std::uint64_t next) : key_(std::move(key)), next_(next) {}

std::optional<std::vector<std::byte>> Cipher::seal(std::span<const std::byte> beside,
                                                   std::span<const std::byte> plain) {
  assert(!forgotten_);
  if (used_up()) return std::nullopt;
  std::vector<std::byte> sealed(plain.size() + seal_bytes);
  [[maybe_unused]] const int result =
      crypto_aead_chacha20poly1305_ietf_encrypt(raw_out(sealed), nullptr, raw(plain), plain.size(), raw(beside),
                                                beside.size(), nullptr, raw(nonce_of(next_)), raw(key_.bytes()));
  assert(result == 0);
  ++next_;
  return sealed;
}

std::optional<std::vector<std::byte>> Cipher::open(std::span<const std::byte> beside,
                                                   std::span<const std::byte> sealed) {
  assert(!forgotten_);
  if (used_up() || sealed.size() < seal_bytes) return std::nullopt;
  std::vector<std::byte> plain(sealed.size() - seal_bytes);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(raw_out(plain), nullptr, nullptr, raw(sealed), sealed.size(),
                                                raw(beside), beside.size(), raw(nonce_of(next_)),
                                                raw(key_.bytes())) != 0) {
    return std::nullopt;
  }
  ++next_;
  return plain;
}

void Cipher::forget() {
  key_.clear();
  forgotten_ = true;
}

}  // namespace crypto
