#pragma once
// When the end of a job is decided, its news goes down the tree, and nothing more of the job begins: S9.
//
//   halt soon                nothing of the root loop (loops inside of what runs go on)
//   halt now, hit, cancel    nothing at all
//   a hit of a search for    nothing of the root loop at and above it, and no loop inside of that
//   the lowest one
//
// A copy of what takes too long does not begin it: that had begun.
//
// What decides is derived from what the root is told and commits, and counted anew here. The news may take some round
// trips; where faults strike, as long as those that are cut off may go on: two leases, one below the other.

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/checker.h"

namespace sim_test {

struct CurfewOptions {
  bool stable = false;        // no faults strike
  std::set<NodeIndex> liars;  // they tell nobody: with any of them nothing is looked at
};

class Curfew : public agent::sim::Observer {
 public:
  Curfew(const agent::sim::World& world, CurfewOptions options);

  void on_step(const agent::sim::StepSeen& seen) override;
  void on_task_began(const agent::sim::TaskSeen& seen) override;
  void on_node_died(NodeIndex node, WorldTime at) override;

  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  [[nodiscard]] const std::array<std::uint64_t, invariant_count>& checks() const { return checks_; }

 private:
  struct Decided {
    WorldTime at;
    std::uint64_t from = 0;      // of the root loop, this and all above
    bool inner_as_well = false;  // also loops inside of what runs
  };
  struct JobSeen {
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::map<agent::core::TaskId, agent::core::Interval> at_root;  // tasks of the root loop that began there
    agent::core::IntervalSet copied;                               // of the root loop, by anybody
    std::vector<Decided> decided;
  };

  template <class Commit>
  void on_committed(JobSeen& job, const Commit& commit, WorldTime at);
  void on_candidate(JobSeen& job, agent::core::Interval piece, WorldTime at);
  [[nodiscard]] bool halts(const agent::core::JobTerms& terms, const JobSeen& job) const;

  const agent::sim::World& world_;
  CurfewOptions options_;
  Duration allowance_{};
  std::map<agent::core::JobId, JobSeen> jobs_;
  std::vector<Violation> violations_;
  std::array<std::uint64_t, invariant_count> checks_{};
};

}  // namespace sim_test
