#pragma once
// Task launchers: small processes that start, watch, stop and clean up one task at a time each.
//
// `Launcher` is the agent's end. The other end is this same program, executed again under the name "gibbon-launcher":
// `main` asks `is_launcher_invocation` before it does anything else and, if so, returns `launcher_main`.
// What the launcher does, and what the agent owes it, is told in agent/exec/README.md.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "agent/exec/descriptor.h"
#include "agent/exec/output_file.h"
#include "agent/exec/task.h"

namespace agent::exec {

struct LauncherOptions {
  std::string scratch_parent;             // existing directory of ours, absolute: scratch directories are made in it
  std::string output_directory;           // existing directory on a disk with room: outputs are written there
  std::string marker;                     // value of GIBBON_AGENT in the launcher's own environment
  std::int64_t grace_ns = 5'000'000'000;  // between SIGTERM and SIGKILL
};

enum class LaunchError : std::uint8_t {
  no_descriptors,
  scratch_parent_unusable,
  output_directory_unusable,
  no_process,  // the system would not start one
};
[[nodiscard]] std::string_view to_string(LaunchError error);

struct LaunchFailure {
  LaunchError error = LaunchError::no_process;
  int error_number = 0;  // errno of what failed
  std::string path;      // the directory or program that it is about; may be empty
};
// For people: what, where and why.
[[nodiscard]] std::string to_string(const LaunchFailure& failure);

enum class OrderError : std::uint8_t {
  busy,           // a task is running
  gone,           // the launcher has died: `read_events` says so too
  empty_command,  // argv has no element
  zero_byte,      // a string contains a byte 0
  no_resources,   // no descriptor, memory or output file to be had; nothing was started
};
[[nodiscard]] std::string_view to_string(OrderError error);

// The agent's end of one launcher. One task at a time: `start_task`, then events until its `TaskExited`, then
// `take_outputs`, and again. It never blocks, save in the destructor. Not for several threads; `start` must be called
// on a thread that lives as long as the agent, since the launcher dies with the thread that started it.
class Launcher {
 public:
  // Starts the process and returns at once; orders given before it is up wait in the socket. A set-up that fails in the
  // launcher is reported for the first task, as `could_not_start`.
  [[nodiscard]] static tl::expected<std::unique_ptr<Launcher>, LaunchFailure> start(const LauncherOptions& options);

  // Hangs up and waits until the process is gone, which takes about a millisecond: it kills what is below it at once
  // and removes its scratch directory. One that is not gone after 2 s is killed. To end many, call `finish` for all of
  // them first; not to wait at all, call `finish` and destroy at `LauncherGone`.
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  Launcher(Launcher&&) = delete;
  Launcher& operator=(Launcher&&) = delete;

  // Readable when `read_events` has something to say. Non-blocking; owned by this object.
  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Where the scratch directory of its tasks is (absolute). It exists, empty, when a task starts, and only then for
  // sure.
  [[nodiscard]] const std::string& scratch() const { return scratch_; }
  // A task was ordered and its `TaskExited` has not been read yet.
  [[nodiscard]] bool busy() const { return busy_; }

  // Any length of arguments and environment; what the system refuses comes back as `too_long`. The outputs of the task
  // before, if they were not taken, are thrown away.
  [[nodiscard]] tl::expected<void, OrderError> start_task(const TaskOrder& order);
  // Without effect on any task but the running one of this number. `stopped` is its reason, unless it ends before.
  void stop_task(std::uint64_t task, StopHow how);
  // Moves the dead-man's deadline of that task on, never back.
  void extend_deadline(std::uint64_t task, std::int64_t deadline_ns);
  // Hangs up: the launcher kills its task and exits, `LauncherGone` follows.
  void finish();
  // Kills the process; `LauncherGone` follows. Its task loses its main process; what else is below falls to the agent.
  void kill();

  // Somebody stopped the process (SIGSTOP or the like) since this was last asked, and it is stopped still.
  [[nodiscard]] bool is_stopped() const;
  // It was told something (a stop, a deadline) and has not answered yet. It does so at once if it can do anything.
  [[nodiscard]] bool owes_answer() const { return unanswered_since_ns_ != 0; }
  // It has owed the answer for that long, and what it said meanwhile does not just wait to be read.
  [[nodiscard]] bool is_silent_for(std::int64_t patience_ns) const;

  // What has happened since the last call, in order; empty if nothing.
  [[nodiscard]] std::vector<Event> read_events();

  // REQUIRES: not busy. What the last task wrote, each stream once.
  [[nodiscard]] tl::expected<Outputs, OutputError> take_outputs();

 private:
  Launcher(const LauncherOptions& options, std::string scratch);

  [[nodiscard]] tl::expected<void, OrderError> renew_outputs();
  [[nodiscard]] tl::expected<Output, OutputError> take(std::optional<OutputFile>& stream);
  void send(const void* record, std::size_t length);

  const LauncherOptions options_;
  const std::string scratch_;
  Descriptor socket_;
  pid_t pid_ = -1;
  // Nothing: it was taken, and the next task gets a new one.
  std::optional<OutputFile> standard_output_;
  std::optional<OutputFile> standard_error_;
  // The launcher has the present file; otherwise it is passed along with the next order.
  bool output_is_theirs_ = false;
  bool error_is_theirs_ = false;
  bool is_dirty_ = false;  // a task may have written to the files since they were emptied
  // Invariant: busy_ implies !gone_.
  bool busy_ = false;
  bool gone_ = false;
  std::int64_t unanswered_since_ns_ = 0;  // of CLOCK_MONOTONIC; 0: nothing is owed
};

[[nodiscard]] bool is_launcher_invocation(int argc, char** argv);

// The launcher's whole life; returns the exit code of the process. REQUIRES: is_launcher_invocation(argc, argv).
int launcher_main(int argc, char** argv);

}  // namespace agent::exec
