#pragma once
// How much of what a peer asks is answered: so many questions at once, and one more after each period.
//
// Only questions whose answer does nothing for us are counted. By link: asks and probes that end in no grant, shuffles,
// walks, orphans' tales that are not adopted, wants of helpers of which no result comes. By branch: what a master asks
// about what it lent us (`holds`, recalls, `resend`), since an honest one may ask about all of its branches at once.
//
// An honest peer asks each of its peers rarely: its rests double, and it has many to choose from, so it has a burst of
// a few doublings and then one in some seconds. What a liar gets stays far below three times the beat a second and link
// that everybody pays anyway. What is not answered is dropped, as if it had been lost: who asks asks again.

#include <algorithm>
#include <cstdint>

#include "agent/core/time.h"

namespace agent::core {

class Patience {
 public:
  struct Terms {
    std::int64_t burst = 0;  // >= 1
    Duration period{};       // > 0: after which one more is answered
  };
  static constexpr Terms with_a_link{.burst = 32, .period = std::chrono::milliseconds(500)};
  static constexpr Terms with_a_branch{.burst = 8, .period = std::chrono::seconds(2)};

  explicit Patience(Terms terms) : terms_(terms), saved_(full()) {}

  // Whether one more question is heard at `now`; it is counted. REQUIRES: `now` never goes back.
  bool spend(Instant now) {
    saved_ = std::min(full(), saved_ + (now - since_));
    since_ = now;
    if (saved_ < terms_.period) return false;
    saved_ -= terms_.period;
    return true;
  }
  // The question was of use to us.
  void give_back() { saved_ = std::min(full(), saved_ + terms_.period); }

 private:
  [[nodiscard]] Duration full() const { return terms_.burst * terms_.period; }

  Terms terms_;
  Duration saved_;
  Instant since_;
};

}  // namespace agent::core
