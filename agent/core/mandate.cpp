#include "agent/core/mandate.h"

#include <algorithm>

namespace agent::core {

bool Mandate::see(Instant now, std::uint64_t sequence, Duration time_to_live, Duration age) {
  if (sequence_ && sequence <= *sequence_) return false;
  sequence_ = sequence;
  const Duration left = std::clamp(time_to_live, Duration::zero(), life) - std::max(age, Duration::zero());
  const Instant until = now + std::max(left, Duration::zero());
  good_until_ = good_until_ ? std::max(*good_until_, until) : until;
  return true;
}

}  // namespace agent::core
