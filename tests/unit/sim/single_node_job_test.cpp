// Real agents, each the root of jobs of its own.

#include <gtest/gtest.h>

#include "agent/sim/world.h"

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

JobPlan job(std::uint32_t number, std::uint64_t size) {
  return {.terms = {.job = job_id(number), .size = size, .branch_number = 0}, .submitted = WorldTime(10s)};
}

TEST(SingleNodeJob, TakesItsWorkDividedByItsSlots) {
  World world({.nodes = {{.slots = 4}}, .jobs = {job(1, 40)}});
  EXPECT_TRUE(world.run_jobs(WorldTime(1h)));
  const JobEnding& ending = world.ending(1);
  ASSERT_EQ(ending.how, JobEnding::How::answered);
  EXPECT_EQ(ending.answer->verdict, core::Verdict::done);
  EXPECT_EQ(ending.answer->counts.ok, 40U);
  EXPECT_NEAR(seconds_of(ending.at.time_since_epoch()), 20.0, 0.05);
  world.run_until(world.now() + 20s);
  EXPECT_EQ(world.node(0).brain().sizes(), Brain::Sizes{});
  EXPECT_EQ(world.node(0).notary().result_count(), 0U);
}

TEST(SingleNodeJob, FailuresAreTriedAgainAsOftenAsTheJobAllows) {
  JobPlan plan = job(1, 200);
  plan.terms.retries = 1;
  plan.mishaps = {.failing_every = 10, .failures = 1, .hopeless_every = 50};
  World world({.nodes = {{.slots = 8}}, .jobs = {plan}});
  ASSERT_TRUE(world.run_jobs(WorldTime(1h)));
  std::uint64_t hopeless = 0;
  for (std::uint64_t index = 0; index < 200; ++index)
    hopeless += world.workload().fate(job_id(1), {}, index, 99) == Fate::fails ? 1 : 0;
  EXPECT_GT(hopeless, 0U);
  EXPECT_EQ(world.ending(1).answer->counts.failed, hopeless);
  EXPECT_EQ(world.ending(1).answer->counts.ok, 200 - hopeless);
}

TEST(SingleNodeJob, WhoeverRunsAWorldMayStopItAtAnyMoment) {
  World world({.nodes = {{}}, .jobs = {job(1, 1'000'000)}});
  int asked = 0;
  EXPECT_FALSE(world.run_jobs(WorldTime(1h), [&] { return ++asked == 3; }));
  EXPECT_EQ(asked, 3);
  EXPECT_LT(world.now(), WorldTime(1h));
}

TEST(SingleNodeJob, ARootThatDiesTakesItsJobWithIt) {
  World world({.nodes = {{}, {}}, .jobs = {job(1, 40)}});
  world.at(WorldTime(15s), [&] { world.crash(0, World::Death::killed); });
  EXPECT_TRUE(world.run_jobs(WorldTime(1h)));
  EXPECT_EQ(world.ending(1).how, JobEnding::How::root_died);
  EXPECT_EQ(world.ending(1).at, WorldTime(15s));
}

TEST(SingleNodeJob, APauseBeyondTheMandateLosesWhatRanAndRunsItAgain) {
  JobPlan plan = job(1, 2);
  plan.lengths.mean = 50s;
  World world({.nodes = {{.slots = 2}}, .jobs = {plan}});
  world.at(WorldTime(21s), [&] { world.pause(0); });
  world.at(WorldTime(300s), [&] { world.resume(0); });
  ASSERT_TRUE(world.run_jobs(WorldTime(1h)));
  EXPECT_EQ(world.ending(1).answer->counts.ok, 2U);
}

TEST(SingleNodeJob, SearchesEndAtTheirHit) {
  JobPlan plan = job(1, 1'000'000'000'000U);
  plan.terms.body = core::Body::command_per_piece;
  plan.terms.found = 42;
  plan.terms.grain = 2s;
  plan.lengths.mean = 1us;
  plan.mishaps.hits = {30'000'000};
  World world({.nodes = {{.slots = 4}}, .jobs = {plan}});
  ASSERT_TRUE(world.run_jobs(WorldTime(1h)));
  EXPECT_EQ(world.ending(1).answer->verdict, core::Verdict::hit);
}

}  // namespace
}  // namespace agent::sim
