#pragma once
// What is to happen, in one total order: by time, and what was put in first among equals.
//
// The order must not depend on the heap's shape, or two runs of one seed would part ways: so every entry has a running
// number, and no two compare equal.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "agent/sim/clock.h"

namespace agent::sim {

template <class Happening>
class EventHeap {
 public:
  struct Entry {
    WorldTime at;
    std::uint64_t number = 0;
    Happening what;
  };

  // REQUIRES: not before what was popped last.
  void push(WorldTime at, Happening what) {
    assert(at >= popped_);
    entries_.push_back(Entry{.at = at, .number = next_number_++, .what = std::move(what)});
    std::push_heap(entries_.begin(), entries_.end(), later);
  }

  // REQUIRES: not empty.
  Entry pop() {
    assert(!entries_.empty());
    std::pop_heap(entries_.begin(), entries_.end(), later);
    Entry next = std::move(entries_.back());
    entries_.pop_back();
    popped_ = next.at;
    return next;
  }

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // REQUIRES: not empty.
  [[nodiscard]] WorldTime next_at() const { return entries_.front().at; }

 private:
  static bool later(const Entry& a, const Entry& b) { return a.at != b.at ? a.at > b.at : a.number > b.number; }

  std::vector<Entry> entries_;
  std::uint64_t next_number_ = 0;
  WorldTime popped_;
};

}  // namespace agent::sim
