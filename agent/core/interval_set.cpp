#include "agent/core/interval_set.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace agent::core {

namespace {

// With so few changes it is cheaper to move the rest of the list for each of them than to write a new one.
constexpr std::size_t one_by_one_max = 4;

// The first interval that ends at or after `index`: the first one that could touch something beginning there.
auto first_touching(auto& intervals, std::uint64_t index) {
  return std::ranges::lower_bound(intervals, index, {}, &Interval::end);
}

// The first interval that ends after `index`: the first one that could contain it or anything later.
auto first_reaching(auto& intervals, std::uint64_t index) {
  return std::ranges::upper_bound(intervals, index, {}, &Interval::end);
}

}  // namespace

IntervalSet::IntervalSet(const std::vector<Interval>& all) {
  for (Interval interval : all) insert(interval);
}

void IntervalSet::insert(Interval added) {
  assert(added.begin < added.end);
  auto first = first_touching(intervals_, added.begin);
  auto last = first;
  while (last != intervals_.end() && last->begin <= added.end) {
    added.begin = std::min(added.begin, last->begin);
    added.end = std::max(added.end, last->end);
    count_ -= last->count();
    ++last;
  }
  count_ += added.count();
  if (first == last) {
    intervals_.insert(first, added);
  } else {
    *first = added;
    intervals_.erase(first + 1, last);
  }
}

void IntervalSet::insert(const IntervalSet& added) {
  if (added.intervals_.size() <= one_by_one_max) {
    for (Interval interval : added.intervals_) insert(interval);
    return;
  }
  std::vector<Interval> all;
  all.reserve(intervals_.size() + added.intervals_.size());
  std::ranges::merge(intervals_, added.intervals_, std::back_inserter(all), {}, &Interval::begin, &Interval::begin);
  intervals_.clear();
  count_ = 0;
  for (Interval interval : all) append(interval);
}

void IntervalSet::append(Interval last) {
  if (intervals_.empty() || intervals_.back().end < last.begin) {
    intervals_.push_back(last);
    count_ += last.count();
    return;
  }
  Interval& back = intervals_.back();
  if (last.end <= back.end) return;
  count_ += last.end - back.end;
  back.end = last.end;
}

void IntervalSet::erase(Interval removed) {
  assert(removed.begin < removed.end);
  auto first = first_reaching(intervals_, removed.begin);
  auto last = first;
  std::vector<Interval> kept;
  while (last != intervals_.end() && last->begin < removed.end) {
    count_ -= last->count();
    if (last->begin < removed.begin) kept.push_back({.begin = last->begin, .end = removed.begin});
    if (last->end > removed.end) kept.push_back({.begin = removed.end, .end = last->end});
    ++last;
  }
  for (Interval interval : kept) count_ += interval.count();
  auto at = intervals_.erase(first, last);
  intervals_.insert(at, kept.begin(), kept.end());
}

void IntervalSet::erase(const IntervalSet& removed) {
  if (removed.intervals_.size() <= one_by_one_max) {
    for (Interval interval : removed.intervals_) erase(interval);
    return;
  }
  IntervalSet rest;
  auto gone = removed.intervals_.begin();
  for (Interval interval : intervals_) {
    gone = std::ranges::upper_bound(gone, removed.intervals_.end(), interval.begin, {}, &Interval::end);
    for (auto at = gone; at != removed.intervals_.end() && at->begin < interval.end; ++at) {
      if (interval.begin < at->begin) rest.append({.begin = interval.begin, .end = at->begin});
      interval.begin = std::min(at->end, interval.end);
    }
    if (interval.begin < interval.end) rest.append(interval);
  }
  *this = std::move(rest);
}

IntervalSet IntervalSet::take_back(std::uint64_t count_max, std::size_t intervals_max) {
  assert(count_max >= 1);
  IntervalSet taken;
  while (count_max > 0 && !intervals_.empty() && taken.intervals_.size() < intervals_max) {
    Interval& back = intervals_.back();
    const std::uint64_t count = std::min(count_max, back.count());
    taken.intervals_.push_back({.begin = back.end - count, .end = back.end});
    count_max -= count;
    back.end -= count;
    if (back.begin == back.end) intervals_.pop_back();
    taken.count_ += count;
  }
  count_ -= taken.count_;
  std::ranges::reverse(taken.intervals_);
  return taken;
}

IntervalSet IntervalSet::take_half(std::size_t intervals_max) {
  IntervalSet taken;
  bool take_single = intervals_.size() > 1;
  for (auto at = intervals_.rbegin(); at != intervals_.rend() && taken.intervals_.size() < intervals_max; ++at) {
    const std::uint64_t count = at->count() / 2;
    if (count > 0) {
      taken.intervals_.push_back({.begin = at->end - count, .end = at->end});
      at->end -= count;
    } else {
      if (take_single) {
        taken.intervals_.push_back(*at);
        at->end = at->begin;
      }
      take_single = !take_single;
    }
  }
  std::erase_if(intervals_, [](Interval interval) { return interval.begin == interval.end; });
  for (Interval interval : taken.intervals_) taken.count_ += interval.count();
  count_ -= taken.count_;
  std::ranges::reverse(taken.intervals_);
  return taken;
}

std::optional<Interval> IntervalSet::take_front(std::uint64_t count_max) {
  assert(count_max >= 1);
  if (intervals_.empty()) return std::nullopt;
  Interval& front = intervals_.front();
  Interval taken{.begin = front.begin, .end = front.begin + std::min(count_max, front.count())};
  count_ -= taken.count();
  front.begin = taken.end;
  if (front.begin == front.end) intervals_.erase(intervals_.begin());
  return taken;
}

bool IntervalSet::contains(Interval wanted) const {
  assert(wanted.begin < wanted.end);
  auto at = first_reaching(intervals_, wanted.begin);
  return at != intervals_.end() && at->begin <= wanted.begin && wanted.end <= at->end;
}

bool IntervalSet::intersects(Interval other) const {
  assert(other.begin < other.end);
  auto at = first_reaching(intervals_, other.begin);
  return at != intervals_.end() && at->begin < other.end;
}

IntervalSet IntervalSet::within(Interval window) const {
  assert(window.begin < window.end);
  IntervalSet inside;
  for (auto at = first_reaching(intervals_, window.begin); at != intervals_.end() && at->begin < window.end; ++at) {
    inside.insert(Interval{.begin = std::max(at->begin, window.begin), .end = std::min(at->end, window.end)});
  }
  return inside;
}

IntervalSet IntervalSet::both(const IntervalSet& other) const {
  const bool fewer = intervals_.size() <= other.intervals_.size();
  const std::vector<Interval>& few = fewer ? intervals_ : other.intervals_;
  const std::vector<Interval>& many = fewer ? other.intervals_ : intervals_;
  IntervalSet common;
  auto at = many.begin();
  for (Interval interval : few) {
    at = std::ranges::upper_bound(at, many.end(), interval.begin, {}, &Interval::end);
    for (auto each = at; each != many.end() && each->begin < interval.end; ++each)
      common.append({.begin = std::max(each->begin, interval.begin), .end = std::min(each->end, interval.end)});
  }
  return common;
}

void IntervalSet::check_invariants() const {
  std::uint64_t sum = 0;
  const Interval* before = nullptr;
  for (const Interval& interval : intervals_) {
    assert(interval.begin < interval.end);
    assert(before == nullptr || before->end < interval.begin);
    sum += interval.count();
    before = &interval;
  }
  assert(sum == count_);
}

std::vector<std::vector<Interval>> IntervalSet::in_parts(std::size_t size) const {
  assert(size >= 1);
  std::vector<std::vector<Interval>> parts(1);
  for (Interval interval : intervals_) {
    if (parts.back().size() == size) parts.emplace_back();
    parts.back().push_back(interval);
  }
  return parts;
}

}  // namespace agent::core
