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
  const Observation seen{.iterations = count, .took = static_cast<double>(std::max(elapsed, Duration(1)).count())};
  if (latest_ && latest_->iterations < count) smaller_ = latest_;
  latest_ = seen;
  size_ = std::clamp(wanted_after(seen), std::max(1.0, count / growth_max), count * growth_max);
  floor_ = std::max(1.0, count * static_cast<double>(std::min(worth_a_process, grain_).count()) / seen.took);
}

double PieceSizer::wanted_after(const Observation& latest) const {
  const auto grain = static_cast<double>(grain_.count());
  const double in_proportion = latest.iterations * grain / latest.took;
  if (latest.took >= grain) return in_proportion;
  double wanted = std::max(in_proportion, latest.iterations + 1.0);
  if (smaller_ && smaller_->iterations < latest.iterations) {
    const double per_iteration = (latest.took - smaller_->took) / (latest.iterations - smaller_->iterations);
    const double by_addition = per_iteration > 0.0 ? latest.iterations + (grain - latest.took) / per_iteration
                                                   : latest.iterations * growth_max;
    wanted = std::max(wanted, by_addition);
  }
  return wanted;
}

std::uint64_t PieceSizer::next(std::uint64_t unstarted, std::uint32_t executors) const {
  assert(unstarted >= 1 && executors >= 1);
  const double share = std::ceil(static_cast<double>(unstarted) / (2.0 * executors));
  const double wanted = std::min(size_, std::max(share, std::min(floor_, size_)));
  if (wanted >= static_cast<double>(unstarted)) return unstarted;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
}

}  // namespace agent::core
