#pragma once
// The vocabulary between an agent and its launchers: what a task is told, and what is said of it afterwards.
//
// All instants are nanoseconds of CLOCK_BOOTTIME, so that a laptop's sleep counts. Everything here is a plain value.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/exec/output_file.h"

namespace agent::exec {

// Names of variables with a meaning of their own. The agent writes both into `TaskOrder::environment`: the first
// carries the marker by which `sweep_processes` finds what a dead agent left, the second `Launcher::scratch()`.
inline constexpr std::string_view marker_variable = "GIBBON_AGENT";
inline constexpr std::string_view scratch_variable = "GIBBON_SCRATCH";

// At most this much of an output stream is returned as bytes; more of it comes as a file.
inline constexpr std::size_t inline_output_bytes_max = std::size_t{64} << 10;

enum class Priority : std::uint8_t {
  normal,  // as the agent itself: a job that was launched on this very machine
  guest,   // nice 19, SCHED_IDLE, idle I/O class
};

// Resource limits of each single process of a task (not of their sum). 0: none beyond what the agent itself has.
struct TaskLimits {
  std::uint64_t cpu_seconds = 0;   // SIGXCPU at the limit, SIGKILL a second later
  std::uint64_t memory_bytes = 0;  // address space
  std::uint64_t file_bytes = 0;    // longest file, the outputs included: SIGXFSZ, or EFBIG where that is ignored
  std::uint64_t open_files = 0;
  bool operator==(const TaskLimits&) const = default;
};

// Everything that one task needs.
struct TaskOrder {
  std::uint64_t task = 0;         // chosen by the agent, echoed in every event
  std::vector<std::string> argv;  // at least one; an argv[0] without slash is searched on the PATH of `environment`
  std::vector<std::string> environment;  // NAME=value, complete: nothing is added
  std::string directory;                 // working directory; empty: the scratch directory
  std::uint32_t umask = 077;
  Priority priority = Priority::normal;
  TaskLimits limits;
  std::int64_t time_limit_ns = 0;  // from the start of the task; 0: none
  std::int64_t deadline_ns = 0;    // dead-man's deadline: killed at this instant unless it is moved on; 0: none
};

enum class StopHow : std::uint8_t {
  terminate,  // SIGTERM (and SIGCONT) to the whole tree, SIGKILL after `LauncherOptions::grace_ns`
  kill,       // SIGKILL at once
};

// Layers of isolation that were put round a task, as a sum of these.
enum Layer : std::uint32_t {
  layer_base = 1,            // level 0: session, scratch, null stdin, clean descriptors, limits, no new privileges
  layer_guest_priority = 2,  // the machine's owner comes first
};

// Comes before `TaskExited` for every task that was really started. Up to 5 ms late, together with `TaskExited` if the
// task is shorter than that.
struct TaskStarted {
  std::uint64_t task = 0;
  std::int32_t pid = 0;
  std::int64_t start_boot_ns = 0;
  std::int64_t start_wall_ms = 0;  // milliseconds since 1970
  std::uint32_t layers = 0;
  bool operator==(const TaskStarted&) const = default;
};

enum class EndReason : std::uint8_t {
  ended,            // by itself
  timed_out,        // `time_limit_ns` was over
  deadline_passed,  // the dead-man's deadline; the task may not even have been started
  stopped,          // `Launcher::stop_task`
  could_not_start,  // see `TaskExited::failure`
};

// Why a task could not be started, for people and exit codes.
enum class StartFailureKind : std::uint8_t {
  not_found,        // no such program: exit code 127 by convention
  not_executable,   // there is one, but it may not be executed: 126
  bad_interpreter,  // its #! line or dynamic loader names nothing that exists: 127 in most shells
  bad_directory,    // the working directory
  too_long,         // an argument, or arguments and environment together, beyond the system's limit (E2BIG)
  no_resources,     // no process or memory to be had now
  set_up_failed,    // a layer of isolation could not be put up, `step` says which
};

// In the order in which they are done.
enum class SetUpStep : std::uint8_t {
  launcher,  // the launcher's own set-up: replace the launcher
  order,     // the order could not be read
  scratch,   // the launcher's scratch directory: replace the launcher
  fork,
  parent_death,
  session,
  limits,
  priority,
  directory,
  descriptors,
  signals,
  execute,
};

struct StartFailure {
  StartFailureKind kind = StartFailureKind::set_up_failed;
  SetUpStep step = SetUpStep::order;
  int error_number = 0;  // errno of the failed step
  bool operator==(const StartFailure&) const = default;
};

// How the task's main process ended: `signal` is 0 if it exited with `code`, otherwise what killed it (`code` is 0
// then).
struct ExitStatus {
  int code = 0;
  int signal = 0;
  bool operator==(const ExitStatus&) const = default;
};

// When this is said, no process of the task is left, not even as a zombie.
struct TaskExited {
  std::uint64_t task = 0;
  EndReason reason = EndReason::ended;
  ExitStatus status;                    // meaningless if the task was never started
  std::optional<StartFailure> failure;  // exactly if `could_not_start`
  std::int64_t duration_ns = 0;         // from the start to the end of the main process
  // Sums over all processes of the task that have been waited for.
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::int64_t peak_kib = 0;  // the largest process; never below the launcher's own few MiB, from which it is forked
  bool survivors_killed = false;  // the main process ended by itself and left others, which were killed
  bool operator==(const TaskExited&) const = default;
};

// The launcher has died or hung up. Its task, if it had one, is lost. Nothing comes after this.
struct LauncherGone {
  bool operator==(const LauncherGone&) const = default;
};

using Event = std::variant<TaskStarted, TaskExited, LauncherGone>;

// One stream of a finished task: at most `inline_output_bytes_max` bytes, or a file if it is longer.
struct Output {
  std::vector<std::byte> bytes;
  std::optional<OutputFile> file;
};

struct Outputs {
  Output standard_output;
  Output standard_error;
};

// Whether an errno says that something is used up which may come back by itself, as descriptors, memory and disks do.
[[nodiscard]] bool is_want_of_room(int error_number);

[[nodiscard]] std::string_view to_string(EndReason reason);
[[nodiscard]] std::string_view to_string(StartFailureKind kind);
[[nodiscard]] std::string_view to_string(SetUpStep step);

}  // namespace agent::exec
