#pragma once
// A statement and its signature, as they travel: the body's bytes, then 64 bytes of signature, nothing else.
//
// The body is kept and passed on as it was received and never encoded again. The id of a statement is the digest of the
// body alone: a second valid signature over the same body does not make a second id.

#include <cstddef>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/keys.h"

namespace crypto {

// Why a signed statement is refused.
enum class StatementError {
  malformed,      // not the encoding of any statement of this kind: cut, trailing bytes, a second way to say the same
  bad_field,      // well-formed, but a field is outside its bounds or contradicts another
  bad_signature,  // not signed by the key that must have signed it
  wrong_job,      // signed, but about another job than the one asked for
};
[[nodiscard]] const char* to_string(StatementError error);

inline constexpr std::size_t signature_bytes = 64;

struct Signed {
  std::vector<std::byte> body;
  Signature signature;
  bool operator==(const Signed&) const = default;
};

// What a signer gets: the bytes to store and to send, and the id of the statement.
struct Sealed {
  std::vector<std::byte> bytes;
  Digest id;
  bool operator==(const Sealed&) const = default;
};

[[nodiscard]] std::vector<std::byte> encode(const Signed& statement);
// Takes body and signature apart without judging either. Nothing if the body would be empty or the whole is longer than
// `bytes_max`; nothing is allocated then.
[[nodiscard]] std::optional<Signed> decode_signed(std::span<const std::byte> bytes, std::size_t bytes_max);

[[nodiscard]] Digest statement_id(Domain domain, std::span<const std::byte> body);
[[nodiscard]] Sealed seal(Domain domain, std::vector<std::byte> body, const SigningPair& signer);
[[nodiscard]] bool verify(Domain domain, const Signed& statement, const PublicKey& key);

}  // namespace crypto
