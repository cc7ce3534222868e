#pragma once
// What `gibbon run` and the other commands exit with; the table of the manual as functions.

#include <cstdint>
#include <optional>

namespace agent::cli {

// Of commands other than run.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_no_agent = 3;
inline constexpr int exit_no_such_job = 4;
inline constexpr int exit_refused = 5;

// Of run's own.
inline constexpr int exit_failed_max = 100;   // 1..100 is the number of failed tasks
inline constexpr int exit_many_failed = 101;  // more, or failed pieces of a search without a hit
inline constexpr int exit_time_limit = 124;   // the job's time limit
inline constexpr int exit_gibbon = 125;       // gibbon itself, usage errors of run included
inline constexpr int exit_not_executable = 126;
inline constexpr int exit_not_found = 127;
inline constexpr int exit_interrupted = 130;  // cancelled by Ctrl-C
inline constexpr int exit_broken_pipe = 141;  // nobody reads our output: 128 + SIGPIPE
inline constexpr int exit_terminated = 143;   // cancelled by TERM or HUP, or from elsewhere

enum class RunEnding {
  complete,     // every task ended, or --halt was not what ended it
  halted,       // --halt ended it; `decisive` speaks for it where that is one task, or success
  hit,          // --found: a piece hit
  not_found,    // --found: no hit in the whole range
  interrupted,  // Ctrl-C
  terminated,   // TERM, HUP, or `gibbon cancel`
  time_limit,   // the job's time limit passed
  own_failure,  // gibbon itself
};

// How one task ended, as far as exit codes care. At most one of signal and failure to start is set.
struct TaskEnd {
  int exit = 0;
  int signal = 0;  // 0: not killed by a signal
  enum class Start { started, not_executable, not_found, failed } start = Start::started;
  enum class Limit { none, time_limit } limit = Limit::none;  // --timeout ended it
  bool operator==(const TaskEnd&) const = default;
};

struct RunEnd {
  RunEnding ending = RunEnding::complete;
  std::uint64_t failed = 0;         // tasks failed, killed or lost
  std::optional<TaskEnd> single;    // of `run -- CMD`: its only task
  std::optional<TaskEnd> decisive;  // of RunEnding::halted: its exit code is the run's
};

// The task's own code, 128 + signal, 124, 126, 127 or 125.
[[nodiscard]] int exit_code_of(const TaskEnd& task);

// The exit code of run.
[[nodiscard]] int exit_code_of(const RunEnd& run);

}  // namespace agent::cli
