// What a branch does as a master, and as a helper's branch towards its own master.
#include <algorithm>
#include <cassert>

#include "agent/core/branch.h"

namespace agent::core {

Helper& Branch::lend(NodeId node, BranchId id, const Share& share, Instant now) {
  auto [at, added] = helpers_.try_emplace(node);
  Helper& helper = at->second;
  if (added) {
    helper.node = node;
    helper.id = id;
  }
  helper.held.insert(share.intervals);
  helper.attempt = std::max(helper.attempt, share.attempt);
  helper.unanswered = share.intervals;
  helper.granted_at = now;
  helper.wanted = 0;
  return helper;
}

Helper* Branch::helper(NodeId node) {
  auto at = helpers_.find(node);
  return at == helpers_.end() ? nullptr : &at->second;
}

std::uint32_t Branch::helper_count() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(helpers_, [](const auto& entry) { return !entry.second.held.empty(); }));
}

void Branch::take_back(Helper& helper, const IntervalSet& what, Partition::Rest rest) {
  IntervalSet free = helper.held.both(what);
  helper.held.erase(free);
  std::vector<Piece> started;
  for (auto at = helper.started.begin(); at != helper.started.end();) {
    auto here = at++;
    if (!free.contains(here->second.interval)) continue;
    started.push_back(Piece{.interval = here->second.interval, .attempt = helper.attempt});
    helper.started.erase(here);
  }
  free_again(free, helper.attempt, rest, started);
}

void Branch::forget(NodeId node) {
  Helper* gone = helper(node);
  if (gone == nullptr) return;
  take_back(*gone, IntervalSet(gone->held), Partition::Rest::maybe_started);
  helpers_.erase(node);
}

bool Branch::on_reported(Helper& helper, const KeptResult& result, Losers& losers, std::vector<Action>& actions) {
  const IntervalSet covered(result.piece);
  helper.held.erase(covered);
  helper.started.erase(result.piece.begin);
  const Partition::Finish finish = partition_.finish(result.piece);
  helper.unsettled.insert(covered);
  if (finish == Partition::Finish::not_ours) return false;
  if (finish == Partition::Finish::overlaps) {
    // What it would have covered besides is nobody's now, unless somebody else has it.
    free_again(covered.both(partition_.out()), result.attempt, Partition::Rest::maybe_started, {});
    return false;
  }
  release_losers(result.piece, losers);
  if (owner_) {
    owner_->accept(result, partition_, actions);
  } else {
    results_.keep(result);
  }
  return true;
}

IntervalSet Branch::settled_for(const Helper& helper) const {
  IntervalSet told = helper.unsettled.both(partition_.settled());
  // What is not in this branch any more concerns nobody here: the helper need not keep it for us.
  IntervalSet strange = helper.unsettled;
  strange.erase(partition_.granted());
  told.insert(strange);
  return told;
}

void Branch::on_granted(const IntervalSet& plain, const std::vector<Piece>& pieces, Attempt attempt) {
  for (Piece piece : pieces) {
    piece.attempt = attempt;
    if (!partition_.granted().intersects(piece.interval)) partition_.grant(piece);
  }
  partition_.grant(plain, attempt);
}

void Branch::on_settled(const IntervalSet& what, std::vector<Action>& actions) {
  partition_.settle(what);
  results_.let_go(what, actions);
}

void Branch::on_cancelled(const IntervalSet& what, Losers& losers, std::vector<Action>& actions) {
  const IntervalSet gone = what.empty() ? partition_.granted() : what;
  for (Interval interval : gone.intervals()) release_losers(interval, losers);
  results_.let_go(gone, actions);
  partition_.remove(gone);
}

}  // namespace agent::core
