#pragma once
// Two kinds of time: that of the world, which only the simulator knows, and that of each node, which may be off.

#include <chrono>
#include <cstdint>

#include "agent/core/time.h"

namespace agent::sim {

using core::Duration;
using core::Instant;

// Simulated world time. It has no now(): whoever needs it is told.
struct WorldClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WorldClock>;
  static constexpr bool is_steady = true;
};
using WorldTime = WorldClock::time_point;

// A node's CLOCK_BOOTTIME: it reads offset + t * (1 + rate_ppm / 10^6) at world time t, rounded down.
struct NodeClock {
  static constexpr std::int64_t rate_ppm_max = 100'000;

  Duration offset{};
  std::int64_t rate_ppm = 0;  // positive: it runs fast; at most rate_ppm_max either way

  [[nodiscard]] Instant read(WorldTime at) const;
  // The first moment at which the clock reads `at` or later; never before the world began.
  [[nodiscard]] WorldTime when(Instant at) const;
};

[[nodiscard]] constexpr double seconds_of(Duration span) {
  return std::chrono::duration<double>(span).count();
}

// Rounded to the nearest nanosecond; what is too long for the type is its longest.
[[nodiscard]] Duration from_seconds(double seconds);

}  // namespace agent::sim
