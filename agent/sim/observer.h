#pragma once
// Who watches a world: checkers, marks, traces and summaries. Named after what happened; nobody may change anything.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/sim/clock.h"
#include "agent/sim/names.h"

namespace agent::sim {

struct StepSeen {
  NodeIndex node = 0;
  WorldTime at;
  core::Instant now;  // by the node's clock
  const core::Event& event;
  const std::vector<core::Action>& actions;
};

struct SendSeen {
  NodeIndex from = 0;
  core::NodeId to;
  WorldTime at;
  const core::Send& send;
  std::span<const std::byte> bytes;  // on the wire; none if not linked
  bool linked = true;                // as far as the sender was told
};

struct TaskSeen {
  NodeIndex node = 0;
  WorldTime at;
  const core::StartTask& order;
};

enum class TaskEnding { exited, failed, stopped, lost };

class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  virtual void on_step(const StepSeen&) {}
  virtual void on_sent(const SendSeen&) {}
  virtual void on_task_began(const TaskSeen&) {}
  virtual void on_task_parked(const TaskSeen&) {}
  virtual void on_task_resumed(const TaskSeen&) {}
  // Its process is gone, whether or not the agent knows.
  virtual void on_task_gone(const TaskSeen&, TaskEnding) {}
  virtual void on_node_started(NodeIndex, WorldTime) {}
  virtual void on_node_died(NodeIndex, WorldTime) {}
  // A slot of it does from now on so much per second.
  virtual void on_power(NodeIndex, double /*power*/, WorldTime) {}
  virtual void on_fault(std::string_view /*name*/, NodeIndex, WorldTime) {}
  // Something of the world has been dealt with, whatever it was.
  virtual void on_turn(WorldTime) {}
};

}  // namespace agent::sim
