#include "agent/sim/summary.h"

#include <gtest/gtest.h>

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

WorldOptions one_job(std::vector<NodeOptions> nodes, std::uint64_t size) {
  return {.nodes = std::move(nodes),
          .jobs = {{.terms = {.job = job_id(1), .size = size, .branch_number = 0}, .submitted = WorldTime(10s)}}};
}

TEST(Summary, OfAJobThatOneNodeDoesAlone) {
  World world(one_job({{.slots = 4, .power = 2.0}}, 80));
  SummaryCollector collector(world);
  world.watch(collector);
  ASSERT_TRUE(world.run_jobs(WorldTime(1h)));
  const Summary summary = collector.summary();
  EXPECT_TRUE(summary.ended);
  EXPECT_EQ(summary.committed, 80U);
  EXPECT_EQ(summary.started, 80U);
  EXPECT_EQ(summary.redone, 0U);
  EXPECT_EQ(summary.ideal, 10s);
  EXPECT_NEAR(summary.ratio, 1.0, 0.01);
  EXPECT_EQ(summary.helped, 1U);
  EXPECT_EQ(summary.depth, 0U);
  ASSERT_TRUE(summary.recruited_99);
  EXPECT_LT(*summary.recruited_99, 1ms);
}

TEST(Summary, TheIdealKnowsWhoDied) {
  // 30 s of work: two nodes do 20 of it in 10 s, one the rest in 10 s more.
  World world(one_job({{}, {}}, 30));
  SummaryCollector collector(world);
  world.watch(collector);
  world.at(WorldTime(20s), [&] { world.crash(1, World::Death::killed); });
  ASSERT_TRUE(world.run_jobs(WorldTime(1h)));
  EXPECT_EQ(collector.summary().ideal, 20s);
  EXPECT_EQ(collector.summary().nodes_alive, 1U);
}

TEST(Summary, TheIdealKnowsWhoSlowedDown) {
  // 30 s of work: two nodes do 20 of it in 10 s, then one and half a one the rest.
  World world(one_job({{}, {}}, 30));
  SummaryCollector collector(world);
  world.watch(collector);
  world.at(WorldTime(20s), [&] { world.set_power(1, 0.5); });
  ASSERT_TRUE(world.run_jobs(WorldTime(1h)));
  EXPECT_NEAR(seconds_of(collector.summary().ideal), 10 + 10 / 1.5, 1e-6);
}

TEST(Summary, TheIdealIsNeverShorterThanTheLongestIteration) {
  World world(one_job({{.slots = 50, .power = 0.5}}, 2));
  SummaryCollector collector(world);
  world.watch(collector);
  ASSERT_TRUE(world.run_jobs(WorldTime(1h)));
  EXPECT_EQ(collector.summary().ideal, 2s);
}

}  // namespace
}  // namespace agent::sim
