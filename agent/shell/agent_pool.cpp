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
  assert(!member_);
  auto member = PoolMember::start(
      loop_, std::move(pool),
      {.slots = options_.slots,
       .version = options_.version,
       .instance = instance_.public_key(),
       .results = tasks_,
       .items = items_,
       .veto = [this](const crypto::OpenedManifest& opened) { return veto(opened); }},
      {.post = [this](core::Event event) { post(std::move(event)); },
       .warn = [](const std::string& text) { log(LogLevel::warning, text); }});
  if (!member) return tl::unexpected(member.error());
  std::vector<protocol::Address> own;
  for (const protocol::Address& address : listen) {
    auto bound = (*member)->listen(address);
    if (!bound) return tl::unexpected(bound.error());
    own.push_back(*bound);
  }
  member_ = *std::move(member);
  surroundings_.node = member_->name();
  listening_ = own;
  member_->announce(std::move(own), seeds);
  return {};
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
                    .reason = "it has no sandbox, and its owner has not agreed to jobs of this user: "
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
  if (!member_) return;
  const auto known = [this](const core::JobId& job) { return core_.knows(job) || held_.contains(job); };
  const auto gone = std::erase_if(guests_, [&](const auto& entry) { return !known(entry.first); });
  if (gone == 0) return;
  member_->retain(known, [this](const core::NodeId& node) { return core_.knows(node); });
  items_.retain(known);
}

// --- actions ---------------------------------------------------------------------------------------------------------

void Agent::carry_out(const core::CommitReceived& committed) {
  auto [result, executor] = member_->received_result(committed.batch, committed.index);
  result.node = std::move(executor);
  commit(committed.job, std::move(result), committed.outcome);
}

void Agent::carry_out(const core::DropBatch& dropped) {
  const bool kept = member_->exchange().forget_batch(dropped.batch);
  assert(kept);
}

void Agent::carry_out(const core::Dial& order) {
  // There is no port 0: of a node that only dials.
  if (order.address.port == 0) return post(core::DialFailed{.address = order.address, .peer = order.peer});
  member_->carry_out(order);
}

void Agent::carry_out(const core::HangUp& order) {
  member_->carry_out(order);
}

void Agent::carry_out(const core::Send& order) {
  member_->carry_out(order);
}

}  // namespace agent::shell
