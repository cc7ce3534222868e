#pragma once
// One process of one node: how far it is, and what happens to it next.
//
//   launching -> running <-> parked          done() grows with the node's power while it runs
//        \__________\___________\___ over    told to stop, at its end, or killed at its deadline
//
// Invariants: `done` never goes back and never passes the next point; a parked task stands at a join.

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/action.h"
#include "agent/sim/clock.h"
#include "agent/sim/workload.h"

namespace agent::sim {

// What a piece will do once it runs, as far as its workload decides.
struct TaskScript {
  Duration whole{};  // cost until it ends by itself
  Fate fate = Fate::succeeds;
  std::uint64_t fated = 0;  // the iteration that decided it
  bool ignores_stop = false;
  std::vector<LoopStep> steps;  // of a piece of one iteration only
};

class TaskRun {
 public:
  TaskRun(const core::StartTask& order, TaskScript script, WorldTime began);

  [[nodiscard]] const core::StartTask& order() const { return order_; }
  [[nodiscard]] const TaskScript& script() const { return script_; }
  [[nodiscard]] WorldTime began() const { return began_; }
  [[nodiscard]] bool parked() const { return parked_; }
  [[nodiscard]] core::Instant deadline() const { return deadline_; }
  // Invalidates what was planned for it before.
  [[nodiscard]] std::uint64_t plan() const { return plan_; }
  [[nodiscard]] bool stopping() const { return stop_.has_value(); }

  // Its process exists.
  void begin(WorldTime now, double power);
  // Goes on at `power` (0: frozen) from now on, if it has begun. Then next_point() tells when to call reach().
  void proceed(WorldTime now, double power);
  // When the next point is reached; nothing: never, as things are.
  [[nodiscard]] std::optional<WorldTime> next_point() const;
  // The next point is reached: the loop step to take there, or nothing at the end of the run.
  std::optional<LoopStep> reach(WorldTime now);
  void park() { parked_ = true; }
  // REQUIRES: parked.
  void resume(WorldTime now, double power);

  void extend(core::Instant deadline);
  // True: this is news, and harder than what it was told before.
  bool stop(core::StopHow how);

 private:
  core::StartTask order_;
  TaskScript script_;
  WorldTime began_;
  core::Instant deadline_;
  Duration done_{};
  WorldTime updated_;
  double power_ = 0;
  std::size_t next_step_ = 0;
  std::uint64_t plan_ = 0;
  bool begun_ = false;
  bool parked_ = false;
  std::optional<core::StopHow> stop_;
};

// What a piece of this workload will do; `failures_of` says how often an iteration has failed.
template <class FailuresOf>
[[nodiscard]] TaskScript script_of(const Workload& workload, const core::StartTask& order, FailuresOf failures_of);

// Pieces of more iterations than this are not looked at one by one: only hits end them early.
inline constexpr std::uint64_t scripted_max = 4'096;

template <class FailuresOf>
TaskScript script_of(const Workload& workload, const core::StartTask& order, FailuresOf failures_of) {
  TaskScript script{.fated = order.piece.begin};
  script.ignores_stop = workload.ignores_stop(order.job, order.path, order.piece.begin);
  if (order.piece.count() > scripted_max) {
    script.whole = workload.cost(order.job, order.path, order.piece);
    for (const std::uint64_t hit : workload.plan(order.job).mishaps.hits) {
      if (order.path.empty() && hit >= order.piece.begin && hit < order.piece.end) script.fate = Fate::hits;
    }
    return script;
  }
  for (std::uint64_t index = order.piece.begin; index < order.piece.end; ++index) {
    script.whole += workload.cost(order.job, order.path, index);
    script.fate = workload.fate(order.job, order.path, index, failures_of(index));
    script.fated = index;
    if (script.fate != Fate::succeeds) break;
  }
  if (order.piece.count() == 1) script.steps = workload.loop_steps(order.job, order.path, order.piece.begin);
  return script;
}

}  // namespace agent::sim
