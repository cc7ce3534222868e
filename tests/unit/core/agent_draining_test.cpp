// A job that is to begin nothing more: what was lent and has not begun comes back, down the whole tree.

#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using protocol::recall_all;

class AgentDraining : public PlayedPeers {
 protected:
  explicit AgentDraining(std::uint32_t slots = 1) : PlayedPeers(slots) {}

  // Ours: after the first result nothing more is to begin.
  JobTerms halting(std::uint64_t size) const {
    JobTerms terms = terms_of(size);
    terms.halt = {.when = HaltRule::When::soon, .what = HaltRule::What::done, .amount = 1};
    return terms;
  }
  // Peer 1's: it granted us iterations 0 to 20, of which peer 2 has taken some.
  protocol::Grant be_between(std::uint32_t retries = 0) {
    link(1);
    earn_lease(1);
    Proofs proofs = proofs_of(100);
    proofs.terms->retries = retries;
    say(1,
        protocol::Grant{.branch = BranchId(1), .loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 20)},
        proofs);
    link(2);
    return lend_to(2);
  }
  void recall_all_of_it(unsigned from) { say(from, protocol::Recall{.branch = BranchId(1), .what = recall_all}); }
  // How often that peer was told.
  std::size_t recalls(unsigned number) const {
    return static_cast<std::size_t>(std::ranges::count(
        told<protocol::Recall>(number), protocol::Recall{.branch = branch_of(number), .what = recall_all}));
  }
  BranchId branch_of(unsigned number) const {
    const auto recalled = told<protocol::Recall>(number);
    return recalled.empty() ? BranchId() : recalled.front().branch;
  }
  IntervalSet returned(unsigned number) const { return sum(number, &protocol::Returned::intervals); }
  void give_back(unsigned number, BranchId branch, std::vector<Interval> what) {
    say(number, protocol::Returned{.branch = branch, .intervals = std::move(what), .still_lent = {}});
  }
};

class AgentDrainingWide : public AgentDraining {
 protected:
  AgentDrainingWide() : AgentDraining(2) {}
};

TEST_F(AgentDraining, an_owner_recalls_what_is_lent_once_and_ends_with_what_runs) {
  submit(halting(10));
  link(1);
  const protocol::Grant grant = lend_to(1);
  const Interval runs{.begin = grant.intervals.front().begin, .end = grant.intervals.front().begin + 1};
  report(1, grant.branch, {}, {runs});
  forget();
  exit_with(task_at(0), 0, 1h);
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(told<protocol::Recall>(1), (std::vector{protocol::Recall{.branch = grant.branch, .what = recall_all}}));
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
  IntervalSet rest(grant.intervals);
  rest.erase(runs);
  give_back(1, grant.branch, rest.intervals());
  advance(20s);
  EXPECT_EQ(recalls(1), 1U);
  EXPECT_TRUE(done<AnswerVerdict>().empty());
  report(1, grant.branch, {runs});
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().verdict, Verdict::halted);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.committed, 2U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 2U);
}

TEST_F(AgentDraining, what_runs_too_long_at_a_helper_is_copied_since_it_had_begun) {
  submit(halting(10));
  link(1);
  const protocol::Grant grant = lend_to(1);
  const std::uint64_t begin = grant.intervals.front().begin;
  report(1, grant.branch, {}, single(begin, begin + 1));
  exit_with(task_at(0), 0);
  give_back(1, grant.branch, single(begin + 1, grant.intervals.front().end));
  EXPECT_TRUE(tasks.empty());
  advance(20s);
  ASSERT_EQ(tasks.size(), 1U);
  exit_with(task_at(begin), 0);
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 2U);
}

TEST_F(AgentDraining, what_was_begun_at_a_silent_helper_is_not_begun_again) {
  submit(halting(10));
  link(1);
  const protocol::Grant grant = lend_to(1);
  const std::uint64_t begin = grant.intervals.front().begin;
  report(1, grant.branch, {}, single(begin, begin + 1));
  exit_with(task_at(0), 0, 1h);
  live.clear();
  advance(5s);
  EXPECT_TRUE(tasks.empty());
  advance(10s);
  EXPECT_TRUE(tasks.empty());
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 1U);
}

TEST_F(AgentDraining, nobody_gets_any_of_it_any_more) {
  submit(halting(10));
  link(1);
  (void)lend_to(1);
  link(2);
  exit_with(task_at(0), 0);
  forget();
  say(2, protocol::Ask{.request = 7, .slots = 1, .tags = {}});
  say(1, protocol::Want{.branch = BranchId(1), .iterations = 5});
  advance(5s);
  EXPECT_EQ(told_all<protocol::Grant>(), 0U);
  EXPECT_EQ(told_all<protocol::Probe>(), 0U);
}

TEST_F(AgentDraining, a_helper_gives_back_what_it_has_not_begun_and_asks_its_own_helpers_for_theirs) {
  const protocol::Grant lent = be_between();
  const TaskId runs = task_at(0);
  forget();
  recall_all_of_it(1);
  IntervalSet ours(Interval{.begin = 1, .end = 20});
  ours.erase(IntervalSet(lent.intervals));
  EXPECT_EQ(returned(1), ours);
  EXPECT_EQ(told<protocol::Recall>(2), (std::vector{protocol::Recall{.branch = lent.branch, .what = recall_all}}));
  EXPECT_TRUE(stops.empty());

  const Interval below{.begin = lent.intervals.front().begin, .end = lent.intervals.front().begin + 1};
  IntervalSet theirs(lent.intervals);
  theirs.erase(below);
  give_back(2, lent.branch, theirs.intervals());
  ours.insert(theirs);
  EXPECT_EQ(returned(1), ours);
  // What runs, here and below, goes on and is told.
  exit_with(runs, 0);
  EXPECT_TRUE(tasks.empty());
  advance(2s);
  ASSERT_FALSE(attached<protocol::Report>(1).empty());
  EXPECT_EQ(attached<protocol::Report>(1).back().results, (std::vector{runs}));
  report(2, lent.branch, {below});
  advance(2s);
  std::size_t batches = 0;
  for (const Attached& each : attached<protocol::Report>(1)) batches += each.batches.size();
  EXPECT_EQ(batches, 1U);
  EXPECT_EQ(returned(1), ours);
}

TEST_F(AgentDraining, being_told_again_is_answered_by_nothing) {
  (void)be_between();
  recall_all_of_it(1);
  forget();
  for (int i = 0; i < 100; ++i) recall_all_of_it(1);
  EXPECT_EQ(told_all<protocol::Returned>(), 0U);
  EXPECT_EQ(told_all<protocol::Recall>(), 0U);
}

TEST_F(AgentDraining, a_helper_wants_nothing_more_and_lends_nothing) {
  (void)be_between();
  recall_all_of_it(1);
  link(3);
  forget();
  say(3, protocol::Ask{.request = 7, .slots = 1, .tags = {}});
  exit_with(task_at(0), 0);
  advance(3s);
  EXPECT_EQ(told_all<protocol::Grant>(), 0U);
  EXPECT_EQ(told_all<protocol::Want>(), 0U);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(AgentDraining, what_a_dead_helper_held_goes_up_as_well) {
  const protocol::Grant lent = be_between();
  recall_all_of_it(1);
  forget();
  unlink(2);
  advance(15s);
  EXPECT_EQ(returned(1), IntervalSet(lent.intervals));
  EXPECT_EQ(tasks.size(), 1U);
}

TEST_F(AgentDraining, a_task_that_fails_is_not_tried_again) {
  (void)be_between(/*retries=*/3);
  recall_all_of_it(1);
  const TaskId runs = task_at(0);
  forget();
  exit_with(runs, 1);
  EXPECT_TRUE(tasks.empty());
  ASSERT_FALSE(attached<protocol::Report>(1).empty());
  EXPECT_EQ(attached<protocol::Report>(1).front().results, (std::vector{runs}));
  EXPECT_TRUE(returned(1).empty());
}

TEST_F(AgentDraining, what_a_launcher_lost_goes_up) {
  (void)be_between();
  recall_all_of_it(1);
  const TaskId runs = task_at(0);
  forget();
  tasks.erase(runs);
  step(TaskLost{.task = runs, .cause = TaskLost::Cause::launcher_died});
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(returned(1), IntervalSet(Interval{.begin = 0, .end = 1}));
}

TEST_F(AgentDraining, who_was_cut_off_is_told_again_when_it_has_said_what_it_holds) {
  submit(halting(10));
  link(1);
  const protocol::Grant grant = lend_to(1);
  exit_with(task_at(0), 0);
  unlink(1);
  advance(1s);
  forget();
  link(1);
  advance(2s);
  EXPECT_EQ(recalls(1), 0U);
  say(1, protocol::Holds{.branch = {.sender_is = protocol::Side::helper, .branch = grant.branch},
                         .attempt = {},
                         .todo = {},
                         .started = {grant.intervals.front()},
                         .lent = {},
                         .unsettled = {},
                         .last = true});
  advance(2s);
  EXPECT_LE(recalls(1), 1U);
}

TEST_F(AgentDraining, a_grant_after_all_is_worked_on) {
  (void)be_between();
  recall_all_of_it(1);
  exit_with(task_at(0), 0);
  EXPECT_TRUE(tasks.empty());
  grant(1, single(30, 32), 100);
  EXPECT_EQ(tasks.size(), 1U);
}

TEST_F(AgentDraining, who_gives_nothing_back_does_not_hold_up_the_end_though_we_are_busy) {
  submit(halting(10));
  link(1);
  (void)lend_to(1);
  submit(terms_of(1'000, 2));
  exit_with(task_at(0), 0);
  ASSERT_EQ(tasks.size(), 1U);  // of the other job
  advance(40s);
  EXPECT_EQ(told<protocol::Cancel>(1).size(), 1U);
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().verdict, Verdict::halted);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.committed, 1U);
}

TEST_F(AgentDrainingWide, a_loop_that_a_running_task_opened_goes_on_to_its_end) {
  submit(halting(10));
  const TaskId opener = task_at(0);
  const LoopPath path{{.iteration = 0, .ordinal = 0}};
  step(LoopForked{.task = opener,
                  .terms = {.path = path, .size = 3, .branch_number = 0, .opener = peer_named(0), .instance = 1}});
  step(LoopJoined{.task = opener, .ordinal = 0});
  exit_with(task_at(1), 0);  // after which nothing of the outer loop begins
  std::size_t inner = 0;
  while (true) {
    const auto next = std::ranges::find_if(tasks, [&](const auto& each) { return each.second.path == path; });
    if (next == tasks.end()) break;
    ++inner;
    exit_with(next->first, 0);
  }
  EXPECT_GE(inner, 2U);
  ASSERT_EQ(done<AnswerJoin>().size(), 1U);
  EXPECT_EQ(done<AnswerJoin>().front().verdict, Verdict::done);
  exit_with(opener, 0);
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().verdict, Verdict::halted);
}

}  // namespace
}  // namespace agent::core
