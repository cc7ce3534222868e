#include "agent/core/branch.h"

#include <algorithm>
#include <cassert>

namespace agent::core {

namespace {

void remove_running(std::map<std::uint64_t, Piece>& running, Interval interval) {
  auto at = running.find(interval.begin);
  assert(at != running.end() && at->second.interval == interval);
  running.erase(at);
}

}  // namespace

void Branch::grant(Interval added) {
  assert(!granted_.intersects(added));
  granted_.insert(added);
  todo_.insert(added);
}

Piece Branch::start_next(std::uint64_t size) {
  assert(has_unstarted() && size >= 1);
  Piece piece;
  if (!redo_.empty()) {
    piece = redo_.begin()->second;
    redo_.erase(redo_.begin());
  } else {
    piece.interval = *todo_.take_front(size);
  }
  running_.emplace(piece.interval.begin, piece);
  return piece;
}

void Branch::finish(Interval running) {
  remove_running(running_, running);
  finished_.insert(running);
}

void Branch::put_back(const Piece& running) {
  remove_running(running_, running.interval);
  redo_.emplace(running.interval.begin, running);
}

void Branch::abandon(Interval running) {
  remove_running(running_, running);
  granted_.erase(running);
}

void Branch::settle(Interval finished) {
  assert(finished_.contains(finished));
  finished_.erase(finished);
  settled_.insert(finished);
}

void Branch::discard(Interval finished) {
  assert(finished_.contains(finished));
  finished_.erase(finished);
  granted_.erase(finished);
}

void Branch::drop_unstarted(Interval window) {
  const IntervalSet dropped = todo_.within(window);
  for (Interval interval : dropped.intervals()) {
    todo_.erase(interval);
    granted_.erase(interval);
  }
  std::erase_if(redo_, [&](const auto& entry) {
    Interval interval = entry.second.interval;
    if (interval.begin < window.begin || interval.end > window.end) return false;
    granted_.erase(interval);
    return true;
  });
}

void Branch::drop_unstarted() {
  drop_unstarted({.begin = 0, .end = ~std::uint64_t{0}});
}

void Branch::check_invariants() const {
  IntervalSet together;
  std::uint64_t sum = 0;
  auto add = [&](Interval interval) {
    together.insert(interval);
    sum += interval.count();
  };
  for (Interval interval : todo_.intervals()) add(interval);
  for (const auto& [begin, piece] : redo_) add(piece.interval);
  for (const auto& [begin, piece] : running_) add(piece.interval);
  for (Interval interval : finished_.intervals()) add(interval);
  for (Interval interval : settled_.intervals()) add(interval);
  together.check_invariants();
  assert(together == granted_);
  assert(sum == granted_.count());  // disjoint
}

}  // namespace agent::core
