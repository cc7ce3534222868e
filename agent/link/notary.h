#pragma once
// Makes and opens what is signed: bytes outside, facts inside.
//
// The exchange knows which statement belongs into which message; a notary knows what a statement looks like and whose
// signature it needs. A real agent's is signed_notary.h, over crypto/. The simulator has one of its own, in which
// nothing is signed, since nobody there can forge.
//
// Whatever is opened came from a peer: nothing (or false) means that it is no such statement, or not signed by whom it
// must be, and whoever sent it is not an honest peer of this version.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/core/peer_event.h"

namespace agent::link {

using protocol::Bytes;

// Why a manifest is not taken.
struct ManifestObjection {
  // No honest member of this version would have sent it. Else it is sound, and does not hold here or now.
  bool forged = false;
  std::string text;  // for people
};

// One chunk of the items of an open loop, without its bytes.
struct ChunkPlace {
  std::uint64_t number = 0;
  std::uint64_t first_index = 0;
  auto operator<=>(const ChunkPlace&) const = default;
};

// Whether a result of somebody else's counts is the core's affair; `batch` of the fact is not filled in.
struct OpenedBatch {
  core::NodeId executor;
  core::LoopId loop;
  std::vector<core::ResultFact> results;
};

enum class MandateFault : std::uint8_t {
  unknown_job,  // whose key is not known here, as its manifest was never opened: no fault of the sender's
  bad,
};

class Notary {
 public:
  Notary() = default;
  virtual ~Notary() = default;
  Notary(const Notary&) = delete;
  Notary& operator=(const Notary&) = delete;

  // One batch of these results of ours, all of one loop, signed. REQUIRES: none of them was dropped or committed.
  [[nodiscard]] virtual Bytes batch_of(std::span<const core::TaskId> results) = 0;
  // That the job has ended: as its root says it, or as it came; nothing is known of it: no bytes.
  [[nodiscard]] virtual Bytes ending_of(const core::JobId& job) = 0;

  // The name under which a manifest is known where it was sent before.
  [[nodiscard]] virtual protocol::Digest manifest_id(std::span<const std::byte> manifest) = 0;
  [[nodiscard]] virtual tl::expected<core::JobTerms, ManifestObjection> open_manifest(
      std::span<const std::byte> manifest) = 0;
  // Why nothing of a job whose manifest was opened is run here, as things are now.
  [[nodiscard]] virtual std::optional<core::Veto> veto(const core::JobId& job) = 0;

  // --- the items of an open loop, which stay with the notary's owner
  // The chunks that hold items of these, ascending; none of a bounded loop, nor of what is not there.
  [[nodiscard]] virtual std::vector<ChunkPlace> chunks_of(const core::JobId& job,
                                                          const protocol::Intervals& intervals) = 0;
  // As it was signed; nothing if the disk does not give it back.
  [[nodiscard]] virtual Bytes chunk(const core::JobId& job, const ChunkPlace& place) = 0;
  // Kept. Nothing: it is no chunk of that job, or not signed with its key.
  [[nodiscard]] virtual std::optional<ChunkPlace> take_chunk(const core::JobId& job,
                                                             std::span<const std::byte> chunk) = 0;
  [[nodiscard]] virtual std::optional<core::LoopTerms> open_statement(const core::JobId& job,
                                                                      std::span<const std::byte> statement) = 0;
  // `age` is not filled in.
  [[nodiscard]] virtual tl::expected<core::MandateFact, MandateFault> open_mandate(
      std::span<const std::byte> mandate) = 0;
  [[nodiscard]] virtual std::optional<OpenedBatch> open_batch(std::span<const std::byte> batch) = 0;
  [[nodiscard]] virtual std::optional<core::Peer> open_record(std::span<const std::byte> record) = 0;
  // Of two records of one node that were opened: whether the first was made later, or is the same.
  [[nodiscard]] virtual bool is_newer(std::span<const std::byte> record, std::span<const std::byte> known) = 0;
  // Kept, for those who come later.
  [[nodiscard]] virtual bool open_ending(const core::JobId& job, std::span<const std::byte> ending) = 0;
};

}  // namespace agent::link
