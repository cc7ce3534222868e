// Those who fall silent, and what becomes of what they held: another part of agent_links.cpp.

#include <utility>

#include "agent/core/agent.h"
#include "agent/core/planted.h"

namespace agent::core {

void Agent::fall_silent(Contact& contact) {
  const NodeId node = contact.peer.node;
  contact.silent_since = now_;
  actions_->emplace_back(Notice{.what = Notice::What::suspected, .job = {}, .piece = {}, .peer = node});
  for (auto& [key, branch] : branches_) {
    Helper* helper = branch.helper(node);
    if (helper == nullptr) continue;
    helper->state = Helper::State::silent;
    if (branch.starts_at_most_once()) continue;
    IntervalSet unstarted = helper->held;
    unstarted.erase(helper->lent_on);
    for (const auto& [begin, started] : helper->started) unstarted.erase(started.interval);
    branch.take_back(*helper, unstarted, Partition::Rest::maybe_started);
  }
}

void Agent::take_back_lent_on(NodeId node) {
  for (auto& [key, branch] : branches_) {
    Helper* helper = branch.helper(node);
    if (helper == nullptr || helper->lent_on.empty() || branch.starts_at_most_once()) continue;
    if (planted(Defect::forget_lent)) helper->held.erase(helper->lent_on);
    branch.take_back(*helper, std::exchange(helper->lent_on, {}), Partition::Rest::maybe_started);
  }
}

void Agent::be_heard_again(Contact& contact) {
  const NodeId node = contact.peer.node;
  contact.silent_since.reset();
  actions_->emplace_back(Notice{.what = Notice::What::heard_again, .job = {}, .piece = {}, .peer = node});
  for (const auto& [key, branch] : branches_) tell_holds(key, node);
}

void Agent::end_lease_of(Contact& contact) {
  if (planted(Defect::leak_helper)) return;
  for (auto at = branches_.begin(); at != branches_.end(); ++at) {
    if (at->second.helper(contact.peer.node) == nullptr) continue;
    actions_->emplace_back(Notice{
        .what = Notice::What::lease_ended, .job = at->second.loop().job, .piece = {}, .peer = contact.peer.node});
    lose_helper(at->second, contact.peer.node);
  }
}

void Agent::lose_helper(Branch& branch, NodeId node) {
  for (const Interval& piece : branch.forget(node)) note(Notice::What::redone, branch, piece, node, "lost");
}

void Agent::forget_instance(NodeId node) {
  for (auto& [key, branch] : branches_) {
    lose_helper(branch, node);
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || master->node != node) continue;
    Losers losers;
    branch.on_cancelled({}, losers, *actions_);
    tell_losers(key, losers, protocol::CancelReason::expired);
  }
}

void Agent::lapse_branches() {
  if (planted(Defect::outlive_lease)) return;
  for (auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || branch.partition().open_count() == 0) continue;
    auto at = contacts_.find(master->node);
    if (at != contacts_.end() && at->second.link.we_hold_lease(now_)) continue;
    Losers losers;
    branch.lapse(losers);
    note(Notice::What::lease_lapsed, branch, {}, master->node);
    for (TaskId task : losers.tasks) stop(tasks_.at(task), StopHow::kill);
    losers.tasks.clear();
    tell_losers(key, losers, protocol::CancelReason::expired);
  }
}

}  // namespace agent::core
