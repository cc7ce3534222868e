#pragma once
// A job's licence to run here (protocol/README.md, "the two clocks of trust").
//
// The root signs a new mandate every `renewal_period`; whoever works for the job counts `life` from the moment it first
// saw a sequence, minus the age that the message says it spent on the way. Without a fresh one nothing of the job is
// started, and the launchers stop what runs: they hold the same deadline. The root is its own first reader: it signs,
// sees its own mandate, and only then starts anything.
//
// Invariant: sequences only grow within an epoch; `good_until` never moves back for a newer sequence.

#include <cstdint>
#include <optional>

#include "agent/core/time.h"

namespace agent::core {

class Mandate {
 public:
  static constexpr Duration renewal_period = std::chrono::seconds(10);
  static constexpr Duration life = std::chrono::seconds(60);

  // Notes a mandate first seen at `now`; `age` is what it says it spent on the way. False: an old sequence, ignored.
  bool see(Instant now, std::uint64_t sequence, Duration time_to_live, Duration age);

  [[nodiscard]] bool fresh(Instant now) const { return good_until_ && now < *good_until_; }
  // Requires that one was seen.
  [[nodiscard]] Instant good_until() const { return *good_until_; }

 private:
  std::optional<std::uint64_t> sequence_;
  std::optional<Instant> good_until_;
};

}  // namespace agent::core
