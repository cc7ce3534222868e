// The agent as a member of a pool: another part of agent.cpp.

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/shell/agent.h"
#include "agent/shell/log.h"
#include "agent/shell/system.h"

namespace agent::shell {

tl::expected<void, Problem> Agent::enter_pool(Pool pool, const std::vector<protocol::Address>& listen,
                                              const std::vector<protocol::Address>& seeds) {
  PoolMember::Places places{.listen = std::vector<Endpoint>{}, .seeds = {}};
  const auto endpoint_of = [](const protocol::Address& address) {
    return Endpoint{.host = {}, .port = address.port, .address = address};
  };
  for (const protocol::Address& address : listen) places.listen->push_back(endpoint_of(address));
  for (const protocol::Address& address : seeds) places.seeds.push_back(endpoint_of(address));
  return enter(std::move(pool), places);
}

// Without a sandbox whoever runs something here can read what the owner of this machine can: so only users whose jobs
// somebody here has agreed to.
std::optional<core::Veto> Agent::veto(const crypto::OpenedManifest& opened) const {
  using Why = protocol::RefuseReason;
  const crypto::Manifest& manifest = opened.manifest;
  if (manifest.least_sandbox > 0) {
    return core::Veto{.why = Why::sandbox_level,
                      .reason = "the job asks for a sandbox of level " + std::to_string(manifest.least_sandbox) +
                                ", and this machine has none"};
  }
  const std::vector<crypto::PublicKey>& pinned = member_->pool().pinned;
  const bool agreed = options_.allow_weak_sandbox || manifest.user_key == surroundings_.trusted_user ||
                      std::ranges::find(pinned, manifest.user_key) != pinned.end();
  if (agreed) return std::nullopt;
  return core::Veto{.why = Why::sandbox_level,
                    .reason =
                        "it has no sandbox, and its owner has not agreed to jobs of this user: "
                        "allow_weak_sandbox = true in its gibbon.toml"};
}

const JobTasks* Agent::tasks_of(core::JobId job) {
  if (const Held* held = find(job)) return &held->job->tasks();
  if (const auto known = guests_.find(job); known != guests_.end()) return &known->second;
  const link::KnownJob* granted = member_ ? member_->notary().jobs().find(job) : nullptr;
  if (granted == nullptr) return nullptr;
  auto tasks = JobTasks::of(granted->opened, JobTasks::Place::guest, surroundings_, items_);
  assert(tasks);  // else there had been a veto
  return &guests_.emplace(job, *std::move(tasks)).first->second;
}

// What the core knows no more, nobody asks for again.
void Agent::forget_guests() {
  const auto known = [this](const core::JobId& job) { return core_.knows(job) || held_.contains(job); };
  const auto gone = std::erase_if(guests_, [&](const auto& entry) { return !known(entry.first); });
  if (gone == 0) return;
  record_.retain(known);
  if (member_) member_->retain(known, [this](const core::NodeId& node) { return core_.knows(node); });
  items_.retain(known);
}

// Each node once for each job.
void Agent::warn_of_refusal(Held* held, const core::Notice& notice) {
  constexpr std::size_t told_max = 64;
  if (held == nullptr || held->unwilling.size() >= told_max || !held->unwilling.insert(*notice.peer).second) return;
  warn(held, member_->name_of(*notice.peer) + " does not help: " + notice.reason);
}

// --- actions ---------------------------------------------------------------------------------------------------------

void Agent::carry_out(const core::CommitReceived& committed) {
  auto [result, executor] = member_->received_result(committed.batch, committed.index);
  result.node = std::move(executor);
  if (recording()) record_.on_commit(wall_now_ms(), committed, result.node);
  commit(committed.job, std::move(result), committed.outcome);
}

void Agent::carry_out(const core::DropBatch& dropped) {
  if (!member_) return;  // they went with it
  const bool kept = member_->exchange().forget_batch(dropped.batch);
  assert(kept);
}

// The core may still want something of a pool that the node has just left.
void Agent::carry_out(const core::Dial& order) {
  // There is no port 0: of a node that only dials.
  if (order.address.port == 0 || !member_) return post(core::DialFailed{.address = order.address, .peer = order.peer});
  member_->carry_out(order);
}

void Agent::carry_out(const core::HangUp& order) {
  if (member_) member_->carry_out(order);
}

void Agent::carry_out(const core::Send& order) {
  if (member_) member_->carry_out(order);
}

}  // namespace agent::shell
