// Helpers that take work, send their beats, and neither work nor give back.
//
//   holds unstarted work, nothing runs there and nothing came of it for long, and we have nothing to do: `recall`
//     --returned------------> todo
//     --nothing returned----> `holds` tells where it is, once: it may have been lent on; the next time it is no answer
//     --no answer in time---> cancelled, and todo; the helper gets nothing for a while, each time for longer
//
// Who has something running is never suspected, however long it runs: its word is taken for that. While we are busy
// ourselves nothing is missed, unless the loop can only end when it is back.
#include <algorithm>
#include <utility>

#include "agent/core/agent.h"

namespace agent::core {

namespace {

constexpr Duration hoarding_after = std::chrono::seconds(30);
constexpr Duration recall_patience = std::chrono::seconds(2);
constexpr Duration distrust_first = std::chrono::seconds(60);
constexpr Duration distrust_max = std::chrono::hours(1);

bool may_hoard(const Helper& helper) {
  return helper.state == Helper::State::live && !helper.unanswered && helper.started.empty() &&
         !helper.unstarted().empty();
}

}  // namespace

bool Agent::hoards(const Helper& helper) const {
  return may_hoard(helper) && now_ - helper.progress_at >= hoarding_after && is_up(helper.node);
}

std::optional<Instant> Agent::hoarding_ends(const Branch& branch, const Helper& helper, Missed missed) const {
  if (!may_hoard(helper) || !is_up(helper.node)) return std::nullopt;
  if (helper.recalled_at) return *helper.recalled_at + recall_patience;
  const bool awaited = missed == Missed::yes || branch.drains();
  return awaited ? std::optional(helper.progress_at + hoarding_after) : std::nullopt;
}

void Agent::recall_hoarded() {
  const bool busy = is_busy();
  for (auto& [key, branch] : branches_) {
    std::vector<NodeId> hoarders;
    for (const auto& [node, known] : branch.helpers()) {
      Helper& helper = *branch.helper(node);
      if (!hoards(helper)) {
        helper.recalled_at.reset();
      } else if (!helper.recalled_at && (!busy || branch.drains())) {
        helper.recalled_at = now_;
        const IntervalSet hoard = helper.unstarted();
        note(Notice::What::recalled, branch, hoard.intervals().front(), node);
        protocol::Recall recall{.branch = helper.id, .what = {}};
        recall.what = hoard.count();
        send(node, std::move(recall));
      } else if (helper.recalled_at && now_ - *helper.recalled_at >= recall_patience) {
        hoarders.push_back(node);
      }
    }
    for (NodeId node : hoarders) take_from_hoarder(branch, *branch.helper(node));
  }
}

void Agent::take_from_hoarder(Branch& branch, Helper& helper) {
  helper.recalled_at.reset();
  helper.wanted = 0;
  const IntervalSet back = helper.unstarted();
  send_cancel(helper, back, protocol::CancelReason::expired);
  branch.take_back(helper, back, Partition::Rest::maybe_started);
  note(Notice::What::returned_to_todo, branch, back.intervals().front(), helper.node);
  distrust(helper.node);
}

void Agent::on_nothing_returned(Helper& helper) {
  if (!std::exchange(helper.nothing_to_return, true)) ask_holds(helper);
}

void Agent::distrust(NodeId node) {
  std::erase_if(distrusted_, [&](const auto& entry) { return now_ - entry.second.until >= distrust_max; });
  Distrust& known = distrusted_[node];
  known.rest = known.rest == Duration::zero() ? distrust_first : std::min(distrust_max, 2 * known.rest);
  known.until = now_ + known.rest;
}

bool Agent::is_distrusted(NodeId node) const {
  const auto at = distrusted_.find(node);
  return at != distrusted_.end() && now_ < at->second.until;
}

}  // namespace agent::core
