#pragma once
// Three rules beside those of the checker, each of which needs a memory of what went over the wires:
//   S1 origin      what is committed from a batch had been granted to the node that signed it
//   S2 settled     without faults nobody is told that a result is settled before its root has it
//   S7 true lease  a task for somebody else starts only while some master of the job has echoed a message that its
//                  node sent less than a lease ago
// Of root loops only. What a liar says about itself breaks none of them; that others believe it does.

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/checker.h"

namespace sim_test {

struct WitnessOptions {
  bool stable = false;        // S2 is looked at
  std::set<NodeIndex> liars;  // whose own steps are not looked at
};

class Witness : public agent::sim::Observer {
 public:
  Witness(const agent::sim::World& world, WitnessOptions options) : world_(world), options_(std::move(options)) {}

  void on_step(const agent::sim::StepSeen& seen) override;
  void on_sent(const agent::sim::SendSeen& seen) override;
  void on_task_began(const agent::sim::TaskSeen& seen) override;
  void on_node_died(NodeIndex node, WorldTime at) override;

  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  [[nodiscard]] const std::array<std::uint64_t, invariant_count>& checks() const { return checks_; }

 private:
  // What was sent on the links of a pair since the latest of them came up, as its sender sees it.
  struct Wire {
    std::map<std::uint64_t, WorldTime> sent;  // by sequence, not echoed yet
    WorldTime echoed_send;                    // when the latest echoed one was sent
    bool echoed = false;
  };

  void expect(Invariant invariant, bool holds, WorldTime at, const std::string& what);
  void on_received(NodeIndex node, const agent::core::MessageReceived& received);

  const agent::sim::World& world_;
  WitnessOptions options_;
  std::map<std::pair<NodeIndex, NodeIndex>, Wire> wires_;  // from, to
  std::map<NodeIndex, std::map<agent::core::JobId, std::set<NodeIndex>>> masters_;
  std::map<std::pair<agent::core::JobId, NodeIndex>, agent::core::IntervalSet> granted_;  // ever, by anybody
  std::map<agent::core::JobId, agent::core::IntervalSet> committed_;
  std::map<agent::core::JobId, agent::core::IntervalSet> released_;  // cancelled or returned, by anybody
  std::vector<Violation> violations_;
  std::array<std::uint64_t, invariant_count> checks_{};
};

}  // namespace sim_test
