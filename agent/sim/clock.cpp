#include "agent/sim/clock.h"

#include <cassert>
#include <cmath>

namespace agent::sim {

namespace {

constexpr std::int64_t million = 1'000'000;

// span * ppm / 10^6, rounded towards zero, without a product that overflows.
std::int64_t share_of(std::int64_t span, std::int64_t ppm) {
  return span / million * ppm + span % million * ppm / million;
}

}  // namespace

Instant NodeClock::read(WorldTime at) const {
  assert(rate_ppm >= -rate_ppm_max && rate_ppm <= rate_ppm_max);
  const std::int64_t t = at.time_since_epoch().count();
  return Instant(offset + Duration(t + share_of(t, rate_ppm)));
}

WorldTime NodeClock::when(Instant at) const {
  const std::int64_t wanted = (at.time_since_epoch() - offset).count();
  if (wanted <= 0) return WorldTime{};
  // Close from below, then step: the estimate is off by a few nanoseconds at most.
  const double ratio = 1.0 / (1.0 + static_cast<double>(rate_ppm) * 1e-6);
  auto t = static_cast<std::int64_t>(static_cast<double>(wanted) * ratio);
  while (t > 0 && read(WorldTime(Duration(t - 1))) >= at) t -= 1;
  while (true) {
    const Duration missing = at - read(WorldTime(Duration(t)));
    if (missing <= Duration::zero()) return WorldTime(Duration(t));
    t += missing > Duration(16) ? missing.count() / 2 : 1;
  }
}

Duration from_seconds(double seconds) {
  const double nanoseconds = seconds * 1e9;
  if (nanoseconds >= 9.2e18) return Duration::max();
  return Duration(static_cast<std::int64_t>(std::llround(nanoseconds)));
}

}  // namespace agent::sim
