#pragma once
// The deciding machine: it is told everything, and says what is to be done about it.
//
//   step(now, event, actions)   something happened at `now`; what should be done is appended to `actions`
//   next_deadline()             nothing, or when (and why) to step with DeadlinePassed if nothing happens before
//
// The caller's duties:
//   1. `now` never goes back.
//   2. step() is never entered from within itself.
//   3. Actions are carried out in order. What they cause comes back as later events.
//   4. After each step next_deadline() is read again; a deadline that has passed is reported.
//   5. A StartTask is answered by TaskEnded or TaskLost, exactly once, TaskStarted coming before it if the process came
//   to be.
// The machine's promises: the same options and events give the same actions; a stale, unknown or doubled event is never
// an error; never more running tasks than slots; work and memory of a step are bounded by slots + jobs.
//
// This is the half that one machine needs: the root of local jobs. It keeps no clock, no descriptor and no bytes of
// output.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/branch.h"
#include "agent/core/event.h"
#include "agent/core/mandate.h"

namespace agent::core {

struct Options {
  std::uint32_t slots = 1;  // >= 1: how many tasks may run here at once
  NodeId node;
  InstanceKey instance;
  Address address;             // where peers reach us
  std::vector<Address> seeds;  // asked when nobody else is known
  std::uint64_t random_seed = 0;
};

struct Deadline {
  enum class Why { mandate, launch_pause };
  Instant at;
  Why why = Why::mandate;
  bool operator==(const Deadline&) const = default;
};

class Agent {
 public:
  explicit Agent(const Options& options);

  void step(Instant now, const Event& event, std::vector<Action>& actions);
  [[nodiscard]] std::optional<Deadline> next_deadline() const;

  [[nodiscard]] std::size_t job_count() const { return jobs_.size(); }
  [[nodiscard]] std::size_t running_count() const { return tasks_.size(); }
  [[nodiscard]] std::optional<Counts> counts(JobId job) const;
  // Everything below this index is committed.
  [[nodiscard]] std::uint64_t committed_below(JobId job) const;
  void check_invariants() const;

 private:
  using BranchKey = protocol::Id<struct BranchKeyTag, std::uint64_t>;

  // What we know of a job that we have a branch of.
  struct Job {
    JobTerms terms;
    Mandate mandate;
    std::uint64_t last_served = 0;  // when a slot was last given, as a running number
    // At its root only: the root branch, and the mandates that we sign.
    std::optional<BranchKey> root;
    std::uint64_t mandate_sequence = 0;  // of the next one
    Instant mandate_due;
  };

  struct Task {
    TaskId id;
    BranchKey branch;
    Interval piece;
    std::uint32_t slot = 0;
    bool started = false;            // the launcher has reported the process
    std::optional<StopHow> stopped;  // the hardest stop that it was told
  };

  void on(const JobSubmitted& event);
  void on(const ItemsAdded& event);
  void on(const ItemsEnded& event);
  void on(const MandateSeen& event);
  void on(const TaskStarted& event);
  void on(const TaskEnded& event);
  void on(const TaskLost& event);
  void on(const CancelRequested& event);
  void on(const ClientLeft& event);
  void on(const ResultsFull& event);
  void on(const ResultsFlow& event);
  void on(const LoopForked& event);
  void on(const LoopJoined& event);
  void on(const LinkUp& event);
  void on(const LinkDown& event);
  void on(const DialFailed& event);
  void on(const MessageReceived& event);
  void on(const DeadlinePassed& event);

  void sign_due_mandates();
  // Tells tasks of the branch that are wanted no more to stop.
  void stop_unwanted(StopHow how, const Branch& branch);
  void stop_losers(const Losers& losers);
  void stop(Task& task, StopHow how);
  void cancel(JobId job, StopHow how);
  void conclude_jobs();
  void fill_slots();
  // Which branch a free slot is for: the job with the fewest running tasks, among equals the one served longest ago.
  [[nodiscard]] std::optional<BranchKey> hungriest() const;
  [[nodiscard]] std::size_t running_of(JobId job) const;
  void start(BranchKey key);
  void pause_launching();
  // Takes the task out of its slot.
  std::optional<Task> release(TaskId id);
  Job* find(JobId job);
  Branch* root_branch(JobId job);
  [[nodiscard]] const Branch* root_branch(JobId job) const;

  Options options_;
  std::map<JobId, Job> jobs_;
  std::map<BranchKey, Branch> branches_;
  std::map<TaskId, Task> tasks_;
  std::set<std::uint32_t> free_slots_;
  std::uint64_t next_task_ = 1;
  std::uint64_t next_branch_ = 1;
  std::uint64_t served_ = 0;
  std::uint32_t launch_refusals_ = 0;       // running: times that this node had no room for a process
  std::optional<Instant> launch_pause_;     // start nothing before
  Instant now_;                             // of the step under way
  std::vector<Action>* actions_ = nullptr;  // of the step under way
};

}  // namespace agent::core
