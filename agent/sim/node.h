#pragma once
// One machine of the world: its agent, its launchers, its processor and its clock.
//
//   down --start--> up --pause--> paused (SIGSTOP: tasks go on until their deadline)
//    ^ <---crash---  |  --sleep--> asleep (nothing goes on; the clock does)
//
// The agent's loop takes one thing at a time: what came in first, but a passed deadline before it (and never two
// deadlines in a row while something waits). Each takes processor time, and what comes in meanwhile waits.
//
// Invariants: a StartTask is answered by TaskEnded or TaskLost exactly once, unless the node dies before; an agent is
// told LinkUp and LinkDown of one peer in turns; nothing of one instance is told to another one.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "agent/link/exchange.h"
#include "agent/sim/brain.h"
#include "agent/sim/canned_notary.h"
#include "agent/sim/happening.h"
#include "agent/sim/observer.h"
#include "agent/sim/task_run.h"
#include "agent/sim/workload.h"

namespace agent::sim {

// Processor time of the agent itself, on a node of any power.
struct Costs {
  Duration step = std::chrono::microseconds(5);
  Duration receive = std::chrono::microseconds(20);
  Duration send = std::chrono::microseconds(20);
  Duration connect = std::chrono::microseconds(300);  // at either end: checking certificates
  Duration launch = std::chrono::microseconds(200);   // until a task's process exists
};

struct NodeOptions {
  std::uint32_t slots = 1;
  double power = 1.0;  // cost per second of one slot
  NodeClock clock;
};

// What a node finds around it.
class Ground {
 public:
  Ground() = default;
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;
  virtual ~Ground() = default;

  [[nodiscard]] virtual WorldTime now() const = 0;
  virtual void schedule(WorldTime at, Happening what) = 0;
  [[nodiscard]] virtual const Workload& workload() const = 0;
  [[nodiscard]] virtual const std::vector<Observer*>& observers() const = 0;
  virtual void dial(NodeIndex from, const core::Dial& order, WorldTime at) = 0;
  virtual void hang_up(NodeIndex from, LinkNumber link, WorldTime at) = 0;
  virtual void transmit(NodeIndex from, LinkNumber link, Bytes bytes, WorldTime at) = 0;
  virtual void answered(NodeIndex root, const core::AnswerVerdict& verdict) = 0;
  // The agent itself dies of what it runs.
  virtual void poisoned(NodeIndex node) = 0;
  [[nodiscard]] virtual std::uint32_t failures(const core::LoopId& loop, std::uint64_t index) const = 0;
  virtual void failed(const core::LoopId& loop, std::uint64_t index) = 0;
};

class Node {
 public:
  struct Surroundings {
    Ground& ground;
    const Costs& costs;
    link::Exchange::Checks checks = link::Exchange::Checks::on;
  };

  Node(NodeIndex index, const NodeOptions& options, const Surroundings& surroundings);

  // A new instance. REQUIRES: down.
  void start(const BrainMaker& make, std::uint64_t seed, std::vector<core::Address> seeds);
  // Everything is gone. REQUIRES: up.
  void crash();
  [[nodiscard]] bool up() const { return brain_ != nullptr; }
  // Takes things in now: up, neither paused nor asleep.
  [[nodiscard]] bool attends() const { return up() && !paused_ && !asleep_; }
  [[nodiscard]] bool asleep() const { return asleep_; }
  [[nodiscard]] std::uint32_t instance() const { return instance_; }
  [[nodiscard]] core::Peer self() const;
  [[nodiscard]] const NodeOptions& options() const { return options_; }

  void pause();
  void resume();
  void fall_asleep();
  void wake_up();
  // The loop stands still.
  void stall(Duration length);
  void set_power(double power);
  // Of work that is not the agent's own decision: setting up a link.
  void charge(Duration processor_time);

  // What came in. A packet of a link that the agent has not been told of, or no more, is thrown away.
  void tell(const core::Event& event);
  void tell_link_up(LinkNumber link, const core::LinkUp& event);
  void tell_link_down(LinkNumber link);
  void deliver(LinkNumber link, Bytes bytes);

  void on(const Wake& due);
  void on(const TaskDue& due);

  [[nodiscard]] Instant clock() const;
  [[nodiscard]] const Brain& brain() const { return *brain_; }
  [[nodiscard]] const link::Exchange& exchange() const { return *exchange_; }
  [[nodiscard]] const CannedNotary& notary() const { return *notary_; }
  [[nodiscard]] const std::map<core::TaskId, TaskRun>& tasks() const { return tasks_; }
  // As far as its agent has been told.
  [[nodiscard]] const std::map<core::NodeId, LinkNumber>& links() const { return links_; }
  [[nodiscard]] std::size_t inbox_size() const { return inbox_.size(); }

 private:
  // An event, or else the packet of a link.
  struct Item {
    std::optional<core::Event> event;
    LinkNumber link = 0;  // of a packet, of LinkUp and of LinkDown
    Bytes bytes;
  };

  void take_in(Item item);
  void plan_wake();
  [[nodiscard]] bool deadline_due() const;
  // What the next thing in the inbox is for the agent; nothing: thrown away.
  [[nodiscard]] std::optional<core::Event> next_event();
  [[nodiscard]] std::optional<core::Event> take_event(Item item);
  [[nodiscard]] std::optional<core::Event> take_packet(const Item& item);
  void step(const core::Event& event);

  void carry_out(const core::SignMandate& order);
  void carry_out(const core::StartTask& order);
  void carry_out(const core::StopTask& order);
  void carry_out(const core::ExtendDeadline& order);
  void carry_out(const core::CommitResult& order);
  void carry_out(const core::CommitReceived& order);
  void carry_out(const core::CommitLost&) {}
  void carry_out(const core::KeepResult& order);
  void carry_out(const core::DropResult& order);
  void carry_out(const core::DropBatch& order);
  void carry_out(const core::AnswerVerdict& answer);
  void carry_out(const core::AnswerJoin& answer);
  void carry_out(const core::Dial& order);
  void carry_out(const core::HangUp& order);
  void carry_out(const core::Send& order);
  void carry_out(const core::Notice&) {}

  void plan_point(const TaskRun& run);
  void plan_deadline(const TaskRun& run);
  void reach_point(core::TaskId task);
  void end_by_itself(core::TaskId task);
  void lose(core::TaskId task, core::TaskLost::Cause cause);
  void end(core::TaskId task, core::TaskEnded::How how, int exit);
  void keep_result(const TaskRun& run, core::Outcome outcome);
  // Of one that does not end by itself.
  [[nodiscard]] core::Outcome outcome_of_stopped(const core::StartTask& order) const;
  void remove(core::TaskId task, TaskEnding ending);
  [[nodiscard]] double speed() const { return asleep_ ? 0.0 : options_.power; }

  NodeIndex index_;
  NodeOptions options_;
  Surroundings around_;
  std::unique_ptr<Brain> brain_;
  std::unique_ptr<CannedNotary> notary_;
  std::unique_ptr<link::Exchange> exchange_;
  std::uint32_t instance_ = 0;
  bool paused_ = false;
  bool asleep_ = false;
  std::deque<Item> inbox_;
  std::vector<TaskDue> slept_through_;
  std::map<core::NodeId, LinkNumber> links_;
  std::map<LinkNumber, core::NodeId> peers_;  // the same, the other way round
  std::map<core::TaskId, TaskRun> tasks_;
  std::optional<Instant> deadline_;  // of the agent, as of its latest step
  WorldTime busy_until_;
  bool deadline_was_last_ = false;
  std::optional<WorldTime> wake_at_;
  std::uint64_t wake_number_ = 0;
};

}  // namespace agent::sim
