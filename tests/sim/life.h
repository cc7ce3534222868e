#pragma once
// One seed from its beginning to its end: draws the scenario, lets it happen under the checker, and says how it went.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/checker.h"
#include "tests/sim/marks.h"
#include "tests/sim/scenario.h"

namespace sim_test {

struct LifeReport {
  std::vector<Violation> violations;
  std::uint64_t trace_hash = 0;
  MarkCounts marks{};
  std::map<std::string, std::uint64_t> faults;  // that really struck
  std::array<std::uint64_t, invariant_count> checks{};
  std::uint64_t turns = 0;
  std::uint32_t nodes = 0;
  std::size_t planned_faults = 0;
  Duration simulated{};
};

// `watching`: more observers, such as a trace.
[[nodiscard]] LifeReport live(std::uint64_t seed, const Reduction& reduction,
                              const std::vector<agent::sim::Observer*>& watching);

}  // namespace sim_test
