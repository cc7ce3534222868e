#pragma once
// What both ends of a handshake know of it so far: SymmetricState of the Noise specification (5.2).
//
// `h` is a digest of everything sent and received, `ck` a secret that every shared secret was mixed into, `k` the key
// that seals what follows, once there is one. Secrets leave zeros behind when they are replaced, and on `forget`.
// Invariant: the two ends hold the same state between messages, or the next tag that one of them reads is bad.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/cipher.h"
#include "crypto/noise_hash.h"
#include "crypto/secret.h"

namespace crypto {

class NoiseState {
 public:
  // A name longer than a digest is digested, a shorter one is filled up with zeros.
  NoiseState(NoiseHash hash, std::string_view protocol_name);

  void mix_hash(std::span<const std::byte> bytes);
  void mix_key(std::span<const std::byte> key_material);
  void mix_key_and_hash(std::span<const std::byte> key_material);
  [[nodiscard]] bool has_key() const { return cipher_.has_value(); }
  // Without a key yet these hand on what they are given. Both mix what is on the wire into `h`.
  [[nodiscard]] std::optional<std::vector<std::byte>> encrypt_and_hash(std::span<const std::byte> plain);
  [[nodiscard]] std::optional<std::vector<std::byte>> decrypt_and_hash(std::span<const std::byte> wire);

  struct Split {
    Secret<32> from_initiator;  // the first output, whoever wrote the last message
    Secret<32> from_responder;
  };
  // Of a finished handshake; the state holds no secret afterwards.
  [[nodiscard]] Split split();
  // Of the size of the hash.
  [[nodiscard]] std::span<const std::byte> hash() const { return std::span(h_).first(bytes_); }
  void forget();

 private:
  [[nodiscard]] std::span<const std::byte> chaining_key() const { return ck_.bytes().first(bytes_); }

  NoiseHash hash_;
  std::size_t bytes_;
  std::array<std::byte, noise_hash_bytes_max> h_{};
  Secret<noise_hash_bytes_max> ck_;
  std::optional<Cipher> cipher_;
};

}  // namespace crypto
