#pragma once
// Many seeds: each lives twice in a process of its own (so that an assertion of the core is one more way to fail), and
// both lives must leave the same trace.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/life.h"

namespace sim_test {

// In order of what is worst; the exit code of a campaign is that of its worst seed.
enum class Failure {
  none = 0,
  marks_missing = 16,
  left_behind = 13,
  liveness = 12,
  bounds = 11,
  caller_duty = 17,
  determinism = 14,
  safety = 10,
  crashed = 15,  // an assertion, a sanitizer, a signal
  hung = 18,     // longer than the seed's time limit
};
[[nodiscard]] std::string_view name_of(Failure failure);

struct SeedResult {
  std::uint64_t seed = 0;
  Failure failure = Failure::none;
  std::string what;  // one line, of a failure
  LifeReport report;
};

// Lives the seed in a child process. `lives`: 2 compares, 1 does not.
[[nodiscard]] SeedResult run_seed(std::uint64_t seed, const Reduction& reduction, int lives,
                                  std::optional<int> seconds_max);

struct CampaignOptions {
  std::uint64_t first = 1;
  std::uint64_t last = 50;
  unsigned jobs = 1;               // children at once
  std::optional<int> seconds_max;  // of the whole campaign: what is not begun by then is left out
  int seconds_per_seed_max = 300;
  bool marks_required = true;
  Reduction reduction;  // of every seed
};

// Prints one line per failure with the command that replays it, and the tables. Returns the exit code.
[[nodiscard]] int run_campaign(const CampaignOptions& options, const std::string& program);

// Takes faults and nodes away while the seed still fails in the same way; prints the smallest that does.
[[nodiscard]] int shrink(std::uint64_t seed, const Reduction& begin, const std::string& program);

// " --flat --nodes 12 --keep 3,7", as the command line takes it; empty if nothing is taken away.
[[nodiscard]] std::string to_arguments(const Reduction& reduction);

}  // namespace sim_test
