#include "agent/sim/canned_notary.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace agent::sim {

void CannedNotary::keep_result(core::TaskId task, const OwnResult& result) {
  const bool added = results_.emplace(task, result).second;
  assert(added);
}

Bytes CannedNotary::batch_of(std::span<const core::TaskId> results) {
  Batch own{.executor = self_, .loop = results_.at(results.front()).loop, .results = {}};
  for (const core::TaskId task : results) {
    const OwnResult& result = results_.at(task);
    assert(own.loop == result.loop);
    own.results.push_back(result.fact);
  }
  return can(own);
}

// The job's name, twice: one job has one manifest here.
protocol::Digest CannedNotary::manifest_id(std::span<const std::byte> manifest) {
  const std::optional<core::JobTerms> terms = sim::open_terms(manifest);
  assert(terms);
  protocol::Bytes32 bytes{};
  std::ranges::copy(terms->job.value(), bytes.begin());
  std::ranges::copy(terms->job.value(), bytes.begin() + 16);
  return protocol::Digest(bytes);
}

tl::expected<core::JobTerms, link::ManifestObjection> CannedNotary::open_manifest(
    std::span<const std::byte> manifest) {
  const auto terms = open_terms(manifest);
  if (!terms) return tl::unexpected(link::ManifestObjection{.forged = true, .text = {}});
  return *terms;
}

std::optional<core::LoopTerms> CannedNotary::open_statement(const core::JobId&, std::span<const std::byte> statement) {
  return open_loop(statement);
}

tl::expected<core::MandateFact, link::MandateFault> CannedNotary::open_mandate(std::span<const std::byte> mandate) {
  const std::optional<core::MandateFact> fact = sim::open_mandate(mandate);
  if (!fact) return tl::unexpected(link::MandateFault::bad);
  return *fact;
}

std::optional<link::OpenedBatch> CannedNotary::open_batch(std::span<const std::byte> batch) {
  std::optional<Batch> opened = sim::open_batch(batch);
  if (!opened) return std::nullopt;
  return link::OpenedBatch{
      .executor = opened->executor, .loop = std::move(opened->loop), .results = std::move(opened->results)};
}

std::optional<core::Peer> CannedNotary::open_record(std::span<const std::byte> record) {
  return open_peer(record);
}

bool CannedNotary::open_ending(const core::JobId& job, std::span<const std::byte> ending) {
  return open_job(ending) == job;
}

}  // namespace agent::sim
