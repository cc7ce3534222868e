// Loops inside of iterations, as one agent sees them: root and opener. (agent_loops_helper_test.cpp: as a helper
// sees them.)

#include <gtest/gtest.h>

#include "tests/unit/core/loops_driver.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

const NodeId peer = node_named(2);
const NodeId other = node_named(3);

// The loop that iteration `index` of the root loop opens first.
LoopPath below(std::uint64_t index) {
  return {{.iteration = index, .ordinal = 0}};
}

LoopTerms opened_at(NodeId opener, const LoopPath& path, std::uint64_t instance) {
  return {.path = path, .size = 10, .branch_number = 4, .opener = opener, .instance = instance};
}

// Every task above the deepest level opens a loop of `width` and waits for it. Returns the most that were parked.
std::size_t run_nested(LoopsDriver& driver, std::size_t depth, std::uint64_t width) {
  std::map<TaskId, bool> joined;
  std::size_t parked_most = 0;
  while (!driver.verdict && driver.running() > 0) {
    const auto next = std::ranges::find_if(driver.tasks, [](const auto& each) { return !each.second.parked; });
    const TaskId task = next->first;
    if (next->second.order.path.size() >= depth || joined[task]) {
      driver.exit_with(task, 0);
      continue;
    }
    joined[task] = true;
    driver.fork(task, 0, width);
    driver.join(task);
    parked_most = std::max(parked_most, driver.tasks.size() - driver.running());
  }
  return parked_most;
}

TEST(agent_loops, six_deep_on_one_slot_nothing_waits_for_ever) {
  LoopsDriver driver(1);
  driver.submit(2);
  EXPECT_EQ(run_nested(driver, 6, 2), 6U);
  ASSERT_TRUE(driver.verdict);
  EXPECT_EQ(driver.verdict->verdict, Verdict::done);
  EXPECT_EQ(driver.verdict->counts.ok, 2U);
  EXPECT_EQ(driver.commits.size(), 2U + 4 + 8 + 16 + 32 + 64 + 128);
  EXPECT_EQ(driver.answers.size(), 2U + 4 + 8 + 16 + 32 + 64);
  for (const AnswerJoin& answer : driver.answers) EXPECT_EQ(answer.verdict, Verdict::done);
  EXPECT_EQ(driver.agent.job_count(), 0U);
  EXPECT_EQ(driver.agent.running_count(), 0U);
}

TEST(agent_loops, on_three_slots_they_are_all_used_and_nothing_waits_for_ever) {
  LoopsDriver driver(3);
  driver.submit(5);
  EXPECT_LE(run_nested(driver, 3, 3), 9U);
  ASSERT_TRUE(driver.verdict);
  EXPECT_EQ(driver.commits.size(), 5U * (1 + 3 + 9 + 27));
}

TEST(agent_loops, the_limit_on_a_jobs_slots_holds_for_its_inner_loops_too) {
  LoopsDriver driver(4);
  driver.submit(3, 8, /*slots_max=*/2);
  const TaskId first = driver.task_at({}, 0);
  driver.fork(first, 0, 5);
  EXPECT_EQ(driver.running(), 2U);
  driver.join(first);
  EXPECT_EQ(driver.running(), 2U);
  run_nested(driver, 0, 0);
  EXPECT_EQ(driver.verdict->counts.ok, 3U);
}

TEST(agent_loops, an_empty_loop_has_ended_when_it_is_joined) {
  LoopsDriver driver(1);
  driver.submit(1);
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 0);
  EXPECT_TRUE(driver.answers.empty());
  driver.join(task);
  ASSERT_EQ(driver.answers.size(), 1U);
  EXPECT_EQ(driver.answers[0], (AnswerJoin{.task = task, .ordinal = 0, .verdict = Verdict::done}));
}

TEST(agent_loops, doubled_and_stale_events_change_nothing) {
  LoopsDriver driver(2);
  driver.submit(1);
  const TaskId task = driver.task_at({}, 0);
  const LoopTerms loop = driver.loop_of(task, 0, 2, 4);
  driver.step(LoopForked{.task = task, .terms = loop});
  driver.step(LoopForked{.task = task, .terms = loop});
  driver.step(LoopForked{.task = TaskId(99), .terms = loop});
  driver.step(LoopJoined{.task = TaskId(99), .ordinal = 0});
  driver.join(task);
  driver.step(LoopJoined{.task = task, .ordinal = 0});
  driver.exit_with(driver.task_at(below(0), 0), 0);
  driver.exit_with(driver.task_at(below(0), 1), 0);
  EXPECT_EQ(driver.answers.size(), 1U);
  driver.step(LoopJoined{.task = task, .ordinal = 0});
  EXPECT_EQ(driver.answers.size(), 1U);
  driver.exit_with(task, 0);
  driver.step(LoopForked{.task = task, .terms = loop});
  EXPECT_EQ(driver.verdict->counts.ok, 1U);
}

TEST(agent_loops, a_fork_that_cannot_be_is_refused_at_the_join) {
  LoopsDriver driver(1);
  driver.submit(1);
  const TaskId task = driver.task_at({}, 0);
  LoopTerms strange = driver.loop_of(task, 0, 2, 4);
  strange.path = {{.iteration = 7, .ordinal = 0}};  // not an iteration of this task
  driver.step(LoopForked{.task = task, .terms = strange});
  driver.join(task);
  ASSERT_EQ(driver.answers.size(), 1U);
  EXPECT_EQ(driver.answers[0].verdict, Verdict::cancelled);
  EXPECT_EQ(driver.tasks.size(), 1U);
}

TEST(agent_loops, below_the_deepest_level_no_loop_is_opened) {
  LoopsDriver driver(1);
  driver.submit(1);
  LoopPath path;
  for (std::size_t depth = 0; depth < protocol::limits::path_depth_max; ++depth) {
    const TaskId task = driver.task_at(path, 0);
    driver.fork(task, 0, 1);
    driver.join(task);
    path.push_back({.iteration = 0, .ordinal = 0});
  }
  const TaskId deepest = driver.task_at(path, 0);
  driver.fork(deepest, 0, 1);
  driver.join(deepest);
  ASSERT_EQ(driver.answers.size(), 1U);
  EXPECT_EQ(driver.answers[0].verdict, Verdict::cancelled);
}

TEST(agent_loops, failures_inside_are_the_tasks_own_matter) {
  LoopsDriver driver(1);
  driver.submit(1);
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 2);
  driver.join(task);
  driver.exit_with(driver.task_at(below(0), 0), 1);
  driver.exit_with(driver.task_at(below(0), 1), 0);
  ASSERT_EQ(driver.answers.size(), 1U);
  EXPECT_EQ(driver.answers[0].verdict, Verdict::done);
  ASSERT_EQ(driver.commits.size(), 2U);
  EXPECT_EQ(driver.commits[0].outcome, Outcome::failed);
  EXPECT_EQ(driver.commits[0].opener, task);
  driver.exit_with(task, 0);
  EXPECT_EQ(driver.verdict->counts.ok, 1U);
  EXPECT_EQ(driver.verdict->counts.failed, 0U);
}

TEST(agent_loops, two_loops_of_one_task_run_at_once_and_are_joined_in_any_order) {
  LoopsDriver driver(2);
  driver.submit(1);
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 1);
  driver.fork(task, 1, 1);
  driver.join(task, 1);
  const LoopPath second{{.iteration = 0, .ordinal = 1}};
  driver.exit_with(driver.task_at(second, 0), 0);
  ASSERT_EQ(driver.answers.size(), 1U);
  EXPECT_EQ(driver.answers[0].ordinal, 1U);
  driver.exit_with(driver.task_at(below(0), 0), 0);
  driver.join(task, 0);
  EXPECT_EQ(driver.answers.size(), 2U);
}

TEST(agent_loops, the_deadline_of_a_parked_task_is_renewed) {
  LoopsDriver driver(1);
  driver.submit(1);
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 1);
  driver.join(task);
  const Instant began = driver.now;
  driver.advance(35s);
  EXPECT_EQ(driver.deadlines.at(task), began + 30s + 60s);
  EXPECT_EQ(driver.deadlines.at(driver.task_at(below(0), 0)), began + 30s + 60s);
}

TEST(agent_loops, a_task_that_ends_without_a_join_takes_its_loops_along) {
  LoopsDriver driver(3);
  driver.submit(1);
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 5);
  const TaskId inner = driver.task_at(below(0), 0);
  driver.fork(inner, 0, 5);
  EXPECT_EQ(driver.running(), 3U);
  driver.exit_with(task, 0);
  EXPECT_EQ(driver.stops.size(), 2U);
  EXPECT_FALSE(driver.verdict);  // something of the job still runs
  const std::size_t committed = driver.commits.size();
  while (!driver.tasks.empty()) driver.exit_with(driver.tasks.begin()->first, 0);
  EXPECT_EQ(driver.commits.size(), committed);  // what they come to is dropped
  EXPECT_EQ(driver.dropped.size(), 2U);
  EXPECT_EQ(driver.verdict->counts.ok, 1U);
}

TEST(agent_loops, a_cancelled_job_stops_its_loops_at_every_level) {
  LoopsDriver driver(1);
  driver.submit(3);
  LoopPath path;
  for (int depth = 0; depth < 4; ++depth) {
    const TaskId task = driver.task_at(path, 0);
    driver.fork(task, 0, 3);
    driver.join(task);
    path.push_back({.iteration = 0, .ordinal = 0});
  }
  driver.step(CancelRequested{.job = loops_job(), .how = StopHow::kill});
  EXPECT_EQ(driver.stops.size(), 5U);
  for (const auto& [task, how] : driver.stops) EXPECT_EQ(how, StopHow::kill);
  while (!driver.tasks.empty()) driver.obey(driver.tasks.begin()->first);
  EXPECT_TRUE(driver.answers.empty());
  EXPECT_EQ(driver.verdict->verdict, Verdict::cancelled);
  EXPECT_EQ(driver.agent.job_count(), 0U);
}

TEST(agent_loops, where_the_opener_was_lost_the_loop_is_opened_anew_and_nothing_of_the_old_one_counts) {
  LoopsDriver driver(2);
  driver.submit(1);
  const TaskId first = driver.task_at({}, 0);
  driver.fork(first, 0, 3);
  driver.join(first);
  driver.exit_with(driver.task_at(below(0), 0), 0);
  const TaskId late = driver.task_at(below(0), 1);
  driver.lose(first);
  EXPECT_TRUE(driver.stops.contains(late));
  const TaskId later = driver.task_at(below(0), 2);
  driver.obey(later);
  const TaskId second = driver.task_at({}, 0);
  driver.fork(second, 0, 3);
  driver.join(second);
  driver.exit_with(late, 0);  // deaf to its stop
  EXPECT_EQ(std::ranges::count(driver.commits, first, &CommitResult::opener), 1);
  while (driver.answers.empty()) {
    const auto inner = std::ranges::find_if(driver.tasks, [](const auto& each) { return !each.second.parked; });
    driver.exit_with(inner->first, 0);
  }
  EXPECT_EQ(driver.answers[0].task, second);
  EXPECT_EQ(std::ranges::count(driver.commits, second, &CommitResult::opener), 3);
}

TEST(agent_loops, who_asks_gets_half_at_every_open_level_that_may_be_lent) {
  LoopsDriver driver(1);
  driver.submit(5);
  driver.link(peer);
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 10);
  driver.fork(task, 1, 10, /*branch_number=*/0);
  driver.receive(peer, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  const auto grants = driver.sent_to<protocol::Grant>(peer);
  ASSERT_EQ(grants.size(), 2U);
  EXPECT_EQ(grants[0].loop.path, LoopPath{});
  EXPECT_EQ(IntervalSet(grants[0].intervals).count(), 2U);
  EXPECT_EQ(grants[1].loop.path, below(0));
  EXPECT_EQ(IntervalSet(grants[1].intervals).count(), 5U);
  ASSERT_EQ(driver.sent.back().attached.loops.size(), 1U);
  EXPECT_EQ(driver.sent.back().attached.loops[0].path, below(0));
  const auto inner = [](const Notice& n) { return n.what == Notice::What::stolen && n.path == below(0); };
  EXPECT_EQ(std::ranges::count_if(driver.notices, inner), 1);
}

// The root's first iteration has opened a loop of 4, two of them lent to `peer`; it waits.
protocol::Grant lend_inner_loop(LoopsDriver& driver) {
  driver.submit(1);
  driver.link(peer);
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 4);
  driver.receive(peer, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  driver.join(task);
  const auto grants = driver.sent_to<protocol::Grant>(peer);
  EXPECT_EQ(grants.size(), 1U);
  driver.receive(peer, protocol::Accept{.branch = grants.at(0).branch});
  return grants.at(0);
}

TEST(agent_loops, a_lent_loop_ends_when_the_last_result_is_here_and_its_helpers_learn_it) {
  LoopsDriver driver(1);
  const protocol::Grant grant = lend_inner_loop(driver);
  const IntervalSet lent(grant.intervals);
  ASSERT_EQ(lent.count(), 2U);
  for (std::uint64_t index = 0; index < 4; ++index) {
    if (!lent.intersects({index, index + 1})) driver.exit_with(driver.task_at(below(0), index), 0);
  }
  EXPECT_TRUE(driver.answers.empty());
  for (std::uint64_t index = 0; index < 4; ++index) {
    if (lent.intersects({index, index + 1})) driver.receive_result(peer, grant.branch, {index, index + 1});
  }
  ASSERT_EQ(driver.answers.size(), 1U);
  const TaskId task = driver.task_at({}, 0);
  ASSERT_EQ(driver.received_commits.size(), 2U);
  EXPECT_EQ(driver.received_commits[0].opener, task);
  const auto settled = driver.sent_to<protocol::Settled>(peer);
  ASSERT_FALSE(settled.empty());
  EXPECT_EQ(settled.back().loop.path, below(0));
}

TEST(agent_loops, when_the_opener_is_stopped_its_helpers_are_told_and_their_results_dropped) {
  LoopsDriver driver(1);
  const protocol::Grant grant = lend_inner_loop(driver);
  driver.step(CancelRequested{.job = loops_job()});
  const auto cancels = driver.sent_to<protocol::Cancel>(peer);
  ASSERT_EQ(cancels.size(), 1U);
  EXPECT_EQ(cancels[0].branch, grant.branch);
  EXPECT_EQ(cancels[0].intervals, grant.intervals);
  EXPECT_EQ(cancels[0].why, protocol::CancelReason::stopped);
  driver.receive_result(peer, grant.branch, grant.intervals.at(0));
  EXPECT_EQ(driver.dropped_batches.size(), 1U);
  EXPECT_TRUE(driver.received_commits.empty());
  while (!driver.tasks.empty()) driver.obey(driver.tasks.begin()->first);
  EXPECT_EQ(driver.verdict->verdict, Verdict::cancelled);
}

TEST(agent_loops, a_helper_out_of_reach_learns_later_that_the_loop_is_over) {
  LoopsDriver driver(1);
  const protocol::Grant grant = lend_inner_loop(driver);
  driver.step(LinkDown{.peer = peer});
  driver.lose(driver.task_at({}, 0));
  EXPECT_TRUE(driver.sent_to<protocol::Cancel>(peer).empty());
  driver.link(peer);
  const auto cancels = driver.sent_to<protocol::Cancel>(peer);
  ASSERT_EQ(cancels.size(), 1U);
  EXPECT_EQ(cancels[0].branch, grant.branch);
}

TEST(agent_loops, one_peer_never_helps_with_two_openings_of_one_loop) {
  LoopsDriver driver(1);
  driver.submit(1);
  driver.link(peer);
  driver.link(other);
  const LoopTerms elsewhere = opened_at(other, below(0), 77);
  driver.receive(other, protocol::Beat{});
  driver.receive_grant(other, BranchId(5), {elsewhere}, {0, 10});
  driver.fork(driver.task_at({}, 0), 0, 10);
  driver.receive(peer, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  EXPECT_EQ(driver.sent_to<protocol::Grant>(peer).size(), 1U);
}

}  // namespace
}  // namespace agent::core
