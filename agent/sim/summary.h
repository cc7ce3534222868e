#pragma once
// How a run of one job went, in figures: plain data, and who collects it.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/sim/world.h"

namespace agent::sim {

struct Summary {
  std::uint32_t nodes = 0;
  std::uint32_t nodes_alive = 0;  // at the end
  std::uint64_t iterations = 0;
  std::uint64_t committed = 0;
  std::uint64_t failed = 0;
  bool ended = false;                    // with a verdict
  Duration makespan{};                   // from the submission to the verdict
  Duration even{};                       // until all power that was alive has done the work
  Duration longest{};                    // iteration, on the fastest node
  Duration ideal{};                      // the longer of the two
  double ratio = 0;                      // makespan / ideal
  std::uint64_t started = 0;             // pieces, of all loops
  std::uint64_t redone = 0;              // of the root loop, beyond one start of each piece
  std::uint32_t helped = 0;              // nodes that ran something of it
  std::optional<Duration> recruited_99;  // after the submission: so soon 99 % of those alive were at work
  std::uint32_t depth = 0;               // of the tree of grants
  double messages_mean = 0;              // sent per node and second
  double messages_busiest = 0;           // by the busiest node
  double bytes_mean = 0;
};

// Watches one world for its first job.
class SummaryCollector : public Observer {
 public:
  explicit SummaryCollector(const World& world);

  void on_sent(const SendSeen& seen) override;
  void on_step(const StepSeen& seen) override;
  void on_task_began(const TaskSeen& seen) override;
  void on_node_started(NodeIndex node, WorldTime at) override;
  void on_node_died(NodeIndex node, WorldTime at) override;
  void on_power(NodeIndex node, double power, WorldTime at) override;

  [[nodiscard]] Summary summary() const;
  [[nodiscard]] std::uint64_t committed() const { return committed_; }

 private:
  struct PowerChange {
    WorldTime at;
    double by = 0;
  };

  void count_power(NodeIndex node, double power, WorldTime at);
  [[nodiscard]] Duration even() const;
  [[nodiscard]] Duration longest() const;

  const World& world_;
  WorldTime submitted_;
  std::vector<PowerChange> changes_;
  std::vector<double> power_;  // of each node now
  std::uint32_t alive_ = 0;
  std::set<NodeIndex> helped_;
  std::optional<WorldTime> recruited_99_;
  std::map<NodeIndex, std::uint32_t> depth_;
  std::vector<std::uint64_t> sent_;
  std::uint64_t bytes_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t of_root_loop_ = 0;  // iterations started there
  std::uint64_t committed_ = 0;
};

}  // namespace agent::sim
