#pragma once
// A set of iteration indices as sorted, disjoint, non-touching half-open intervals.
//
// Memory and time go by the number of gaps, never by the number of indices: a search over 10^15 values is one interval.
// Invariants: every interval has begin < end; each one begins after the end of the one before it (touching ones are
// merged). To look one up, or what a few have in common with many, costs O(log intervals) for each; work at the back
// O(1) amortised; anything else O(intervals of both).

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/ids.h"

namespace agent::core {

using protocol::Interval;

class IntervalSet {
 public:
  IntervalSet() = default;
  explicit IntervalSet(Interval only) { insert(only); }
  // As they come in a message: in any order, overlapping or not.
  explicit IntervalSet(const std::vector<Interval>& all);

  void insert(Interval added);
  void insert(const IntervalSet& added);
  void erase(Interval removed);
  void erase(const IntervalSet& removed);

  // Removes and returns at most `count_max` >= 1 indices from the front: always one interval. Empty set: nothing.
  std::optional<Interval> take_front(std::uint64_t count_max);

  // The same from the back: up to `count_max` >= 1 indices, as a set of at most `intervals_max` >= 1 intervals, because
  // gaps may lie between.
  IntervalSet take_back(std::uint64_t count_max, std::size_t intervals_max = ~std::size_t{0});
  // Half of the set: the upper half of each interval (the smaller one, if halves differ), and of intervals of one index
  // every second, beginning with the last. A lone index is not halved: nothing is taken. At most `intervals_max`
  // intervals, from the back.
  IntervalSet take_half(std::size_t intervals_max);

  [[nodiscard]] bool empty() const { return intervals_.empty(); }
  // At most 2^64-1, since no index is 2^64-1.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] bool contains(Interval wanted) const;
  [[nodiscard]] bool intersects(Interval other) const;
  // The intervals in order, in lists of at most `size` >= 1: at least one list, perhaps an empty one.
  [[nodiscard]] std::vector<std::vector<Interval>> in_parts(std::size_t size) const;
  // The part of this set inside `window`.
  [[nodiscard]] IntervalSet within(Interval window) const;
  [[nodiscard]] IntervalSet both(const IntervalSet& other) const;  // the intersection
  [[nodiscard]] const std::vector<Interval>& intervals() const& { return intervals_; }

  bool operator==(const IntervalSet&) const = default;
  void check_invariants() const;

 private:
  // One that begins at or after the begin of the last one.
  void append(Interval last);

  std::vector<Interval> intervals_;
  std::uint64_t count_ = 0;
};

}  // namespace agent::core
