#pragma once
// The facts inside the opaque fields of a message, as bytes: what signed things are to real agents.
//
// Nothing is signed here, since nobody in the simulator can forge: what matters is that the facts travel inside the
// message, are cut, lost and doubled with it, and are read by the receiver alone. Every decoder refuses what is not
// exactly one thing of its kind.

#include <optional>
#include <span>
#include <vector>

#include "agent/core/peer_event.h"

namespace agent::sim {

using protocol::Bytes;

[[nodiscard]] Bytes can(const core::JobTerms& terms);
[[nodiscard]] Bytes can(const core::LoopTerms& loop);
[[nodiscard]] Bytes can(const core::Peer& peer);
[[nodiscard]] Bytes can(const core::JobId& job);  // the verdict's statement

// Without its age, which travels beside it.
[[nodiscard]] Bytes can(const core::MandateFact& mandate);

// `batch` is the receiver's affair and does not travel.
struct Batch {
  core::NodeId executor;
  core::LoopId loop;
  std::vector<core::ResultFact> results;
  bool operator==(const Batch&) const = default;
};
[[nodiscard]] Bytes can(const Batch& batch);

[[nodiscard]] std::optional<core::JobTerms> open_terms(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<core::LoopTerms> open_loop(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<core::Peer> open_peer(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<core::JobId> open_job(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<core::MandateFact> open_mandate(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<Batch> open_batch(std::span<const std::byte> bytes);

}  // namespace agent::sim
