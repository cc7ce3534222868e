#pragma once
// The iterations of one loop that this agent holds for one master: a client (we are the root) or, on a helper, a link.
//
// The same class serves both natures. It partitions what was granted into disjoint sets
//
//   todo      not started, and never was
//   redo      pieces that were started once and must run again; their bounds stay the same in every attempt, so that
//   two
//             results of a piece are comparable
//   running   pieces in a task of this node
//   finished  the result is kept here, the root has not settled it yet
//   settled   the root has it: nothing of it need be kept
//
// and the union of the five is `granted` after every event. (Parked and lent pieces join them with nested loops and
// helpers.) A piece carries its attempt, and, where they are not 0, the task's own failures (`tries`) and the launchers
// that died under it (`deaths`).

#include <cstdint>
#include <map>
#include <optional>

#include "agent/core/interval_set.h"
#include "protocol/ids.h"

namespace agent::core {

using protocol::Attempt;

struct Piece {
  Interval interval;
  Attempt attempt;
  std::uint32_t tries = 0;
  std::uint32_t deaths = 0;
  std::uint32_t refusals = 0;  // times this node had no room for another process
  bool operator==(const Piece&) const = default;
};

class Branch {
 public:
  // More of the loop: must not overlap anything granted before.
  void grant(Interval added);

  // Pieces to be run again go before anything new. `size` says how large a new one may be.
  [[nodiscard]] bool has_redo() const { return !redo_.empty(); }
  [[nodiscard]] std::uint64_t todo_count() const { return todo_.count(); }
  [[nodiscard]] bool has_unstarted() const { return has_redo() || !todo_.empty(); }
  // Requires has_unstarted(); `size` >= 1.
  Piece start_next(std::uint64_t size);

  // A running piece ...
  void finish(Interval running);        // ... has its result
  void put_back(const Piece& running);  // ... must run again, under the attempt and the counts given
  void abandon(Interval running);       // ... is not wanted any more: it leaves the branch
  // A finished piece is safe at the root.
  void settle(Interval finished);
  // A finished piece's result is not wanted any more: it leaves the branch.
  void discard(Interval finished);

  // What is unstarted in `window` leaves the branch.
  void drop_unstarted(Interval window);
  void drop_unstarted();

  [[nodiscard]] const std::map<std::uint64_t, Piece>& running() const { return running_; }
  [[nodiscard]] const IntervalSet& finished() const { return finished_; }
  [[nodiscard]] const IntervalSet& settled() const { return settled_; }
  // Nothing is left to be done or to be settled.
  [[nodiscard]] bool idle() const { return !has_unstarted() && running_.empty() && finished_.empty(); }

  void check_invariants() const;

 private:
  IntervalSet granted_;
  IntervalSet todo_;
  std::map<std::uint64_t, Piece> redo_;     // by begin
  std::map<std::uint64_t, Piece> running_;  // by begin
  IntervalSet finished_;
  IntervalSet settled_;
};

}  // namespace agent::core
