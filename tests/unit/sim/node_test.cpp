#include "agent/sim/node.h"

#include <gtest/gtest.h>

#include "tests/unit/sim/scripted_brain.h"

namespace agent::sim {
namespace {

using namespace std::chrono_literals;
using core::TaskEnded;
using core::TaskId;
using core::TaskLost;

// One node whose core starts one task of a job of four iterations of 10 s, and says what a test wants later, at the
// cancellation of the job.
class NodeTest : public ::testing::Test {
 protected:
  void make(std::vector<core::Action> later, core::Interval piece = {0, 1}) {
    plan.terms = {.job = job_id(1), .size = 4, .found = 42};
    plan.lengths.mean = 10s;
    options.jobs = {plan};
    options.nodes = {node};
    options.start_spread = {};
    script = [=](NodeIndex, Instant, const core::Event& event, std::vector<core::Action>& actions) {
      if (std::holds_alternative<core::JobSubmitted>(event)) {
        actions.emplace_back(
            core::StartTask{.task = TaskId(1), .job = job_id(1), .piece = piece, .slot = 1, .deadline = Instant(60s)});
      }
      if (std::holds_alternative<core::CancelRequested>(event))
        actions.insert(actions.end(), later.begin(), later.end());
    };
    options.make = [this](const BrainOptions& given) { return std::make_unique<ScriptedBrain>(given, heard, script); };
    world = std::make_unique<World>(options);
  }
  std::vector<std::pair<Instant, TaskEnded>> ended() { return heard_of<TaskEnded>(heard, 0); }
  std::vector<std::pair<Instant, TaskLost>> lost() { return heard_of<TaskLost>(heard, 0); }
  // Within the few processor costs that come before.
  static void expect_about(Instant is, Duration wanted) {
    EXPECT_GE(is, Instant(wanted));
    EXPECT_LT(is, Instant(wanted + 1ms));
  }

  NodeOptions node;
  JobPlan plan;
  WorldOptions options;
  HeardBy heard;
  Script script;
  std::unique_ptr<World> world;
};

TEST_F(NodeTest, ATaskTakesItsCostDividedByThePower) {
  node.power = 2.0;
  make({});
  world->run_until(WorldTime(30s));
  EXPECT_EQ(heard_of<core::TaskStarted>(heard, 0).size(), 1U);
  ASSERT_EQ(ended().size(), 1U);
  expect_about(ended()[0].first, 5s);
  EXPECT_EQ(ended()[0].second.exit, 0);
  expect_about(Instant(ended()[0].second.ran), 5s);
}

TEST_F(NodeTest, APieceTakesTheSumOfItsIterations) {
  make({}, {1, 4});
  world->run_until(WorldTime(40s));
  ASSERT_EQ(ended().size(), 1U);
  expect_about(ended()[0].first, 30s);
}

TEST_F(NodeTest, SlowerHalfWayMeansLaterInProportion) {
  make({});
  world->at(WorldTime(5s), [this] { world->set_power(0, 0.25); });
  world->run_until(WorldTime(60s));
  ASSERT_EQ(ended().size(), 1U);
  expect_about(ended()[0].first, 25s);
}

TEST_F(NodeTest, AHitAndAFailureShowInTheExitCode) {
  plan.mishaps.hits = {2};
  make({}, {1, 4});
  world->run_until(WorldTime(40s));
  ASSERT_EQ(ended().size(), 1U);
  EXPECT_EQ(ended()[0].second.exit, 42);
  expect_about(ended()[0].first, 20s);
  heard.clear();
  plan.mishaps = {.hopeless_every = 1};
  make({});
  world->run_until(WorldTime(40s));
  ASSERT_EQ(ended().size(), 1U);
  EXPECT_EQ(ended()[0].second.exit, 1);
}

TEST_F(NodeTest, APoliteStopIsObeyedSoonAndADeafTaskIsKilledAfterFiveSeconds) {
  plan.cancelled = WorldTime(1s);
  make({core::StopTask{.task = TaskId(1)}});
  world->run_until(WorldTime(40s));
  ASSERT_EQ(ended().size(), 1U);
  EXPECT_EQ(ended()[0].second.how, TaskEnded::How::stopped);
  EXPECT_LT(ended()[0].first, Instant(1s + 30ms));
  heard.clear();
  plan.mishaps.deaf_every = 1;
  make({core::StopTask{.task = TaskId(1)}});
  world->run_until(WorldTime(40s));
  ASSERT_EQ(ended().size(), 1U);
  expect_about(ended()[0].first, 6s);
}

TEST_F(NodeTest, AKillIsObeyedAtOnceByADeafTaskToo) {
  plan.cancelled = WorldTime(1s);
  plan.mishaps.deaf_every = 1;
  make({core::StopTask{.task = TaskId(1)}, core::StopTask{.task = TaskId(1), .how = core::StopHow::kill}});
  world->run_until(WorldTime(40s));
  ASSERT_EQ(ended().size(), 1U);
  EXPECT_LT(ended()[0].first, Instant(1s + 10ms));
}

TEST_F(NodeTest, ALauncherKillsAtTheDeadlineUnlessItIsExtended) {
  plan.cancelled = WorldTime(30s);
  node.power = 0.1;
  make({});
  world->run_until(WorldTime(200s));
  ASSERT_EQ(lost().size(), 1U);
  EXPECT_EQ(lost()[0].second.cause, TaskLost::Cause::deadline_passed);
  expect_about(lost()[0].first, 60s);
  heard.clear();
  make({core::ExtendDeadline{.task = TaskId(1), .deadline = Instant(101s)}});
  world->run_until(WorldTime(200s));
  EXPECT_TRUE(lost().empty());
  ASSERT_EQ(ended().size(), 1U);
  expect_about(ended()[0].first, 100s);
}

TEST_F(NodeTest, TheDeadlineIsOneOfTheNodesOwnClock) {
  node.power = 0.01;
  node.clock = {.offset = 10s, .rate_ppm = 0};
  make({});
  world->run_until(WorldTime(49s));
  EXPECT_TRUE(lost().empty());
  world->run_until(WorldTime(51s));
  EXPECT_EQ(lost().size(), 1U);
}

TEST_F(NodeTest, LaunchersKillAtTheDeadlineWhileTheAgentIsPausedAndItHearsOfItAfterwards) {
  node.power = 0.1;
  make({});
  world->at(WorldTime(10s), [this] { world->pause(0); });
  world->run_until(WorldTime(61s));
  EXPECT_TRUE(world->node(0).tasks().empty());
  EXPECT_TRUE(lost().empty());
  world->at(WorldTime(80s), [this] { world->resume(0); });
  world->run_until(WorldTime(90s));
  ASSERT_EQ(lost().size(), 1U);
  EXPECT_GE(lost()[0].first, Instant(80s));
}

TEST_F(NodeTest, NothingGoesOnWhileAMachineSleepsButItsClock) {
  make({});
  world->at(WorldTime(4s), [this] { world->fall_asleep(0); });
  world->at(WorldTime(20s), [this] { world->wake_up(0); });
  world->run_until(WorldTime(50s));
  ASSERT_EQ(ended().size(), 1U);
  expect_about(ended()[0].first, 26s);
}

TEST_F(NodeTest, WhoSleepsPastADeadlineWakesToADeadTask) {
  make({});
  world->at(WorldTime(4s), [this] { world->fall_asleep(0); });
  world->at(WorldTime(70s), [this] { world->wake_up(0); });
  world->run_until(WorldTime(100s));
  EXPECT_TRUE(ended().empty());
  ASSERT_EQ(lost().size(), 1U);
  expect_about(lost()[0].first, 70s);
}

TEST_F(NodeTest, APoisonousIterationKillsTheLauncherOrTheAgent) {
  plan.mishaps.launcher_poison_every = 1;
  make({});
  world->run_until(WorldTime(30s));
  ASSERT_EQ(lost().size(), 1U);
  EXPECT_EQ(lost()[0].second.cause, TaskLost::Cause::launcher_died);
  heard.clear();
  plan.mishaps = {.agent_poison_every = 1};
  make({});
  world->run_until(WorldTime(12s));
  EXPECT_FALSE(world->node(0).up());
  EXPECT_EQ(world->ending(1).how, JobEnding::How::root_died);
  world->run_until(WorldTime(16s));
  EXPECT_TRUE(world->node(0).up());
  EXPECT_EQ(world->node(0).instance(), 2U);
}

TEST_F(NodeTest, ATaskForksALoopAndWaitsAtItsJoinUntilItIsAnswered) {
  plan.nesting = {.depth = 1, .size_min = 5, .size_max = 5};
  plan.cancelled = WorldTime(20s);
  make({core::AnswerJoin{.task = TaskId(1), .ordinal = 0}});
  world->run_until(WorldTime(19s));
  const auto forked = heard_of<core::LoopForked>(heard, 0);
  const auto joined = heard_of<core::LoopJoined>(heard, 0);
  ASSERT_EQ(forked.size(), 1U);
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_EQ(forked[0].second.terms.path, (core::LoopPath{{.iteration = 0, .ordinal = 0}}));
  EXPECT_EQ(forked[0].second.terms.size, 5U);
  EXPECT_EQ(forked[0].second.terms.opener, node_id(0));
  EXPECT_LT(forked[0].first, joined[0].first);
  EXPECT_TRUE(ended().empty());
  world->run_until(WorldTime(40s));
  ASSERT_EQ(ended().size(), 1U);
  EXPECT_NEAR(seconds_of(ended()[0].first.time_since_epoch()), 23.33, 0.01);
}

TEST_F(NodeTest, AResultIsKeptUntilItIsDropped) {
  plan.cancelled = WorldTime(20s);
  make({core::DropResult{.task = TaskId(1)}});
  world->run_until(WorldTime(19s));
  EXPECT_EQ(world->node(0).notary().result_count(), 1U);
  world->run_until(WorldTime(21s));
  EXPECT_EQ(world->node(0).notary().result_count(), 0U);
}

TEST_F(NodeTest, StallsMakeEverythingWait) {
  make({});
  world->at(WorldTime(9s), [this] { world->stall(0, 5s); });
  world->run_until(WorldTime(30s));
  ASSERT_EQ(ended().size(), 1U);
  expect_about(ended()[0].first, 14s);
  expect_about(Instant(ended()[0].second.ran), 10s);
}

}  // namespace
}  // namespace agent::sim
