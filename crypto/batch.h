#pragma once
// Results, signed in batches by the node that executed: whoever passes them on cannot change them, and a wrong one can
// be attributed.
//
// A batch speaks of one loop of one job. It carries the executor's signing key, so it can be checked by anybody; that
// this key is a member's, with the role to execute, is for the reader to establish from `OpenedBatch::executor`.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "crypto/loop_path.h"
#include "crypto/signed.h"

namespace crypto {

// Holds a result with both outputs inline and the longest list of intervals; not more than half of a message of 1 MiB.
inline constexpr std::size_t batch_signed_bytes_max = std::size_t{512} * 1024;
inline constexpr std::size_t batch_results_max = 4'096;
inline constexpr std::size_t result_intervals_max = 4'096;
inline constexpr std::size_t result_reason_bytes_max = 256;
inline constexpr std::size_t inline_output_bytes_max = std::size_t{64} * 1024;
inline constexpr std::uint8_t sandbox_level_max = 3;

// A content that is fetched by its digest (`content_digest`).
struct BlobReference {
  Digest digest;
  std::uint64_t size_bytes = 0;
  bool operator==(const BlobReference&) const = default;
};

// What a task wrote: the bytes themselves up to inline_output_bytes_max, or a reference.
using Output = std::variant<std::vector<std::byte>, BlobReference>;

enum class Outcome : std::uint8_t {
  ok,
  hit,     // the search ends here
  failed,  // exit, signal or reason say how
  killed,  // ended by the agent: limit, cancelled, lease, owner
  lost,    // of a job whose iterations start at most once: it was started, and nobody knows how it ended
};
[[nodiscard]] const char* to_string(Outcome outcome);

struct Result {
  std::vector<Interval> covers;  // 1 ... result_intervals_max, ascending, neither overlapping nor touching
  std::uint32_t attempt = 0;
  Outcome outcome = Outcome::ok;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;         // that ended it, 0 if none
  std::string reason;              // of a failure, for people; no NUL
  std::int64_t start_wall_ms = 0;  // since 1970, by the executor's clock
  std::uint64_t duration_ns = 0;
  std::uint64_t user_ns = 0;
  std::uint64_t system_ns = 0;
  std::uint64_t peak_kib = 0;  // largest resident size
  Output out;
  Output err;
  std::uint8_t sandbox_level = 0;  // 0 ... sandbox_level_max, as it was run
  bool operator==(const Result&) const = default;
};

struct ResultBatch {
  Bytes16 job{};
  Digest manifest;              // id
  LoopPath path;                // of the loop; empty: the root loop
  std::vector<Result> results;  // 1 ... batch_results_max
  PublicKey executor;           // the node's signing key
  bool operator==(const ResultBatch&) const = default;
};

struct OpenedBatch {
  ResultBatch batch;
  Digest id;
  KeyId executor;  // name of the node
};

// What a result adds to a batch, and what a batch without results takes at most: a batch of results that together add
// no more than batch_signed_bytes_max - batch_head_bytes_max can be signed. 0: the result itself is out of bounds.
[[nodiscard]] std::size_t encoded_bytes(const Result& result);
inline constexpr std::size_t batch_head_bytes_max = 1'024;

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const ResultBatch& batch);
[[nodiscard]] tl::expected<ResultBatch, StatementError> decode_batch_body(std::span<const std::byte> body);

// bad_field also if `executor` is not the public half of `node_key`.
[[nodiscard]] tl::expected<Sealed, StatementError> sign_batch(const ResultBatch& batch, const SigningPair& node_key);
[[nodiscard]] tl::expected<OpenedBatch, StatementError> open_batch(std::span<const std::byte> bytes);

}  // namespace crypto
