// How the agent starts tasks and hears of their ends: another part of agent.cpp.

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>

#include "agent/shell/agent.h"
#include "agent/shell/log.h"
#include "agent/shell/system.h"
#include "agent/shell/task_results.h"

namespace agent::shell {

namespace client = protocol::client;

namespace {

constexpr int exit_cannot_start = 126;

}  // namespace

void Agent::carry_out(const core::StartTask& start) {
  const JobTasks* job = tasks_of(start.job);
  client::Result& result = tasks_.begin(start);
  // Of a pool that this node has left, or of an agent that ends: until the core gives it up.
  if (job == nullptr || pool_finishing_)
    return post(core::TaskLost{.task = start.task, .cause = core::TaskLost::Cause::no_room});
  if (!job->is_ready(start)) {
    result.reason = "its arguments did not come along";
    return post(core::TaskLost{.task = start.task, .cause = core::TaskLost::Cause::no_room});
  }
  auto launcher = launcher_for_task();
  if (!launcher) {
    const exec::LaunchFailure& failure = launcher.error();
    return refuse_start(start, failure.error_number, "no process could be started here: " + to_string(failure));
  }
  auto order = job->order(start, (*launcher)->scratch());
  if (!order) return fail_start(start, exit_cannot_start, order.error());
  auto started = pool_->start(**launcher, start.task, *order);
  if (started) return;
  switch (started.error()) {
    case exec::OrderError::zero_byte:
    case exec::OrderError::empty_command:
      return fail_start(start, exit_cannot_start, std::string(to_string(started.error())));
    case exec::OrderError::busy:
    case exec::OrderError::gone:
      return post(core::TaskLost{.task = start.task, .cause = core::TaskLost::Cause::launcher_died});
    case exec::OrderError::no_resources:
      (void)restore_directories();
      return refuse_start(start, ENOMEM,
                          "no room for another process here: " + std::string(to_string(started.error())));
  }
}

bool Agent::restore_directories() {
  bool restored = false;
  for (const char* name : task_directories) {
    if (access(state_.file(name).c_str(), F_OK) == 0) continue;
    if (auto made = state_.make_subdirectory(name); !made) {
      log(LogLevel::warning, made.error().message);
      continue;
    }
    log(LogLevel::warning, state_.file(name) + " had been removed");
    restored = true;
  }
  if (restored) pool_->retire_idle_ones();
  return restored;
}

tl::expected<exec::Launcher*, exec::LaunchFailure> Agent::launcher_for_task() {
  auto launcher = pool_->idle_launcher();
  if (launcher || !restore_directories()) return launcher;
  return pool_->idle_launcher();
}

void Agent::refuse_start(const core::StartTask& start, int error_number, const std::string& why) {
  client::Result& result = tasks_.find(start.task)->result;
  result.reason = why;
  if (exec::is_want_of_room(error_number)) {
    return post(core::TaskLost{.task = start.task, .cause = core::TaskLost::Cause::no_room});
  }
  result.exit = exit_cannot_start;
  why_no_start_ = why;
  post(core::TaskLost{.task = start.task, .cause = core::TaskLost::Cause::cannot_start});
}

void Agent::fail_start(const core::StartTask& start, int exit, const std::string& reason) {
  client::Result& result = tasks_.find(start.task)->result;
  result.exit = exit;
  result.reason = reason;
  post(core::TaskEnded{.task = start.task, .how = core::TaskEnded::How::could_not_start, .exit = exit, .ran = {}});
}

void Agent::task_started(core::TaskId id, const exec::TaskStarted& started) {
  if (OwnTasks::Task* task = tasks_.find(id)) task->result.start_wall_ms = started.start_wall_ms;
  post(core::TaskStarted{.task = id});
}

void Agent::task_exited(core::TaskId id, const exec::TaskExited& exited, exec::Launcher& launcher) {
  OwnTasks::Task* task = tasks_.find(id);
  assert(task != nullptr);
  const JobTasks* job = tasks_of(task->loop.job);
  assert(job != nullptr);
  describe(exited, job->manifest(), task->result);
  bool kept = keep_outputs(
      launcher, [&](const std::string& stream) { return output_path(*task, id, stream); }, task->result);
  if (find(task->loop.job) == nullptr && refuse_long_outputs(task->result)) kept = false;
  post(event_of(id, exited, task->result, kept, exited.failure ? hope_after(*exited.failure) : Hope::some));
}

std::string Agent::output_path(const OwnTasks::Task& task, core::TaskId id, const std::string& stream) const {
  return surroundings_.output_directory + "/" + to_hex(task.loop.job.value()) + "-" + std::to_string(id.value()) + "." +
         stream;
}

// Launchers that can not set themselves up, for a reason that will not pass, are no better when they are new.
Hope Agent::hope_after(const exec::StartFailure& failure) {
  if (!is_launchers_fault(failure) || exec::is_want_of_room(failure.error_number)) return Hope::some;
  if (failure.step == exec::SetUpStep::scratch && restore_directories()) return Hope::some;
  why_no_start_ = "no process could be set up here (" + std::string(to_string(failure.step)) +
                  "): " + std::strerror(failure.error_number);
  return Hope::none;
}

void Agent::task_lost(core::TaskId id) {
  if (OwnTasks::Task* task = tasks_.find(id)) {
    const bool once = tasks_of(task->loop.job)->manifest().policy.started_at_most_once;
    task->result.reason =
        once ? "lost with its launcher" : "its launcher died, " + std::to_string(core::Branch::deaths_max) + " times";
  }
  // A launcher reports a start some milliseconds late. One that died with an order in its hands may have carried it
  // out, and a task that is quick to kill its launcher must not be started for ever.
  post(core::TaskStarted{.task = id});
  post(core::TaskLost{.task = id, .cause = core::TaskLost::Cause::launcher_died});
}

}  // namespace agent::shell
