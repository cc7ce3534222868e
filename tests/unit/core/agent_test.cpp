#include "agent/core/agent.h"

#include <gtest/gtest.h>

#include "tests/unit/core/driver.h"

namespace agent::core {
namespace {

using How = TaskEnded::How;
using namespace std::chrono_literals;

JobTerms list_of(std::uint64_t size, unsigned number = 1) {
  return {.job = job_named(number), .size = size};
}

TEST(agent, runs_every_iteration_once_and_says_done) {
  Driver driver(3);
  driver.submit(list_of(10));
  while (!driver.tasks.empty()) driver.exit_with(driver.tasks.begin()->first, 0);
  const auto& job = driver.jobs.at(job_named(1));
  ASSERT_TRUE(job.verdict);
  EXPECT_EQ(job.verdict->verdict, Verdict::done);
  EXPECT_EQ(job.verdict->counts.ok, 10u);
  EXPECT_EQ(job.commits.size(), 10u);
  EXPECT_EQ(driver.agent.job_count(), 0u);
}

TEST(agent, an_empty_loop_is_done_at_once) {
  Driver driver(1);
  driver.submit(list_of(0));
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->verdict, Verdict::done);
}

TEST(agent, an_open_loop_starts_before_its_input_has_ended) {
  Driver driver(4);
  driver.submit({.job = job_named(1)});
  driver.step(ItemsAdded{.job = job_named(1), .known = 2});
  EXPECT_EQ(driver.tasks.size(), 2u);
  driver.exit_with(driver.task_at(0), 0);
  driver.exit_with(driver.task_at(1), 0);
  EXPECT_FALSE(driver.jobs.at(job_named(1)).verdict);
  driver.step(ItemsEnded{.job = job_named(1)});
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->counts.total, 2u);
}

TEST(agent, an_iteration_starts_only_under_a_mandate_and_its_deadline_follows_the_mandate) {
  Agent agent(Options{.slots = 1});
  std::vector<Action> actions;
  const Instant start(100s);
  agent.step(start, JobSubmitted{.client = ClientId(1), .terms = list_of(1)}, actions);
  ASSERT_EQ(actions.size(), 1u);
  const auto& wanted = std::get<SignMandate>(actions[0]);
  EXPECT_EQ(wanted.time_to_live, Mandate::life);
  actions.clear();
  agent.step(start + 1s, MandateSeen{.job = job_named(1), .sequence = 0, .time_to_live = 60s, .age = 2s}, actions);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(std::get<StartTask>(actions[0]).deadline, start + 1s + 58s);
  EXPECT_EQ(agent.next_deadline(), (Deadline{.at = start + 10s, .why = Deadline::Why::mandate}));
}

TEST(agent, the_deadline_of_a_long_task_is_renewed_every_ten_seconds) {
  Driver driver(1);
  driver.submit(list_of(1));
  const TaskId task = driver.task_at(0);
  const Instant started = driver.now;
  driver.advance(35s);
  EXPECT_EQ(driver.deadlines.at(task), started + 30s + 60s);
}

TEST(agent, a_stalled_agent_starts_nothing_until_it_has_a_fresh_mandate_again) {
  Driver driver(1);
  driver.submit(list_of(2));
  const TaskId first = driver.task_at(0);
  driver.now += 300s;  // nobody reported the deadlines meanwhile
  driver.lose(first, TaskLost::Cause::deadline_passed);
  // The step itself renewed the mandate; only under the new one the piece runs again, as attempt 1.
  const StartTask& again = driver.tasks.at(driver.task_at(0));
  EXPECT_EQ(again.attempt, Attempt(1));
  EXPECT_EQ(again.deadline, driver.now + 60s);
}

TEST(agent, a_failed_iteration_is_tried_again_as_often_as_its_retries_allow) {
  Driver driver(1);
  JobTerms terms = list_of(1);
  terms.retries = 2;
  driver.submit(terms);
  driver.exit_with(driver.task_at(0), 1);
  driver.end(driver.task_at(0), How::killed);
  EXPECT_FALSE(driver.jobs.at(terms.job).verdict);
  driver.end(driver.task_at(0), How::timed_out);
  const auto& job = driver.jobs.at(terms.job);
  EXPECT_EQ(job.verdict->counts.failed, 1u);
  EXPECT_EQ(job.verdict->counts.retried, 2u);
  EXPECT_EQ(job.commits[0].attempt, Attempt(2));
}

TEST(agent, a_retry_that_succeeds_is_a_success) {
  Driver driver(1);
  JobTerms terms = list_of(1);
  terms.retries = 1;
  driver.submit(terms);
  driver.exit_with(driver.task_at(0), 1);
  driver.exit_with(driver.task_at(0), 0);
  EXPECT_EQ(driver.jobs.at(terms.job).verdict->counts.ok, 1u);
  EXPECT_EQ(driver.jobs.at(terms.job).verdict->counts.failed, 0u);
}

TEST(agent, the_third_death_of_a_launcher_fails_the_iteration_and_blocks_no_other) {
  Driver driver(1);
  driver.submit(list_of(2));
  for (int death = 0; death < 3; ++death) {
    const TaskId task = driver.task_at(0);
    driver.step(TaskStarted{.task = task});
    driver.lose(task, TaskLost::Cause::launcher_died);
  }
  driver.exit_with(driver.task_at(1), 0);
  const auto& verdict = *driver.jobs.at(job_named(1)).verdict;
  EXPECT_EQ(verdict.counts.failed, 1u);
  EXPECT_EQ(verdict.counts.ok, 1u);
  EXPECT_EQ(verdict.counts.redone, 2u);
}

TEST(agent, a_launcher_that_died_before_the_process_existed_is_no_death_of_the_iteration) {
  Driver driver(1);
  driver.submit(list_of(1));
  for (int round = 0; round < 10; ++round) driver.lose(driver.task_at(0), TaskLost::Cause::launcher_died);
  driver.exit_with(driver.task_at(0), 0);
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->counts.ok, 1u);
}

TEST(agent, our_own_silence_is_never_counted_against_an_iteration) {
  Driver driver(1);
  driver.submit(list_of(1));
  for (int round = 0; round < 20; ++round) {
    driver.step(TaskStarted{.task = driver.task_at(0)});
    driver.lose(driver.task_at(0), TaskLost::Cause::deadline_passed);
  }
  driver.exit_with(driver.task_at(0), 0);
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->counts.ok, 1u);
}

TEST(agent, a_node_without_room_for_a_process_waits_longer_each_time_and_gives_up_in_the_end) {
  Driver driver(1);
  driver.submit(list_of(1));
  Duration waited{};
  int refusals = 0;
  while (!driver.jobs.at(job_named(1)).verdict) {
    driver.lose(driver.task_at(0), TaskLost::Cause::no_room);
    ++refusals;
    EXPECT_TRUE(driver.tasks.empty());
    const Instant paused = driver.now;
    while (driver.tasks.empty() && !driver.jobs.at(job_named(1)).verdict) driver.advance(10ms);
    waited += driver.now - paused;
  }
  EXPECT_EQ(refusals, 8);
  EXPECT_EQ(waited, 100ms + 200ms + 400ms + 800ms + 1600ms + 3200ms + 5000ms);
}

TEST(agent, a_node_that_can_start_nothing_for_good_tries_three_times_and_fails_everything_at_once_then) {
  Driver driver(1);
  driver.submit(list_of(20));
  const auto& job = driver.jobs.at(job_named(1));
  for (int attempt = 0; attempt < 3; ++attempt) {
    driver.lose(driver.task_at(0), TaskLost::Cause::cannot_start);
    EXPECT_TRUE(driver.tasks.empty()) << "it waits";
    while (driver.tasks.empty()) driver.advance(10ms);
  }
  EXPECT_TRUE(job.commits.empty());
  const Instant failing = driver.now;
  while (!job.verdict) driver.lose(driver.tasks.begin()->first, TaskLost::Cause::cannot_start);
  EXPECT_EQ(driver.now, failing);
  EXPECT_EQ(job.verdict->counts.failed, 20U);
}

TEST(agent, a_task_that_starts_gives_new_hope) {
  Driver driver(1);
  driver.submit(list_of(2));
  const auto lose_three_times = [&](std::uint64_t begin) {
    for (int attempt = 0; attempt < 3; ++attempt) {
      driver.lose(driver.task_at(begin), TaskLost::Cause::cannot_start);
      while (driver.tasks.empty()) driver.advance(10ms);
    }
  };
  lose_three_times(0);
  driver.step(TaskStarted{.task = driver.task_at(0)});
  driver.exit_with(driver.task_at(0), 0);
  lose_three_times(1);
  driver.exit_with(driver.task_at(1), 0);
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->counts.ok, 2U);
}

TEST(agent, halt_now_stops_what_runs_and_names_the_piece_that_decided) {
  Driver driver(3);
  JobTerms terms = list_of(100);
  terms.halt = {.when = HaltRule::When::now, .what = HaltRule::What::failed, .amount = 1};
  driver.submit(terms);
  const TaskId one = driver.task_at(1);
  const TaskId two = driver.task_at(2);
  driver.exit_with(driver.task_at(0), 7);
  EXPECT_EQ(driver.stops.size(), 2u);
  driver.end(one, How::stopped);
  driver.end(two, How::stopped);
  const auto& verdict = *driver.jobs.at(terms.job).verdict;
  EXPECT_EQ(verdict.verdict, Verdict::halted);
  EXPECT_EQ(verdict.decisive, (Interval{0, 1}));
  EXPECT_EQ(verdict.counts.committed, 1u);
}

TEST(agent, halt_soon_lets_what_runs_finish_and_starts_nothing_more) {
  Driver driver(2);
  JobTerms terms = list_of(100);
  terms.halt = {.when = HaltRule::When::soon, .what = HaltRule::What::succeeded, .amount = 2};
  driver.submit(terms);
  driver.exit_with(driver.task_at(0), 0);
  driver.exit_with(driver.task_at(1), 0);
  EXPECT_TRUE(driver.stops.empty());
  ASSERT_EQ(driver.tasks.size(), 1u);
  driver.exit_with(driver.task_at(2), 1);
  EXPECT_EQ(driver.jobs.at(terms.job).verdict->verdict, Verdict::halted);
  EXPECT_EQ(driver.jobs.at(terms.job).verdict->counts.committed, 3u);
}

TEST(agent, halt_by_percent_counts_against_the_whole_loop) {
  Driver driver(1);
  JobTerms terms = list_of(10);
  terms.halt = {
      .when = HaltRule::When::now, .what = HaltRule::What::done, .amount = 25, .unit = HaltRule::Unit::percent};
  driver.submit(terms);
  while (!driver.tasks.empty()) driver.exit_with(driver.tasks.begin()->first, 0);
  EXPECT_EQ(driver.jobs.at(terms.job).verdict->counts.committed, 3u);
}

TEST(agent, halt_by_percent_is_judged_from_the_first_result_on) {
  Driver driver(1);
  JobTerms terms = list_of(10);
  terms.halt = {
      .when = HaltRule::When::now, .what = HaltRule::What::failed, .amount = 1, .unit = HaltRule::Unit::percent};
  driver.submit(terms);
  driver.exit_with(driver.tasks.begin()->first, 1);
  EXPECT_EQ(driver.jobs.at(terms.job).verdict->counts.committed, 1u);
}

TEST(agent, halt_by_percent_does_not_round) {
  Driver driver(1);
  JobTerms terms = list_of(3);
  terms.halt = {
      .when = HaltRule::When::now, .what = HaltRule::What::done, .amount = 67, .unit = HaltRule::Unit::percent};
  driver.submit(terms);
  while (!driver.tasks.empty()) driver.exit_with(driver.tasks.begin()->first, 0);
  EXPECT_EQ(driver.jobs.at(terms.job).verdict->counts.committed, 3u);  // 2 of 3 are 66.7 %
}

TEST(agent, any_hit_ends_a_search_and_stops_the_rest) {
  Driver driver(2);
  JobTerms terms = list_of(1000);
  terms.found = 3;
  driver.submit(terms);
  const TaskId other = driver.task_at(0);
  driver.exit_with(driver.task_at(1), 3);
  EXPECT_EQ(driver.stops.at(other), StopHow::terminate);
  driver.end(other, How::stopped);
  const auto& job = driver.jobs.at(terms.job);
  EXPECT_EQ(job.verdict->verdict, Verdict::hit);
  EXPECT_EQ(job.verdict->decisive, (Interval{1, 2}));
  EXPECT_EQ(job.commits.back().outcome, Outcome::hit);
}

TEST(agent, the_lowest_hit_waits_for_everything_below_it) {
  Driver driver(4);
  JobTerms terms = list_of(1000);
  terms.found = 3;
  terms.lowest_hit = true;
  driver.submit(terms);
  const TaskId above = driver.task_at(3);
  driver.exit_with(driver.task_at(2), 3);
  EXPECT_EQ(driver.stops.count(above), 1u);
  EXPECT_EQ(driver.stops.size(), 1u);
  driver.end(above, How::stopped);
  EXPECT_EQ(driver.tasks.size(), 2u);
  driver.exit_with(driver.task_at(1), 3);
  EXPECT_FALSE(driver.jobs.at(terms.job).verdict);
  driver.exit_with(driver.task_at(0), 0);
  const auto& job = driver.jobs.at(terms.job);
  EXPECT_EQ(job.verdict->decisive, (Interval{1, 2}));
  EXPECT_EQ(job.verdict->counts.hits, 1u);
}

TEST(agent, cancel_terminates_then_kills_when_asked_again) {
  Driver driver(1);
  driver.submit(list_of(5));
  const TaskId task = driver.task_at(0);
  driver.step(CancelRequested{.job = job_named(1), .how = StopHow::terminate});
  EXPECT_EQ(driver.stops.at(task), StopHow::terminate);
  driver.step(CancelRequested{.job = job_named(1), .how = StopHow::kill});
  EXPECT_EQ(driver.stops.at(task), StopHow::kill);
  driver.end(task, How::stopped);
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->verdict, Verdict::cancelled);
}

TEST(agent, a_client_that_leaves_takes_its_own_jobs_along_and_no_others) {
  Driver driver(2);
  driver.submit(list_of(5, 1), ClientId(1));
  driver.submit(list_of(5, 2), ClientId(2));
  const TaskId mine = driver.tasks.begin()->first;
  driver.step(ClientLeft{.client = ClientId(1)});
  for (const auto& [task, how] : driver.stops) EXPECT_EQ(driver.tasks.at(task).job, job_named(1));
  while (!driver.tasks.empty()) {
    const TaskId task = driver.tasks.begin()->first;
    driver.stops.contains(task) ? driver.end(task, How::stopped) : driver.exit_with(task, 0);
  }
  EXPECT_NE(mine, TaskId{});
  EXPECT_EQ(driver.jobs.at(job_named(1)).verdict->verdict, Verdict::cancelled);
  EXPECT_EQ(driver.jobs.at(job_named(2)).verdict->verdict, Verdict::done);
}

TEST(agent, jobs_share_the_slots_fairly) {
  Driver driver(6);
  driver.submit(list_of(1000, 1));
  EXPECT_EQ(driver.tasks.size(), 6u);
  driver.submit(list_of(1000, 2));
  driver.submit(list_of(1000, 3));
  for (int round = 0; round < 300; ++round) driver.exit_with(driver.tasks.begin()->first, 0);
  std::map<JobId, int> running;
  for (const auto& [id, start] : driver.tasks) ++running[start.job];
  for (unsigned number = 1; number <= 3; ++number) EXPECT_EQ(running[job_named(number)], 2);
  EXPECT_NEAR(static_cast<double>(driver.jobs.at(job_named(2)).commits.size()),
              static_cast<double>(driver.jobs.at(job_named(3)).commits.size()), 2.0);
}

TEST(agent, a_job_never_takes_more_slots_than_it_asked_for) {
  Driver driver(8);
  JobTerms terms = list_of(100);
  terms.slots_max = 3;
  driver.submit(terms);
  EXPECT_EQ(driver.tasks.size(), 3u);
}

TEST(agent, nothing_starts_while_results_can_not_be_kept) {
  Driver driver(2);
  driver.submit(list_of(10));
  driver.step(ResultsFull{.job = job_named(1)});
  driver.exit_with(driver.task_at(0), 0);
  driver.exit_with(driver.task_at(1), 0);
  EXPECT_TRUE(driver.tasks.empty());
  driver.step(ResultsFlow{.job = job_named(1)});
  EXPECT_EQ(driver.tasks.size(), 2u);
}

TEST(agent, what_must_run_again_does_so_although_results_can_not_be_kept) {
  Driver driver(2);
  JobTerms terms = list_of(10);
  terms.retries = 1;
  driver.submit(terms);
  driver.step(ResultsFull{.job = terms.job});
  driver.exit_with(driver.task_at(1), 0);
  EXPECT_EQ(driver.tasks.size(), 1u);
  driver.exit_with(driver.task_at(0), 1);
  EXPECT_EQ(driver.tasks.at(driver.task_at(0)).attempt, Attempt(1));
  EXPECT_EQ(driver.tasks.size(), 1u);
}

TEST(agent, a_range_of_10_to_the_15_costs_no_more_than_a_short_one) {
  Driver driver(2);
  JobTerms terms = list_of(1'000'000'000'000'000);
  terms.body = Body::command_per_piece;
  terms.grain = 1s;
  driver.submit(terms);
  // A million iterations a millisecond, besides a millisecond to start.
  for (int piece = 0; piece < 2000 && !driver.tasks.empty(); ++piece) {
    const StartTask start = driver.tasks.begin()->second;
    driver.exit_with(start.task, 0, 1ms + Duration(start.piece.count()));
  }
  EXPECT_GT(driver.jobs.at(terms.job).committed.count(), 1'000'000'000'000u);
  EXPECT_LE(driver.jobs.at(terms.job).committed.intervals().size(), 3u);
}

TEST(agent, unknown_stale_and_doubled_events_change_nothing) {
  Driver driver(1);
  driver.submit(list_of(2));
  const TaskId task = driver.task_at(0);
  driver.exit_with(task, 0);
  const std::size_t before = driver.trace.size();
  driver.step(TaskEnded{.task = task});
  driver.step(TaskLost{.task = TaskId(999)});
  driver.step(TaskStarted{.task = TaskId(999)});
  driver.step(CancelRequested{.job = job_named(9)});
  driver.step(ItemsAdded{.job = job_named(1), .known = 50});
  driver.step(ItemsEnded{.job = job_named(9)});
  driver.step(MandateSeen{.job = job_named(1), .sequence = 0, .time_to_live = 60s});
  driver.step(JobSubmitted{.client = ClientId(7), .terms = list_of(1)});
  driver.step(ClientLeft{.client = ClientId(7)});
  EXPECT_EQ(driver.trace.size(), before);
}

}  // namespace
}  // namespace agent::core
