#include "agent/link/job_terms.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

namespace agent::link {

namespace {

constexpr std::uint64_t no_iteration = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t opening_bytes = sizeof(std::uint64_t);

std::optional<core::Duration> duration_of(std::uint64_t ns) {
  if (!std::in_range<core::Duration::rep>(ns)) return std::nullopt;
  return core::Duration(static_cast<core::Duration::rep>(ns));
}

std::optional<core::Body> body_of(crypto::BodyKind body) {
  switch (body) {
    case crypto::BodyKind::command_per_iteration: return core::Body::command_per_iteration;
    case crypto::BodyKind::command_per_piece: return core::Body::command_per_piece;
    case crypto::BodyKind::linked_function: return std::nullopt;
  }
  assert(false);
  return std::nullopt;
}

core::HaltRule halt_rule_of(const crypto::Halt& halt) {
  core::HaltRule rule{.amount = halt.amount};
  switch (halt.when) {
    case crypto::HaltWhen::never: rule.when = core::HaltRule::When::never; break;
    case crypto::HaltWhen::soon: rule.when = core::HaltRule::When::soon; break;
    case crypto::HaltWhen::now: rule.when = core::HaltRule::When::now; break;
  }
  switch (halt.what) {
    case crypto::HaltWhat::fail: rule.what = core::HaltRule::What::failed; break;
    case crypto::HaltWhat::success: rule.what = core::HaltRule::What::succeeded; break;
    case crypto::HaltWhat::done: rule.what = core::HaltRule::What::done; break;
  }
  switch (halt.unit) {
    case crypto::HaltUnit::count: rule.unit = core::HaltRule::Unit::count; break;
    case crypto::HaltUnit::percent: rule.unit = core::HaltRule::Unit::percent; break;
  }
  return rule;
}

core::Outcome outcome_of(crypto::Outcome outcome) {
  switch (outcome) {
    case crypto::Outcome::ok: return core::Outcome::ok;
    case crypto::Outcome::hit: return core::Outcome::hit;
    case crypto::Outcome::failed:
    case crypto::Outcome::killed: return core::Outcome::failed;
    case crypto::Outcome::lost: return core::Outcome::lost;
  }
  assert(false);
  return core::Outcome::failed;
}

std::optional<core::ResultFact> fact_of(const crypto::Result& result) {
  const auto ran = duration_of(result.duration_ns);
  if (result.covers.size() != 1 || !ran) return std::nullopt;
  return core::ResultFact{.piece = {.begin = result.covers.front().begin, .end = result.covers.front().end},
                          .attempt = core::Attempt(result.attempt),
                          .outcome = outcome_of(result.outcome),
                          .ran = *ran};
}

// Nothing: it goes through an iteration that there is not.
std::optional<core::LoopPath> path_of(const crypto::LoopPath& path) {
  core::LoopPath steps;
  for (const crypto::PathStep& step : path) {
    if (step.iteration == no_iteration) return std::nullopt;
    steps.push_back({.iteration = step.iteration, .ordinal = step.ordinal});
  }
  return steps;
}

}  // namespace

std::optional<core::JobTerms> terms_of(const crypto::Manifest& manifest, const crypto::KeyId& user) {
  const auto body = body_of(manifest.body);
  const auto grain = duration_of(manifest.policy.grain_ns);
  if (!body || !grain || *grain == core::Duration::zero() || manifest.redundancy != 1) return std::nullopt;
  core::JobTerms terms;
  terms.job = core::JobId(manifest.job);
  terms.body = *body;
  if (const auto* bounded = std::get_if<crypto::BoundedSpace>(&manifest.space)) terms.size = bounded->count;
  terms.grain = *grain;
  terms.retries = manifest.policy.retries;
  terms.slots_max = manifest.policy.slots_max;
  if (manifest.policy.found) terms.found = *manifest.policy.found;
  terms.halt = halt_rule_of(manifest.policy.halt);
  terms.user = core::UserId(user.bytes);
  terms.branch_number = manifest.policy.branch_number;
  terms.started_at_most_once = manifest.policy.started_at_most_once;
  return terms;
}

std::optional<core::LoopTerms> loop_terms_of(const crypto::LoopStatement& statement, const crypto::KeyId& opener) {
  std::uint64_t opening = 0;
  std::memcpy(&opening, statement.instance.data(), opening_bytes);
  static_assert(std::endian::native == std::endian::little);
  opening = __builtin_bswap64(opening);
  auto path = path_of(statement.path);
  if (!path || instance_of(opening) != statement.instance) return std::nullopt;
  return core::LoopTerms{.path = *std::move(path),
                         .size = statement.count,
                         .branch_number = statement.branch_number,
                         .opener = core::NodeId(opener.bytes),
                         .instance = opening};
}

crypto::Bytes16 instance_of(std::uint64_t opening) {
  crypto::Bytes16 instance{};
  for (std::size_t i = 0; i < opening_bytes; ++i)
    instance[i] = static_cast<std::byte>(opening >> (8 * (opening_bytes - 1 - i)));
  return instance;
}

core::MandateFact fact_of(const crypto::Mandate& mandate) {
  static_assert(crypto::mandate_life_ms_max < 1'000'000'000);  // far from what nanoseconds can count
  return {.job = core::JobId(mandate.job),
          .epoch = {.number = mandate.epoch.number, .root = core::NodeId(mandate.epoch.root.bytes)},
          .sequence = mandate.sequence,
          .time_to_live = std::chrono::milliseconds(mandate.time_to_live_ms),
          .age = {}};
}

std::optional<crypto::Mandate> mandate_of(const core::MandateFact& fact) {
  const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(fact.time_to_live);
  if (life != fact.time_to_live || life < std::chrono::milliseconds(1) ||
      std::cmp_greater(life.count(), crypto::mandate_life_ms_max))
    return std::nullopt;
  return crypto::Mandate{.job = fact.job.value(),
                         .epoch = epoch_of(fact.epoch),
                         .sequence = fact.sequence,
                         .time_to_live_ms = static_cast<std::uint64_t>(life.count())};
}

std::optional<OpenedBatch> facts_of(const crypto::OpenedBatch& batch) {
  auto path = path_of(batch.batch.path);
  if (!path) return std::nullopt;
  OpenedBatch opened{.executor = core::NodeId(batch.executor.bytes),
                     .loop = {.job = core::JobId(batch.batch.job), .path = *std::move(path)},
                     .results = {}};
  opened.results.reserve(batch.batch.results.size());
  for (const crypto::Result& result : batch.batch.results) {
    const auto fact = fact_of(result);
    if (!fact) return std::nullopt;
    opened.results.push_back(*fact);
  }
  return opened;
}

core::Peer peer_of(const crypto::OpenedPeerRecord& record) {
  core::Peer peer{.node = core::NodeId(record.node.bytes),
                  .instance = core::InstanceKey(record.record.instance.bytes),
                  .address = {}};
  if (!record.record.addresses.empty()) {
    const crypto::Address& first = record.record.addresses.front();
    peer.address = {.ip = first.ip, .port = first.port};
  }
  return peer;
}

crypto::LoopPath path_of(const core::LoopPath& path) {
  crypto::LoopPath steps;
  for (const protocol::PathStep& step : path) steps.push_back({.iteration = step.iteration, .ordinal = step.ordinal});
  return steps;
}

crypto::Epoch epoch_of(const core::Epoch& epoch) {
  return {.number = epoch.number, .root = crypto::KeyId{epoch.root.value()}};
}

}  // namespace agent::link
