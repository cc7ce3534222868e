#pragma once
// Clocks as plain nanoseconds.

#include <time.h>

#include <cassert>
#include <cstdint>

namespace agent::exec {

inline constexpr std::int64_t ns_per_second = 1'000'000'000;

[[nodiscard]] inline std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  [[maybe_unused]] const int failed = ::clock_gettime(clock, &now);
  assert(failed == 0);
  return std::int64_t{now.tv_sec} * ns_per_second + now.tv_nsec;
}

}  // namespace agent::exec
