#pragma once
// One job as its root sees it: what of the loop is where, what has come of it, and when it is over.
//
//            hit (any), halt now, cancel
//   open ------------------------------------> stopping: what runs is told to stop; nothing new starts
//    | halt soon                                    |
//    +----------> draining: what runs may finish    |
//    | lowest hit                |                  |
//    +----------> narrowing: only what lies below   |
//    |            the hit goes on                   |
//    +---------------------------+------------------+--> ended, when nothing runs and nothing more is to start
//
// Invariants: the branch's partition (branch.h); committed iterations are exactly the branch's settled ones; a
// candidate hit is the only thing that stays finished without being settled, and only while narrowing.

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/branch.h"
#include "agent/core/event.h"
#include "agent/core/mandate.h"
#include "agent/core/piece_sizer.h"

namespace agent::core {

// A piece in a process of this node.
struct Task {
  TaskId id;
  JobId job;
  Piece piece;
  std::uint32_t slot = 0;
  bool started = false;            // the launcher has reported the process
  std::optional<StopHow> stopped;  // the hardest stop that it was told
};

class Job {
 public:
  static constexpr std::uint32_t deaths_max = 3;
  static constexpr std::uint32_t refusals_max = 8;

  Job(const JobTerms& terms, ClientId client);

  [[nodiscard]] const JobTerms& terms() const { return terms_; }
  [[nodiscard]] ClientId client() const { return client_; }
  [[nodiscard]] Mandate& mandate() { return mandate_; }
  [[nodiscard]] const Mandate& mandate() const { return mandate_; }
  [[nodiscard]] const Branch& branch() const { return branch_; }
  [[nodiscard]] std::uint64_t running() const { return branch_.running().size(); }

  void add_items(std::uint64_t known);
  void end_items();
  void set_results_full(bool full) { results_full_ = full; }

  // Whether a slot would be used now.
  [[nodiscard]] bool wants_slot(Instant now) const;
  // Requires wants_slot(). `slots` >= 1 are the node's.
  Piece start_next(std::uint32_t slots);

  // A task of this job is over; decides what becomes of its result.
  void on_ended(const Task& task, const TaskEnded& ended, std::vector<Action>& actions);
  void on_lost(const Task& task, TaskLost::Cause cause, std::vector<Action>& actions);

  void cancel();
  // Whether a running piece is wanted no more and should be told to stop.
  [[nodiscard]] bool unwanted(Interval running) const;

  // The verdict, once nothing runs and nothing more will. Commits a candidate hit first.
  std::optional<AnswerVerdict> conclude(std::vector<Action>& actions);

  [[nodiscard]] Counts counts() const;
  void check_invariants() const;

 private:
  enum class Phase { open, draining, narrowing, stopping };
  struct Candidate {
    TaskId task;
    Piece piece;
  };

  [[nodiscard]] Outcome judge(const TaskEnded& ended) const;
  void on_stopped(const Task& task, std::vector<Action>& actions);
  void accept(const Task& task, Outcome outcome, std::vector<Action>& actions);
  void accept_candidate(const Task& task, std::vector<Action>& actions);
  void commit(TaskId task, const Piece& piece, Outcome outcome, std::vector<Action>& actions);
  void try_again(Piece piece, TaskId task, std::vector<Action>& actions);
  void give_up(const Task& task, std::vector<Action>& actions);
  void abandon(const Task& task, std::vector<Action>& actions);
  void apply_halt_rule(Interval latest);
  [[nodiscard]] bool halt_reached() const;
  void stop(Verdict verdict, std::optional<Interval> decisive);
  [[nodiscard]] bool goes_on(Interval piece) const;

  JobTerms terms_;
  ClientId client_;
  Branch branch_;
  PieceSizer sizer_;
  Mandate mandate_;
  Phase phase_ = Phase::open;
  bool items_ended_ = false;
  bool results_full_ = false;
  std::uint64_t known_ = 0;  // the loop is [0, known) so far
  std::optional<Candidate> candidate_;
  Verdict verdict_ = Verdict::done;  // the one to give at the end
  std::optional<Interval> decisive_;
  Counts counts_;  // `total`, `committed` and `running` are derived
};

}  // namespace agent::core
