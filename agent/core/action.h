#pragma once
// What an agent wants done, as values that can be printed, counted and compared. They are carried out in order.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/event.h"
#include "agent/core/names.h"
#include "agent/core/time.h"

namespace agent::core {

enum class Verdict {
  done,       // every iteration has its result
  hit,        // a search found what it looked for
  halted,     // the halt rule ended it
  cancelled,  // somebody did
};

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

// The task's result is the iterations' result, for ever. Keep it for whoever waits for it: the client of a root loop
// (empty path), or the task that opened this instance of the loop.
struct CommitResult {
  TaskId task;
  JobId job;
  LoopPath path;
  TaskId opener;  // nobody (0) for a root loop
  Interval piece;
  Attempt attempt;
  Outcome outcome = Outcome::ok;
  bool operator==(const CommitResult&) const = default;
};

// The same for the `index`-th result of a batch that came from a peer.
struct CommitReceived {
  BatchId batch;
  std::uint32_t index = 0;
  NodeId executor;
  JobId job;
  LoopPath path;
  TaskId opener;
  Interval piece;
  Attempt attempt;
  Outcome outcome = Outcome::ok;
  bool operator==(const CommitReceived&) const = default;
};

// The iterations of the piece may have been started, will not be started again, and nobody knows how they ended: they
// have failed, for ever. Of a list each comes by itself, of a range each stretch.
struct CommitLost {
  JobId job;
  LoopPath path;
  TaskId opener;
  Interval piece;
  bool operator==(const CommitLost&) const = default;
};

// The task's result counts and is somebody else's to commit: keep it for the reports to come, until it is dropped.
struct KeepResult {
  TaskId task;
  Outcome outcome = Outcome::ok;
  bool operator==(const KeepResult&) const = default;
};

// Nobody wants the task's result, now or any more.
struct DropResult {
  TaskId task;
  bool operator==(const DropResult&) const = default;
};

// Nobody wants the batch any more: every result of it is committed, settled or dropped.
struct DropBatch {
  BatchId batch;
  bool operator==(const DropBatch&) const = default;
};

// The inner loop that the task waits for has ended and a slot is its own again: it is no longer parked. `done`: every
// iteration has its result, be it a failure, which is the task's own matter; `cancelled`: there is no such loop, since
// the fork of it was refused.
struct AnswerJoin {
  TaskId task;
  std::uint32_t ordinal = 0;
  Verdict verdict = Verdict::done;
  bool operator==(const AnswerJoin&) const = default;
};

// Connect to somebody, and say hello. Answered by LinkUp or DialFailed.
struct Dial {
  Address address;
  std::optional<NodeId> peer;  // whom we expect there; nothing: a seed, whoever it is
  bool operator==(const Dial&) const = default;
};

// Say why and close. Answered by LinkDown.
struct HangUp {
  NodeId peer;
  protocol::ByeReason why = protocol::ByeReason::idle;
  bool operator==(const HangUp&) const = default;
};

// What the shell puts into the opaque fields of a message, by its kind:
//   beat                  the freshest mandate of each of `mandates`, with its age
//   grant, orphan, adopt  the freshest mandate of the loop's job; for a grant also the manifest (unless that link had
//                         it), the statements of `loops`, and the argument chunks of its intervals
//   report                one batch of the results of `results`, signed by us, then `batches` as they came
//   shuffle, shuffled, walk  the signed records of `records`
struct Attached {
  std::vector<JobId> mandates;
  std::vector<TaskId> results;
  std::vector<BatchId> batches;
  std::vector<NodeId> records;
  std::vector<LoopTerms> loops{};  // along the path, outermost first: which opening of each is meant
  bool operator==(const Attached&) const = default;
};

// A control message on the link of `to`, which is up.
struct Send {
  NodeId to;
  std::uint64_t sequence = 0;  // on this link, from 1
  std::uint64_t heard = 0;     // the highest sequence that we have taken in
  Message message;
  Attached attached;
  bool operator==(const Send&) const = default;
};

struct Counts {
  std::optional<std::uint64_t> total;  // iterations; unknown while an open loop's input has not ended
  std::uint64_t committed = 0;         // iterations
  std::uint64_t ok = 0;                // results of each kind ...
  std::uint64_t failed = 0;
  std::uint64_t hits = 0;
  std::uint64_t lost = 0;     // of those that start at most once: nobody knows how they ended
  std::uint64_t running = 0;  // tasks
  std::uint64_t retried = 0;  // pieces put back after the task's own failure ...
  std::uint64_t redone = 0;   // ... and after a loss
  bool operator==(const Counts&) const = default;
};

// The job has ended; nothing of it runs. `decisive` is the piece whose result ended a search or fired the halt rule.
struct AnswerVerdict {
  JobId job;
  Verdict verdict = Verdict::done;
  Counts counts;
  std::optional<Interval> decisive;
  bool operator==(const AnswerVerdict&) const = default;
};

// Facts worth a log line, a metric or a person's attention; a test looks for those that ought to happen sometimes.
struct Notice {
  enum class What {
    task_lost,         // without a verdict about it: it runs again
    piece_given_up,    // too many deaths or refusals: it has failed
    no_room,           // this node could not make another process ...
    cannot_start,      // ... for a reason that does not look like passing
    stalled,           // our own loop stood still: nobody else is blamed for that time
    suspected,         // a helper or master is silent
    heard_again,       // ... and was not dead
    lease_ended,       // a helper's, as its master counts it
    lease_lapsed,      // ours: what ran for that master is stopped
    returned_to_todo,  // what a silent helper held
    redone,            // to be started again under a new attempt, as `peer`, who had begun it, is lost
    copied,            // started again at `peer`, although it may still run elsewhere: a holder is silent, or slow
    overlapped,        // a result that covers what is committed: dropped
    late_result,       // of an attempt that was replaced, and welcome
    stolen,            // somebody idle asked, and got work
    orphaned,          // our master is silent: the next refuge is asked
    adopted,           // an orphan is ours now
    mended,            // `holds` showed a difference, and it is settled
    refused,           // a grant of ours
    referred,          // somebody idle was told a better place
    called_back,       // a kept request was answered with an offer
    recalled,          // unstarted iterations of a slow helper
    strange,           // a message that no honest peer in its right mind sends: dropped
    lost,              // --no-reexec: started once and never heard of again
  };
  What what = What::task_lost;
  JobId job;
  Interval piece;
  std::optional<NodeId> peer;
  LoopPath path{};       // of the loop that the piece is of
  std::string reason{};  // of a refusal that lasts, as the peer says it; of what is begun again
  bool operator==(const Notice&) const = default;
};

using Action = std::variant<SignMandate, StartTask, StopTask, ExtendDeadline, CommitResult, CommitReceived, CommitLost,
                            KeepResult, DropResult, DropBatch, AnswerVerdict, AnswerJoin, Dial, HangUp, Send, Notice>;

}  // namespace agent::core
