#pragma once
// A run as a file that Perfetto and chrome://tracing open (trace_writer.h).
//
// Each node is a process, each slot a thread, and what runs is a slice; a parked task's slice ends, and goes on as
// another one. A further thread of a node holds what it says to others, as short slices, so that both ends of every
// arrow lie on one: grants and steals point from master to helper, a repetition from the run before to the run again.
// Suspicion, death, adoption and faults are instants. Everything is streamed; finish() closes what is open.
//
// Invariant: no two slices of a thread overlap.

#include <cstdint>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/sim/observer.h"
#include "agent/sim/trace_writer.h"

namespace agent::sim {

class ChromeTrace : public Observer {
 public:
  static constexpr std::uint32_t messages_thread = TraceWriter::messages_thread;

  // `out` must outlive this.
  explicit ChromeTrace(std::ostream& out);

  void on_step(const StepSeen& seen) override;
  void on_sent(const SendSeen& seen) override;
  void on_task_began(const TaskSeen& seen) override;
  void on_task_parked(const TaskSeen& seen) override;
  void on_task_resumed(const TaskSeen& seen) override;
  void on_task_gone(const TaskSeen& seen, TaskEnding ending) override;
  void on_node_started(NodeIndex node, WorldTime at) override;
  void on_node_died(NodeIndex node, WorldTime at) override;
  void on_fault(std::string_view name, NodeIndex node, WorldTime at) override;

  // Writes what is open, and the end of the file. Nothing may follow.
  void finish(WorldTime at);

 private:
  using TaskKey = std::pair<NodeIndex, core::TaskId>;
  struct Open {
    std::string name;
    std::uint32_t thread = 0;
    WorldTime from;
  };
  using Point = TraceWriter::Point;
  // Sender, receiver, branch.
  using GrantKey = std::tuple<NodeIndex, NodeIndex, core::BranchId>;

  void close(const TaskKey& key, WorldTime at, std::string_view category);

  TraceWriter out_;
  std::set<NodeIndex> processes_;  // that have their name
  std::map<TaskKey, Open> open_;
  std::map<GrantKey, Point> grants_;  // under way
  std::set<std::pair<NodeIndex, std::uint64_t>> asks_;
  std::map<std::pair<core::LoopId, std::uint64_t>, Point> runs_;  // the latest of each piece, by its begin
};

}  // namespace agent::sim
