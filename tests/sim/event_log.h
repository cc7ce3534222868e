#pragma once
// Every step of every node as lines: when, where, what happened, what is done about it.

#include <iosfwd>

#include "agent/sim/observer.h"

namespace sim_test {

class EventLog : public agent::sim::Observer {
 public:
  explicit EventLog(std::ostream& out) : out_(out) {}
  void on_step(const agent::sim::StepSeen& seen) override;
  void on_fault(std::string_view name, agent::sim::NodeIndex node, agent::sim::WorldTime at) override;

 private:
  std::ostream& out_;
};

}  // namespace sim_test
