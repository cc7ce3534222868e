#pragma once
// Random numbers that are the same everywhere: for choices among peers and for jitter, not for secrets.
//
// xoshiro256** of Blackman and Vigna (2018), seeded through SplitMix64 as its authors advise. The distributions are our
// own, because those of the standard library differ between implementations.

#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "agent/core/time.h"

namespace agent::core {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next();
  // Uniform in [0, bound); `bound` >= 1. Exact: what would be biased is drawn again.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  // True in `part` of `whole` cases; `whole` >= 1.
  [[nodiscard]] bool chance(std::uint64_t part, std::uint64_t whole) { return below(whole) < part; }
  // Uniform in [middle / 2, middle * 3 / 2]: so that many who wait do not come back together.
  [[nodiscard]] Duration jittered(Duration middle);
  // Uniform in [0, 1), a multiple of 2^-53.
  [[nodiscard]] double unit();

  template <class T>
  [[nodiscard]] const T& pick(const std::vector<T>& from) {
    assert(!from.empty());
    return from[below(from.size())];
  }
  template <class T>
  void shuffle(std::vector<T>& all) {
    for (std::size_t left = all.size(); left > 1; --left) std::swap(all[left - 1], all[below(left)]);
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace agent::core
