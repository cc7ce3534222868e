#pragma once
// The items of a list loop (the arguments of its iterations), in numbered chunks signed with the job's key.
//
// Each chunk names its predecessor by id, and the first one names the manifest: whoever has followed the chain up to a
// chunk knows that nothing was left out, repeated, swapped or taken from another job. The end of the input is a chunk
// too (`last`, possibly without items); without it the number of iterations is not known.
// A chunk holds at most `chunk_items_max` items of together `chunk_item_bytes_max` bytes, or a single longer item of at
// most `item_bytes_max`. An item longer than that fits no command line and travels as its length only.

#include <cstddef>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "crypto/signed.h"

namespace crypto {

inline constexpr std::size_t chunk_items_max = 1'024;
inline constexpr std::size_t chunk_item_bytes_max = std::size_t{64} * 1024;
inline constexpr std::size_t item_bytes_max = 131'071;  // one word of an execve(2) on Linux, without its NUL
// The largest is a single item of full length: beside it stand job, predecessor and a few small numbers.
inline constexpr std::size_t chunk_signed_bytes_max = item_bytes_max + 256;

struct TooLong {
  std::uint64_t size_bytes = item_bytes_max + 1;  // more than item_bytes_max
  bool operator==(const TooLong&) const = default;
};

using Item = std::variant<std::vector<std::byte>, TooLong>;

struct ArgumentChunk {
  Bytes16 job{};
  std::uint64_t number = 0;       // 0, 1, 2, ...
  std::uint64_t first_index = 0;  // of the iteration that gets the first item
  std::vector<Item> items;        // empty only in the last chunk
  bool last = false;
  Digest previous;  // id of chunk number - 1; of the manifest for chunk 0
  bool operator==(const ArgumentChunk&) const = default;
};

struct OpenedChunk {
  ArgumentChunk chunk;
  Digest id;
};

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const ArgumentChunk& chunk);
[[nodiscard]] tl::expected<ArgumentChunk, StatementError> decode_chunk_body(std::span<const std::byte> body);

[[nodiscard]] tl::expected<Sealed, StatementError> sign_chunk(const ArgumentChunk& chunk, const SigningPair& job_key);
// Says nothing about the chunk's place in the chain: see ChunkChain.
[[nodiscard]] tl::expected<OpenedChunk, StatementError> open_chunk(std::span<const std::byte> bytes, const Bytes16& job,
                                                                   const PublicKey& job_key);

enum class ChainError {
  after_the_end,      // the chain has its last chunk already
  wrong_number,       // not the next one: missing, repeated or swapped
  wrong_first_index,  // the items before it do not add up to its first index
  wrong_predecessor,  // the next number, but of another chain
};
[[nodiscard]] const char* to_string(ChainError error);

// How far a chain of chunks has been followed. Starts at the manifest; `extend` accepts exactly the next chunk and
// changes nothing when it refuses. The signer uses it too: `next_number`, `next_index` and `tip` are what the next
// chunk has to say.
class ChunkChain {
 public:
  explicit ChunkChain(const Digest& manifest_id) : tip_(manifest_id) {}
  [[nodiscard]] tl::expected<void, ChainError> extend(const OpenedChunk& next);
  [[nodiscard]] std::uint64_t next_number() const { return next_number_; }
  [[nodiscard]] std::uint64_t next_index() const { return next_index_; }  // = number of items so far
  [[nodiscard]] const Digest& tip() const { return tip_; }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  std::uint64_t next_number_ = 0;
  std::uint64_t next_index_ = 0;
  Digest tip_;
  bool ended_ = false;
};

}  // namespace crypto
