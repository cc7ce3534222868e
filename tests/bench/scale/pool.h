#pragma once
// One job in a pool of agents, run to its verdict, with everything measured that the cases ask for.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/interval_set.h"
#include "agent/sim/summary.h"
#include "agent/sim/world.h"

namespace scale {

namespace sim = agent::sim;
namespace core = agent::core;
using sim::Duration;
using sim::WorldTime;

// Agents find each other before the job comes. In a pool that was started all at once, some are unknown to most for a
// minute or so.
inline constexpr WorldTime job_comes{std::chrono::seconds(120)};

struct Pool {
  std::uint64_t seed = 1;
  std::uint32_t agents = 1'000;
  std::uint64_t iterations_each = 100;
  sim::Lengths lengths;
  double power_low = 1;  // drawn evenly between the two
  double power_high = 1;
  double killed = 0;  // shares, at random moments of the job
  double slowed = 0;  // tenfold
  std::uint32_t branch_number = 8;
  sim::NodeIndex root = 0;
  std::optional<Duration> patience;  // stop so long after the submission, whether or not it has ended
};

// Counts what a master has lent to whom, from what it says and hears, and who has recruited most.
class Recruits : public sim::Observer {
 public:
  void on_sent(const sim::SendSeen& seen) override;
  void on_step(const sim::StepSeen& seen) override;
  void on_node_died(sim::NodeIndex node, WorldTime at) override;

  [[nodiscard]] std::size_t most() const { return most_; }

 private:
  using Lent = std::map<core::BranchId, core::IntervalSet>;
  void take_back(sim::NodeIndex master, sim::NodeIndex helper, core::BranchId branch,
                 const std::vector<core::Interval>& what);
  void keep_only(sim::NodeIndex master, sim::NodeIndex helper, const protocol::Holds& holds);

  std::map<sim::NodeIndex, std::map<sim::NodeIndex, Lent>> lent_;  // by master and helper, while there is something
  std::size_t most_ = 0;
};

// How many slots were at work in every second from the submission on, and what was said meanwhile.
class Activity : public sim::Observer {
 public:
  explicit Activity(const sim::World& world) : world_(world) {}
  void on_sent(const sim::SendSeen& seen) override;
  void on_task_began(const sim::TaskSeen& seen) override;
  void on_task_gone(const sim::TaskSeen& seen, sim::TaskEnding ending) override;
  void on_node_started(sim::NodeIndex node, WorldTime at) override;
  void on_node_died(sim::NodeIndex node, WorldTime at) override;

  // Lines for people: utilisation over time, messages by kind.
  void print() const;
  [[nodiscard]] std::uint64_t sent(protocol::Kind kind) const;
  // How long after the submission that share of all agents had begun a task; nothing: not yet.
  [[nodiscard]] std::optional<Duration> recruited(double share) const;

 private:
  struct Second {
    double busy = 0;   // slot seconds
    double alive = 0;  // of them there were
    std::array<std::uint64_t, protocol::kind_count> sent{};
  };
  Second& second_of(WorldTime at);
  void advance(WorldTime to);

  const sim::World& world_;
  std::vector<Second> seconds_;
  std::set<sim::NodeIndex> recruited_;
  std::vector<WorldTime> recruited_at_;  // in order
  WorldTime now_ = job_comes;
  std::uint32_t busy_ = 0;
  std::uint32_t alive_ = 0;
};

struct Measured {
  sim::Summary summary;
  std::size_t helpers_most = 0;
  std::uint64_t probes = 0;
  double root_messages = 0;  // sent and received by the root, per second
  std::optional<Duration> recruited_90, recruited_99;
  double links = 0;         // of an agent, at the end
  double wall_seconds = 0;  // that the simulation took
  std::uint64_t turns = 0;
};

enum class Talk { quiet, shows_activity };

[[nodiscard]] sim::WorldOptions world_of(const Pool& pool);
[[nodiscard]] Measured run(const Pool& pool, Talk talk);

}  // namespace scale
