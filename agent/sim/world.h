#pragma once
// A world of agents in one thread: machines, wires, users and faults, in simulated time.
//
// Deterministic: the same options, the same calls at the same times, the same run, byte for byte. Faults are calls; who
// makes them (a scenario, a swarm) plans them with at().
//
// Invariants: time only goes forward; at most one live link per pair; each end of a link is told of its end exactly
// once, unless the node dies before.

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "agent/sim/brain.h"
#include "agent/sim/event_heap.h"
#include "agent/sim/happening.h"
#include "agent/sim/network.h"
#include "agent/sim/node.h"
#include "agent/sim/observer.h"
#include "agent/sim/workload.h"

namespace agent::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::vector<NodeOptions> nodes;
  std::vector<JobPlan> jobs;
  NetworkOptions network;
  Costs costs;
  link::Exchange::Checks checks = link::Exchange::Checks::on;
  Duration start_spread = std::chrono::seconds(1);  // nodes start at random within it
  std::uint32_t seeds_max = 3;                      // peers that a node is told at its start
  Duration restart_after_poison = std::chrono::seconds(5);
  BrainMaker make = make_agent;
};

// What became of a job.
struct JobEnding {
  enum class How { open, answered, root_died, never_submitted };
  How how = How::open;
  WorldTime at;
  std::optional<core::AnswerVerdict> answer;
};

struct Traffic {
  std::array<std::uint64_t, protocol::kind_count> sent{};  // messages by kind
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t dials = 0;
};

class World : private Ground {
 public:
  explicit World(WorldOptions options);
  ~World() override;

  // To be called before anything has happened; it must live as long as the world.
  void watch(Observer& observer) { observers_.push_back(&observer); }

  // Everything up to and including `until`.
  void run_until(WorldTime until);
  // The same, but stops as soon as every job has ended, or when `stop` says so, which is asked now and then. True: they
  // have ended.
  bool run_jobs(WorldTime until, const std::function<bool()>& stop = {});
  void at(WorldTime when, std::function<void()> call);

  [[nodiscard]] WorldTime now() const override { return now_; }
  [[nodiscard]] const WorldOptions& options() const { return options_; }
  [[nodiscard]] const Workload& workload() const override { return workload_; }
  [[nodiscard]] std::uint32_t node_count() const { return static_cast<std::uint32_t>(nodes_.size()); }
  [[nodiscard]] const Node& node(NodeIndex index) const { return *nodes_.at(index); }
  [[nodiscard]] const Network& network() const { return network_; }
  [[nodiscard]] const Traffic& traffic(NodeIndex index) const { return traffic_.at(index); }
  // By the number of the job, from 1.
  [[nodiscard]] const JobEnding& ending(std::uint32_t job) const { return endings_.at(job - 1); }
  [[nodiscard]] bool jobs_ended() const { return open_jobs_ == 0; }
  [[nodiscard]] std::uint64_t turns() const { return turns_; }

  // Faults. What does not apply to a node's state (a crash of a dead one) does nothing.
  enum class Death { killed, vanished };  // killed: the system closes its links; vanished: the machine is gone
  void crash(NodeIndex node, Death death);
  void restart(NodeIndex node);
  void pause(NodeIndex node);
  void resume(NodeIndex node);
  void fall_asleep(NodeIndex node);
  void wake_up(NodeIndex node);
  void stall(NodeIndex node, Duration length);
  void set_power(NodeIndex node, double power);
  // The ends are told when the last of what survives has arrived, one of them so much later.
  void break_link(LinkNumber link, Duration late);
  std::uint64_t divide(std::set<NodeIndex> group, Barrier barrier);
  void heal(std::uint64_t partition);
  void end_harshness() { network_.end_harshness(); }
  // Hands a message to `to` as if `from` had sent it on their link, if there is one.
  void forge(NodeIndex from, NodeIndex to, const protocol::Envelope& envelope);

 private:
  void schedule(WorldTime at, Happening what) override;
  [[nodiscard]] const std::vector<Observer*>& observers() const override { return observers_; }
  void dial(NodeIndex from, const core::Dial& order, WorldTime at) override;
  void hang_up(NodeIndex from, LinkNumber link, WorldTime at) override;
  void transmit(NodeIndex from, LinkNumber link, Bytes bytes, WorldTime at) override;
  void answered(NodeIndex root, const core::AnswerVerdict& verdict) override;
  void poisoned(NodeIndex node) override;
  [[nodiscard]] std::uint32_t failures(const core::LoopId& loop, std::uint64_t index) const override;
  void failed(const core::LoopId& loop, std::uint64_t index) override;

  struct DialAttempt {
    NodeIndex from = 0;
    std::uint32_t instance = 0;
    NodeIndex to = 0;
    core::Dial order;
  };

  void turn();
  void on(const Delivery& delivery);
  void start(NodeIndex node);
  void submit(std::size_t job);
  void end_job(std::size_t job, JobEnding ending);
  void knock(const DialAttempt& attempt);
  void link(const DialAttempt& attempt, std::uint32_t instance_to);
  void fail_dial(const DialAttempt& attempt, Duration after);
  void open_link(NodeIndex dialler, NodeIndex other);
  void tell_up(NodeIndex node, NodeIndex peer, LinkNumber link, bool dialled);
  void tell_down(NodeIndex node, LinkNumber link, WorldTime at);
  // When what is still to come on the link has come, or the news of its end.
  [[nodiscard]] WorldTime quiet_at(LinkNumber link, NodeIndex from, NodeIndex to) const;
  void note_fault(std::string_view name, NodeIndex node);

  WorldOptions options_;
  Workload workload_;
  core::Random random_;
  Network network_;
  EventHeap<Happening> heap_;
  WorldTime now_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Traffic> traffic_;
  std::vector<JobEnding> endings_;
  std::size_t open_jobs_ = 0;
  std::vector<Observer*> observers_;
  std::vector<std::map<NodeIndex, LinkNumber>> told_;  // by node: the links that it was told are up
  std::map<NodeIndex, std::uint64_t> sleepers_;        // and their partitions
  std::map<std::pair<core::LoopId, std::uint64_t>, std::uint32_t> failures_;
  std::uint64_t turns_ = 0;
};

}  // namespace agent::sim
