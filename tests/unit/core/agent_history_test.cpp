// Random histories of the agent: any number of jobs, any event at any time. The driver checks what must hold after
// every step; here the end is checked: every job gets its verdict, and the same seed gives the same actions twice.

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/driver.h"

namespace agent::core {
namespace {

class History {
 public:
  explicit History(unsigned seed) : random_(seed), driver_(1 + below(6)) {}

  std::vector<Action> run() {
    const unsigned jobs = 1 + static_cast<unsigned>(below(4));
    for (unsigned number = 1; number <= jobs; ++number) driver_.submit(random_terms(number), ClientId(number));
    for (int round = 0; round < 400; ++round) anything(jobs);
    for (unsigned number = 1; number <= jobs; ++number) settle_input(number);
    while (!driver_.tasks.empty()) finish(driver_.tasks.begin()->first);
    driver_.advance(std::chrono::seconds(20));
    while (!driver_.tasks.empty()) {
      finish(driver_.tasks.begin()->first);
      driver_.advance(std::chrono::seconds(20));
    }
    for (const auto& [id, job] : driver_.jobs) EXPECT_TRUE(job.verdict.has_value());
    EXPECT_EQ(driver_.agent.job_count(), 0u);
    return driver_.trace;
  }

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  JobTerms random_terms(unsigned number) {
    JobTerms terms{.job = job_named(number)};
    if (!one_in(3)) terms.size = below(80);
    if (one_in(3)) terms.body = Body::command_per_piece;
    terms.grain = std::chrono::milliseconds(1 + below(50));
    terms.retries = below(3);
    terms.slots_max = one_in(2) ? 0 : 1 + below(3);
    if (one_in(3)) terms.found = 3;
    terms.lowest_hit = one_in(2);
    terms.halt.when = static_cast<HaltRule::When>(below(3));
    terms.halt.what = static_cast<HaltRule::What>(below(3));
    terms.halt.unit = static_cast<HaltRule::Unit>(below(2));
    terms.halt.amount = 1 + below(terms.halt.unit == HaltRule::Unit::count ? 20 : 100);
    return terms;
  }

  TaskId any_task() {
    auto at = driver_.tasks.begin();
    std::advance(at, below(static_cast<std::uint32_t>(driver_.tasks.size())));
    return at->first;
  }

  void anything(unsigned jobs) {
    const JobId job = job_named(1 + below(jobs));
    switch (below(14)) {
      case 0: driver_.advance(std::chrono::milliseconds(below(30'000))); break;
      case 1: driver_.step(ItemsAdded{.job = job, .known = known_[job] += below(10)}); break;
      case 2:
        if (one_in(6)) driver_.step(ItemsEnded{.job = job});
        break;
      case 3: driver_.step(ResultsFull{.job = job}); break;
      case 4: driver_.step(ResultsFlow{.job = job}); break;
      case 5:
        if (one_in(20)) driver_.step(CancelRequested{.job = job, .how = static_cast<StopHow>(below(2))});
        break;
      case 6:
        if (one_in(20)) driver_.step(ClientLeft{.client = ClientId(1 + below(jobs))});
        break;
      case 7:
        if (!driver_.tasks.empty()) driver_.step(TaskStarted{.task = any_task()});
        break;
      case 8:
        if (!driver_.tasks.empty()) driver_.lose(any_task(), static_cast<TaskLost::Cause>(below(4)));
        break;
      default:
        if (!driver_.tasks.empty()) finish(any_task());
    }
  }

  void finish(TaskId task) {
    const Duration ran = std::chrono::microseconds(below(100'000));
    if (driver_.stops.contains(task) && !one_in(4)) return driver_.end(task, TaskEnded::How::stopped, 0, ran);
    switch (below(8)) {
      case 0: return driver_.exit_with(task, 1, ran);
      case 1: return driver_.exit_with(task, 3, ran);
      case 2: return driver_.end(task, static_cast<TaskEnded::How>(1 + below(4)), 127, ran);
      default: return driver_.exit_with(task, 0, ran);
    }
  }

  void settle_input(unsigned number) {
    driver_.step(ResultsFlow{.job = job_named(number)});
    driver_.step(ItemsEnded{.job = job_named(number)});
    driver_.advance(std::chrono::seconds(20));
  }

  std::mt19937 random_;
  Driver driver_;
  std::map<JobId, std::uint64_t> known_;
};

class AgentHistory : public testing::TestWithParam<unsigned> {};

TEST_P(AgentHistory, keeps_its_promises_and_is_the_same_twice) {
  const std::vector<Action> first = History(GetParam()).run();
  EXPECT_EQ(first, History(GetParam()).run());
}

INSTANTIATE_TEST_SUITE_P(seed, AgentHistory, testing::Range(0u, 300u));

}  // namespace
}  // namespace agent::core
