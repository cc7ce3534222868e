// A core that begins more of a job whose end is decided, and one that does not.

#include "tests/sim/curfew.h"

#include <gtest/gtest.h>

#include "tests/unit/sim/scripted_brain.h"

namespace sim_test {
namespace {

namespace core = agent::core;
namespace sim = agent::sim;
using namespace std::chrono_literals;
using core::TaskId;

class CurfewTest : public ::testing::Test {
 protected:
  // Node 0, at its submission and whenever a task has ended, does the next of these.
  void run(std::vector<std::vector<core::Action>> turns, const core::HaltRule& halt, bool stable = true) {
    options.nodes.resize(2);
    options.start_spread = {};
    sim::JobPlan plan{.terms = {.job = sim::job_id(1), .size = 4}, .lengths = {.mean = 10s}};
    plan.terms.halt = halt;
    options.jobs = {plan};
    script = [turns = std::move(turns), next = std::size_t{0}](NodeIndex node, core::Instant, const core::Event& event,
                                                               std::vector<core::Action>& actions) mutable {
      const bool due =
          std::holds_alternative<core::JobSubmitted>(event) || std::holds_alternative<core::TaskEnded>(event);
      if (node != 0 || !due || next == turns.size()) return;
      for (const core::Action& action : turns[next++]) actions.push_back(action);
    };
    options.make = [this](const sim::BrainOptions& given) {
      return std::make_unique<sim::ScriptedBrain>(given, heard, script);
    };
    world = std::make_unique<sim::World>(options);
    curfew = std::make_unique<Curfew>(*world, CurfewOptions{.stable = stable, .liars = {}});
    world->watch(*curfew);
    world->run_until(WorldTime(60s));
  }
  static core::StartTask start(std::uint64_t task, std::uint64_t begin) {
    return {.task = TaskId(task),
            .job = sim::job_id(1),
            .piece = {begin, begin + 1},
            .slot = 1,
            .deadline = core::Instant(1h)};
  }
  static core::CommitResult commit(std::uint64_t task, std::uint64_t begin) {
    return {.task = TaskId(task), .job = sim::job_id(1), .piece = {begin, begin + 1}};
  }

  static constexpr core::HaltRule after_one{
      .when = core::HaltRule::When::soon, .what = core::HaltRule::What::done, .amount = 1};
  sim::WorldOptions options;
  sim::HeardBy heard;
  sim::Script script;
  std::unique_ptr<sim::World> world;
  std::unique_ptr<Curfew> curfew;
};

TEST_F(CurfewTest, WhatBeginsLongAfterAHaltIsSeen) {
  run({{start(1, 0)}, {commit(1, 0), start(2, 1)}, {commit(2, 1), start(3, 2)}}, after_one);
  EXPECT_EQ(curfew->violations().size(), 1U);
}

TEST_F(CurfewTest, WhatBeginsAtOnceMayNotHaveHeardOfIt) {
  run({{start(1, 0)}, {commit(1, 0), start(2, 1)}, {commit(2, 1)}}, after_one);
  EXPECT_TRUE(curfew->violations().empty());
  EXPECT_EQ(curfew->checks()[static_cast<std::size_t>(Invariant::s9_curfew)], 1U);
}

TEST_F(CurfewTest, ACopyOfWhatTakesTooLongBeginsNothing) {
  const core::Notice copied{
      .what = core::Notice::What::copied, .job = sim::job_id(1), .piece = {.begin = 2, .end = 3}, .peer = {}};
  run({{start(1, 0)}, {commit(1, 0), start(2, 1)}, {commit(2, 1), copied, start(3, 2)}}, after_one);
  EXPECT_TRUE(curfew->violations().empty());
}

TEST_F(CurfewTest, WithoutAnEndNothingIsSaid) {
  run({{start(1, 0)}, {commit(1, 0), start(2, 1)}, {commit(2, 1), start(3, 2)}}, {});
  EXPECT_EQ(curfew->checks()[static_cast<std::size_t>(Invariant::s9_curfew)], 0U);
}

TEST_F(CurfewTest, FaultsMayKeepTheNewsBackForALease) {
  run({{start(1, 0)}, {commit(1, 0), start(2, 1)}, {commit(2, 1), start(3, 2)}}, after_one, /*stable=*/false);
  EXPECT_TRUE(curfew->violations().empty());
}

}  // namespace
}  // namespace sim_test
