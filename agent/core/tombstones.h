#pragma once
// Jobs that have ended: what still comes of them is answered by `ended`, and begins nothing anew.
//
// Kept for an hour, and no more than `count_max`, the oldest being forgotten first: a job of which something comes
// after that has no mandate any more (mandate.h).

#include <cstddef>
#include <deque>
#include <set>
#include <utility>

#include "agent/core/names.h"
#include "agent/core/time.h"

namespace agent::core {

class Tombstones {
 public:
  static constexpr Duration life = std::chrono::hours(1);
  static constexpr std::size_t count_max = 16'384;

  // REQUIRES: `now` never goes back. One that is kept already stays as it is.
  void bury(JobId job, Instant now) {
    while (!order_.empty() && now - order_.front().first > life) forget_oldest();
    if (jobs_.insert(job).second) order_.emplace_back(now, job);
    if (order_.size() > count_max) forget_oldest();
  }
  [[nodiscard]] bool contains(JobId job) const { return jobs_.contains(job); }
  [[nodiscard]] std::size_t size() const { return jobs_.size(); }

 private:
  void forget_oldest() {
    jobs_.erase(order_.front().second);
    order_.pop_front();
  }

  std::set<JobId> jobs_;
  std::deque<std::pair<Instant, JobId>> order_;  // the oldest first
};

}  // namespace agent::core
