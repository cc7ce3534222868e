#pragma once
// The items of an open loop: signed chunks in a nameless file on disk, found again by index.
//
// Where the job was launched chunks come in their order; on a helper any of them come, with what was granted.
//
// Memory goes by chunks (some hundred bytes each), not by items; the most recently used chunks are kept decoded, so
// that items taken in order cost one read and one decoding per chunk. An endless stream costs no endless disk: what
// lies behind is given back. The signature of a chunk that is read back is looked at again: a task must not run with
// arguments that nobody gave.

#include <cstdint>
#include <list>
#include <map>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/exec/descriptor.h"
#include "agent/link/notary.h"
#include "agent/shell/problem.h"
#include "crypto/chunk.h"

namespace agent::shell {

class ItemStore {
 public:
  // Keeps its file in `directory`. The chunks will be those of `job`, signed with `job_key`.
  [[nodiscard]] static tl::expected<ItemStore, Problem> open(const std::string& directory, const crypto::Bytes16& job,
                                                             const crypto::PublicKey& job_key);

  // `bytes`: the chunk as it was signed. One without items, or one that is there, is not stored.
  [[nodiscard]] tl::expected<void, Problem> add(const crypto::ArgumentChunk& chunk, std::span<const std::byte> bytes);

  [[nodiscard]] bool has(std::uint64_t index) const { return place_of(index) != nullptr; }
  // REQUIRES: has(index). The problem is a disk that does not give back what was written.
  [[nodiscard]] tl::expected<crypto::Item, Problem> item(std::uint64_t index);

  // One past the last item that ever was here.
  [[nodiscard]] std::uint64_t count() const { return count_; }

  // The chunks here that hold items of these, ascending.
  [[nodiscard]] std::vector<link::ChunkPlace> chunks_of(const protocol::Intervals& intervals) const;
  // As it was signed; nothing if it is not here, or the disk does not give it back.
  [[nodiscard]] link::Bytes chunk(const link::ChunkPlace& place) const;

  // Items below `index` will not be asked for again: gives their disk space back. REQUIRES: chunks came in their order.
  void release_below(std::uint64_t index);
  // What the items from `index` on take on disk. REQUIRES: chunks came in their order.
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t index) const;

 private:
  static constexpr std::size_t decoded_max = 4;
  struct Place {
    std::uint64_t number = 0;
    std::uint64_t first = 0;  // index
    std::uint64_t count = 0;
    std::uint64_t offset = 0;
    std::uint32_t size_bytes = 0;
  };
  struct Decoded {
    std::uint64_t first = 0;
    std::vector<crypto::Item> items;
  };

  // The one that holds it; nothing: it is not here.
  [[nodiscard]] const Place* place_of(std::uint64_t index) const;
  [[nodiscard]] tl::expected<const Decoded*, Problem> decoded(const Place& place);

  crypto::Bytes16 job_{};
  crypto::PublicKey job_key_;
  exec::Descriptor file_;
  std::map<std::uint64_t, Place> places_;  // of the chunks that were not released, by first index
  std::list<Decoded> recent_;              // most recently used first
  std::uint64_t count_ = 0;
  std::uint64_t end_ = 0;       // of the file
  std::uint64_t released_ = 0;  // bytes of its beginning that were given back
};

}  // namespace agent::shell
