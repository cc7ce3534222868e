#include "tests/sim/life.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/sim/campaign.h"

namespace sim_test {
namespace {

TEST(Scenario, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const Scenario one = draw_scenario(5);
  const Scenario again = draw_scenario(5);
  ASSERT_EQ(one.faults.size(), again.faults.size());
  for (std::size_t i = 0; i < one.faults.size(); ++i) {
    EXPECT_EQ(one.faults[i].at, again.faults[i].at);
    EXPECT_EQ(one.faults[i].node, again.faults[i].node);
  }
  std::set<std::pair<std::size_t, std::size_t>> shapes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Scenario scenario = draw_scenario(seed);
    shapes.emplace(scenario.world.nodes.size(), scenario.faults.size());
    EXPECT_GE(scenario.world.nodes.size(), 30U);
    EXPECT_LE(scenario.world.nodes.size(), 200U);
  }
  EXPECT_GT(shapes.size(), 15U);
}

TEST(Scenario, EverySeedSwitchesSomeFaultsOffAndEveryFaultIsOnSomewhere) {
  std::set<FaultKind> seen;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::set<FaultKind> kinds;
    for (const Fault& fault : draw_scenario(seed).faults) kinds.insert(fault.kind);
    EXPECT_LT(kinds.size(), fault_kind_count);
    EXPECT_GE(kinds.size(), fault_kinds_min);
    seen.insert(kinds.begin(), kinds.end());
  }
  EXPECT_EQ(seen.size(), fault_kind_count);
}

TEST(Scenario, AReductionKeepsWhatItNamesAndNothingElse) {
  std::uint64_t seed = 1;
  while (draw_scenario(seed).faults.size() < 5) ++seed;
  const Scenario whole = draw_scenario(seed);
  const Scenario less = draw_scenario(seed, {.faults = std::set<std::size_t>{1, 3}});
  ASSERT_EQ(less.faults.size(), 2U);
  EXPECT_EQ(less.faults[0].at, whole.faults[1].at);
  EXPECT_EQ(less.faults[1].at, whole.faults[3].at);
  const Scenario few = draw_scenario(seed, {.flat = true, .nodes = 7});
  EXPECT_EQ(few.world.nodes.size(), 7U);
  for (const Fault& fault : few.faults) EXPECT_LT(fault.node, 7U);
  for (const auto& job : few.world.jobs) EXPECT_EQ(job.nesting.depth, 0U);
}

TEST(Life, TwoLivesOfOneSeedAreTheSameAndOfTwoSeedsAreNot) {
  const LifeReport one = live(2, {.flat = true}, {});
  const LifeReport again = live(2, {.flat = true}, {});
  const LifeReport other = live(3, {.flat = true}, {});
  EXPECT_EQ(one.trace_hash, again.trace_hash);
  EXPECT_EQ(one.turns, again.turns);
  EXPECT_NE(one.trace_hash, other.trace_hash);
  EXPECT_GE(one.simulated, std::chrono::seconds(180));
}

TEST(Campaign, AReductionIsWrittenAsTheCommandLineTakesIt) {
  EXPECT_EQ(to_arguments({}), "");
  EXPECT_EQ(to_arguments({.flat = true, .nodes = 12, .faults = std::set<std::size_t>{3, 7}}),
            " --flat --nodes 12 --keep 3,7");
  EXPECT_EQ(to_arguments({.faults = std::set<std::size_t>{}}), " --keep none");
}

TEST(Campaign, AChildTellsItsParentEverything) {
  const LifeReport here = live(2, {.flat = true}, {});
  const SeedResult there = run_seed(2, {.flat = true}, 1, std::nullopt);
  EXPECT_EQ(there.failure, Failure::none);
  EXPECT_EQ(there.report.trace_hash, here.trace_hash);
  EXPECT_EQ(there.report.faults, here.faults);
  EXPECT_EQ(there.report.checks, here.checks);
  EXPECT_EQ(there.report.marks, here.marks);
}

}  // namespace
}  // namespace sim_test
