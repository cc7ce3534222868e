#include "agent/sim/workload.h"

#include <gtest/gtest.h>

namespace agent::sim {
namespace {

using namespace std::chrono_literals;
using Kind = Lengths::Kind;

JobPlan plan_of(std::uint64_t size, Lengths lengths = {}) {
  return {.terms = {.job = job_id(1), .size = size}, .lengths = lengths};
}

double mean_of(const Lengths& lengths) {
  const Workload workload(7, {plan_of(20'000, lengths)});
  return seconds_of(workload.work(job_id(1))) / 20'000;
}

TEST(Workload, EveryKindOfLengthHasTheMeanAskedFor) {
  EXPECT_DOUBLE_EQ(mean_of({.kind = Kind::constant, .mean = 2s}), 2.0);
  EXPECT_NEAR(mean_of({.kind = Kind::exponential, .mean = 2s}), 2.0, 0.1);
  EXPECT_NEAR(mean_of({.kind = Kind::pareto, .mean = 2s, .shape = 3.0}), 2.0, 0.15);
  EXPECT_NEAR(mean_of({.kind = Kind::lognormal, .mean = 2s, .shape = 1.0}), 2.0, 0.15);
}

TEST(Workload, NoIterationIsLongerThanTheLongest) {
  const Workload workload(7, {plan_of(20'000, {.kind = Kind::pareto, .mean = 1s, .shape = 1.5, .longest = 20})});
  EXPECT_EQ(workload.longest(job_id(1)), 20s);
}

TEST(Workload, CostDependsOnNothingButItsNames) {
  const Lengths lengths{.kind = Kind::exponential};
  const Workload once(3, {plan_of(10, lengths)});
  const Workload again(3, {plan_of(10, lengths)});
  const Workload other(4, {plan_of(10, lengths)});
  EXPECT_EQ(once.cost(job_id(1), {}, 5), again.cost(job_id(1), {}, 5));
  EXPECT_NE(once.cost(job_id(1), {}, 5), other.cost(job_id(1), {}, 5));
  EXPECT_NE(once.cost(job_id(1), {}, 5), once.cost(job_id(1), {}, 6));
  EXPECT_NE(once.cost(job_id(1), {}, 5), once.cost(job_id(1), {{.iteration = 0, .ordinal = 0}}, 5));
  EXPECT_EQ(once.cost(job_id(1), {}, core::Interval{2, 4}), once.cost(job_id(1), {}, 2) + once.cost(job_id(1), {}, 3));
}

TEST(Workload, FailsAsOftenAsItIsTold) {
  JobPlan plan = plan_of(1'000);
  plan.mishaps = {.failing_every = 10, .failures = 2, .hits = {77}};
  const Workload workload(1, {plan});
  std::uint64_t failing = 0;
  for (std::uint64_t index = 0; index < 1'000; ++index) {
    if (workload.fate(job_id(1), {}, index, 0) != Fate::fails) continue;
    ++failing;
    EXPECT_EQ(workload.fate(job_id(1), {}, index, 1), Fate::fails);
    EXPECT_EQ(workload.fate(job_id(1), {}, index, 2), Fate::succeeds);
  }
  EXPECT_GT(failing, 60U);
  EXPECT_LT(failing, 140U);
  EXPECT_EQ(workload.fate(job_id(1), {}, 77, 0), Fate::hits);
}

TEST(Workload, InnerLoopsAreForkedBeforeTheyAreJoinedAndEndAtTheirDepth) {
  JobPlan plan = plan_of(50);
  plan.nesting = {.depth = 2, .percent = 100, .size_min = 2, .size_max = 3, .loops_max = 3};
  const Workload workload(1, {plan});
  std::size_t most = 0;
  for (std::uint64_t index = 0; index < 50; ++index) {
    const std::vector<LoopStep> steps = workload.loop_steps(job_id(1), {}, index);
    ASSERT_FALSE(steps.empty());
    most = std::max(most, steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(steps[i].what, i % 2 == 0 ? LoopStep::What::fork : LoopStep::What::join);
      EXPECT_EQ(steps[i].ordinal, i / 2);
      if (i > 0) {
        EXPECT_GE(steps[i].at, steps[i - 1].at);
      }
      EXPECT_LE(steps[i].at, workload.cost(job_id(1), {}, index));
    }
  }
  EXPECT_EQ(most, 6U);
  EXPECT_TRUE(workload.loop_steps(job_id(1), {{.iteration = 0}, {.iteration = 1}}, 0).empty());
}

TEST(Workload, WorkCountsInnerLoops) {
  JobPlan plan = plan_of(10);
  plan.nesting = {.depth = 1, .percent = 100, .size_min = 4, .size_max = 4};
  const Workload workload(1, {plan});
  EXPECT_EQ(workload.work(job_id(1)), 50s);
}

TEST(Lengths, AreReadAsTheyAreWritten) {
  EXPECT_EQ(parse_lengths("constant", 1s)->kind, Kind::constant);
  EXPECT_EQ(parse_lengths("exponential", 1s)->mean, 1s);
  EXPECT_EQ(parse_lengths("pareto:1.5", 1s)->shape, 1.5);
  EXPECT_EQ(parse_lengths("lognormal:2", 1s)->kind, Kind::lognormal);
  for (const char* bad : {"", "pareto", "pareto:", "pareto:1", "pareto:x", "lognormal:0", "lognormal:1x", "normal:1"})
    EXPECT_FALSE(parse_lengths(bad, 1s)) << bad;
}

}  // namespace
}  // namespace agent::sim
