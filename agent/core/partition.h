#pragma once
// What of a branch's iterations is where: the bookkeeping that makes the difference between redoing and losing.
//
// Every iteration that was granted, and not given back or cancelled, is in exactly one of these sets:
//
//   todo      to be started, by us or by a helper. Of these, `redo` pieces were started once: their bounds stay the
//             same in every attempt, so that two results of a piece can be compared. Copies of what others run are
//             among them, and are never shared
//   out       with somebody: running or parked in a task of this node, or lent to one helper, or to several (copies).
//             Who holds what is not kept here; whoever holds some of it, all of `out` is held (Branch checks that)
//   finished  the result is kept here and not settled
//   settled   the owner of the loop has the result: nothing of it need be kept
//   lost      it may have been started, must not start twice, and nobody is known to hold it: a result that comes all
//             the same is welcome
//
// Each iteration has the attempt under which it is issued next; it grows whenever the iteration may have been started
// under the one before. Only attempts other than the first are remembered. An iteration that has tries, deaths or
// refusals is a redo piece, so that they are remembered with it.
//
// Invariants: the six sets are disjoint and their union is `granted`; redo pieces do not overlap; an attempt never
// falls. Memory goes by the number of gaps, never by the number of iterations.

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "agent/core/interval_map.h"
#include "agent/core/interval_set.h"
#include "agent/core/names.h"

namespace agent::core {

// A stretch that one process computes at once, with its history.
struct Piece {
  Interval interval;
  Attempt attempt;
  std::uint32_t tries = 0;     // the task's own failures
  std::uint32_t deaths = 0;    // launchers and agents that died under it
  std::uint32_t refusals = 0;  // times this node had no room for another process
  bool copy = false;           // others may run it too: it is not lent on, so that copies are counted in one place
  bool operator==(const Piece&) const = default;
};

// What goes to a helper at once.
struct Share {
  IntervalSet intervals;      // all of it
  std::vector<Piece> pieces;  // of it, those that were started before, in order
  Attempt attempt;            // the highest of any
};

class Partition {
 public:
  // More than this many intervals are never shared at once.
  static constexpr std::size_t share_intervals_max = 2'048;

  // More to do: what overlaps anything granted before is left as it is.
  void grant(const IntervalSet& added, Attempt attempt);
  // One that was started elsewhere; must not overlap anything granted before.
  void grant(const Piece& started_before);

  [[nodiscard]] bool has_redo() const { return !redo_.empty(); }
  [[nodiscard]] std::uint64_t todo_count() const { return todo_.count() + redo_count_; }
  // Of these, what may be shared.
  [[nodiscard]] std::uint64_t lendable_count() const { return todo_count() - copies_count_; }
  [[nodiscard]] bool has_todo() const { return !todo_.empty() || !redo_.empty(); }

  // Todo becomes out. Pieces to be run again go before anything new; `size` >= 1 says how large a new one may be.
  // Requires has_todo().
  Piece start_next(std::uint64_t size);
  // Iterations from the back, about `count` >= 1 of them: a redo piece goes whole. Empty only without anything
  // lendable.
  Share share_back(std::uint64_t count);
  // Half of what is todo, as IntervalSet::take_half, redo pieces counting as single; `last`: a lone one may go, too.
  enum class Last { keep, give };
  Share share_half(Last last);
  // A copy of something that is out: the attempt to issue it under. Requires that it is out.
  Attempt copy(Interval interval);

  // Of these, what is todo is out: somebody turned out to be at it. A redo piece goes whole or stays.
  void take_out(const IntervalSet& what);

  // Out becomes todo again. `started` are the pieces of it that are known to have been started: they keep their bounds
  // and histories, and get an attempt above their own. The rest gets one above `issued` if it may have been started.
  enum class Rest { never_started, maybe_started };
  void put_back(const IntervalSet& what, Attempt issued, Rest rest, const std::vector<Piece>& started);

  // Of these, what is open was begun by somebody below that attempt. Even if it comes back from somebody else as never
  // started, it is issued under no lower one.
  void issue_from(const IntervalSet& what, Attempt least);

  // Of these, what is out is lost; what is lost is out again: somebody turned out to have it; what is lost is settled
  // as such, for good.
  void lose(const IntervalSet& what);
  void find_again(const IntervalSet& what);
  void settle_lost();

  enum class Finish {
    accepted,  // it is finished now, wherever it was
    overlaps,  // some of it has its result already: nothing has changed
    not_ours,  // not all of it is in this branch: nothing has changed
  };
  Finish finish(Interval interval);
  // Of these, what is finished becomes settled.
  void settle(const IntervalSet& what);
  // They leave the branch, wherever they are.
  void remove(const IntervalSet& what);

  [[nodiscard]] const IntervalSet& granted() const { return granted_; }
  [[nodiscard]] const IntervalSet& todo() const { return todo_; }  // without redo pieces
  [[nodiscard]] const std::map<std::uint64_t, Piece>& redo() const { return redo_; }
  [[nodiscard]] const IntervalSet& out() const { return out_; }
  [[nodiscard]] const IntervalSet& finished() const { return finished_; }
  [[nodiscard]] const IntervalSet& settled() const { return settled_; }
  [[nodiscard]] const IntervalSet& lost() const { return lost_; }
  // Todo with the redo pieces.
  [[nodiscard]] IntervalSet unstarted() const;
  [[nodiscard]] Attempt attempt_of(Interval interval) const { return Attempt(attempts_.max_within(interval)); }
  // Neither finished nor lost, wherever it is.
  [[nodiscard]] std::uint64_t open_count() const { return todo_count() + out_.count(); }
  // All of it is of this branch, and none of it has its result.
  [[nodiscard]] bool is_open(Interval interval) const {
    return granted_.contains(interval) && !finished_.intersects(interval) && !settled_.intersects(interval);
  }
  // Nothing is left to be done or to be settled.
  [[nodiscard]] bool idle() const { return !has_todo() && out_.empty() && finished_.empty(); }

  void check_invariants() const;

 private:
  void raise_attempt(Interval interval, std::uint32_t least);
  void add_redo(const Piece& piece);
  Piece take_redo(std::map<std::uint64_t, Piece>::iterator at);
  void into_share(Share& share, const Piece& piece);
  void conclude(Share& share);
  // Takes the interval out of todo and redo, or of redo only; what is left of a redo piece that it cuts is todo without
  // bounds.
  void remove_todo(Interval interval);
  void take_redo_within(Interval interval);

  IntervalSet granted_;
  IntervalSet todo_;
  std::map<std::uint64_t, Piece> redo_;  // by begin
  std::uint64_t redo_count_ = 0;         // iterations of them ...
  std::uint64_t copies_count_ = 0;       // ... and of those that are copies
  IntervalSet out_;
  IntervalSet finished_;
  IntervalSet settled_;
  IntervalSet lost_;
  IntervalMap<std::uint32_t> attempts_;
};

}  // namespace agent::core
