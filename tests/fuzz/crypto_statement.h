#pragma once
// What holds for every kind of signed statement, whatever the input: it is taken once as a body and once as signed
// bytes.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/signed.h"

namespace fuzz {

inline std::span<const std::byte> view(const std::uint8_t* input, std::size_t size) {
  return std::as_bytes(std::span(input, size));
}

inline crypto::SigningPair pair(std::uint8_t which) {
  crypto::Seed seed;
  for (std::byte& byte : seed.writable()) byte = std::byte{which};
  return crypto::SigningPair(seed);
}

// `decode` gives an expected value; a body that decodes is the only encoding of what it says, and is then handed to
// `sign_and_open` (which must find again what it signed).
template <class Decode, class SignAndOpen>
void check_body(std::span<const std::byte> input, Decode decode, SignAndOpen sign_and_open) {
  auto value = decode(input);
  if (!value) return;
  const auto again = encode_body(*value);
  assert(again && std::ranges::equal(*again, input));
  sign_and_open(*value);
}

// Signed bytes that open are exactly the body that their content encodes to, followed by the signature.
template <class Content>
void check_opened(std::span<const std::byte> input, const Content& content) {
  const auto body = encode_body(content);
  assert(body && std::ranges::equal(*body, input.first(input.size() - crypto::signature_bytes)));
}

}  // namespace fuzz
