// Jobs whose iterations start at most once: who gets how much, and what becomes of what is lost (branch_once.cpp).
//
// Only the owner of a loop lends, and only to free slots, so that nothing that was granted waits long before it starts;
// a helper that has finished asks for more. What comes late or twice is no reason to start anything.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"

namespace agent::core {

namespace {

constexpr std::uint64_t slots_believed_max = 4'096;  // of one node

}  // namespace

// It may have what is lost, or its result: nothing is granted to it on that branch before it has told.
void Agent::welcome_back(NodeId node) {
  for (auto& [key, branch] : branches_) {
    if (branch.welcome_back(node)) ask_holds(*branch.helper(node));
  }
}

bool Agent::must_be_fresh(const MessageReceived& event) const {
  const auto lent_once = [&](BranchId id) {
    const std::optional<BranchKey> key = lent_as(event.from, id);
    return key && branches_.at(*key).starts_at_most_once();
  };
  if (const auto* refuse = std::get_if<protocol::Refuse>(&event.message)) return lent_once(refuse->branch);
  if (const auto* returned = std::get_if<protocol::Returned>(&event.message)) return lent_once(returned->branch);
  return std::holds_alternative<protocol::Grant>(event.message) && event.proofs.terms &&
         event.proofs.terms->started_at_most_once;
}

Share Agent::share_for_slots(Branch& branch, std::uint64_t slots) const {
  if (slots == 0 || branch.partition().lendable_count() == 0) return {};
  return branch.share_for_slots(static_cast<std::uint32_t>(std::min(slots, slots_believed_max)));
}

// Where nothing lies ahead of the slots, they are filled one by one. The results that make room follow at once.
void Agent::fill_slots_of(BranchKey key, Helper& helper, std::uint64_t wanted) {
  Branch& branch = branches_.at(key);
  if (helper.filled_ahead || !may_lend(branch, helper.node, look_over())) return;
  const std::uint64_t slots = contacts_.at(helper.node).slots;
  const Share share = share_for_slots(branch, std::min(wanted, slots));
  if (share.intervals.empty()) return;
  helper.filled_ahead = true;
  grant(key, helper.node, share, 0);
}

// Before the report: with it the branch may be over for the master.
void Agent::want_more(const Branch& branch, const Master& master) {
  if (!branch.starts_at_most_once() || branch.partition().has_todo() || !is_free()) return;
  send(master.node, protocol::Want{.branch = master.id, .iterations = slots_.empty_count()});
}

void Agent::tell_losses() {
  bool any = false;
  for (auto& [key, branch] : branches_) {
    const IntervalSet lost = branch.take_news_of_loss();
    for (Interval interval : lost.intervals()) note(Notice::What::lost, branch, interval, std::nullopt);
    // The halt rule counts it as a failure.
    if (lost.empty()) continue;
    stop_unwanted(StopHow::terminate, branch);
    any = true;
  }
  if (any) serve_loops();  // of tasks that were stopped
}

}  // namespace agent::core
