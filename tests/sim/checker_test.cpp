// Each invariant is broken once by a core that does so on purpose, and the checker must see exactly that.

#include "tests/sim/checker.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/sim/scripted_brain.h"

namespace sim_test {
namespace {

namespace core = agent::core;
namespace sim = agent::sim;
using namespace std::chrono_literals;
using core::TaskId;

class CheckerTest : public ::testing::Test {
 protected:
  void run(sim::Script told, CheckerOptions checks = {.stable = true, .walk_every = 1}, sim::Duration until = 30s) {
    script = std::move(told);
    options.nodes.resize(2);
    options.start_spread = {};
    if (options.jobs.empty()) options.jobs = {{.terms = {.job = sim::job_id(1), .size = 4}}};
    options.make = [this](const sim::BrainOptions& given) {
      return std::make_unique<sim::ScriptedBrain>(given, heard, script);
    };
    world = std::make_unique<sim::World>(options);
    checker = std::make_unique<Checker>(*world, checks);
    world->watch(*checker);
    for (const auto& [at, call] : later) world->at(at, call);
    world->run_until(WorldTime(until));
  }
  [[nodiscard]] bool saw(Invariant invariant) const {
    return std::ranges::any_of(checker->violations(), [&](const Violation& v) { return v.invariant == invariant; });
  }
  static core::StartTask start(std::uint64_t task, std::uint32_t attempt, std::uint64_t begin = 0) {
    return {.task = TaskId(task),
            .job = sim::job_id(1),
            .piece = {begin, begin + 1},
            .attempt = core::Attempt(attempt),
            .slot = 1,
            .deadline = core::Instant(1h)};
  }
  // Does one thing after the other, whenever node 0 hears that a task has ended, beginning with the submission.
  static sim::Script one_by_one(std::vector<std::vector<core::Action>> turns) {
    auto next = std::make_shared<std::size_t>(0);
    return [=](NodeIndex node, core::Instant, const core::Event& event, std::vector<core::Action>& actions) {
      const bool due =
          std::holds_alternative<core::JobSubmitted>(event) || std::holds_alternative<core::TaskEnded>(event);
      if (node != 0 || !due || *next == turns.size()) return;
      const auto& turn = turns[(*next)++];
      actions.insert(actions.end(), turn.begin(), turn.end());
    };
  }
  static core::CommitResult commit(std::uint64_t task, std::uint64_t begin = 0) {
    return {.task = TaskId(task), .job = sim::job_id(1), .piece = {begin, begin + 1}};
  }

  sim::WorldOptions options;
  std::vector<std::pair<WorldTime, std::function<void()>>> later;
  sim::HeardBy heard;
  sim::Script script;
  std::unique_ptr<sim::World> world;
  std::unique_ptr<Checker> checker;
};

TEST_F(CheckerTest, AnHonestRunBreaksNothing) {
  run(one_by_one({{start(1, 0)}, {commit(1)}}));
  checker->check_end();
  EXPECT_TRUE(checker->violations().empty());
  EXPECT_GT(checker->checks()[static_cast<std::size_t>(Invariant::s1_commit_once)], 0U);
}

TEST_F(CheckerTest, TwoCommitsOfOneIteration) {
  run(one_by_one({{start(1, 0)}, {commit(1), start(2, 1)}, {commit(2)}}));
  EXPECT_TRUE(saw(Invariant::s1_commit_once));
}

TEST_F(CheckerTest, ACommitOutsideOfTheLoop) {
  run(one_by_one({{start(1, 0, 7)}, {commit(1, 7)}}));
  EXPECT_TRUE(saw(Invariant::s1_commit_once));
}

TEST_F(CheckerTest, DoneWithoutEverything) {
  run(one_by_one({{start(1, 0)},
                  {commit(1), core::AnswerVerdict{.job = sim::job_id(1), .counts = {.total = 4, .committed = 1}}}}));
  EXPECT_TRUE(saw(Invariant::s4_coverage));
}

TEST_F(CheckerTest, TheSameAttemptTwiceAndARunWithoutNeed) {
  run(one_by_one({{start(1, 0)}, {core::DropResult{.task = TaskId(1)}, start(2, 0)}, {commit(2)}}));
  EXPECT_TRUE(saw(Invariant::s6_attempts));
  EXPECT_TRUE(saw(Invariant::r6_reexecution));
}

TEST_F(CheckerTest, ARunAfterAFaultIsNoWaste) {
  run(one_by_one({{start(1, 0)}, {core::DropResult{.task = TaskId(1)}, start(2, 1)}, {commit(2)}}),
      {.stable = false, .walk_every = 1});
  EXPECT_TRUE(checker->violations().empty());
}

TEST_F(CheckerTest, AFourthLiveCopy) {
  run(one_by_one({{start(1, 0), start(2, 1), start(3, 2)}}));
  EXPECT_FALSE(saw(Invariant::s3_copies));
  run(one_by_one({{start(1, 0), start(2, 1), start(3, 2), start(4, 3)}}));
  EXPECT_TRUE(saw(Invariant::s3_copies));
}

TEST_F(CheckerTest, AMessageToNobody) {
  run(one_by_one({{core::Send{.to = sim::node_id(1), .sequence = 1, .message = protocol::Note{}}}}));
  EXPECT_TRUE(saw(Invariant::p1_linked));
}

TEST_F(CheckerTest, OneHelperMoreThanTheBranchNumber) {
  options.nodes.resize(4);
  options.jobs = {{.terms = {.job = sim::job_id(1), .size = 4, .branch_number = 2}, .submitted = WorldTime(1s)}};
  for (const std::uint32_t helpers : {2U, 3U}) {
    options.nodes.resize(4);
    script = [=](NodeIndex node, core::Instant, const core::Event& event, std::vector<core::Action>& actions) {
      if (node != 0) return;
      for (NodeIndex to = 1; to <= helpers; ++to) {
        if (std::holds_alternative<core::DeadlinePassed>(event))
          actions.emplace_back(core::Dial{.address = sim::address_of(to), .peer = sim::node_id(to)});
        if (std::holds_alternative<core::JobSubmitted>(event))
          actions.emplace_back(core::Send{.to = sim::node_id(to),
                                          .sequence = 1,
                                          .message = protocol::Grant{.branch = core::BranchId(to),
                                                                     .loop = {.job = sim::job_id(1), .path = {}},
                                                                     .intervals = {{to - 1, to}}}});
      }
      if (std::holds_alternative<core::JobSubmitted>(event))
        actions.insert(actions.begin(), core::SignMandate{.job = sim::job_id(1), .sequence = 0, .time_to_live = 60s});
    };
    world.reset();
    options.make = [this](const sim::BrainOptions& given) {
      return std::make_unique<sim::ScriptedBrain>(given, heard, script);
    };
    options.start_spread = {};
    world = std::make_unique<sim::World>(options);
    checker = std::make_unique<Checker>(*world, CheckerOptions{});
    world->watch(*checker);
    world->run_until(WorldTime(5s));
    EXPECT_TRUE(checker->saw_grants());
    EXPECT_EQ(saw(Invariant::s3_branch_bound), helpers > 2);
  }
}

TEST_F(CheckerTest, AHelperThatWorksForAMasterItDoesNotHear) {
  options.jobs = {{.terms = {.job = sim::job_id(1), .size = 4}, .lengths = {.mean = 100s}}};
  run(
      [](NodeIndex node, core::Instant, const core::Event& event, std::vector<core::Action>& actions) {
        if (node == 1 && std::holds_alternative<core::DeadlinePassed>(event)) actions.emplace_back(start(1, 0));
      },
      {.walk_every = 1});
  EXPECT_TRUE(saw(Invariant::s7_lease));
}

TEST_F(CheckerTest, WorkForAJobThatIsLongOver) {
  options.jobs = {{.terms = {.job = sim::job_id(1), .size = 4}, .lengths = {.mean = 10s, .longest = 1}},
                  {.terms = {.job = sim::job_id(2), .size = 4}, .root = 1}};
  const auto verdict_then_work = [](NodeIndex node, core::Instant, const core::Event& event,
                                    std::vector<core::Action>& actions) {
    if (node != 0) return;
    if (std::holds_alternative<core::JobSubmitted>(event))
      actions.emplace_back(core::AnswerVerdict{.job = sim::job_id(1), .verdict = core::Verdict::cancelled});
    for (std::uint64_t task = 1; task < 9; ++task) {
      if (std::holds_alternative<core::JobSubmitted>(event)) actions.emplace_back(start(task, 0, 0));
    }
  };
  options.jobs[0].lengths.mean = 100s;
  run(verdict_then_work, {.walk_every = 1}, 61s);
  EXPECT_FALSE(saw(Invariant::s7_mandate));
  later = {{WorldTime(63s), [] {}}};
  run(verdict_then_work, {.walk_every = 1}, 70s);
  EXPECT_TRUE(saw(Invariant::s7_mandate));
}

TEST_F(CheckerTest, AFloodOfMessages) {
  run([](NodeIndex node, core::Instant, const core::Event& event, std::vector<core::Action>& actions) {
    if (node == 0 && std::holds_alternative<core::DeadlinePassed>(event))
      actions.emplace_back(core::Dial{.address = sim::address_of(1), .peer = sim::node_id(1)});
    const bool go = std::holds_alternative<core::LinkUp>(event) || std::holds_alternative<core::MessageReceived>(event);
    if (go) actions.emplace_back(core::Send{.to = sim::node_id(1 - node), .message = protocol::Note{}});
  });
  EXPECT_TRUE(saw(Invariant::r5_messages));
}

TEST_F(CheckerTest, WhatIsLeftAndWhatNeverEnds) {
  run(one_by_one({{start(1, 0)}, {start(2, 0, 1)}}), {.stable = true}, 1500ms);
  EXPECT_TRUE(checker->violations().empty());
  checker->expect_verdicts_by_now();
  EXPECT_TRUE(saw(Invariant::l1_verdict));
  checker->check_end();
  std::size_t left = 0;
  for (const Violation& violation : checker->violations()) left += violation.invariant == Invariant::e1_nothing_left;
  EXPECT_EQ(left, 2U);  // a process and a result
}

TEST_F(CheckerTest, AMessageWithoutStandingInAQuietNetwork) {
  later = {{WorldTime(1s), [this] {
              world->forge(0, 1, {.sequence = 1, .heard = 0, .message = protocol::Want{.branch = core::BranchId(9)}});
            }}};
  run([](NodeIndex node, core::Instant, const core::Event& event, std::vector<core::Action>& actions) {
    if (node == 0 && std::holds_alternative<core::DeadlinePassed>(event))
      actions.emplace_back(core::Dial{.address = sim::address_of(1), .peer = sim::node_id(1)});
  });
  checker->check_end();
  EXPECT_TRUE(saw(Invariant::p2_standing));
}

}  // namespace
}  // namespace sim_test
