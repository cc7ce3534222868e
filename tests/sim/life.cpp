#include "tests/sim/life.h"

#include <algorithm>

#include "tests/sim/curfew.h"
#include "tests/sim/trace_hash.h"
#include "tests/sim/witness.h"

namespace sim_test {

namespace sim = agent::sim;
using namespace std::chrono_literals;

namespace {

// After the last verdict: what was cut off stops, leases and mandates end, caches are dropped.
constexpr Duration afterlife = 180s;
constexpr Duration patience = 120s;  // for detection, orphans and the longest iterations

// How long the jobs may take once all is well: by the slots of those who live, or by their roots alone if nobody helps.
Duration liveness_bound(const sim::World& world, bool helped) {
  double pool = 0;
  double weakest = 1;
  for (NodeIndex node = 0; node < world.node_count(); ++node) {
    if (!world.node(node).up()) continue;
    pool += world.node(node).options().power * world.node(node).options().slots;
    weakest = std::min(weakest, world.node(node).options().power);
  }
  double seconds = 0;
  double longest = 0;
  for (const sim::JobPlan& plan : world.workload().plans()) {
    const sim::NodeOptions& root = world.options().nodes[plan.root];
    const bool alone = !helped || plan.terms.branch_number == 0;
    // Failures are tried again, and poison is tried three times.
    const double work = 1.5 * agent::sim::seconds_of(world.workload().work(plan.terms.job));
    // What starts at most once is not lent on: its root has no more helpers than it may recruit.
    const double few = root.power * root.slots + weakest * plan.terms.branch_number;
    const double helping = plan.terms.started_at_most_once ? std::min(pool, few) : pool;
    seconds += work / (alone ? root.power * root.slots : helping);
    longest = std::max(longest, agent::sim::seconds_of(plan.lengths.mean) * plan.lengths.longest / 0.5);
  }
  return agent::sim::from_seconds(2 * seconds + 6 * longest) + patience;
}

}  // namespace

LifeReport live(std::uint64_t seed, const Reduction& reduction, const std::vector<sim::Observer*>& watching) {
  const Scenario scenario = draw_scenario(seed, reduction);
  sim::World world(scenario.world);
  const bool mishaps = std::ranges::any_of(scenario.world.jobs, [](const sim::JobPlan& job) {
    return job.mishaps.agent_poison_every != 0 || job.mishaps.launcher_poison_every != 0;
  });
  const bool stable =
      scenario.faults.empty() && scenario.world.network.harsh_permille == 0 && !mishaps && scenario.liars.empty();
  Checker checker(world, {.stable = stable, .mandate_slack = scenario.held_up_max, .liars = scenario.liars});
  Witness witness(world, {.stable = stable, .liars = scenario.liars});
  Curfew curfew(world, {.stable = stable, .liars = scenario.liars});
  Marks marks(world);
  TraceHash hash;
  world.watch(checker);
  world.watch(witness);
  world.watch(curfew);
  world.watch(marks);
  world.watch(hash);
  for (sim::Observer* each : watching) world.watch(*each);
  plan_faults(world, scenario);
  world.run_until(scenario.safe_until);
  (void)world.run_jobs(world.now() + liveness_bound(world, checker.saw_grants()));
  checker.expect_verdicts_by_now();
  world.run_until(world.now() + afterlife);
  checker.check_end();
  LifeReport report{.violations = checker.violations(),
                    .trace_hash = hash.value(),
                    .marks = marks.counts(),
                    .checks = checker.checks(),
                    .turns = world.turns(),
                    .nodes = world.node_count(),
                    .planned_faults = scenario.faults.size(),
                    .simulated = world.now().time_since_epoch()};
  report.violations.insert(report.violations.end(), witness.violations().begin(), witness.violations().end());
  report.violations.insert(report.violations.end(), curfew.violations().begin(), curfew.violations().end());
  for (std::size_t i = 0; i < invariant_count; ++i) report.checks[i] += witness.checks()[i] + curfew.checks()[i];
  for (const auto& [name, count] : marks.faults()) report.faults[std::string(name)] = count;
  return report;
}

}  // namespace sim_test
