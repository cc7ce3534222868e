// Loops inside of iterations, as a helper sees them: of an inner loop of somebody else's, and with loops of its own.

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

TEST(agent_loops_helper, a_helper_of_an_inner_loop_needs_not_run_the_iteration_that_opened_it) {
  LoopsDriver driver(1);
  driver.link(peer);
  driver.receive_grant(peer, BranchId(1), {opened_at(peer, below(3), 9)}, {4, 6});
  const TaskId task = driver.task_at(below(3), 4);
  driver.fork(task, 0, 1);
  driver.join(task);
  LoopPath deeper = below(3);
  deeper.push_back({.iteration = 4, .ordinal = 0});
  driver.exit_with(driver.task_at(deeper, 0), 0);
  EXPECT_EQ(driver.answers.size(), 1U);
  driver.exit_with(task, 0);
  driver.exit_with(driver.task_at(below(3), 5), 0);
  EXPECT_FALSE(driver.sent_to<protocol::Report>(peer).empty());
  driver.receive(peer, protocol::Settled{.loop = {.job = loops_job(), .path = below(3)}, .intervals = {{4, 6}}});
  EXPECT_EQ(driver.agent.job_count(), 0U);
}

TEST(agent_loops_helper, what_is_lent_of_a_loop_that_nobody_waits_for_goes_with_all_that_it_opened) {
  LoopsDriver driver(2);
  driver.submit(1);
  driver.link(peer);
  driver.receive(peer, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  driver.receive_grant(peer, BranchId(1), {opened_at(peer, below(0), 9)}, {4, 6});
  driver.fork(driver.task_at(below(0), 4), 0, 3);
  driver.join(driver.task_at(below(0), 4));
  ASSERT_EQ(driver.tasks.size(), 3U);
  driver.exit_with(driver.task_at({}, 0), 0);
  while (!driver.tasks.empty()) driver.obey(driver.tasks.begin()->first);
  EXPECT_TRUE(driver.verdict);
  EXPECT_EQ(driver.agent.job_count(), 0U);
}

TEST(agent_loops_helper, a_grant_without_the_loops_along_its_path_is_refused) {
  LoopsDriver driver(1);
  driver.link(peer);
  LoopTerms loop = opened_at(peer, below(3), 9);
  loop.path.push_back({.iteration = 1, .ordinal = 0});
  driver.receive_grant(peer, BranchId(1), {loop}, {4, 6});
  EXPECT_EQ(driver.sent_to<protocol::Refuse>(peer).size(), 1U);
  EXPECT_TRUE(driver.tasks.empty());
}

TEST(agent_loops_helper, a_branch_of_one_opening_takes_nothing_of_another) {
  LoopsDriver driver(1);
  driver.link(peer);
  driver.receive_grant(peer, BranchId(1), {opened_at(peer, below(3), 9)}, {4, 6});
  driver.receive_grant(peer, BranchId(1), {opened_at(peer, below(3), 10)}, {6, 8});
  EXPECT_EQ(driver.sent_to<protocol::Refuse>(peer).size(), 1U);
  driver.receive_grant(peer, BranchId(2), {opened_at(peer, below(3), 10)}, {4, 6});
  EXPECT_EQ(driver.sent_to<protocol::Accept>(peer).size(), 2U);
}

TEST(agent_loops_helper, when_the_lease_of_a_helper_lapses_all_levels_are_killed) {
  LoopsDriver driver(1);
  driver.link(peer);
  driver.link(other);
  driver.receive_grant(peer, BranchId(1), {}, {0, 1});
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 4);
  driver.receive(other, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  driver.join(task);
  EXPECT_EQ(driver.sent_to<protocol::Grant>(other).size(), 1U);
  driver.receive(other, protocol::Accept{.branch = driver.sent_to<protocol::Grant>(other)[0].branch});
  for (int second = 0; second < 12; ++second) {
    driver.advance(1s);
    driver.receive(other, protocol::Beat{});
  }
  ASSERT_EQ(driver.stops.size(), 2U);
  for (const auto& [id, how] : driver.stops) EXPECT_EQ(how, StopHow::kill);
  EXPECT_EQ(driver.sent_to<protocol::Cancel>(other).size(), 1U);
  while (!driver.tasks.empty()) driver.obey(driver.tasks.begin()->first);
  driver.advance(1s);
  EXPECT_EQ(driver.agent.job_count(), 0U);
}

TEST(agent_loops_helper, what_would_wait_for_something_less_deep_goes_back) {
  LoopsDriver driver(1);
  driver.link(peer);
  driver.link(other);
  driver.receive_grant(peer, BranchId(1), {}, {0, 2});
  const TaskId task = driver.task_at({}, 0);
  driver.fork(task, 0, 1);
  driver.receive(other, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  driver.join(task);  // all of its loop is lent: the slot is idle
  EXPECT_EQ(driver.running(), 0U);
  EXPECT_TRUE(driver.sent_to<protocol::Returned>(peer).empty());  // the root loop's other iteration waits
  driver.receive_grant(peer, BranchId(2), {opened_at(peer, below(7), 9)}, {4, 6});
  const auto returned = driver.sent_to<protocol::Returned>(peer);
  ASSERT_EQ(returned.size(), 1U);
  EXPECT_EQ(returned[0].branch, BranchId(2));
  EXPECT_EQ(returned[0].why, protocol::ReturnReason::no_slot);
  EXPECT_EQ(IntervalSet(returned[0].intervals), IntervalSet({4, 6}));
}

TEST(agent_loops_helper, what_had_to_go_back_is_not_wanted_before_it_could_begin) {
  LoopsDriver driver(1);
  driver.link(peer);
  driver.link(other);
  const LoopTerms deep = opened_at(peer, below(7), 9);
  driver.receive_grant(peer, BranchId(2), {deep}, {4, 5});
  driver.exit_with(driver.task_at(below(7), 4), 0);
  driver.receive_grant(peer, BranchId(1), {}, {0, 2});
  driver.fork(driver.task_at({}, 0), 0, 1);
  driver.receive(other, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  driver.join(driver.task_at({}, 0));
  const auto wants = [&] {
    return std::ranges::count(driver.sent_to<protocol::Want>(peer), BranchId(2), &protocol::Want::branch);
  };
  const auto before = wants();
  driver.receive_grant(peer, BranchId(2), {deep}, {5, 6});
  EXPECT_EQ(driver.sent_to<protocol::Returned>(peer).size(), 1U);
  EXPECT_EQ(wants(), before);
  // The slot is the task's own again, and open when that is over.
  const protocol::Grant lent = driver.sent_to<protocol::Grant>(other).back();
  driver.receive(other, protocol::Accept{.branch = lent.branch});
  driver.receive_result(other, lent.branch, lent.intervals.front());
  EXPECT_EQ(wants(), before + 1);
}

}  // namespace
}  // namespace agent::core
