#pragma once
// A value for every iteration index, held as sorted, disjoint intervals of one value each.
//
// What was never assigned, or was erased, has the value `absent`: it takes no memory, and to assign `absent` is to
// erase. So memory goes by the number of runs whose value differs from it, never by the number of indices.
// Invariants: every entry has begin < end; each one begins at or after the end of the one before it, and where the two
// touch their values differ; no entry holds `absent`. Hence equal maps have equal entries. A look-up costs O(log runs),
// a change O(runs).
//
// `Value` is a plain value with ==, and with < where `max_within` is wanted.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>
#include <vector>

#include "protocol/ids.h"

namespace agent::core {

using protocol::Interval;

template <class Value>
class IntervalMap {
 public:
  struct Entry {
    Interval where;
    Value value;
    bool operator==(const Entry&) const = default;
  };

  IntervalMap() = default;
  explicit IntervalMap(Value absent) : absent_(std::move(absent)) {}

  void assign(Interval where, Value value);
  // Back to the value `absent`.
  void erase(Interval where);

  [[nodiscard]] const Value& at(std::uint64_t index) const;
  // The greatest value of any index in `window`; gaps count as `absent`.
  [[nodiscard]] Value max_within(Interval window) const;
  // Calls `told(Interval, const Value&)` for every run in `window`, cut to it, from the front, gaps included: together
  // they cover the window, and neighbours differ. `told` must not change this map.
  template <class Told>
  void for_each_within(Interval window, Told told) const;

  [[nodiscard]] const std::vector<Entry>& entries() const& { return entries_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  bool operator==(const IntervalMap&) const = default;
  void check_invariants() const;

 private:
  // The first entry that ends after `index`: the first one that could contain it or anything later.
  [[nodiscard]] auto first_reaching(std::uint64_t index) const {
    return std::ranges::upper_bound(entries_, index, {}, [](const Entry& entry) { return entry.where.end; });
  }

  Value absent_{};
  std::vector<Entry> entries_;
};

template <class Value>
void IntervalMap<Value>::assign(Interval where, Value value) {
  erase(where);
  if (value == absent_) return;
  auto next = entries_.begin() + (first_reaching(where.begin) - entries_.cbegin());
  if (next != entries_.begin() && std::prev(next)->where.end == where.begin && std::prev(next)->value == value) {
    where.begin = std::prev(next)->where.begin;
    next = entries_.erase(std::prev(next));
  }
  if (next != entries_.end() && next->where.begin == where.end && next->value == value) {
    next->where.begin = where.begin;
  } else {
    entries_.insert(next, Entry{.where = where, .value = std::move(value)});
  }
}

template <class Value>
void IntervalMap<Value>::erase(Interval where) {
  assert(where.begin < where.end);
  const auto first = entries_.begin() + (first_reaching(where.begin) - entries_.cbegin());
  auto last = first;
  std::vector<Entry> kept;
  for (; last != entries_.end() && last->where.begin < where.end; ++last) {
    const Interval old = last->where;
    if (old.begin < where.begin) kept.push_back({.where = {old.begin, where.begin}, .value = last->value});
    if (old.end > where.end) kept.push_back({.where = {where.end, old.end}, .value = last->value});
  }
  const auto at = entries_.erase(first, last);
  entries_.insert(at, kept.begin(), kept.end());
}

template <class Value>
const Value& IntervalMap<Value>::at(std::uint64_t index) const {
  const auto found = first_reaching(index);
  return found != entries_.end() && found->where.begin <= index ? found->value : absent_;
}

template <class Value>
template <class Told>
void IntervalMap<Value>::for_each_within(Interval window, Told told) const {
  assert(window.begin < window.end);
  std::uint64_t covered = window.begin;
  for (auto run = first_reaching(window.begin); run != entries_.end() && run->where.begin < window.end; ++run) {
    const std::uint64_t begin = std::max(run->where.begin, covered);
    if (covered < begin) told(Interval{.begin = covered, .end = begin}, absent_);
    covered = std::min(run->where.end, window.end);
    told(Interval{.begin = begin, .end = covered}, run->value);
  }
  if (covered < window.end) told(Interval{.begin = covered, .end = window.end}, absent_);
}

template <class Value>
Value IntervalMap<Value>::max_within(Interval window) const {
  const Value* greatest = nullptr;
  for_each_within(window, [&](Interval, const Value& value) {
    if (greatest == nullptr || *greatest < value) greatest = &value;
  });
  return *greatest;
}

template <class Value>
void IntervalMap<Value>::check_invariants() const {
  const Entry* before = nullptr;
  for (const Entry& entry : entries_) {
    assert(entry.where.begin < entry.where.end);
    assert(!(entry.value == absent_));
    assert(before == nullptr || before->where.end <= entry.where.begin);
    assert(before == nullptr || before->where.end < entry.where.begin || !(before->value == entry.value));
    before = &entry;
  }
}

}  // namespace agent::core
