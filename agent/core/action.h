#pragma once
// What an agent wants done, as values that can be printed, counted and compared. They are carried out in order.

#include <cstdint>
#include <optional>
#include <variant>

#include "agent/core/event.h"
#include "agent/core/time.h"
#include "protocol/ids.h"

namespace agent::core {

using protocol::Attempt;
using protocol::Interval;
using protocol::LoopPath;

// Sign the mandate of this sequence with the job key, and show it to us as MandateSeen (and, later, to the helpers).
struct SignMandate {
  JobId job;
  std::uint64_t sequence = 0;
  Duration time_to_live{};
  bool operator==(const SignMandate&) const = default;
};

struct StartTask {
  TaskId task;
  JobId job;
  LoopPath path;
  Interval piece;
  Attempt attempt;
  std::uint32_t slot = 0;  // 1 .. slots; no two running tasks share one
  Instant deadline;        // the launcher kills the task then, unless it is told a later one
  bool operator==(const StartTask&) const = default;
};

struct StopTask {
  TaskId task;
  StopHow how = StopHow::terminate;
  bool operator==(const StopTask&) const = default;
};

struct ExtendDeadline {
  TaskId task;
  Instant deadline;
  bool operator==(const ExtendDeadline&) const = default;
};

enum class Outcome { ok, hit, failed };

// The task's result is the iterations' result, for ever. Keep it for whoever waits for it.
struct CommitResult {
  TaskId task;
  JobId job;
  Interval piece;
  Attempt attempt;
  Outcome outcome = Outcome::ok;
  bool operator==(const CommitResult&) const = default;
};

// Nobody wants the task's result.
struct DropResult {
  TaskId task;
  bool operator==(const DropResult&) const = default;
};

struct Counts {
  std::optional<std::uint64_t> total;  // iterations; unknown while an open loop's input has not ended
  std::uint64_t committed = 0;         // iterations
  std::uint64_t ok = 0;                // results of each kind ...
  std::uint64_t failed = 0;
  std::uint64_t hits = 0;
  std::uint64_t running = 0;  // tasks
  std::uint64_t retried = 0;  // pieces put back after the task's own failure ...
  std::uint64_t redone = 0;   // ... and after a loss
  bool operator==(const Counts&) const = default;
};

enum class Verdict {
  done,       // every iteration has its result
  hit,        // a search found what it looked for
  halted,     // the halt rule ended it
  cancelled,  // somebody did
};

// The job has ended; nothing of it runs. `decisive` is the piece whose result ended a search or fired the halt rule.
struct AnswerVerdict {
  JobId job;
  Verdict verdict = Verdict::done;
  Counts counts;
  std::optional<Interval> decisive;
  bool operator==(const AnswerVerdict&) const = default;
};

// Facts worth a log line, a metric or a person's attention.
struct Notice {
  enum class What { task_lost, piece_given_up, no_room };
  What what = What::task_lost;
  JobId job;
  Interval piece;
  bool operator==(const Notice&) const = default;
};

using Action =
    std::variant<SignMandate, StartTask, StopTask, ExtendDeadline, CommitResult, DropResult, AnswerVerdict, Notice>;

}  // namespace agent::core
