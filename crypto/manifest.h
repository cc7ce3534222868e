#pragma once
// What a user launches, signed with the user's key: every node that is asked to run anything of a job checks it against
// this first, whoever passed the work on.
//
// A manifest is whole in itself: it carries the key that signed it, and the key that signs for the job while it runs
// (mandates, argument chunks). It is valid for a time of at most 30 days. Words, names and values are bytes without
// NUL; no character set is assumed. Everything has a bound, and the bounds stand here.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "crypto/signed.h"
#include "crypto/wall_time.h"

namespace crypto {

inline constexpr std::size_t manifest_signed_bytes_max = std::size_t{256} * 1024;
inline constexpr std::size_t certificate_bytes_max = 4'096;
inline constexpr std::size_t command_words_max = 8'192;
inline constexpr std::size_t word_bytes_max = 131'071;  // of an execve(2) on Linux, without its NUL
inline constexpr std::size_t environment_max = 4'096;   // names; NAME=VALUE has at most word_bytes_max bytes
inline constexpr std::size_t file_name_bytes_max = 4'095;
inline constexpr std::size_t output_rules_max = 256;
inline constexpr std::size_t job_name_bytes_max = 256;
inline constexpr std::size_t extensions_max = 64;
inline constexpr std::size_t extension_key_bytes_max = 64;
inline constexpr std::size_t extension_value_bytes_max = 4'096;
inline constexpr std::uint8_t least_sandbox_max = 3;
inline constexpr std::uint8_t redundancy_max = 8;
inline constexpr std::uint32_t umask_max = 0777;
inline constexpr std::int64_t manifest_life_ms_max = std::int64_t{30} * 24 * 3'600 * 1'000;
inline constexpr std::uint32_t branch_number_automatic = std::numeric_limits<std::uint32_t>::max();

// The program is looked up on the PATH of the node that runs it, or is a file of this path.
struct NamedProgram {
  std::string name;
  bool operator==(const NamedProgram&) const = default;
};
// The program is this content (`content_digest`), fetched; `name` is what it is called where it runs.
struct BlobProgram {
  Digest digest;
  std::uint64_t size_bytes = 0;
  std::string name;
  bool operator==(const BlobProgram&) const = default;
};
using Program = std::variant<NamedProgram, BlobProgram>;

struct BoundedSpace {
  std::uint64_t count = 0;  // of iterations, any number
  bool operator==(const BoundedSpace&) const = default;
};
// A stream of items: the chunk marked `last` tells how many.
struct OpenSpace {
  bool operator==(const OpenSpace&) const = default;
};
using Space = std::variant<BoundedSpace, OpenSpace>;

// Iteration i stands for the value low + i * step; no value is above `high`. The space is bounded and has exactly the
// (high - low) / step + 1 iterations that this gives. An empty range has a space of 0 and no ValueRange.
struct ValueRange {
  std::uint64_t low = 0;
  std::uint64_t step = 1;  // at least 1
  std::uint64_t high = 0;  // inclusive, at least low
  bool operator==(const ValueRange&) const = default;
};

enum class BodyKind : std::uint8_t { command_per_iteration, command_per_piece, linked_function };
enum class Nesting : std::uint8_t { none, same_program, any_command };

// 0: no limit.
struct Limits {
  std::uint64_t time_ns = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t processes = 0;
  bool operator==(const Limits&) const = default;
};

enum class HaltWhen : std::uint8_t { never, soon, now };
enum class HaltWhat : std::uint8_t { fail, success, done };
enum class HaltUnit : std::uint8_t { count, percent };

// Stop after `amount` of `what`. With `never` the others keep their defaults; otherwise the amount is at least 1, and
// at most 100 if in percent.
struct Halt {
  HaltWhen when = HaltWhen::never;
  HaltWhat what = HaltWhat::fail;
  std::uint32_t amount = 0;
  HaltUnit unit = HaltUnit::count;
  bool operator==(const Halt&) const = default;
};

struct Policy {
  std::string name;  // of the job, for people; may be empty
  std::uint32_t retries = 0;
  std::uint32_t lost_retries = 3;
  Halt halt;
  std::uint32_t slots_max = 0;        // on the launching node; 0: as many as it has
  std::optional<std::uint8_t> found;  // exit code of a piece that ends the search
  std::uint64_t grain_ns = 10'000'000'000;
  std::uint32_t branch_number = 8;  // or branch_number_automatic
  bool started_at_most_once = false;
  bool operator==(const Policy&) const = default;
};

struct Manifest {
  Bytes32 pool{};  // zeros: none
  Bytes16 job{};
  PublicKey user_key;
  std::vector<std::byte> user_certificate;  // empty without a pool
  std::int64_t created_ms = 0;              // since 1970; at most wall_ms_max
  std::int64_t not_after_ms = 0;            // after created_ms, by at most manifest_life_ms_max
  Program program;
  std::vector<std::string> command;  // template: replacement strings are still inside
  bool through_shell = false;
  std::map<std::string, std::string> environment;  // names are not empty and have no '='
  std::string directory;                           // on the launching node; absolute, or empty
  std::uint32_t umask = 022;                       // on the launching node
  Space space;
  std::optional<ValueRange> range;
  BodyKind body = BodyKind::command_per_iteration;
  Limits limits;
  std::uint8_t least_sandbox = 0;  // level, 0 ... least_sandbox_max
  bool network = true;
  std::vector<std::string> output_rules;
  Nesting nesting = Nesting::none;
  std::uint8_t redundancy = 1;  // 1 ... redundancy_max executors of each iteration
  PublicKey job_key;
  Policy policy;
  std::map<std::string, std::vector<std::byte>> extensions;  // may be ignored by who does not know them
  bool operator==(const Manifest&) const = default;
};

enum class ManifestError {
  malformed,         // not the encoding of any manifest
  bad_field,         // a field is outside its bounds or contradicts another
  unknown_critical,  // it demands something that this version does not know
  bad_signature,     // not signed by its user key
  not_yet_valid,     // created later than now
  expired,
};
[[nodiscard]] const char* to_string(ManifestError error);

struct OpenedManifest {
  Manifest manifest;
  Digest id;
  KeyId user;
};

// Body only. Errors: bad_field; decoding also malformed and unknown_critical.
[[nodiscard]] tl::expected<std::vector<std::byte>, ManifestError> encode_body(const Manifest& manifest);
[[nodiscard]] tl::expected<Manifest, ManifestError> decode_manifest_body(std::span<const std::byte> body);

// bad_field also if `user_key` is not the public half of `user`.
[[nodiscard]] tl::expected<Sealed, ManifestError> sign_manifest(const Manifest& manifest, const SigningPair& user);

// `now_wall_ms` and created_ms may differ by `tolerance_ms` (0 ... wall_ms_max) in the wrong direction, and so may
// not_after_ms; the last millisecond of each is still good.
[[nodiscard]] tl::expected<OpenedManifest, ManifestError> open_manifest(std::span<const std::byte> bytes,
                                                                        std::int64_t now_wall_ms,
                                                                        std::int64_t tolerance_ms);

}  // namespace crypto
