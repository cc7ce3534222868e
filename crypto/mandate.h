#pragma once
// The job's licence to run, renewed by its root every few seconds and signed with the job's key.
//
// The epoch says who is root: (number, node), compared in that order. Within an epoch sequences only grow. Who keeps
// the freshest one and judges its age is not decided here.

#include <cstddef>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/signed.h"

namespace crypto {

inline constexpr std::uint64_t mandate_life_ms_max = 600'000;
inline constexpr std::size_t mandate_signed_bytes_max = 256;

struct Epoch {
  std::uint64_t number = 0;
  KeyId root;
  auto operator<=>(const Epoch&) const = default;
};

struct Mandate {
  Bytes16 job{};
  Epoch epoch;
  std::uint64_t sequence = 0;
  std::uint64_t time_to_live_ms = 60'000;  // 1 ... mandate_life_ms_max, from the moment it is first seen
  bool operator==(const Mandate&) const = default;
};

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const Mandate& mandate);
[[nodiscard]] tl::expected<Mandate, StatementError> decode_mandate_body(std::span<const std::byte> body);

[[nodiscard]] tl::expected<Sealed, StatementError> sign_mandate(const Mandate& mandate, const SigningPair& job_key);
// `job` and `job_key` are those of the manifest that it is to be a licence for.
[[nodiscard]] tl::expected<Mandate, StatementError> open_mandate(std::span<const std::byte> bytes, const Bytes16& job,
                                                                 const PublicKey& job_key);

}  // namespace crypto
