#pragma once
// What the world has in its calendar.

#include <cstdint>
#include <functional>
#include <variant>

#include "agent/sim/names.h"
#include "agent/sim/network.h"

namespace agent::sim {

// A node has something to do, or its processor is free again. One of an older number is void.
struct Wake {
  NodeIndex node = 0;
  std::uint64_t number = 0;
};

struct TaskDue {
  enum class What { started, point, deadline, stopped };
  What what = What::point;
  NodeIndex node = 0;
  std::uint32_t instance = 0;
  core::TaskId task;
  std::uint64_t plan = 0;  // of `point`: void if the task has another one by now
};

using Happening = std::variant<Wake, TaskDue, Delivery, std::function<void()>>;

}  // namespace agent::sim
