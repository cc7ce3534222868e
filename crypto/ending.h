#pragma once
// That a job is over, and how: said by its root, signed with the job's key. Whoever still holds anything of the job
// lets go of it; it is kept and passed on as it was received, to those who come later.
//
// The epoch says which root. Of two endings of one job that of the lower epoch stands; which of them is kept is not
// decided here.

#include <cstddef>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/mandate.h"
#include "crypto/signed.h"

namespace crypto {

inline constexpr std::size_t ending_signed_bytes_max = 256;

enum class Verdict : std::uint8_t {
  done,       // every iteration has its result
  hit,        // a search found what it looked for
  halted,     // the halt rule ended it
  cancelled,  // somebody did
};

struct Ending {
  Bytes16 job{};
  Epoch epoch;
  Verdict verdict = Verdict::done;
  bool operator==(const Ending&) const = default;
};

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const Ending& ending);
[[nodiscard]] tl::expected<Ending, StatementError> decode_ending_body(std::span<const std::byte> body);

[[nodiscard]] tl::expected<Sealed, StatementError> sign_ending(const Ending& ending, const SigningPair& job_key);
// `job` and `job_key` are those of the manifest of the job that it is to end.
[[nodiscard]] tl::expected<Ending, StatementError> open_ending(std::span<const std::byte> bytes, const Bytes16& job,
                                                               const PublicKey& job_key);

}  // namespace crypto
