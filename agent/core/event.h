#pragma once
// What can happen to an agent, as values.
//
// Events carry ids and facts whose signatures and bounds the shell has checked (protocol/README.md lists the check of
// every message). They never carry sockets, descriptors or the bytes of outputs: those stay with the shell, under the
// id of the task that made them.

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "agent/core/names.h"
#include "agent/core/peer_event.h"
#include "agent/core/terms.h"
#include "agent/core/time.h"

namespace agent::core {

// A client launched a job here: we are its root.
struct JobSubmitted {
  ClientId client;
  JobTerms terms;
};

// An open loop grew to [0, known).
struct ItemsAdded {
  JobId job;
  std::uint64_t known = 0;
};

// The end of an open loop's input: what is known is all.
struct ItemsEnded {
  JobId job;
};

// A mandate whose signature is good, first seen now.
// (Those of peers come with the message that carried them.)
struct MandateSeen {
  JobId job;
  std::uint64_t sequence = 0;
  Duration time_to_live{};
  Duration age{};
};

// The launcher reports that the task's process exists.
struct TaskStarted {
  TaskId task;
};

// The task's process is gone, with everything below it.
struct TaskEnded {
  enum class How {
    exited,
    killed,           // by a signal that was not ours
    timed_out,        // the job's own limit for a task
    stopped,          // because we said so
    could_not_start,  // the command does not exist, is no program, its arguments do not fit ...: the task's own fault
  };
  TaskId task;
  How how = How::exited;
  int exit = 0;  // of `exited` (and 126 or 127 of `could_not_start`)
  Duration ran{};
  std::uint64_t size_bytes = 0;  // of its outputs, as far as they travel inside the result
};

// The task left without a verdict about it.
struct TaskLost {
  enum class Cause {
    launcher_died,
    deadline_passed,  // the dead-man's deadline: we were silent, not the task
    no_room,          // this node could not make another process
    cannot_start,     // nor will it, as it looks: the reason is none that passes
  };
  TaskId task;
  Cause cause = Cause::launcher_died;
};

enum class StopHow { terminate, kill };

struct CancelRequested {
  JobId job;
  StopHow how = StopHow::terminate;
};

// The client's connection is gone; without it nobody takes its jobs' results.
struct ClientLeft {
  ClientId client;
};

// The shell can keep no more results of this job until somebody takes some: start nothing new of it ...
struct ResultsFull {
  JobId job;
};
// ... until there is room again.
struct ResultsFlow {
  JobId job;
};

// A running task opened a loop, as its `terms.path.back().ordinal`-th; the statement is signed.
struct LoopForked {
  TaskId task;
  LoopTerms terms;
};
// The task waits for that loop: it is parked until JoinAnswered.
struct LoopJoined {
  TaskId task;
  std::uint32_t ordinal = 0;
};

// Where peers reach us from now on, and the addresses at which somebody of the pool was said to be: at first, when the
// node becomes a member, and when names were looked up anew. Nobody else is forgotten for it.
struct AddressesKnown {
  Address own;  // port 0: nowhere
  std::vector<Address> seeds;
};

// The deadline that next_deadline() named has passed.
struct DeadlinePassed {};

using Event = std::variant<JobSubmitted, ItemsAdded, ItemsEnded, MandateSeen, TaskStarted, TaskEnded, TaskLost,
                           CancelRequested, ClientLeft, ResultsFull, ResultsFlow, LoopForked, LoopJoined, LinkUp,
                           LinkDown, DialFailed, MessageReceived, AddressesKnown, DeadlinePassed>;

}  // namespace agent::core
