#pragma once
// An iteration opens a loop of its own: the node that runs that iteration says so and signs.
//
// The branches of the inner loop belong to this instance of it. If the outer iteration is run again elsewhere, the loop
// is opened again with another instance; results of the first opening are taken over if both statements describe
// `same_loop`. Whether the manifest's nesting permits the loop is for the reader to judge.

#include <cstddef>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/loop_path.h"
#include "crypto/signed.h"

namespace crypto {

inline constexpr std::size_t loop_statement_signed_bytes_max = 1'024;

struct LoopStatement {
  Bytes16 job{};
  LoopPath path;            // of the loop that is opened: never empty
  Digest body;              // what an iteration does
  std::uint64_t count = 0;  // iterations
  Digest arguments;         // of all items; zeros for a range
  // Helpers that a master may have at once for this loop; 0 stays home, 2^32-1 leaves it to the agents.
  std::uint32_t branch_number = 8;
  PublicKey opener;    // signing key of the node
  Bytes16 instance{};  // random
  bool operator==(const LoopStatement&) const = default;
};

struct OpenedLoopStatement {
  LoopStatement statement;
  Digest id;
  KeyId opener;  // name of the node
};

// Equal in everything but who opened it, and when.
[[nodiscard]] bool same_loop(const LoopStatement& left, const LoopStatement& right);

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const LoopStatement& statement);
[[nodiscard]] tl::expected<LoopStatement, StatementError> decode_loop_statement_body(std::span<const std::byte> body);

// bad_field also if `opener` is not the public half of `node_key`.
[[nodiscard]] tl::expected<Sealed, StatementError> sign_loop_statement(const LoopStatement& statement,
                                                                       const SigningPair& node_key);
[[nodiscard]] tl::expected<OpenedLoopStatement, StatementError> open_loop_statement(std::span<const std::byte> bytes,
                                                                                    const Bytes16& job);

}  // namespace crypto
