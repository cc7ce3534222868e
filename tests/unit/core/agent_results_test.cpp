#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using What = Notice::What;

class AgentResults : public PlayedPeers {
 protected:
  // Peer 1 is our master, and gives us so many iterations.
  void be_helper(std::uint64_t iterations) {
    link(1);
    earn_lease(1);
    grant(1, single(0, iterations));
    forget();
  }
  void run_next(int code = 0) { exit_with(tasks.begin()->first, code); }
  // Reports that carried results.
  std::vector<std::size_t> results_told(unsigned number) const {
    std::vector<std::size_t> counts;
    for (const Attached& extra : attached<protocol::Report>(number)) {
      if (!extra.results.empty()) counts.push_back(extra.results.size());
    }
    return counts;
  }
  void take_latest_report() {
    say(1, protocol::Received{.branch = BranchId(1), .number = told<protocol::Report>(1).back().number});
  }
};

TEST_F(AgentResults, a_lone_result_leaves_at_once) {
  be_helper(10);
  advance(5s);
  forget();
  const TaskId task = tasks.begin()->first;
  const Instant ended = now;
  run_next();
  ASSERT_FALSE(times_of<protocol::Report>(1).empty());
  EXPECT_EQ(times_of<protocol::Report>(1).front(), ended);
  EXPECT_EQ(attached<protocol::Report>(1).front().results, (std::vector{task}));
}

TEST_F(AgentResults, while_results_keep_coming_reports_become_rarer_until_there_is_one_a_second) {
  be_helper(10'000);
  const auto round = [&] {
    advance(10ms);
    run_next();
    if (!told<protocol::Report>(1).empty()) take_latest_report();
  };
  for (int i = 0; i < 500; ++i) round();
  const std::size_t in_five_seconds = told<protocol::Report>(1).size();
  EXPECT_GE(in_five_seconds, 8U);
  EXPECT_LE(in_five_seconds, 20U);
  forget();
  for (int i = 0; i < 1'000; ++i) round();
  EXPECT_GE(told<protocol::Report>(1).size(), 9U);
  EXPECT_LE(told<protocol::Report>(1).size(), 12U);
  for (std::size_t count : results_told(1)) EXPECT_GE(count, 80U);
}

TEST_F(AgentResults, a_report_that_is_full_waits_for_nothing) {
  constexpr std::size_t full = protocol::limits::batches_per_report_max;
  be_helper(10'000);
  for (int i = 0; i < 20; ++i) {  // the gap is long by now
    advance(500ms);
    run_next();
    take_latest_report();
  }
  forget();
  const Instant before = now;
  for (std::size_t i = 0; i <= full; ++i) run_next();
  std::size_t at_once = 0;
  for (std::size_t count : results_told(1)) at_once += count;
  EXPECT_GE(at_once, full);
  EXPECT_EQ(now, before);
}

TEST_F(AgentResults, a_failure_waits_for_nothing) {
  be_helper(1'000);
  for (int i = 0; i < 300; ++i) {
    advance(10ms);
    run_next();
    if (!told<protocol::Report>(1).empty()) take_latest_report();
  }
  forget();
  const TaskId failed = tasks.begin()->first;
  const Instant at = now;
  run_next(1);
  ASSERT_EQ(times_of<protocol::Report>(1), (std::vector{at}));
  const std::vector<TaskId> sent = attached<protocol::Report>(1).front().results;
  EXPECT_EQ(sent.front(), failed);
}

TEST_F(AgentResults, the_last_result_waits_for_nothing) {
  be_helper(4);
  for (int i = 0; i < 3; ++i) run_next();
  forget();
  run_next();
  ASSERT_FALSE(told<protocol::Report>(1).empty());
  EXPECT_EQ(told<protocol::Report>(1).back().remaining, 0U);
  EXPECT_FALSE(attached<protocol::Report>(1).back().results.empty());
}

TEST_F(AgentResults, a_report_says_what_runs_what_is_lent_and_what_remains) {
  be_helper(10);
  link(2);
  const protocol::Grant given = lend_to(2);
  advance(2s);
  forget();
  run_next();
  ASSERT_EQ(told<protocol::Report>(1).size(), 1U);
  const protocol::Report report = told<protocol::Report>(1).front();
  EXPECT_EQ(report.branch, BranchId(1));
  EXPECT_EQ(report.remaining, 9U);
  ASSERT_EQ(report.lent.size(), 1U);
  EXPECT_EQ(report.lent.front().helper, peer_named(2));
  EXPECT_EQ(report.lent.front().what, given.intervals);
  advance(1s);
  EXPECT_EQ(told<protocol::Report>(1).back().started, single(1, 2));
}

TEST_F(AgentResults, results_that_are_not_received_for_some_seconds_are_sent_again) {
  be_helper(10);
  advance(5s);
  forget();
  const TaskId task = tasks.begin()->first;
  const Instant ended = now;
  run_next();
  advance(10s);
  std::vector<Instant> sent;
  const auto times = times_of<protocol::Report>(1);
  const auto extras = attached<protocol::Report>(1);
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (std::ranges::find(extras[i].results, task) != extras[i].results.end()) sent.push_back(times[i]);
  }
  ASSERT_GE(sent.size(), 2U);
  EXPECT_EQ(sent[0], ended);
  EXPECT_GE(sent[1], ended + 3s);  // a receipt may wait for a beat or two
  EXPECT_LE(sent[1], ended + 8s);
  take_latest_report();
  forget();
  advance(10s);
  EXPECT_TRUE(results_told(1).empty());
}

TEST_F(AgentResults, what_was_under_way_when_a_link_broke_is_sent_on_the_next) {
  be_helper(10);
  advance(2s);
  forget();
  const TaskId task = tasks.begin()->first;
  run_next();
  ASSERT_EQ(results_told(1).size(), 1U);
  unlink(1);
  forget();
  link(1);
  advance(100ms);
  ASSERT_EQ(results_told(1).size(), 1U);
  for (const Attached& extra : attached<protocol::Report>(1)) {
    if (!extra.results.empty()) {
      EXPECT_EQ(extra.results, (std::vector{task}));
    }
  }
}

TEST_F(AgentResults, what_is_settled_is_dropped_and_a_branch_of_which_all_is_settled_is_forgotten) {
  be_helper(2);
  const TaskId first = tasks.begin()->first;
  run_next();
  const TaskId second = tasks.begin()->first;
  say(1, protocol::Settled{.loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 1)});
  EXPECT_EQ(done<DropResult>(), (std::vector{DropResult{.task = first}}));
  EXPECT_TRUE(agent.knows(job_named(1)));
  run_next();
  say(1, protocol::Settled{.loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 2)});
  EXPECT_EQ(done<DropResult>(), (std::vector{DropResult{.task = first}, DropResult{.task = second}}));
  EXPECT_EQ(agent.sizes().branches, 0U);
  EXPECT_FALSE(agent.knows(job_named(1)));
}

TEST_F(AgentResults, only_the_master_settles) {
  be_helper(2);
  link(2);
  run_next();
  say(2, protocol::Settled{.loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 2)});
  EXPECT_TRUE(done<DropResult>().empty());
}

TEST_F(AgentResults, what_is_wanted_again_is_sent_again) {
  be_helper(10);
  const TaskId task = tasks.begin()->first;
  run_next();
  advance(2s);
  take_latest_report();
  forget();
  say(1, protocol::Resend{.loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 5)});
  advance(1s);
  ASSERT_EQ(results_told(1).size(), 1U);
  for (const Attached& extra : attached<protocol::Report>(1)) {
    if (!extra.results.empty()) {
      EXPECT_EQ(extra.results, (std::vector{task}));
    }
  }
}

TEST_F(AgentResults, a_report_of_a_branch_that_is_not_known_is_cancelled_and_its_batches_are_dropped) {
  link(1);
  report(1, BranchId(5), single(0, 1));
  EXPECT_EQ(done<DropBatch>().size(), 1U);
  EXPECT_EQ(told<protocol::Cancel>(1),
            (std::vector{protocol::Cancel{.branch = BranchId(5), .why = protocol::CancelReason::expired}}));
  EXPECT_TRUE(told<protocol::Received>(1).empty());
}

TEST_F(AgentResults, a_report_is_received_and_its_results_committed_one_by_one) {
  submit(terms_of(10));
  link(1);
  const protocol::Grant given = lend_to(1);
  const Interval all_of_it = given.intervals.front();
  forget();
  say(1, protocol::Report{.branch = given.branch, .number = 7, .batches = {}},
      batch_of(1, {{.begin = all_of_it.begin, .end = all_of_it.begin + 1},
                   {.begin = all_of_it.begin + 1, .end = all_of_it.begin + 2}}));
  const auto commits = done<CommitReceived>();
  ASSERT_EQ(commits.size(), 2U);
  EXPECT_EQ(commits[0].index, 0U);
  EXPECT_EQ(commits[1].index, 1U);
  EXPECT_EQ(commits[1].piece, (Interval{.begin = all_of_it.begin + 1, .end = all_of_it.begin + 2}));
  EXPECT_EQ(commits[1].executor, peer_named(1));
}

TEST_F(AgentResults, a_helper_learns_what_is_settled_at_once_and_then_now_and_then_until_it_holds_nothing_more) {
  submit(terms_of(10));
  link(1);
  const protocol::Grant given = lend_to(1);
  const Interval held = given.intervals.front();
  ASSERT_EQ(given.intervals.size(), 1U);
  ASSERT_GT(held.count(), 3U);
  const auto settled = [&](std::uint64_t begin, std::uint64_t end) {
    return std::vector{protocol::Settled{.loop = {.job = job_named(1), .path = {}}, .intervals = single(begin, end)}};
  };
  forget();
  report(1, given.branch, single(held.begin, held.begin + 1));
  EXPECT_EQ(told<protocol::Settled>(1), settled(held.begin, held.begin + 1));
  forget();
  report(1, given.branch, single(held.begin + 1, held.begin + 2));
  EXPECT_TRUE(told<protocol::Settled>(1).empty());
  advance(4s);
  EXPECT_EQ(told<protocol::Settled>(1), settled(held.begin + 1, held.begin + 2));
  report(1, given.branch, single(held.begin + 2, held.begin + 3));
  forget();
  std::vector<Interval> rest;
  for (std::uint64_t i = held.begin + 3; i < held.end; ++i) rest.push_back({.begin = i, .end = i + 1});
  report(1, given.branch, rest);
  EXPECT_TRUE(sum(1, &protocol::Settled::intervals).contains({.begin = held.begin + 3, .end = held.end}));
}

TEST_F(AgentResults, results_of_our_helpers_go_on_in_their_batches) {
  be_helper(10);
  link(2);
  const protocol::Grant given = lend_to(2);
  advance(3s);
  forget();
  report(2, given.branch, given.intervals);
  advance(1s);
  std::vector<BatchId> passed;
  for (const Attached& extra : attached<protocol::Report>(1))
    passed.insert(passed.end(), extra.batches.begin(), extra.batches.end());
  EXPECT_EQ(passed, (std::vector{BatchId(1)}));
  EXPECT_TRUE(done<DropBatch>().empty());
  EXPECT_TRUE(told<protocol::Settled>(2).empty());
  say(1, protocol::Settled{.loop = {.job = job_named(1), .path = {}}, .intervals = given.intervals});
  EXPECT_EQ(done<DropBatch>(), (std::vector{DropBatch{.batch = BatchId(1)}}));
}

TEST_F(AgentResults, of_a_job_that_has_ended_nothing_is_left_and_our_helpers_learn_it) {
  be_helper(10);
  link(2);
  (void)lend_to(2);
  run_next();
  const TaskId task = tasks.begin()->first;
  forget();
  say(1, protocol::Ended{.job = job_named(1), .statement = {}});
  EXPECT_TRUE(stops.contains(task));
  EXPECT_EQ(done<DropResult>().size(), 1U);
  ASSERT_EQ(told<protocol::Ended>(2).size(), 1U);
  EXPECT_EQ(told<protocol::Ended>(2).front().job, job_named(1));
  obey(task);
  EXPECT_TRUE(tasks.empty());
  EXPECT_FALSE(agent.knows(job_named(1)));
}

}  // namespace
}  // namespace agent::core
