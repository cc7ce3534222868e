#pragma once
// What the simulated users want done, and what its iterations are like.
//
// Costs and mishaps are pure functions of (seed, job, path, index): who runs an iteration, when and how often changes
// nothing about it. The one memory is how often a failing iteration has failed, which the world keeps.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/core/terms.h"
#include "agent/sim/clock.h"
#include "agent/sim/names.h"

namespace agent::sim {

// Seconds of one slot of power 1. `mean` is that of every kind.
struct Lengths {
  enum class Kind { constant, exponential, pareto, lognormal };
  Kind kind = Kind::constant;
  Duration mean = std::chrono::seconds(1);
  double shape = 1.5;    // pareto: alpha > 1; lognormal: sigma > 0
  double longest = 100;  // no iteration costs more than this many means
};

// "constant", "exponential", "pareto:ALPHA", "lognormal:SIGMA". Nothing: not understood.
[[nodiscard]] std::optional<Lengths> parse_lengths(std::string_view text, Duration mean);

// Every `every`-th iteration (by a mixed number, not by its index) of the kind; 0: none.
struct Mishaps {
  std::uint64_t failing_every = 0;
  std::uint32_t failures = 1;  // so often it fails before it succeeds
  std::uint64_t hopeless_every = 0;
  std::uint64_t deaf_every = 0;  // ignores a polite stop
  std::uint64_t launcher_poison_every = 0;
  std::uint64_t agent_poison_every = 0;
  std::vector<std::uint64_t> hits;  // indices of the root loop that exit with JobTerms::found
};

// Inner loops: an iteration at a depth less than `depth` opens one with the chance `percent`, or always.
struct Nesting {
  std::uint32_t depth = 0;  // 0: none
  std::uint32_t percent = 100;
  std::uint64_t size_min = 2;
  std::uint64_t size_max = 8;
  std::uint32_t loops_max = 1;  // one after the other in one iteration
  std::uint32_t branch_number = 4;
};

struct JobPlan {
  core::JobTerms terms;  // bounded
  NodeIndex root = 0;
  WorldTime submitted;
  std::optional<WorldTime> cancelled;
  Lengths lengths;
  Mishaps mishaps;
  Nesting nesting;
};

// A point in the run of a task at which it does something about an inner loop.
struct LoopStep {
  enum class What { fork, join };
  What what = What::fork;
  Duration at{};  // cost spent before
  std::uint32_t ordinal = 0;
  std::uint64_t size = 0;  // of `fork`
};

enum class Fate { succeeds, fails, hits, kills_launcher, kills_agent };

class Workload {
 public:
  Workload(std::uint64_t seed, std::vector<JobPlan> plans);

  [[nodiscard]] const std::vector<JobPlan>& plans() const { return plans_; }
  // REQUIRES: one of ours.
  [[nodiscard]] const JobPlan& plan(const core::JobId& job) const;

  // At least 1 ns. Of a whole piece: the sum; of one with more than 4,096 iterations, by their mean.
  [[nodiscard]] Duration cost(const core::JobId& job, const core::LoopPath& path, std::uint64_t index) const;
  [[nodiscard]] Duration cost(const core::JobId& job, const core::LoopPath& path, core::Interval piece) const;

  // Of an iteration that has failed `failures` times before.
  [[nodiscard]] Fate fate(const core::JobId& job, const core::LoopPath& path, std::uint64_t index,
                          std::uint32_t failures) const;
  [[nodiscard]] bool ignores_stop(const core::JobId& job, const core::LoopPath& path, std::uint64_t index) const;
  // In the order of their points; forks and joins alternate.
  [[nodiscard]] std::vector<LoopStep> loop_steps(const core::JobId& job, const core::LoopPath& path,
                                                 std::uint64_t index) const;

  // Cost of all iterations of all loops of the job that has no mishaps.
  [[nodiscard]] Duration work(const core::JobId& job) const;
  [[nodiscard]] Duration longest(const core::JobId& job) const;  // of the root loop's iterations

 private:
  [[nodiscard]] std::uint64_t number_for(const core::JobId& job, const core::LoopPath& path, std::uint64_t index,
                                         std::uint64_t purpose) const;
  [[nodiscard]] Duration work_below(const core::JobId& job, core::LoopPath& path, std::uint64_t index) const;

  std::uint64_t seed_;
  std::vector<JobPlan> plans_;
};

}  // namespace agent::sim
