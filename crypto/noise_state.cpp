#include "crypto/noise_state.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace crypto {

namespace {

// Keys of the cipher have 32 bytes, whatever the hash gives.
Secret<32> cipher_key(const Secret<noise_hash_bytes_max>& derived) {
  return Secret<32>(derived.bytes().first<32>());
}

}  // namespace

NoiseState::NoiseState(NoiseHash hash, std::string_view protocol_name)
    : hash_(hash), bytes_(noise_hash_row(hash).bytes) {
  const auto name = std::as_bytes(std::span(protocol_name));
  if (name.size() <= bytes_) {
    std::ranges::copy(name, h_.begin());
  } else {
    noise_hash_row(hash).digest({name}, h_);
  }
  ck_ = Secret<noise_hash_bytes_max>(h_);
}

void NoiseState::mix_hash(std::span<const std::byte> bytes) {
  std::array<std::byte, noise_hash_bytes_max> mixed{};
  noise_hash_row(hash_).digest({hash(), bytes}, mixed);
  h_ = mixed;
}

void NoiseState::mix_key(std::span<const std::byte> key_material) {
  DerivedSecrets derived = derive(hash_, chaining_key(), key_material);
  ck_ = std::move(derived.outputs[0]);
  cipher_.emplace(cipher_key(derived.outputs[1]));
}

void NoiseState::mix_key_and_hash(std::span<const std::byte> key_material) {
  DerivedSecrets derived = derive(hash_, chaining_key(), key_material);
  ck_ = std::move(derived.outputs[0]);
  mix_hash(derived.outputs[1].bytes().first(bytes_));
  cipher_.emplace(cipher_key(derived.outputs[2]));
}

std::optional<std::vector<std::byte>> NoiseState::encrypt_and_hash(std::span<const std::byte> plain) {
  std::optional<std::vector<std::byte>> wire;
  if (cipher_) {
    wire = cipher_->seal(hash(), plain);
  } else {
    wire.emplace(plain.begin(), plain.end());
  }
  if (wire) mix_hash(*wire);
  return wire;
}

std::optional<std::vector<std::byte>> NoiseState::decrypt_and_hash(std::span<const std::byte> wire) {
  std::optional<std::vector<std::byte>> plain;
  if (cipher_) {
    plain = cipher_->open(hash(), wire);
  } else {
    plain.emplace(wire.begin(), wire.end());
  }
  if (plain) mix_hash(wire);
  return plain;
}

NoiseState::Split NoiseState::split() {
  const DerivedSecrets derived = derive(hash_, chaining_key(), {});
  forget();
  return Split{cipher_key(derived.outputs[0]), cipher_key(derived.outputs[1])};
}

void NoiseState::forget() {
  ck_.clear();
  if (cipher_) cipher_->forget();
  cipher_.reset();
}

}  // namespace crypto
