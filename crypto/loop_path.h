#pragma once
// Where a loop stands in a job's tree, and sets of iterations, as far as signed statements speak of them.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace crypto {

inline constexpr std::size_t path_depth_max = 32;

// From a loop to the one that `iteration` opened as its `ordinal`-th (from 0).
struct PathStep {
  std::uint64_t iteration = 0;
  std::uint32_t ordinal = 0;
  auto operator<=>(const PathStep&) const = default;
};

// The root loop has the empty path. At most `path_depth_max` steps.
using LoopPath = std::vector<PathStep>;

// The iterations begin, begin + 1, ... end - 1; never empty.
struct Interval {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  auto operator<=>(const Interval&) const = default;
};

}  // namespace crypto
