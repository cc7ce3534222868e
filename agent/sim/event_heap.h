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
    std::size_t place = happenings_.size();
    if (free_.empty()) {
      happenings_.push_back(std::move(what));
    } else {
      place = free_.back();
      free_.pop_back();
      happenings_[place] = std::move(what);
    }
    order_.push_back(Key{.at = at, .number = next_number_++, .place = place});
    std::push_heap(order_.begin(), order_.end(), later);
  }

  // REQUIRES: not empty.
  Entry pop() {
    assert(!order_.empty());
    std::pop_heap(order_.begin(), order_.end(), later);
    const Key next = order_.back();
    order_.pop_back();
    free_.push_back(next.place);
    popped_ = next.at;
    return {.at = next.at, .number = next.number, .what = std::exchange(happenings_[next.place], Happening{})};
  }

  [[nodiscard]] bool empty() const { return order_.empty(); }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  // REQUIRES: not empty.
  [[nodiscard]] WorldTime next_at() const { return order_.front().at; }

 private:
  // What the heap moves about is small; what happens stays in its place.
  struct Key {
    WorldTime at;
    std::uint64_t number = 0;
    std::size_t place = 0;
  };
  static bool later(const Key& a, const Key& b) { return a.at != b.at ? a.at > b.at : a.number > b.number; }

  std::vector<Key> order_;
  std::vector<Happening> happenings_;
  std::vector<std::size_t> free_;
  std::uint64_t next_number_ = 0;
  WorldTime popped_;
};

}  // namespace agent::sim
