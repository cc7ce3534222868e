#pragma once
// The notary of a simulated agent: facts as bytes, and no signatures (canned.h). It keeps the results of its own tasks
// until they are committed or dropped.

#include <cstddef>
#include <map>
#include <optional>
#include <span>

#include "agent/link/notary.h"
#include "agent/sim/canned.h"

namespace agent::sim {

// A result of a task of this node.
struct OwnResult {
  core::LoopId loop;
  core::ResultFact fact;
};

class CannedNotary : public link::Notary {
 public:
  explicit CannedNotary(const core::NodeId& self) : self_(self) {}

  void keep_result(core::TaskId task, const OwnResult& result);
  // False: there is none.
  [[nodiscard]] bool forget_result(core::TaskId task) { return results_.erase(task) == 1; }
  [[nodiscard]] core::Outcome outcome_of(core::TaskId task) const { return results_.at(task).fact.outcome; }
  [[nodiscard]] std::size_t result_count() const { return results_.size(); }

  [[nodiscard]] Bytes batch_of(std::span<const core::TaskId> results) override;
  [[nodiscard]] Bytes ending_of(const core::JobId& job) override { return can(job); }
  [[nodiscard]] protocol::Digest manifest_id(std::span<const std::byte> manifest) override;
  [[nodiscard]] tl::expected<core::JobTerms, link::ManifestObjection> open_manifest(
      std::span<const std::byte> manifest) override;
  [[nodiscard]] std::optional<core::Veto> veto(const core::JobId&) override { return std::nullopt; }
  // Iterations have numbers here, and no items.
  [[nodiscard]] std::vector<link::ChunkPlace> chunks_of(const core::JobId&, const protocol::Intervals&) override {
    return {};
  }
  [[nodiscard]] Bytes chunk(const core::JobId&, const link::ChunkPlace&) override { return {}; }
  [[nodiscard]] std::optional<link::ChunkPlace> take_chunk(const core::JobId&, std::span<const std::byte>) override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<core::LoopTerms> open_statement(const core::JobId& job,
                                                              std::span<const std::byte> statement) override;
  [[nodiscard]] tl::expected<core::MandateFact, link::MandateFault> open_mandate(
      std::span<const std::byte> mandate) override;
  [[nodiscard]] std::optional<link::OpenedBatch> open_batch(std::span<const std::byte> batch) override;
  [[nodiscard]] std::optional<core::Peer> open_record(std::span<const std::byte> record) override;
  [[nodiscard]] bool is_newer(std::span<const std::byte>, std::span<const std::byte>) override { return true; }
  [[nodiscard]] bool open_ending(const core::JobId& job, std::span<const std::byte> ending) override;

 private:
  core::NodeId self_;
  std::map<core::TaskId, OwnResult> results_;
};

}  // namespace agent::sim
