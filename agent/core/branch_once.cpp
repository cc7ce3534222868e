// Iterations that start at most once: nothing is put back that may have been started.
//
//   todo --start, lend--> out --result--> finished
//     ^                   | ^ |
//     +--refused, returned+ | +--its holder is given up--> lost --the end of the job--> failed, as lost
//                           |                               |
//                           +--its holder is back with it---+--its result comes all the same--> finished
//
// Who is given up is whoever knows nothing of it any more: a helper whose lease has surely ended on both sides, or that
// was started anew, or that says that it does not hold it. Until then a silent helper keeps all that it holds.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/branch.h"

namespace agent::core {

Share Branch::share_for_slots(std::uint32_t slots) {
  if (terms_.body == Body::command_per_iteration) return partition_.share_back(slots);
  Share share;
  while (share.pieces.size() < slots && partition_.lendable_count() > 0) {
    const Share part = partition_.share_back(sizer_.next(partition_.lendable_count(), slots));
    IntervalSet plain = part.intervals;
    for (const Piece& piece : part.pieces) {
      share.pieces.push_back(piece);
      plain.erase(piece.interval);
    }
    for (Interval interval : plain.intervals()) share.pieces.push_back({.interval = interval, .attempt = part.attempt});
    share.intervals.insert(part.intervals);
    share.attempt = std::max(share.attempt, part.attempt);
  }
  std::ranges::sort(share.pieces, {}, [](const Piece& piece) { return piece.interval.begin; });
  return share;
}

void Branch::lose(const IntervalSet& what) {
  IntervalSet lost = what.both(partition_.out());
  if (owner_ && owner_->unwanted()) {
    const IntervalSet ended = lost.within(*owner_->unwanted());
    partition_.remove(ended);
    lost.erase(ended);
  }
  if (lost.empty()) return;
  partition_.lose(lost);
  newly_lost_.insert(lost);
  if (owner_) owner_->note_loss(lost.intervals().back(), partition_);
}

// A task of this node: whatever it did, no result of it will come.
void Branch::lose_own(TaskId task, const Piece& piece, Losers& losers, std::vector<Action>& actions) {
  actions.emplace_back(
      Notice{.what = Notice::What::lost, .job = loop_.job, .piece = piece.interval, .peer = {}, .path = loop_.path});
  take_result({.piece = piece.interval,
               .attempt = piece.attempt,
               .outcome = Outcome::lost,
               .size_bytes = 0,
               .source = {.task = task}},
              losers, actions);
}

void Branch::remember_former(const Helper& helper) {
  if (!starts_at_most_once() || helper.granted.both(partition_.lost()).empty()) return;
  formers_.insert_or_assign(helper.node, Former{.id = helper.id, .granted = helper.granted, .attempt = helper.attempt});
}

bool Branch::welcome_back(NodeId node) {
  const auto at = formers_.find(node);
  if (at == formers_.end()) return false;
  const Former former = std::move(at->second);
  formers_.erase(at);
  if (helpers_.contains(node) || former.granted.both(partition_.lost()).empty()) return false;
  Helper helper;
  helper.node = node;
  helper.id = former.id;
  helper.state = Helper::State::live;
  helper.granted = former.granted;
  helper.attempt = former.attempt;
  helper.reconciling = true;
  helpers_.emplace(node, std::move(helper));
  return true;
}

void Branch::commit_lost(std::vector<Action>& actions) {
  if (owner_) owner_->commit_lost(partition_, actions);
}

}  // namespace agent::core
