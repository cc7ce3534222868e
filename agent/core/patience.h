#pragma once
// How much of what a peer asks is answered: so many questions at once, and so many a second, by link.
//
// Only questions whose answer does nothing for us are counted: asks and probes that end in no grant, shuffles, walks,
// orphans' tales. An honest peer asks each of its peers rarely: its rests double, and it has many to choose from, so it
// has a burst of a few doublings and then one in some seconds. `burst` holds such a burst of several branches at once;
// `period` keeps what a liar gets far below the messages of one beat a second and link that everybody pays anyway times
// three. What is not answered is dropped, as if it had been lost: every question has a time limit with its asker.

#include <algorithm>
#include <cstdint>

#include "agent/core/time.h"

namespace agent::core {

class Patience {
 public:
  static constexpr std::int64_t burst = 32;
  static constexpr Duration period = std::chrono::milliseconds(500);  // after which one more is answered

  // Whether one more question is heard at `now`; it is counted. REQUIRES: `now` never goes back.
  bool spend(Instant now) {
    const Duration full = burst * period;
    saved_ = std::min(full, saved_ + (now - since_));
    since_ = now;
    if (saved_ < period) return false;
    saved_ -= period;
    return true;
  }
  // The question was of use to us.
  void give_back() { saved_ = std::min(burst * period, saved_ + period); }

 private:
  Duration saved_ = burst * period;
  Instant since_;
};

}  // namespace agent::core
