// Loops inside of loops in a pool without faults: exact results, nothing left, no circle of waiting.

#include <gtest/gtest.h>

#include <cstdio>

#include "agent/sim/summary.h"
#include "tests/sim/checker.h"

namespace sim_test {
namespace {

namespace sim = agent::sim;
using namespace std::chrono_literals;

struct Outcome {
  sim::Summary summary;
  std::vector<Violation> violations;
};

Outcome run(sim::JobPlan plan, std::uint32_t nodes, std::uint64_t seed) {
  plan.terms.job = sim::job_id(1);
  plan.submitted = WorldTime(20s);
  sim::WorldOptions options{.seed = seed, .jobs = {plan}};
  options.nodes.resize(nodes);
  sim::World world(options);
  Checker checker(world, {.stable = true});
  sim::SummaryCollector collector(world);
  world.watch(checker);
  world.watch(collector);
  EXPECT_TRUE(world.run_jobs(WorldTime(1h)));
  checker.expect_verdicts_by_now();
  Outcome outcome{.summary = collector.summary(), .violations = {}};
  const sim::JobEnding& ending = world.ending(1);
  if (ending.answer) {
    EXPECT_EQ(ending.answer->verdict, agent::core::Verdict::done);
    EXPECT_EQ(ending.answer->counts.ok, *plan.terms.size);
  }
  world.run_until(world.now() + 90s);
  checker.check_end();
  outcome.violations = checker.violations();
  return outcome;
}

void expect_clean(const Outcome& outcome) {
  for (const Violation& violation : outcome.violations)
    ADD_FAILURE() << name_of(violation.invariant) << " at " << sim::seconds_of(violation.at.time_since_epoch())
                  << " s: " << violation.what;
}

void print(const char* what, const Outcome& outcome) {
  const sim::Summary& summary = outcome.summary;
  std::printf("%s: makespan %.1f s, %.2f x ideal, %u helped, %llu started, %.1f messages per node and second\n", what,
              sim::seconds_of(summary.makespan), summary.ratio, summary.helped,
              static_cast<unsigned long long>(summary.started), summary.messages_mean);
}

TEST(NestedLoops, OfFortyWithInnerOnesOfFiveToTwoHundredOnSixtyAgents) {
  const sim::JobPlan plan{.terms = {.size = 40, .branch_number = 4},
                          .lengths = {.mean = 1s},
                          .nesting = {.depth = 1, .size_min = 5, .size_max = 200, .branch_number = 3}};
  const Outcome outcome = run(plan, 60, 1);
  print("40 with 5 to 200 each, branch numbers 4 and 3, 60 agents", outcome);
  expect_clean(outcome);
  EXPECT_LT(outcome.summary.ratio, 2.0);
}

class DeepLoops : public testing::TestWithParam<std::uint64_t> {};

TEST_P(DeepLoops, SixLevelsOnAgentsOfOneSlotEnd) {
  const sim::JobPlan plan{.terms = {.size = 6, .branch_number = 4},
                          .lengths = {.kind = sim::Lengths::Kind::exponential, .mean = 500ms},
                          .nesting = {.depth = 6, .percent = 90, .size_min = 1, .size_max = 4, .branch_number = 3}};
  const Outcome outcome = run(plan, 60, GetParam());
  print("six levels, one slot each, 60 agents", outcome);
  expect_clean(outcome);
}

INSTANTIATE_TEST_SUITE_P(seeds, DeepLoops, testing::Range(std::uint64_t{1}, std::uint64_t{5}),
                         [](const auto& seed) { return "seed" + std::to_string(seed.param); });

TEST(NestedLoops, SixLevelsOnOneSlotAloneEnd) {
  const sim::JobPlan plan{
      .terms = {.size = 3}, .lengths = {.mean = 10ms}, .nesting = {.depth = 6, .size_min = 1, .size_max = 3}};
  const Outcome outcome = run(plan, 1, 1);
  print("six levels on one slot", outcome);
  expect_clean(outcome);
  EXPECT_LT(outcome.summary.ratio, 1.1);
}

}  // namespace
}  // namespace sim_test
