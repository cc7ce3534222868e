#pragma once
// The iterations of one loop that this agent holds for one master: a client (we are the root), a task of ours that
// opened the loop, or, on a helper, the agent at the other end of a link. The same class serves all three: upstream it
// owes results, downstream it starts tasks and lends to helpers.
//
// Rules:
//   - A piece that is out is held by the task that runs it, by the helper it was lent to, or by several of them
//     (copies). Who loses it leaves it to the others; when nobody holds it any more it is todo again.
//   - The first result of an iteration wins. Who else holds some of it is told to stop (`Losers`), and what a loser's
//     piece covers besides becomes todo.
//   - A task's own failure uses up a try; a launcher's death under it a death; a refusal of this node a refusal. Too
//   many
//     of any make it a failed result.
//   - A job whose iterations start at most once: what somebody let go without the word that it was not started is lost
//     instead of todo (branch_once.cpp).
//   - With an owner results end here; without one they are kept until the master says that they are settled.
//
// Invariants: those of the parts; `out` of the partition is the union of what tasks and helpers hold; no task runs what
// another task of this branch runs.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/core/helper.h"
#include "agent/core/owner.h"
#include "agent/core/partition.h"
#include "agent/core/patience.h"
#include "agent/core/piece_sizer.h"
#include "agent/core/results.h"
#include "agent/core/seeking.h"

namespace agent::core {

// The other end of a branch that came over a link.
struct Master {
  NodeId node;
  BranchId id;  // its name of the branch
  auto operator<=>(const Master&) const = default;
};

using Upstream = std::variant<ClientId, TaskId, Master>;

// A piece in a task of this node.
struct Running {
  TaskId task;
  Piece piece;
  Instant since;
  bool parked = false;
};

// How a helper's branch stands with its master.
struct Upward {
  std::uint64_t next_number = 0;  // of the next report
  std::optional<Instant> reported_at;
  Duration gap{};                              // between reports, at present
  std::optional<Instant> unreceived_since;     // results are under way since then
  bool want_told = false;                      // since the latest grant: that we could take more
  std::vector<Interval> started_told;          // what the latest report said is running ...
  std::vector<Interval> parked_told;           // ... and, of that, waits for loops of its own
  Patience patience{Patience::with_a_branch};  // with the master's questions
};

// A branch whose master is silent asks its refuges, one after the other, whether they take it.
struct Orphanhood {
  std::size_t next_refuge = 0;
  std::optional<NodeId> asked;  // the latest one that was told
  Instant ask_at;               // the next one
  Duration gap{};
};

// Who worked for nothing, and on what.
struct Losers {
  std::vector<TaskId> tasks;
  std::vector<std::pair<NodeId, IntervalSet>> helpers;
};

class Branch {
 public:
  static constexpr std::uint32_t deaths_max = 3;
  static constexpr std::uint32_t refusals_max = 8;

  // A branch with an owner: `size` of a bounded loop, nothing for one whose items will come.
  Branch(const LoopId& loop, const JobTerms& terms, ClientId client);
  // `openings`: of the loops along the path, outermost first, this one's last; nothing for the root loop.
  Branch(const LoopId& loop, const JobTerms& terms, std::vector<LoopTerms> openings, TaskId opener);
  // A helper's.
  Branch(const LoopId& loop, const JobTerms& terms, std::vector<LoopTerms> openings, const Master& master);

  [[nodiscard]] const LoopId& loop() const { return loop_; }
  [[nodiscard]] const Upstream& upstream() const { return upstream_; }
  // Which instance of the loop it is: a loop is opened again when the iteration that opens it runs again, and branches
  // of one instance have nothing to do with those of another.
  [[nodiscard]] const std::vector<LoopTerms>& openings() const { return openings_; }
  [[nodiscard]] std::uint32_t branch_number() const { return branch_number_; }
  [[nodiscard]] const Partition& partition() const { return partition_; }
  [[nodiscard]] const std::map<std::uint64_t, Running>& running() const { return running_; }
  [[nodiscard]] std::optional<Owner>& owner() { return owner_; }
  [[nodiscard]] const std::optional<Owner>& owner() const { return owner_; }
  [[nodiscard]] Results& results() { return results_; }
  [[nodiscard]] const Results& results() const { return results_; }
  [[nodiscard]] const std::map<NodeId, Helper>& helpers() const { return helpers_; }
  [[nodiscard]] bool starts_at_most_once() const { return terms_.started_at_most_once; }

  void add_items(std::uint64_t known);
  void set_results_full(bool full) { results_full_ = full; }

  // Nothing more of it is to begin, by its owner's halt rule or its master's word: what is unstarted goes back to the
  // master, what runs goes on. A further grant of that master, or another master, ends it.
  [[nodiscard]] bool drains() const { return drains_ || (owner_ && owner_->drains()); }
  void drain() { drains_ = true; }
  // Whether anything of it may begin, here or elsewhere.
  [[nodiscard]] bool begins() const { return !drains_ && (!owner_ || owner_->starts()); }

  // Of a list every iteration is a piece of its own, whatever somebody says.
  [[nodiscard]] bool may_be_piece(Interval interval) const {
    return terms_.body == Body::command_per_piece || interval.count() == 1;
  }

  // Whether a slot would be used now, the job's mandate and the lease permitting.
  [[nodiscard]] bool wants_slot() const;
  // Requires wants_slot(). `slots` >= 1 are the node's.
  Piece start_next(TaskId task, std::uint32_t slots, Instant now);
  // A copy of what helpers hold. Requires that `interval` came from worth_copying for ourselves.
  Piece start_copy(TaskId task, Interval interval, Instant now);

  // A task of this branch is over; decides what becomes of its result. Losers are told by the caller.
  void on_ended(TaskId task, const TaskEnded& ended, Instant now, Losers& losers, std::vector<Action>& actions);
  void on_lost(TaskId task, bool started, TaskLost::Cause cause, Instant now, Losers& losers,
               std::vector<Action>& actions);
  [[nodiscard]] std::vector<Interval> parked() const;
  // It waits for a loop of its own, and goes on. REQUIRES: a task of this branch.
  void park(TaskId task) { find_running(task)->second.parked = true; }
  void resume(TaskId task) { find_running(task)->second.parked = false; }

  // --- helpers (branch_lending.cpp)
  // Lends a share; a helper that is new to this branch is named `id`.
  Helper& lend(NodeId node, BranchId id, const Share& share, Instant now);
  [[nodiscard]] Helper* helper(NodeId node);
  // Helpers that count against the branch number.
  [[nodiscard]] std::uint32_t helper_count() const;
  // What the helper holds of `what` is not with it any more: todo again, unless somebody else holds it.
  void take_back(Helper& helper, const IntervalSet& what, Partition::Rest rest);
  // It returned these as not begun by itself; further down they may have been, under attempts below that.
  void take_back_unstarted(Helper& helper, const IntervalSet& what, Attempt least);
  // The helper is gone: everything that it held is taken back. What of it had begun.
  std::vector<Interval> forget(NodeId node);
  // A helper that is silent had begun it.
  [[nodiscard]] bool is_at_silent_helper(Interval piece) const;
  // Helpers that hold nothing, and owe nothing, are helpers no longer.
  void drop_idle_helpers();
  // A result that came through the helper. True if it was accepted.
  bool on_reported(Helper& helper, const KeptResult& result, Duration ran, Instant now, Losers& losers,
                   std::vector<Action>& actions);
  // What the helper reported and is settled now, and was not told so yet.
  [[nodiscard]] IntervalSet settled_for(const Helper& helper) const;
  void told_settled(Helper& helper, const IntervalSet& what) { helper.unsettled.erase(what); }
  // A helper that wants more, and what it is to get of what is unstarted: half of its share by power (weighted
  // factoring), so that later grants are smaller. Nothing: nobody does, or there is nothing.
  [[nodiscard]] Helper* hungry_helper(const std::function<bool(NodeId)>& may_lend);
  [[nodiscard]] std::uint64_t next_share(const Helper& helper, Instant now) const;
  // Half of what is unstarted, or parts of it from the back.
  [[nodiscard]] Share share_half(Partition::Last last) { return partition_.share_half(last); }
  [[nodiscard]] Share share_back(std::uint64_t count) { return partition_.share_back(count); }

  // --- what starts at most once (branch_once.cpp)
  // No more than so many tasks at once take: nothing of it waits where it could be lost without having been started.
  // Requires something lendable; `slots` >= 1.
  [[nodiscard]] Share share_for_slots(std::uint32_t slots);
  // A helper that was given up is heard again, and may have results of what is lost: it is a helper as before, until it
  // has told what it holds. False: there is nothing to be hoped for.
  bool welcome_back(NodeId node);
  // What was lost since the latest call.
  [[nodiscard]] IntervalSet take_news_of_loss() { return std::exchange(newly_lost_, {}); }
  // Those that are lost have failed, for good.
  void commit_lost(std::vector<Action>& actions);

  // --- upstream, without an owner
  // How many iterations more could be begun here and below at once, if the master is to be told so now: nothing
  // unstarted is left, and the last ones run. `slots` are the node's.
  [[nodiscard]] std::uint64_t wants_more(std::uint32_t slots) const;
  // More of the loop from the master.
  void on_granted(const IntervalSet& plain, const std::vector<Piece>& pieces, Attempt attempt);
  // The master has our reports below that number.
  void on_stored(std::uint64_t below, Instant now);
  void on_settled(const IntervalSet& what, std::vector<Action>& actions);
  // The master wants these no more (nothing: none of it): they leave the branch. Who works on them is a loser.
  void on_cancelled(const IntervalSet& what, Losers& losers, std::vector<Action>& actions);

  // Some unstarted iterations, at most `count`, or those of `wanted`: they leave the branch, back to the master.
  struct Returning {
    IntervalSet what;
    Attempt attempt;  // the least to issue it under
  };
  Returning return_back(std::uint64_t count);
  Returning return_half(Partition::Last last);
  Returning return_unstarted();
  Returning return_these(const IntervalSet& wanted);
  // The lease has lapsed: everything unfinished leaves the branch.
  void lapse(Losers& losers);
  [[nodiscard]] Upward& upward() { return upward_; }
  // When the next report is due, if anything is to be said.
  [[nodiscard]] std::optional<Instant> report_at() const;
  [[nodiscard]] const std::vector<protocol::Refuge>& refuges() const { return refuges_; }
  void set_refuges(std::vector<protocol::Refuge> refuges) { refuges_ = std::move(refuges); }
  [[nodiscard]] std::optional<Orphanhood>& orphaned() { return orphaned_; }
  [[nodiscard]] const std::optional<Orphanhood>& orphaned() const { return orphaned_; }
  // Somebody else is the master from now on, and wants of our open iterations only `wanted`, of the finished ones only
  // the results of `to_send`.
  void on_adopted(const Master& master, const IntervalSet& wanted, const IntervalSet& to_send, Losers& losers,
                  std::vector<Action>& actions);

  // --- more of the master's side
  // Helpers whose latest grant was sent before that and was not answered.
  [[nodiscard]] std::vector<NodeId> unanswered_since(Instant before) const;
  // When the oldest of them is given up.
  static constexpr Duration answer_patience = std::chrono::seconds(2);
  [[nodiscard]] std::optional<Instant> unanswered_at() const;
  // What a report says besides results.
  void on_progress(Helper& helper, const protocol::Report& report, Instant now);
  [[nodiscard]] std::optional<Duration> mean_cost() const { return cost_.mean(); }
  // Of this node and all below it, iterations per 10^6 s.
  [[nodiscard]] std::uint64_t power_per_megasecond(Instant now) const;
  [[nodiscard]] Seeking& seeking() { return seeking_; }
  [[nodiscard]] const Seeking& seeking() const { return seeking_; }
  // A piece that runs too long, or at a silent holder, with fewer than `copies_max` holders, none of them `thief`
  // (nothing: ourselves). Copies of a piece are made in one place, by the master nearest to who runs it; but what a
  // helper lent on, and of which nothing has come for very long, is tried elsewhere, too.
  static constexpr std::size_t copies_max = 3;
  [[nodiscard]] std::optional<Interval> worth_copying(Instant now, std::optional<NodeId> thief) const;
  Share copy(Interval piece);
  // What an orphan claims to hold, without what nobody was ever lent.
  [[nodiscard]] Helper::There believed(const Helper::There& claimed) const;
  // What an orphan holds of this branch. A helper that is silent loses to it what it believed to have lent on.
  struct Adopted {
    IntervalSet wanted;   // to be worked on there
    IntervalSet to_send;  // finished there, and open here
    IntervalSet settled;  // finished there, and of no use to anybody
  };
  Adopted adopt(NodeId orphan, BranchId id, const Helper::There& there, Instant now);
  struct Mended {
    IntervalSet dropped;  // the helper should drop these
    IntervalSet missing;  // it has their results, and we have not
    bool differed = false;
  };
  Mended mend(Helper& helper, const Helper::There& there, Instant now);

  void cancel();
  // Of a loop that a task opened: the task needs it no more.
  void abandon() { owner_->abandon(partition_); }
  // Whether a running piece is wanted no more and should be told to stop.
  [[nodiscard]] bool unwanted(Interval running) const;

  // What helpers hold and the owner wants no more leaves the branch: they are to be told.
  std::vector<std::pair<NodeId, IntervalSet>> let_go_unwanted();
  // The verdict of an owner's loop, once nothing is out and nothing more will start.
  std::optional<AnswerVerdict> conclude(std::vector<Action>& actions);

  [[nodiscard]] Counts counts() const;
  void check_invariants() const;

 private:
  Returning give_up(const IntervalSet& back);
  [[nodiscard]] bool may_copy(Interval piece, std::optional<NodeId> thief) const;
  [[nodiscard]] std::optional<Interval> missing_below(const Helper& helper) const;
  [[nodiscard]] Outcome judge(const TaskEnded& ended) const;
  [[nodiscard]] bool goes_on(Interval piece) const { return owner_ ? owner_->goes_on(piece) : !drains_; }
  [[nodiscard]] std::map<std::uint64_t, Running>::iterator find_running(TaskId task);
  void put_running(TaskId task, const Piece& piece, Instant now);
  Running take_running(TaskId task, Instant now);
  // A holder let go of these: todo again if nobody else holds them and the loop goes on there, else gone.
  void free_again(IntervalSet what, Attempt issued, Partition::Rest rest, const std::vector<Piece>& started);
  // True: it is todo again. Else others hold it, or it has its result.
  bool again(const Piece& piece);
  IntervalSet left_to_nobody(IntervalSet what, Attempt issued, Partition::Rest rest);
  void put_back(const IntervalSet& what, Attempt issued, Partition::Rest rest, const std::vector<Piece>& started);
  // Nobody holds these any more, and they may have been started.
  void lose(const IntervalSet& what);
  void lose_own(TaskId task, const Piece& piece, Losers& losers, std::vector<Action>& actions);
  void remember_former(const Helper& helper);
  void take_result(const KeptResult& result, Losers& losers, std::vector<Action>& actions);
  void release_losers(Interval covered, Losers& losers);
  // Of these, what tasks and helpers hold.
  [[nodiscard]] IntervalSet held_of(const IntervalSet& what) const;

  LoopId loop_;
  Upstream upstream_;
  std::vector<LoopTerms> openings_;
  std::uint32_t branch_number_ = 0;
  JobTerms terms_;
  Partition partition_;
  std::optional<Owner> owner_;
  PieceSizer sizer_;
  std::map<std::uint64_t, Running> running_;  // by begin
  std::map<NodeId, Helper> helpers_;
  IntervalSet ever_lent_;
  struct Former {
    BranchId id;
    IntervalSet granted;
    Attempt attempt;
  };
  std::map<NodeId, Former> formers_;  // helpers that were given up, and could still bring what is lost
  IntervalSet newly_lost_;
  Results results_;
  bool results_full_ = false;
  bool drains_ = false;
  Upward upward_;
  std::vector<protocol::Refuge> refuges_;
  std::optional<Orphanhood> orphaned_;
  Seeking seeking_;
  CostMeter cost_;
  PowerMeter own_power_;
};

}  // namespace agent::core
