#pragma once
// Time as the core sees it: told, never asked.
//
// Instants are nanoseconds of CLOCK_BOOTTIME, so that a laptop's sleep counts. The clock has no now(): reading the time
// inside the core does not compile. The caller's duty is that instants never go back.

#include <chrono>
#include <cstdint>

namespace agent::core {

using Duration = std::chrono::nanoseconds;

struct AgentClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<AgentClock>;
  static constexpr bool is_steady = true;
};

using Instant = AgentClock::time_point;

}  // namespace agent::core
