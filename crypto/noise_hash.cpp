#include "crypto/noise_hash.h"

#include <sodium.h>

#include <algorithm>
#include <cassert>

#include "crypto/raw.h"

namespace crypto {

namespace {

using Out = std::span<std::byte, noise_hash_bytes_max>;
using View = std::span<const std::byte>;

static_assert(noise_hash_bytes_max == crypto_hash_sha512_BYTES && noise_hash_bytes_max == crypto_generichash_BYTES_MAX);

void sha512(ByteParts parts, Out out) {
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  for (const View part : parts) crypto_hash_sha512_update(&state, raw(part), part.size());
  crypto_hash_sha512_final(&state, raw_out(out));
  sodium_memzero(&state, sizeof state);
}

void sha256(ByteParts parts, Out out) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (const View part : parts) crypto_hash_sha256_update(&state, raw(part), part.size());
  crypto_hash_sha256_final(&state, raw_out(out));
  sodium_memzero(&state, sizeof state);
}

void blake2b(ByteParts parts, Out out) {
  crypto_generichash_state state;
  [[maybe_unused]] const int result = crypto_generichash_init(&state, nullptr, 0, out.size());
  assert(result == 0);
  for (const View part : parts) crypto_generichash_update(&state, raw(part), part.size());
  crypto_generichash_final(&state, raw_out(out), out.size());
  sodium_memzero(&state, sizeof state);
}

// An empty key has an address, which the library insists on.
const unsigned char* raw_key(View key) {
  static constexpr unsigned char none = 0;
  return key.empty() ? &none : raw(key);
}

// The one-shot functions of the library take keys of 32 bytes only and ignore the rest of a longer one.
void keyed_sha512(View key, ByteParts parts, Out out) {
  crypto_auth_hmacsha512_state state;
  crypto_auth_hmacsha512_init(&state, raw_key(key), key.size());
  for (const View part : parts) crypto_auth_hmacsha512_update(&state, raw(part), part.size());
  crypto_auth_hmacsha512_final(&state, raw_out(out));
  sodium_memzero(&state, sizeof state);
}

void keyed_sha256(View key, ByteParts parts, Out out) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, raw_key(key), key.size());
  for (const View part : parts) crypto_auth_hmacsha256_update(&state, raw(part), part.size());
  crypto_auth_hmacsha256_final(&state, raw_out(out));
  sodium_memzero(&state, sizeof state);
}

// RFC 2104.
void keyed_blake2b(View key, ByteParts parts, Out out) {
  constexpr std::size_t block_bytes = 128;
  Secret<noise_hash_bytes_max> short_key;
  if (key.size() > block_bytes) {
    blake2b({key}, short_key.writable());
    key = short_key.bytes();
  }
  auto pad = [key](std::byte with) {
    Secret<block_bytes> padded;
    std::ranges::copy(key, padded.writable().begin());
    for (std::byte& byte : padded.writable()) byte ^= with;
    return padded;
  };
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, out.size());
  crypto_generichash_update(&state, raw(pad(std::byte{0x36}).bytes()), block_bytes);
  for (const View part : parts) crypto_generichash_update(&state, raw(part), part.size());
  Secret<noise_hash_bytes_max> inner;
  crypto_generichash_final(&state, raw_out(inner.writable()), inner.bytes().size());
  sodium_memzero(&state, sizeof state);
  const Secret<block_bytes> outer = pad(std::byte{0x5c});
  blake2b({outer.bytes(), inner.bytes()}, out);
}

constexpr std::array rows{
    NoiseHashRow{NoiseHash::sha512, "SHA512", 64, sha512, keyed_sha512},
    NoiseHashRow{NoiseHash::sha256, "SHA256", 32, sha256, keyed_sha256},
    NoiseHashRow{NoiseHash::blake2b, "BLAKE2b", 64, blake2b, keyed_blake2b},
};

}  // namespace

const NoiseHashRow& noise_hash_row(NoiseHash hash) {
  const auto row = std::ranges::find(rows, hash, &NoiseHashRow::hash);
  assert(row != rows.end());
  return *row;
}

DerivedSecrets derive(NoiseHash hash, std::span<const std::byte> salt, std::span<const std::byte> key_material) {
  const NoiseHashRow& row = noise_hash_row(hash);
  Secret<noise_hash_bytes_max> extracted;
  row.keyed(salt, {key_material}, extracted.writable());
  const auto key = extracted.bytes().first(row.bytes);
  DerivedSecrets derived;
  View before;
  std::byte number{1};
  for (auto& output : derived.outputs) {
    row.keyed(key, {before, std::span(&number, 1)}, output.writable());
    before = output.bytes().first(row.bytes);
    number = static_cast<std::byte>(std::to_integer<unsigned>(number) + 1);
  }
  return derived;
}

}  // namespace crypto
