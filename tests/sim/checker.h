#pragma once
// Invariants seen from outside, over all nodes of a world: what must never happen, whatever faults strike.
//
// Names are those of the catalogue of invariants: S safety, R bounds, P caller's duties of the core, E the end. Cheap
// ones are checked at each event, the walk over all nodes every `walk_every` turns. A violation is noted, not fatal:
// the run goes on, so that one seed shows all that is wrong with it. What the core asserts about itself ends the
// program.

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/interval_map.h"
#include "agent/core/interval_set.h"
#include "agent/sim/world.h"

namespace sim_test {

using agent::sim::Duration;
using agent::sim::NodeIndex;
using agent::sim::WorldTime;

enum class Invariant {
  s1_commit_once,   // no iteration is committed twice, none outside of its loop
  s3_branch_bound,  // at most B recruited helpers per master and loop
  s3_copies,        // at most three live copies, in a stable network
  s4_coverage,      // a job that is done has committed all of its loop; every agent's own partition holds
  s6_attempts,      // a root that issues an iteration again, to itself or others, does so under a higher attempt
  s7_lease,         // nothing runs for masters that have not been heard for a lease
  s7_mandate,       // nothing of a job runs a mandate's life after its root is gone
  r3_state,         // bounded state in the core
  r5_messages,      // bounded messages per node and second
  r6_reexecution,   // without faults nothing runs again that has run
  p1_linked,        // nothing is sent where no link is
  p2_standing,      // without faults no message fails its standing
  e1_nothing_left,  // no job, task, result or batch remains at the end
  l1_verdict,       // every job whose root lives reaches its verdict in time
  s1_origin,        // what is committed had been granted to whoever signed it (witness.h)
  s2_settled,       // without faults nothing is told to be settled before its root has it (witness.h)
  s7_true_lease,    // nothing starts but under a lease that runs from the sending of what was echoed (witness.h)
  s_started_once,   // no iteration of a job that asks for it starts twice, whatever strikes
  s9_curfew,        // nothing begins long after the end of its job was decided (curfew.h)
};
inline constexpr std::size_t invariant_count = static_cast<std::size_t>(Invariant::s9_curfew) + 1;
[[nodiscard]] std::string_view name_of(Invariant invariant);

struct Violation {
  Invariant invariant = Invariant::s1_commit_once;
  WorldTime at;
  std::string what;
};

struct CheckerOptions {
  bool stable = false;             // no faults: the stricter rules hold
  Duration mandate_slack{};        // so long may a mandate be held up on the wire
  std::uint64_t walk_every = 500;  // turns
  std::set<NodeIndex> liars{};     // what they do is not looked at, what they bring about elsewhere is
};

class Checker : public agent::sim::Observer {
 public:
  Checker(const agent::sim::World& world, const CheckerOptions& options);

  void on_step(const agent::sim::StepSeen& seen) override;
  void on_sent(const agent::sim::SendSeen& seen) override;
  void on_task_began(const agent::sim::TaskSeen& seen) override;
  void on_task_gone(const agent::sim::TaskSeen& seen, agent::sim::TaskEnding ending) override;
  void on_node_died(NodeIndex node, WorldTime at) override;
  void on_turn(WorldTime at) override;

  // After everything: `rest_of_life` after the last job ended.
  void check_end();
  void expect_verdicts_by_now();

  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  [[nodiscard]] const std::array<std::uint64_t, invariant_count>& checks() const { return checks_; }
  [[nodiscard]] bool saw_grants() const { return saw_grants_; }

 private:
  struct Running {
    NodeIndex node = 0;
    agent::core::TaskId task;
    agent::core::Interval piece;
    bool operator==(const Running&) const = default;
  };
  // What one node granted to another, of one loop. It is kept when nothing of it is held: the latest grant may still be
  // refused, and more may be granted under the same name.
  struct Given {
    agent::core::LoopId loop;
    std::vector<agent::core::Interval> latest{};
    agent::core::IntervalSet held{};
  };
  struct JobSeen {
    agent::core::IntervalSet committed;
    agent::core::IntervalSet started;
    agent::core::IntervalSet copied;                 // to be started again, somewhere, though it may run
    agent::core::IntervalMap<std::uint32_t> issued;  // by its root: 1 + the highest attempt
    std::vector<Running> running;                    // of the root loop
    std::map<agent::core::LoopPath, agent::core::IntervalSet> started_once;  // of all loops of one that starts once
    bool failed_once = false;  // some task of it: what follows is no re-execution
    bool root_died = false;    // who runs there now knows nothing of it
  };
  // A loop that a task opened, until the task is gone.
  struct InnerLoop {
    std::uint64_t size = 0;
    agent::core::IntervalSet committed;
  };
  struct NodeSeen {
    std::map<std::pair<agent::core::TaskId, std::uint32_t>, InnerLoop> inner;  // by opener and ordinal
    std::map<NodeIndex, WorldTime> heard;
    std::map<NodeIndex, agent::core::InstanceKey> instances;  // of those that it was linked to
    std::map<agent::core::JobId, std::set<NodeIndex>> masters;
    std::map<NodeIndex, std::map<agent::core::BranchId, Given>> given;
    std::map<std::pair<NodeIndex, agent::core::BranchId>, agent::core::IntervalSet> told;  // in parts of `holds` so far
    std::uint64_t sent = 0;                                                                // in the window under way
    std::uint64_t allowed = 0;  // likewise, for results and grants
  };

  void expect(Invariant invariant, bool holds, const std::string& what);
  void on_received(NodeIndex node, const agent::core::MessageReceived& received);
  template <class Commit>
  void on_committed(NodeIndex node, const Commit& commit);
  void on_forked(NodeIndex node, const agent::core::LoopForked& forked);
  void on_joined(NodeIndex node, const agent::core::AnswerJoin& answer);
  void on_linked(NodeSeen& node, const agent::core::Peer& peer);
  void on_answered(const agent::core::AnswerVerdict& answer);
  void on_grant(NodeIndex master, NodeIndex helper, const protocol::Grant& grant);
  void on_issued(JobSeen& job, agent::core::Interval piece, agent::core::Attempt attempt);
  void on_held(NodeIndex master, NodeIndex helper, const protocol::Holds& holds);
  void never_started(NodeIndex master, const agent::core::LoopId& loop, const std::vector<agent::core::Interval>& what);
  void take_back(NodeIndex master, NodeIndex helper, agent::core::BranchId branch,
                 const std::vector<agent::core::Interval>& what);
  [[nodiscard]] std::uint32_t branch_number(const agent::core::LoopId& loop) const;
  void walk(WorldTime at);
  void walk_tasks(NodeIndex node, WorldTime at);
  void close_window(WorldTime at);

  const agent::sim::World& world_;
  CheckerOptions options_;
  std::map<agent::core::JobId, JobSeen> jobs_;
  std::vector<NodeSeen> nodes_;
  std::vector<Violation> violations_;
  std::array<std::uint64_t, invariant_count> checks_{};
  WorldTime now_;
  WorldTime window_ends_;
  std::uint64_t turns_ = 0;
  bool saw_grants_ = false;
};

}  // namespace sim_test
