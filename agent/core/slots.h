#pragma once
// Which task is in which slot of this node, with nested loops.
//
// A slot holds a stack of tasks. Only its top may run; all below are parked: each waits for an inner loop, and has lent
// its room. On a parked task only iterations of loops below it may stand, that is of loops whose path leads through one
// of its own iterations. So everybody waits only for what is deeper in the tree of loops, for its inner loop as for its
// slot, and never in a circle; and the depth of loops bounds the processes of a slot. What came from elsewhere may have
// to wait for a task that is not below its loop: `is_stuck` tells when that could close a circle through other nodes,
// and it must go back.
//
// A new task prefers the deepest parked task that it may stand on to an empty slot, since an empty one is open to
// everything; among equals, the lowest number. A task that could go on competes with new ones for its slot: whoever
// places tasks resumes first.
//
// Invariants: in a stack all but the top are parked, and each task is an ancestor of all above it; so no two running
// tasks share a slot. A task is in one slot. Paths grow upwards, so a stack is at most `depth_max` high; a loop with a
// longer path than the protocol has is placed nowhere. A task that is removed from below others leaves them where they
// are; they keep the slot and its number.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/names.h"
#include "protocol/limits.h"

namespace agent::core {

// Counted from 1.
using SlotNumber = std::uint32_t;

class Slots {
 public:
  // One level more than a path has steps, so that the deepest loop there is can still stand on the task that opened it:
  // refused there, both would wait for ever on a node of one slot.
  static constexpr std::size_t depth_max = protocol::limits::path_depth_max + 1;

  // Slots 1 to `count`; none at all is possible.
  explicit Slots(std::uint32_t count);

  // Where the task, one piece of that loop, runs from now on; nothing if no slot is open to it. REQUIRES: not placed.
  std::optional<SlotNumber> place(TaskId task, const LoopId& loop, Interval piece);
  // Whether some iteration of that loop could be placed now.
  [[nodiscard]] bool can_place(const LoopId& loop) const { return open_for(loop).has_value(); }

  // Whether an iteration of that loop would wait here for what is further up in the tree of loops: no slot is open to
  // it, nothing runs, and each slot is held by a task of a loop less deep. Two such nodes may wait for each other for
  // ever.
  [[nodiscard]] bool is_stuck(const LoopId& loop) const;

  // The task waits for an inner loop. REQUIRES: it runs.
  void park(TaskId task);
  // Whether the parked task is the top of its slot. REQUIRES: placed.
  [[nodiscard]] bool can_resume(TaskId task) const;
  // REQUIRES: parked, can_resume.
  void resume(TaskId task);
  // It has ended, running or parked. REQUIRES: placed.
  void remove(TaskId task);

  [[nodiscard]] bool contains(TaskId task) const { return slot_of_.contains(task); }
  [[nodiscard]] std::optional<SlotNumber> slot_of(TaskId task) const;
  // REQUIRES: placed.
  [[nodiscard]] bool parked(TaskId task) const;

  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(stacks_.size()); }
  [[nodiscard]] std::uint32_t running_count() const { return running_count_; }
  [[nodiscard]] std::uint32_t empty_count() const { return static_cast<std::uint32_t>(empty_.size()); }

  void check_invariants() const;

 private:
  struct Occupant {
    TaskId task;
    LoopId loop;
    Interval piece;
    bool parked = false;
  };
  using Stack = std::vector<Occupant>;  // bottom first

  // Whether the loop was opened by an iteration of the occupant's, or by one of a loop below it.
  static bool is_ancestor(const Occupant& occupant, const LoopId& loop);
  [[nodiscard]] std::optional<SlotNumber> open_for(const LoopId& loop) const;
  [[nodiscard]] Stack& stack_of(TaskId task);
  [[nodiscard]] const Stack& stack_of(TaskId task) const;

  std::vector<Stack> stacks_;  // slot n at n - 1
  std::map<TaskId, SlotNumber> slot_of_;
  std::set<SlotNumber> empty_;
  std::set<SlotNumber> parked_tops_;
  std::uint32_t running_count_ = 0;
};

}  // namespace agent::core
