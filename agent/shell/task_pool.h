#pragma once
// The launchers of this agent: one per running task, kept for the next one.
//
// A place is a launcher with at most one task. The pool starts launchers when all are busy, watches their sockets, and
// hands on what they report. When one dies it kills and reaps what fell to this process (it must be a subreaper) and
// has the scratch directory removed. One that could not set itself up is replaced. Every task that was started gets
// exactly one on_exited or on_lost.
//
// Slow and dead look the same: a launcher that was stopped (SIGSTOP: it could neither end its task nor watch its
// limits), or that does not answer within `answer_patience_ns`, is killed, and all else is as if it had died by itself.

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/core/event.h"
#include "agent/exec/launcher.h"
#include "agent/shell/uv_handle.h"

namespace agent::shell {

// Whether it is the launcher that failed, and not the task: it must be replaced.
[[nodiscard]] bool is_launchers_fault(const exec::StartFailure& failure);

class TaskPool {
 public:
  struct Callbacks {
    std::function<void(core::TaskId, const exec::TaskStarted&)> on_started;
    // The outputs wait in the launcher; they are lost if nobody takes them now.
    std::function<void(core::TaskId, const exec::TaskExited&, exec::Launcher&)> on_exited;
    std::function<void(core::TaskId)> on_lost;
    std::function<void()> on_finished;  // after finish(): the last launcher has gone
  };

  // Long enough for a machine that swaps, shorter than any lease on what the task does.
  static constexpr std::int64_t answer_patience_ns_usual = 15'000'000'000;

  TaskPool(uv_loop_t* loop, exec::LauncherOptions options, Callbacks callbacks,
           std::int64_t answer_patience_ns = answer_patience_ns_usual);
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // A launcher without a task. Valid until the next call of anything here.
  [[nodiscard]] tl::expected<exec::Launcher*, exec::LaunchFailure> idle_launcher();
  // Those without a task end; new ones are started as they are needed.
  void retire_idle_ones();
  // Starts `order` on it. REQUIRES: it came from idle_launcher() just now.
  [[nodiscard]] tl::expected<void, exec::OrderError> start(exec::Launcher& launcher, core::TaskId task,
                                                           const exec::TaskOrder& order);
  void stop(core::TaskId task, exec::StopHow how);
  void extend_deadline(core::TaskId task, core::Instant deadline);

  // Orphans that were killed and have not died yet: look after them again soon.
  [[nodiscard]] bool orphans_left() const { return orphans_left_; }
  void reap_orphans();

  // Ends all launchers, and their tasks; those that have not gone by themselves after `finish_patience_ms` are killed.
  void finish();
  static constexpr std::uint64_t finish_patience_ms = 3'000;

 private:
  struct Place {
    TaskPool* pool = nullptr;
    std::unique_ptr<exec::Launcher> launcher;
    UvHandle<uv_poll_t> poll;
    std::optional<core::TaskId> task;
    bool gone = false;  // its LauncherGone is on the way: no task for it
  };

  [[nodiscard]] tl::expected<Place*, exec::LaunchFailure> add_place();
  [[nodiscard]] Place* place_of(core::TaskId task);
  void read(Place& place);
  void bury(Place& place);
  void watch_children();
  void kill_stopped_ones();
  void await_answers();
  void kill_silent_ones();
  void kill(Place& place);

  uv_loop_t* loop_;
  const exec::LauncherOptions options_;
  Callbacks callbacks_;
  const std::int64_t answer_patience_ns_;
  std::vector<std::unique_ptr<Place>> places_;
  std::map<core::TaskId, Place*> busy_;
  bool orphans_left_ = false;
  bool finishing_ = false;
  bool killed_ = false;
  UvHandle<uv_timer_t> patience_;
  UvHandle<uv_timer_t> answers_;
  UvHandle<uv_signal_t> children_;
};

}  // namespace agent::shell
