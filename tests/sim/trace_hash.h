#pragma once
// One number for a whole run: two runs of one seed must end with the same.

#include <cstdint>

#include "agent/sim/observer.h"

namespace sim_test {

class TraceHash : public agent::sim::Observer {
 public:
  void on_step(const agent::sim::StepSeen& seen) override;
  void on_sent(const agent::sim::SendSeen& seen) override;
  void on_task_began(const agent::sim::TaskSeen& seen) override;
  void on_task_gone(const agent::sim::TaskSeen& seen, agent::sim::TaskEnding ending) override;

  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add(std::uint64_t number);

  std::uint64_t value_ = 0;
};

}  // namespace sim_test
