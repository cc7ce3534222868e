#include "agent/core/piece_sizer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace agent::core {

PieceSizer::PieceSizer(Duration grain) : grain_(grain) {
  assert(grain > Duration::zero());
}

void PieceSizer::observe(std::uint64_t iterations, Duration elapsed) {
  assert(iterations >= 1);
  const auto count = static_cast<double>(iterations);
  // A short last piece says little about pieces of the current size.
  if (count * growth_max < size_) return;
  const auto took = static_cast<double>(std::max(elapsed, Duration(1)).count());
  const double factor = std::clamp(static_cast<double>(grain_.count()) / took, 1.0 / growth_max, growth_max);
  size_ = std::max(1.0, count * factor);
  floor_ = std::max(1.0, count * static_cast<double>(std::min(worth_a_process, grain_).count()) / took);
}

std::uint64_t PieceSizer::next(std::uint64_t unstarted, std::uint32_t executors) const {
  assert(unstarted >= 1 && executors >= 1);
  const double share = std::ceil(static_cast<double>(unstarted) / (2.0 * executors));
  const double wanted = std::min(size_, std::max(share, std::min(floor_, size_)));
  if (wanted >= static_cast<double>(unstarted)) return unstarted;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
}

}  // namespace agent::core
