#pragma once
// The owner of a loop: where its results end, and who says when it is over. The root of a job owns the root loop for a
// client; the agent that runs a task owns the loops that the task opens.
//
//            hit (any), halt now, cancel
//   open ------------------------------------> stopping: what runs is told to stop; nothing new starts
//    | halt soon                                    |
//    +----------> draining: what runs may finish    |
//    | lowest hit                |                  |
//    +----------> narrowing: only what lies below   |
//    |            the hit goes on                   |
//    +---------------------------+------------------+--> ended, when nothing is out and nothing more is to start
//
//   any of these --the task that opened the loop is gone--> abandoned: what comes is dropped
//
// It works on the partition of the branch that it is part of. The memory of the root stands for the journal: what is
// committed is settled at once.
//
// Invariants: committed iterations are exactly the settled ones; a candidate hit is the only thing that stays finished
// without being settled, and only while narrowing or while a stop that came then waits for what runs.

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/partition.h"
#include "agent/core/results.h"
#include "agent/core/terms.h"

namespace agent::core {

class Owner {
 public:
  // `size`: of a bounded loop; nothing: items will come. `opener`: the task whose loop it is; nobody (0) at the root.
  Owner(const LoopId& loop, const JobTerms& terms, std::optional<std::uint64_t> size, TaskId opener,
        Partition& partition);

  // An open loop grew to [0, known); its input has ended.
  void add_items(std::uint64_t known, Partition& partition);
  void end_items() { items_ended_ = true; }

  // Whether anything unstarted may start.
  [[nodiscard]] bool starts() const { return phase_ == Phase::open || phase_ == Phase::narrowing; }
  // What runs may finish, and nothing else.
  [[nodiscard]] bool drains() const { return phase_ == Phase::draining; }
  // Whether a piece that failed or was lost is to run again.
  [[nodiscard]] bool goes_on(Interval piece) const;
  // What is wanted no more and should be stopped, wherever it runs: all of the loop, what lies at and above a candidate
  // hit, or nothing.
  [[nodiscard]] std::optional<Interval> unwanted() const;

  // A result, finished in the partition just now. It is committed, or kept as the candidate, or dropped.
  void accept(const KeptResult& result, Partition& partition, std::vector<Action>& actions);
  // Whether the candidate's bytes are in that batch.
  [[nodiscard]] bool keeps(BatchId batch) const { return candidate_ && candidate_->source.batch == batch; }
  void count_retry() { ++counts_.retried; }
  void count_redo() { ++counts_.redone; }
  // Some of the partition is lost now, `latest` among it.
  void note_loss(Interval latest, Partition& partition) { apply_halt_rule(latest, partition); }
  // What is lost stays so, whatever still comes: it has failed.
  void commit_lost(Partition& partition, std::vector<Action>& actions);

  void cancel(Partition& partition);
  // Nobody waits for the loop any more, or nobody ever will again: it is over, whatever is still out.
  void abandon(Partition& partition);
  [[nodiscard]] bool abandoned() const { return phase_ == Phase::abandoned; }

  struct Ending {
    Verdict verdict = Verdict::done;
    std::optional<Interval> decisive;
  };
  // The end, once nothing is out and nothing more will start. Commits a candidate hit first.
  std::optional<Ending> conclude(Partition& partition, std::vector<Action>& actions);

  // Without `running`, which the branch knows.
  [[nodiscard]] Counts counts(const Partition& partition) const;
  void check_invariants(const Partition& partition) const;

 private:
  enum class Phase { open, draining, narrowing, stopping, abandoned };

  void accept_candidate(const KeptResult& result, Partition& partition, std::vector<Action>& actions);
  void commit(const KeptResult& result, Partition& partition, std::vector<Action>& actions);
  void drop(const ResultSource& source, std::vector<Action>& actions) const;
  void drop_batch(const ResultSource& source, std::vector<Action>& actions) const;
  void apply_halt_rule(Interval latest, Partition& partition);
  [[nodiscard]] bool halt_reached(const Partition& partition) const;
  // What is lost, and not committed as such, in the pieces in which it will be.
  [[nodiscard]] std::uint64_t pending_losses(const Partition& partition) const;
  void stop(Verdict verdict, std::optional<Interval> decisive, Partition& partition);

  LoopId loop_;
  TaskId opener_;
  HaltRule halt_;
  Body body_;
  bool lowest_hit_ = false;
  Phase phase_ = Phase::open;
  bool items_ended_ = false;
  std::uint64_t known_ = 0;  // the loop is [0, known) so far
  std::optional<KeptResult> candidate_;
  Verdict verdict_ = Verdict::done;  // the one to give at the end
  std::optional<Interval> decisive_;
  Counts counts_;  // `total`, `committed` and `running` are derived
};

}  // namespace agent::core
