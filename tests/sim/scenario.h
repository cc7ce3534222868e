#pragma once
// Everything about one simulated life, drawn from one seed: the pool, its jobs, and the faults that strike it.
//
// Each seed switches every kind of fault on or off for itself, so that some seeds see one kind alone and some none: a
// fault that is always there hides what the others do. Faults strike during the safety phase; then all of them heal, or
// turn into permanent crashes, and the liveness phase demands that every job ends.

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "agent/sim/world.h"

namespace sim_test {

using agent::sim::Duration;
using agent::sim::NodeIndex;
using agent::sim::WorldTime;

enum class FaultKind {
  crash,              // and restart after `length`
  vanish,             // the same, but nobody is told
  death,              // a crash for good
  pause,              // SIGSTOP for `length`
  sleep,              // of the machine, for `length`
  stall,              // of the agent's loop, for `length`
  slow,               // a tenth to a hundredth of its power, for `length`
  partition,          // of the group, for `length`
  one_way_partition,  // the same, in one direction
  link_break,         // of some link of the node
  half_break,         // one end is told `length` later
};
inline constexpr std::size_t fault_kind_count = static_cast<std::size_t>(FaultKind::half_break) + 1;
inline constexpr std::size_t fault_kinds_min = 5;  // that strike in every seed from which none was taken away
[[nodiscard]] std::string_view name_of(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::crash;
  WorldTime at;
  Duration length{};
  NodeIndex node = 0;
  std::set<NodeIndex> group;  // of partitions
  agent::sim::Barrier barrier = agent::sim::Barrier::both_ways;
  std::uint64_t number = 0;  // for whatever is left to choose
};

struct Scenario {
  agent::sim::WorldOptions world;
  std::vector<Fault> faults;  // by time
  WorldTime safe_until;       // faults strike before
  std::set<NodeIndex> liars;  // members that misbehave (forger.h); never a root
  Duration held_up_max{};     // the longest that a partition or a sleep may hold a message up
};

// What a shrinking campaign takes away.
struct Reduction {
  bool flat = false;                            // no inner loops
  bool liars = false;                           // adds: up to 30 % of the members lie, in every seed
  std::optional<std::uint32_t> nodes;           // at most so many
  std::optional<std::set<std::size_t>> faults;  // only these, by their place among all of the seed
};

[[nodiscard]] Scenario draw_scenario(std::uint64_t seed, const Reduction& reduction = {});

// Plans the faults of the scenario, and the healing of everything at its end.
void plan_faults(agent::sim::World& world, const Scenario& scenario);

}  // namespace sim_test
