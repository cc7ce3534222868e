#pragma once
// Messages at random, of every kind that concerns work, about branches and loops that the speaker has heard of.

#include <map>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/random.h"

namespace sim_test {

class Babbler {
 public:
  // What it may speak of: the latest few.
  void hear(agent::core::NodeId from, const protocol::Grant& grant);
  [[nodiscard]] const std::vector<agent::core::LoopId>& loops() const { return loops_; }

  // One message to `to`.
  [[nodiscard]] agent::core::Send say(agent::core::NodeId to, agent::core::Random& random) const;

 private:
  [[nodiscard]] agent::core::Message about(agent::core::BranchId branch, const agent::core::LoopId& loop,
                                           agent::core::NodeId to, agent::core::Random& random) const;

  std::map<agent::core::NodeId, std::vector<agent::core::BranchId>> branches_;
  std::vector<agent::core::LoopId> loops_;
};

}  // namespace sim_test
