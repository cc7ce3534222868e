#include "tests/sim/scenario.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "tests/sim/forger.h"

namespace sim_test {

namespace sim = agent::sim;
using namespace std::chrono_literals;
using agent::core::Random;

namespace {

constexpr std::array<std::string_view, fault_kind_count> names{
    "crash",      "vanish",    "death", "pause", "sleep", "stall", "slow", "partition", "one-way partition",
    "link break", "half break"};

constexpr Duration safety_phase = 180s;

Duration between(Random& random, Duration least, Duration most) {
  return least +
         Duration(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

std::vector<sim::NodeOptions> draw_nodes(Random& random) {
  // Most pools are small: what goes wrong, goes wrong among few.
  const std::uint64_t count = random.chance(1, 4) ? 30 + random.below(171) : 30 + random.below(31);
  const bool even = random.chance(1, 4);
  const bool true_clocks = random.chance(1, 3);
  const std::uint64_t slots_max = 1 + random.below(4);
  std::vector<sim::NodeOptions> nodes(count);
  for (sim::NodeOptions& node : nodes) {
    node.slots = static_cast<std::uint32_t>(1 + random.below(slots_max));
    node.power = even ? 1.0 : 0.5 + 4.5 * random.unit();
    if (true_clocks) continue;
    node.clock.offset = between(random, 0s, 1h);
    node.clock.rate_ppm = static_cast<std::int64_t>(random.below(18'001)) - 9'000;  // within 1 % of each other and all
  }
  return nodes;
}

sim::Lengths draw_lengths(Random& random) {
  sim::Lengths lengths{.mean = between(random, 200ms, 4s), .longest = 20};
  lengths.kind = static_cast<sim::Lengths::Kind>(random.below(4));
  lengths.shape = lengths.kind == sim::Lengths::Kind::pareto ? 1.5 + random.unit() : 0.5 + random.unit();
  return lengths;
}

sim::Mishaps draw_mishaps(Random& random, const agent::core::JobTerms& terms) {
  sim::Mishaps mishaps;
  if (random.chance(1, 3)) mishaps = {.failing_every = 20, .failures = static_cast<std::uint32_t>(1 + random.below(3))};
  if (random.chance(1, 4)) mishaps.hopeless_every = 60;
  if (random.chance(1, 4)) mishaps.deaf_every = 5;
  if (random.chance(1, 6)) mishaps.launcher_poison_every = 150;
  if (random.chance(1, 10)) mishaps.agent_poison_every = 300;
  if (terms.found) mishaps.hits = {random.below(*terms.size)};
  return mishaps;
}

// With those of the loops below it, on average: the work of a job is to be the same with and without nesting.
std::uint64_t iterations_per_outer(const sim::Nesting& nesting) {
  const double loops = 0.5 * (1 + nesting.loops_max) * nesting.percent / 100;
  const double below = loops * 0.5 * static_cast<double>(nesting.size_min + nesting.size_max);
  double all = 1;
  for (std::uint32_t depth = 0; depth < nesting.depth; ++depth) all = 1 + below * all;
  return static_cast<std::uint64_t>(all);
}

sim::JobPlan draw_job(Random& random, std::uint32_t number, const std::vector<sim::NodeOptions>& nodes) {
  sim::JobPlan plan{.root = static_cast<NodeIndex>(random.below(nodes.size())),
                    .submitted = WorldTime(between(random, 5s, 90s)),
                    .lengths = draw_lengths(random)};
  double power = 0;
  for (const sim::NodeOptions& node : nodes) power += node.power * node.slots;
  // As much as the whole pool would do in 10 to 60 s, if it were alone.
  const double work = power * (10 + 50 * random.unit()) / 2;
  const double count = std::clamp(work / agent::sim::seconds_of(plan.lengths.mean), 1.0, 20'000.0);
  plan.terms = {.job = sim::job_id(number),
                .size = static_cast<std::uint64_t>(count),
                .retries = static_cast<std::uint32_t>(random.below(3)),
                .user = sim::user_id(static_cast<std::uint32_t>(1 + random.below(3))),
                .branch_number = static_cast<std::uint32_t>(random.chance(1, 10) ? 0 : 1 + random.below(10))};
  if (random.chance(1, 5)) plan.terms.found = 42;
  if (random.chance(1, 5)) {
    plan.terms.body = agent::core::Body::command_per_piece;
    plan.terms.grain = 5s;
  }
  plan.mishaps = draw_mishaps(random, plan.terms);
  if (random.chance(1, 8)) plan.cancelled = plan.submitted + between(random, 1s, 60s);
  const bool flat = plan.terms.body == agent::core::Body::command_per_piece || !random.chance(1, 3);
  if (flat) return plan;
  plan.nesting = {.depth = static_cast<std::uint32_t>(1 + random.below(3)),
                  .percent = static_cast<std::uint32_t>(20 + random.below(81)),
                  .size_min = 1,
                  .size_max = 2 + random.below(8),
                  .loops_max = static_cast<std::uint32_t>(1 + random.below(2)),
                  .branch_number = static_cast<std::uint32_t>(random.below(6))};
  plan.terms.size = std::max<std::uint64_t>(2, *plan.terms.size / iterations_per_outer(plan.nesting));
  return plan;
}

sim::NetworkOptions draw_network(Random& random) {
  sim::NetworkOptions network;
  if (random.chance(1, 3)) network.jitter = between(random, 0s, 20ms);
  if (random.chance(1, 3)) {
    network.clusters = static_cast<std::uint32_t>(2 + random.below(3));
    network.latency_between_clusters = between(random, 1ms, 60ms);
  }
  if (random.chance(1, 8)) network.harsh_permille = static_cast<std::uint32_t>(1 + random.below(10));
  return network;
}

Duration draw_length(Random& random, FaultKind kind) {
  switch (kind) {
    case FaultKind::crash:
    case FaultKind::vanish: return between(random, 100ms, 30s);
    case FaultKind::pause: return random.chance(1, 2) ? between(random, 1s, 8s) : between(random, 8s, 90s);
    case FaultKind::sleep: return between(random, 5s, 90s);
    case FaultKind::stall: return between(random, 100ms, 4s);
    case FaultKind::slow: return between(random, 10s, 90s);
    case FaultKind::partition:
    case FaultKind::one_way_partition: return random.chance(1, 2) ? between(random, 1s, 9s) : between(random, 9s, 60s);
    case FaultKind::half_break: return between(random, 500ms, 20s);
    case FaultKind::death:
    case FaultKind::link_break: return Duration{};
  }
  assert(false);
  return Duration{};
}

// Each seed leaves some out: what is always there hides what only happens without it.
std::set<std::size_t> draw_kinds(Random& random) {
  const std::uint64_t count = fault_kinds_min + 2 + random.below(fault_kind_count - fault_kinds_min - 2);
  std::set<std::size_t> kinds;
  while (kinds.size() < count) kinds.insert(random.below(fault_kind_count));
  return kinds;
}

std::vector<Fault> draw_faults(Random& random, std::uint32_t nodes, const std::vector<sim::JobPlan>& jobs) {
  std::set<NodeIndex> spared;  // roots: most seeds let them live, or few jobs would end
  if (random.chance(3, 4)) {
    for (const sim::JobPlan& job : jobs) spared.insert(job.root);
  }
  std::vector<Fault> faults;
  for (const std::size_t kind : draw_kinds(random)) {
    const std::uint64_t count = 1 + random.below(kind == static_cast<std::size_t>(FaultKind::link_break) ? 60 : 12);
    for (std::uint64_t i = 0; i < count; ++i) {
      Fault fault{.kind = static_cast<FaultKind>(kind),
                  .at = WorldTime(between(random, 10s, safety_phase)),
                  .node = static_cast<NodeIndex>(random.below(nodes)),
                  .number = random.next()};
      fault.length = draw_length(random, fault.kind);
      fault.barrier = random.chance(1, 2) ? sim::Barrier::outwards : sim::Barrier::inwards;
      if (fault.kind == FaultKind::partition) fault.barrier = sim::Barrier::both_ways;
      fault.group = {fault.node};
      if (random.chance(1, 3)) {
        for (NodeIndex node = 0; node < nodes; ++node) {
          if (random.chance(1, 2)) fault.group.insert(node);
        }
      }
      const bool deadly = fault.kind <= FaultKind::death;
      if (deadly && spared.contains(fault.node)) continue;
      faults.push_back(std::move(fault));
    }
  }
  std::ranges::stable_sort(faults, {}, &Fault::at);
  return faults;
}

// From a stream of its own: what is drawn otherwise stays.
void draw_endings(std::uint64_t seed, std::vector<sim::JobPlan>& jobs) {
  using agent::core::HaltRule;
  Random random(sim::mixed(seed ^ 0x656e64));
  for (sim::JobPlan& job : jobs) {
    if (job.terms.found) {
      job.terms.lowest_hit = random.chance(1, 2);
      // Several, so that the lowest is not the only one.
      if (job.terms.lowest_hit) job.mishaps.hits.push_back(random.below(*job.terms.size));
    } else if (random.chance(1, 6)) {
      job.terms.halt = {.when = random.chance(1, 2) ? HaltRule::When::soon : HaltRule::When::now,
                        .what = static_cast<HaltRule::What>(random.below(3)),
                        .amount = 1 + random.below(50),
                        .unit = random.chance(1, 2) ? HaltRule::Unit::count : HaltRule::Unit::percent};
    }
  }
}

// Likewise.
void draw_started_once(std::uint64_t seed, std::vector<sim::JobPlan>& jobs) {
  Random random(sim::mixed(seed ^ 0x6f6e6365));
  for (sim::JobPlan& job : jobs) job.terms.started_at_most_once = random.chance(1, 8);
}

// From a stream of its own, so that a seed is the same with and without them.
std::set<NodeIndex> draw_liars(std::uint64_t seed, std::uint32_t nodes, const std::vector<sim::JobPlan>& jobs) {
  Random random(sim::mixed(seed ^ 0x6c696172));
  const std::uint64_t percent = 1 + random.below(30);
  std::set<NodeIndex> liars;
  for (NodeIndex node = 0; node < nodes; ++node) {
    const bool root = std::ranges::any_of(jobs, [&](const sim::JobPlan& job) { return job.root == node; });
    if (!root && random.chance(percent, 100)) liars.insert(node);
  }
  return liars;
}

void apply(sim::World& world, const Fault& fault, WorldTime end) {
  const WorldTime over = std::min(world.now() + fault.length, end);
  const NodeIndex node = fault.node;
  switch (fault.kind) {
    case FaultKind::crash:
    case FaultKind::vanish:
      world.crash(node, fault.kind == FaultKind::crash ? sim::World::Death::killed : sim::World::Death::vanished);
      return world.at(over, [&world, node] { world.restart(node); });
    case FaultKind::death: return world.crash(node, sim::World::Death::killed);
    case FaultKind::pause: world.pause(node); return world.at(over, [&world, node] { world.resume(node); });
    case FaultKind::sleep: world.fall_asleep(node); return world.at(over, [&world, node] { world.wake_up(node); });
    case FaultKind::stall: return world.stall(node, fault.length);
    case FaultKind::slow: {
      const double power = world.options().nodes[node].power;
      world.set_power(node, power / static_cast<double>(10 + fault.number % 91));
      return world.at(over, [&world, node, power] { world.set_power(node, power); });
    }
    case FaultKind::partition:
    case FaultKind::one_way_partition: {
      const std::uint64_t partition = world.divide(fault.group, fault.barrier);
      return world.at(over, [&world, partition] { world.heal(partition); });
    }
    case FaultKind::link_break:
    case FaultKind::half_break: {
      const std::vector<sim::LinkNumber> links = world.network().links_of(node);
      if (!links.empty()) world.break_link(links[fault.number % links.size()], fault.length);
      return;
    }
  }
}

}  // namespace

std::string_view name_of(FaultKind kind) {
  return names[static_cast<std::size_t>(kind)];
}

Scenario draw_scenario(std::uint64_t seed, const Reduction& reduction) {
  Random random(seed);
  Scenario scenario{.safe_until = WorldTime(safety_phase)};
  scenario.world.seed = seed;
  scenario.world.nodes = draw_nodes(random);
  scenario.world.network = draw_network(random);
  const std::uint64_t jobs = 1 + random.below(3);
  for (std::uint32_t number = 1; number <= jobs; ++number)
    scenario.world.jobs.push_back(draw_job(random, number, scenario.world.nodes));
  draw_endings(seed, scenario.world.jobs);
  const auto count = static_cast<std::uint32_t>(scenario.world.nodes.size());
  std::vector<Fault> all = draw_faults(random, count, scenario.world.jobs);
  const std::uint32_t kept = std::min(count, reduction.nodes.value_or(count));
  scenario.world.nodes.resize(kept);
  for (sim::JobPlan& job : scenario.world.jobs) {
    job.root %= kept;
    if (reduction.flat) job.nesting = {};
  }
  // Among liars nothing can be promised: who runs something for ever, or twice, would have to be believed.
  if (!reduction.liars) draw_started_once(seed, scenario.world.jobs);
  if (reduction.liars) {
    scenario.liars = draw_liars(seed, kept, scenario.world.jobs);
    scenario.world.make = make_with_liars(scenario.liars);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (reduction.faults && !reduction.faults->contains(i)) continue;
    if (all[i].node >= kept) continue;
    const bool holds_up = all[i].kind == FaultKind::partition || all[i].kind == FaultKind::one_way_partition ||
                          all[i].kind == FaultKind::sleep;
    if (holds_up) scenario.held_up_max += all[i].length;
    scenario.faults.push_back(std::move(all[i]));
  }
  return scenario;
}

void plan_faults(sim::World& world, const Scenario& scenario) {
  const WorldTime end = scenario.safe_until;
  for (const Fault& fault : scenario.faults) {
    world.at(fault.at, [&world, &fault, end] { apply(world, fault, end); });
  }
  if (scenario.world.network.harsh_permille > 0) world.at(end, [&world] { world.end_harshness(); });
}

}  // namespace sim_test
