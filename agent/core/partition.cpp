#include "agent/core/partition.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "agent/core/planted.h"
namespace agent::core {

void Partition::raise_attempt(Interval interval, std::uint32_t least) {
  std::vector<Interval> lower;
  attempts_.for_each_within(interval, [&](Interval run, std::uint32_t attempt) {
    if (attempt < least) lower.push_back(run);
  });
  for (Interval run : lower) attempts_.assign(run, least);
}

void Partition::grant(const IntervalSet& added, Attempt attempt) {
  IntervalSet fresh = added;
  fresh.erase(granted_);
  granted_.insert(fresh);
  todo_.insert(fresh);
  for (Interval interval : fresh.intervals()) raise_attempt(interval, attempt.value());
}

void Partition::grant(const Piece& started_before) {
  assert(!granted_.intersects(started_before.interval));
  granted_.insert(started_before.interval);
  raise_attempt(started_before.interval, started_before.attempt.value());
  add_redo(started_before);
}

void Partition::add_redo(const Piece& piece) {
  redo_.emplace(piece.interval.begin, piece);
  redo_count_ += piece.interval.count();
  if (piece.copy) copies_count_ += piece.interval.count();
}

Piece Partition::take_redo(std::map<std::uint64_t, Piece>::iterator at) {
  const Piece piece = at->second;
  redo_.erase(at);
  redo_count_ -= piece.interval.count();
  if (piece.copy) copies_count_ -= piece.interval.count();
  return piece;
}

Piece Partition::start_next(std::uint64_t size) {
  assert(has_todo() && size >= 1);
  Piece piece;
  if (!redo_.empty()) {
    piece = take_redo(redo_.begin());
  } else {
    piece.interval = *todo_.take_front(size);
  }
  piece.attempt = attempt_of(piece.interval);
  out_.insert(piece.interval);
  return piece;
}

void Partition::into_share(Share& share, const Piece& piece) {
  share.intervals.insert(piece.interval);
  share.pieces.push_back(piece);
}

void Partition::conclude(Share& share) {
  std::ranges::sort(share.pieces, {}, [](const Piece& piece) { return piece.interval.begin; });
  std::uint32_t highest = 0;
  for (Interval interval : share.intervals.intervals()) highest = std::max(highest, attempts_.max_within(interval));
  share.attempt = Attempt(highest);
  if (highest > 0) {
    for (Interval interval : share.intervals.intervals()) raise_attempt(interval, highest);
  }
  out_.insert(share.intervals);
}

Share Partition::share_back(std::uint64_t count) {
  assert(count >= 1);
  Share share;
  share.intervals = todo_.take_back(count, share_intervals_max);
  for (auto at = redo_.end(); at != redo_.begin() && share.intervals.count() < count &&
                              share.intervals.intervals().size() + share.pieces.size() < share_intervals_max;) {
    --at;
    if (at->second.copy) continue;
    auto taken = at++;
    into_share(share, take_redo(taken));
  }
  conclude(share);
  return share;
}

Share Partition::share_half(Last last) {
  Share share;
  const auto lendable =
      static_cast<std::uint64_t>(std::ranges::count_if(redo_, [](const auto& each) { return !each.second.copy; }));
  const bool lone = todo_.count() + lendable == 1;
  if (lone && last == Last::give) return share_back(1);
  share.intervals = todo_.take_half(share_intervals_max);
  bool take = share.intervals.empty() && lendable > 1;
  for (auto at = redo_.end(); at != redo_.begin() && share.pieces.size() < share_intervals_max;) {
    --at;
    if (at->second.copy) continue;
    if (take) {
      auto taken = at++;
      into_share(share, take_redo(taken));
    }
    take = !take;
  }
  conclude(share);
  return share;
}

Attempt Partition::copy(Interval interval) {
  assert(out_.contains(interval));
  const std::uint32_t next = attempts_.max_within(interval) + 1;
  raise_attempt(interval, next);
  return Attempt(next);
}

void Partition::take_out(const IntervalSet& what) {
  IntervalSet taken = what.both(todo_);
  todo_.erase(taken);
  for (auto at = redo_.begin(); at != redo_.end();) {
    auto here = at++;
    if (what.contains(here->second.interval)) taken.insert(take_redo(here).interval);
  }
  out_.insert(taken);
}

void Partition::put_back(const IntervalSet& what, Attempt issued, Rest rest, const std::vector<Piece>& started) {
  const IntervalSet back = what.both(out_);
  out_.erase(back);
  IntervalSet plain = back;
  for (Piece piece : started) {
    if (!plain.contains(piece.interval)) continue;
    plain.erase(piece.interval);
    raise_attempt(piece.interval, std::max(piece.attempt, issued).value() + 1);
    piece.attempt = attempt_of(piece.interval);
    add_redo(piece);
  }
  todo_.insert(plain);
  const bool raise = rest == Rest::maybe_started && !planted(Defect::same_attempt);
  const std::uint32_t next = issued.value() + (raise ? 1 : 0);
  for (Interval interval : plain.intervals()) raise_attempt(interval, next);
}

void Partition::issue_from(const IntervalSet& what, Attempt least) {
  if (what.empty() || planted(Defect::same_attempt)) return;
  IntervalSet open = unstarted();
  open.insert(out_);
  const IntervalSet begun = what.both(open);
  for (Interval interval : begun.intervals()) raise_attempt(interval, least.value());
}

void Partition::remove_todo(Interval interval) {
  todo_.erase(interval);
  take_redo_within(interval);
}

void Partition::take_redo_within(Interval interval) {
  auto at = redo_.upper_bound(interval.begin);
  if (at != redo_.begin() && std::prev(at)->second.interval.end > interval.begin) --at;
  while (at != redo_.end() && at->first < interval.end) {
    IntervalSet rest(take_redo(at++).interval);
    rest.erase(interval);
    todo_.insert(rest);
  }
}

Partition::Finish Partition::finish(Interval interval) {
  if (!granted_.contains(interval)) return Finish::not_ours;
  if (finished_.intersects(interval) || settled_.intersects(interval)) return Finish::overlaps;
  remove_todo(interval);
  out_.erase(interval);
  lost_.erase(interval);
  finished_.insert(interval);
  return Finish::accepted;
}

void Partition::settle(const IntervalSet& what) {
  const IntervalSet safe = finished_.both(what);
  finished_.erase(safe);
  settled_.insert(safe);
  for (Interval interval : safe.intervals()) attempts_.erase(interval);
}

void Partition::lose(const IntervalSet& what) {
  const IntervalSet gone = what.both(out_);
  out_.erase(gone);
  lost_.insert(gone);
}

void Partition::find_again(const IntervalSet& what) {
  const IntervalSet found = what.both(lost_);
  lost_.erase(found);
  out_.insert(found);
}

void Partition::settle_lost() {
  for (Interval interval : lost_.intervals()) attempts_.erase(interval);
  settled_.insert(std::exchange(lost_, {}));
}

void Partition::remove(const IntervalSet& what) {
  todo_.erase(what);
  for (Interval interval : what.intervals()) {
    take_redo_within(interval);
    attempts_.erase(interval);
  }
  out_.erase(what);
  lost_.erase(what);
  finished_.erase(what);
  settled_.erase(what);
  granted_.erase(what);
}

IntervalSet Partition::unstarted() const {
  IntervalSet all;
  for (const auto& [begin, piece] : redo_) all.insert(piece.interval);
  all.insert(todo_);
  return all;
}

void Partition::check_invariants() const {
  IntervalSet together;
  std::uint64_t sum = 0;
  auto add = [&](const IntervalSet& part) {
    part.check_invariants();
    together.insert(part);
    sum += part.count();
  };
  add(todo_);
  add(out_);
  add(finished_);
  add(settled_);
  add(lost_);
  std::uint64_t redone = 0, copies = 0;
  for (const auto& [begin, piece] : redo_) {
    assert(begin == piece.interval.begin);
    add(IntervalSet(piece.interval));
    redone += piece.interval.count();
    if (piece.copy) copies += piece.interval.count();
  }
  assert(redone == redo_count_ && copies == copies_count_);
  assert(together == granted_);
  assert(sum == granted_.count());  // disjoint
  for (const auto& entry : attempts_.entries()) assert(granted_.contains(entry.where));
}

}  // namespace agent::core
