// Branches whose master is silent: they turn to the next ancestor, and whom they turn to takes them, or does not.
//
// The silent master is dialled all the while (agent_links.cpp). Whoever is reached first gets the branch: `holds` makes
// it the old master's again, `adopt` the ancestor's. The old one, if it comes back later, learns that nothing is held
// for it. The work goes on until the lease to the old master ends, and no longer without a new one; results are kept
// while the job has a mandate, and a little longer.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"

namespace agent::core {

namespace {

constexpr Duration refuge_patience = std::chrono::seconds(2);  // for one to answer
constexpr Duration refuge_patience_max = std::chrono::seconds(30);
constexpr Duration kept_without_mandate = std::chrono::seconds(60);

// What is opened anew is another loop: its owner takes nothing of this one.
std::uint64_t opening_of(const Branch& branch) {
  return branch.openings().empty() ? 0 : branch.openings().back().instance;
}

// What an orphan tells, and what the branch that adopts it has, may have so many gaps each: both fit one answer.
constexpr std::size_t orphan_gaps_max = protocol::limits::intervals_per_message_max / 8;

std::size_t gaps_of(const Helper::There& there) {
  return there.unstarted.intervals().size() + there.started.size() + there.lent_on.intervals().size() +
         there.finished.intervals().size();
}

}  // namespace

// A master that we hear, and that relies on us, is no reason to go elsewhere.
bool Agent::misses_master(const Branch& branch) const {
  const auto* master = std::get_if<Master>(&branch.upstream());
  if (master == nullptr || branch.partition().idle()) return false;
  auto at = contacts_.find(master->node);
  return at == contacts_.end() || !at->second.up || at->second.silent_since.has_value();
}

void Agent::serve_orphans() {
  for (auto& [key, branch] : branches_) {
    if (!misses_master(branch)) {
      branch.orphaned().reset();
      continue;
    }
    if (has_no_hope(branch)) {
      Losers losers;
      branch.on_cancelled({}, losers, *actions_);
      tell_losers(key, losers, protocol::CancelReason::expired);
      continue;
    }
    if (branch.refuges().empty()) {
      branch.orphaned().reset();
      continue;
    }
    if (!branch.orphaned()) {
      branch.orphaned() = Orphanhood{.asked = {}, .ask_at = now_, .gap = refuge_patience};
      note(Notice::What::orphaned, branch, {}, std::get<Master>(branch.upstream()).node);
    }
    if (now_ >= branch.orphaned()->ask_at) ask_next_refuge(key);
  }
}

// Nobody of the job has been heard for so long that nobody will ask for what we keep.
bool Agent::has_no_hope(const Branch& branch) const {
  const Mandate& mandate = jobs_.at(branch.loop().job).mandate;
  return branch.running().empty() && !mandate.fresh(now_ - kept_without_mandate);
}

void Agent::ask_next_refuge(BranchKey key) {
  Branch& branch = branches_.at(key);
  Orphanhood& orphaned = *branch.orphaned();
  const protocol::Refuge refuge = branch.refuges()[orphaned.next_refuge % branch.refuges().size()];
  if (++orphaned.next_refuge % branch.refuges().size() == 0)
    orphaned.gap = std::min(refuge_patience_max, 2 * orphaned.gap);
  orphaned.ask_at = now_ + random_.jittered(orphaned.gap);
  if (refuge.node == options_.node) return;
  if (is_up(refuge.node)) return tell_refuge(key, refuge.node);
  run_errand({.kind = Errand::Kind::orphan, .loop = branch.loop()},
             {.origin = Peers::Choice::Origin::known, .node = refuge.node, .address = refuge.address});
}

void Agent::orphans_arrived(NodeId refuge, const LoopId& loop) {
  for (auto& [key, branch] : branches_) {
    if (branch.loop() == loop && branch.orphaned() &&
        std::ranges::find(branch.refuges(), refuge, &protocol::Refuge::node) != branch.refuges().end())
      tell_refuge(key, refuge);
  }
}

void Agent::tell_refuge(BranchKey key, NodeId refuge) {
  Branch& branch = branches_.at(key);
  const Master& master = std::get<Master>(branch.upstream());
  branch.orphaned()->asked = refuge;
  Holding rest = holding_of(branch);
  while (true) {
    std::size_t room = intervals_per_message;
    protocol::Orphan orphan{.loop = branch.loop(), .epoch = {}, .master = master.node, .branch = master.id};
    orphan.todo = rest.take(rest.todo, room);
    orphan.started = rest.take(rest.started, room);
    orphan.lent = rest.take(rest.lent, room);
    orphan.finished = rest.take(rest.finished, room);
    orphan.last = rest.empty();
    orphan.opening = opening_of(branch);
    const bool last = orphan.last;
    send(refuge, std::move(orphan), {.mandates = {branch.loop().job}, .results = {}, .batches = {}, .records = {}});
    if (last) return;
  }
}

void Agent::on_message(NodeId from, const protocol::Orphan& orphan, const Proofs&) {
  Orphanage& told = orphanages_[from];
  if (std::exchange(told.former, orphan.branch) != orphan.branch) told.there = {};
  if (gaps_of(told.there) < orphan_gaps_max) {
    told.there.unstarted.insert(IntervalSet(orphan.todo));
    for (Interval interval : orphan.started) told.there.started.push_back(interval);
    told.there.lent_on.insert(IntervalSet(orphan.lent));
    told.there.finished.insert(IntervalSet(orphan.finished));
  }
  if (!orphan.last) return;
  const Helper::There there = std::move(told.there);
  orphanages_.erase(from);
  // So much no honest helper holds, and no answer could tell what becomes of it: its lease ends.
  if (gaps_of(there) >= orphan_gaps_max) return;
  // Not heard now, it asks again.
  if (!contacts_.at(from).patience.spend(now_)) return;
  if (ended_.contains(orphan.loop.job)) return send(from, protocol::Ended{.job = orphan.loop.job, .statement = {}});
  if (const std::optional<BranchKey> key = refuge_for(from, orphan, there)) adopt(*key, from, orphan, there);
}

// Of the branches of the loop the owner's, or one that has some of what the orphan holds, and has it from somebody
// else.
std::optional<BranchKey> Agent::refuge_for(NodeId from, const protocol::Orphan& orphan,
                                           const Helper::There& there) const {
  IntervalSet theirs = there.unstarted;
  theirs.insert(there.lent_on);
  theirs.insert(there.finished);
  for (Interval interval : there.started) theirs.insert(interval);
  for (const auto& [key, branch] : branches_) {
    if (branch.loop() != orphan.loop || opening_of(branch) != orphan.opening) continue;
    if (branch.owner() && branch.owner()->abandoned()) continue;
    if (branch.owner()) return key;
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master != nullptr && master->node != from && !branch.partition().granted().both(theirs).empty() &&
        deadline_of(branch))
      return key;
  }
  return std::nullopt;
}

void Agent::adopt(BranchKey key, NodeId orphan, const protocol::Orphan& message, const Helper::There& there) {
  Branch& branch = branches_.at(key);
  const Partition& ours = branch.partition();
  if (ours.todo().intervals().size() + ours.redo().size() + ours.out().intervals().size() >= orphan_gaps_max) return;
  if (is_distrusted(orphan) || gaps_of(branch.believed(there)) >= orphan_gaps_max) return;
  const BranchId id(next_branch_id_++);
  protocol::Adopt adopt{.loop = message.loop, .former = message.branch, .branch = id};
  // One that helps here already under another name is told to let go: there is one name for each helper of a branch.
  if (branch.helper(orphan) != nullptr) {
    adopt.settled = there.finished.intervals();
  } else {
    const Branch::Adopted adopted = branch.adopt(orphan, id, there, now_);
    Helper& helper = *branch.helper(orphan);
    give_place(branch, helper);
    adopt.attempt = helper.attempt;
    adopt.wanted = adopted.wanted.intervals();
    adopt.to_send = adopted.to_send.intervals();
    adopt.settled = adopted.settled.intervals();
    if (!adopted.wanted.empty() || !adopted.to_send.empty()) {
      contacts_.at(orphan).patience.give_back();
      note(Notice::What::adopted, branch, {}, orphan);
    }
  }
  adopt.refuges = refuges_below(branch);
  send(orphan, std::move(adopt), {.mandates = {message.loop.job}, .results = {}, .batches = {}, .records = {}});
}

void Agent::on_message(NodeId from, const protocol::Adopt& adopt, const Proofs&) {
  auto at = std::ranges::find_if(branches_, [&](const auto& entry) {
    const Branch& branch = entry.second;
    const auto* master = std::get_if<Master>(&branch.upstream());
    return branch.loop() == adopt.loop && master != nullptr && master->id == adopt.former && branch.orphaned() &&
           branch.orphaned()->asked == from;
  });
  if (at == branches_.end()) return;
  Losers losers;
  at->second.on_adopted({.node = from, .id = adopt.branch}, IntervalSet(adopt.wanted), IntervalSet(adopt.to_send),
                        losers, *actions_);
  at->second.set_refuges(adopt.refuges);
  tell_losers(at->first, losers, protocol::CancelReason::won_elsewhere);
}

}  // namespace agent::core
