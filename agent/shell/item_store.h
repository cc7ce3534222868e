#pragma once
// The items of an open loop: signed chunks in a nameless file on disk, found again by index.
//
// Memory goes by chunks (24 bytes each), not by items; the most recently used chunks are kept decoded, so that items
// taken in order cost one read and one decoding per chunk. An endless stream costs no endless disk: what lies behind is
// given back. The signature of a chunk that is read back is looked at again: a task must not run with arguments that
// nobody gave.

#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/exec/descriptor.h"
#include "agent/shell/problem.h"
#include "crypto/chunk.h"

namespace agent::shell {

class ItemStore {
 public:
  // Keeps its file in `directory`. The chunks will be those of `job`, signed with `job_key`.
  [[nodiscard]] static tl::expected<ItemStore, Problem> open(const std::string& directory, const crypto::Bytes16& job,
                                                             const crypto::PublicKey& job_key);

  // `chunk` is the next one: its first index is count(). A chunk without items is not stored.
  [[nodiscard]] tl::expected<void, Problem> append(const crypto::ArgumentChunk& chunk, const crypto::Sealed& sealed);

  // REQUIRES: index < count(). The problem is a disk that does not give back what was written.
  [[nodiscard]] tl::expected<crypto::Item, Problem> item(std::uint64_t index);

  [[nodiscard]] std::uint64_t count() const { return count_; }

  // Items below `index` will not be asked for again: gives their disk space back.
  void release_below(std::uint64_t index);
  // What the items from `index` on take on disk.
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t index) const;

 private:
  static constexpr std::size_t decoded_max = 4;
  struct Place {
    std::uint64_t first = 0;
    std::uint64_t offset = 0;
    std::uint32_t size_bytes = 0;
  };
  struct Decoded {
    std::uint64_t first = 0;
    std::vector<crypto::Item> items;
  };

  [[nodiscard]] const Place& place_of(std::uint64_t index) const;
  [[nodiscard]] tl::expected<const Decoded*, Problem> decoded(const Place& place);

  crypto::Bytes16 job_{};
  crypto::PublicKey job_key_;
  exec::Descriptor file_;
  std::deque<Place> places_;   // of the chunks that were not released
  std::list<Decoded> recent_;  // most recently used first
  std::uint64_t count_ = 0;
  std::uint64_t end_ = 0;       // of the file
  std::uint64_t released_ = 0;  // bytes of its beginning that were given back
};

}  // namespace agent::shell
