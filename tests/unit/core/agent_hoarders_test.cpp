// Peers that take what they do not work on: helpers that hoard, and orphans that claim what they never had.

#include <gtest/gtest.h>

#include "tests/unit/core/owner_among_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class Hoarders : public OwnerAmongPeers {
 protected:
  std::uint64_t recalls(unsigned number) { return told<protocol::Recall>(number).size(); }
};

TEST_F(Hoarders, unstarted_work_of_a_helper_that_does_nothing_is_recalled_and_then_taken_back) {
  submit(10);
  const protocol::Grant grant = lend_to(1);
  run_dry();
  advance(29s, {1});
  EXPECT_EQ(recalls(1), 0U);
  advance(2s, {1});
  EXPECT_EQ(recalls(1), 1U);
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
  advance(2s, {1});
  ASSERT_EQ(told<protocol::Cancel>(1).size(), 1U);
  EXPECT_EQ(IntervalSet(told<protocol::Cancel>(1).front().intervals), IntervalSet(grant.intervals));
  run_dry();
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 10U);
}

TEST_F(Hoarders, who_gives_back_what_was_recalled_is_trusted_as_before) {
  submit(10);
  const protocol::Grant grant = lend_to(1);
  run_dry();
  advance(31s, {1});
  ASSERT_EQ(recalls(1), 1U);
  say(1, protocol::Returned{.branch = grant.branch, .intervals = grant.intervals, .still_lent = {}});
  say(1, protocol::Ask{.request = 9, .slots = 1, .tags = {}});
  EXPECT_EQ(told<protocol::Grant>(1).size(), 2U);
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
}

TEST_F(Hoarders, a_hoarder_gets_nothing_for_a_minute_and_for_longer_the_next_time) {
  submit(1'000);
  (void)lend_to(1);
  // Our only slot has something to do; we miss nothing.
  advance(60s, {1});
  EXPECT_EQ(recalls(1), 0U);
  auto ask = [&] {
    const std::size_t before = told<protocol::Grant>(1).size();
    say(1, protocol::Ask{.request = 9, .slots = 1, .tags = {}});
    const bool got = told<protocol::Grant>(1).size() > before;
    if (got) say(1, protocol::Accept{.branch = told<protocol::Grant>(1).back().branch});
    return got;
  };
  auto let_it_hoard = [&] {
    while (recalls(1) == told<protocol::Cancel>(1).size()) {
      const auto started = done<StartTask>();
      for (const StartTask& start : started) step(TaskEnded{.task = start.task, .ran = 1ms});
      if (done<StartTask>().size() == started.size()) advance(1s, {1});
    }
    advance(3s, {1});
  };
  let_it_hoard();
  EXPECT_FALSE(ask());
  advance(50s, {1});
  EXPECT_FALSE(ask());
  advance(8s, {1});
  ASSERT_TRUE(ask());
  let_it_hoard();
  advance(110s, {1});
  EXPECT_FALSE(ask());
  advance(10s, {1});
  EXPECT_TRUE(ask());
}

TEST_F(Hoarders, a_helper_whose_long_task_runs_keeps_its_work) {
  submit(10);
  const protocol::Grant grant = lend_to(1);
  run_dry();
  const Interval first{.begin = grant.intervals.front().begin, .end = grant.intervals.front().begin + 1};
  say(1, protocol::Report{.branch = grant.branch, .batches = {}, .started = {first}});
  advance(300s, {1});
  EXPECT_EQ(recalls(1), 0U);
}

protocol::Holds holds_of(BranchId branch) {
  return {.branch = {.sender_is = protocol::Side::helper, .branch = branch},
          .attempt = {},
          .todo = {},
          .started = {},
          .lent = {},
          .unsettled = {},
          .last = true};
}

TEST_F(Hoarders, who_has_nothing_to_return_is_asked_where_it_is_and_may_have_lent_it_on) {
  submit(10);
  const protocol::Grant grant = lend_to(1);
  run_dry();
  advance(31s, {1});
  ASSERT_EQ(recalls(1), 1U);
  say(1, protocol::Returned{.branch = grant.branch, .intervals = {}, .still_lent = {}});
  ASSERT_EQ(told<protocol::Holds>(1).size(), 1U);
  protocol::Holds holds = holds_of(grant.branch);
  holds.lent.push_back({.helper = node_numbered(5), .attempt = {}, .what = grant.intervals});
  say(1, holds);
  advance(100s, {1});
  EXPECT_EQ(recalls(1), 1U);
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
}

TEST_F(Hoarders, who_has_nothing_to_return_and_tells_nothing_else_loses_it_in_time) {
  submit(10);
  const protocol::Grant grant = lend_to(1);
  run_dry();
  advance(31s, {1});
  say(1, protocol::Returned{.branch = grant.branch, .intervals = {}, .still_lent = {}});
  advance(3s, {1});
  ASSERT_EQ(told<protocol::Cancel>(1).size(), 1U);
  run_dry();
  EXPECT_EQ(done<AnswerVerdict>().size(), 1U);
}

TEST_F(Hoarders, who_has_nothing_to_return_of_what_it_says_is_unstarted_gets_away_with_it_once) {
  submit(10);
  const protocol::Grant grant = lend_to(1);
  run_dry();
  for (int i = 0; i < 2; ++i) {
    advance(31s, {1});
    EXPECT_EQ(recalls(1), static_cast<std::uint64_t>(i + 1));
    EXPECT_TRUE(told<protocol::Cancel>(1).empty());
    say(1, protocol::Returned{.branch = grant.branch, .intervals = {}, .still_lent = {}});
    EXPECT_EQ(told<protocol::Holds>(1).size(), 1U);
    protocol::Holds holds = holds_of(grant.branch);
    holds.todo = grant.intervals;
    if (i == 0) say(1, holds);
  }
  advance(3s, {1});
  ASSERT_EQ(told<protocol::Cancel>(1).size(), 1U);
  run_dry();
  EXPECT_EQ(done<AnswerVerdict>().size(), 1U);
}

TEST_F(Hoarders, what_starts_at_most_once_is_lost_with_its_hoarder) {
  terms.started_at_most_once = true;
  submit(4);
  (void)lend_to(1);
  run_dry();
  advance(35s, {1});
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.lost, 2U);
}

TEST_F(Hoarders, an_orphan_that_claims_what_nobody_was_granted_gets_nothing_of_it) {
  submit(10);
  link(1);
  say(1, protocol::Orphan{.loop = {.job = terms.job, .path = {}},
                          .master = node_numbered(7),
                          .branch = BranchId(3),
                          .todo = {{.begin = 1, .end = 8}},
                          .started = {{.begin = 8, .end = 9}},
                          .lent = {},
                          .finished = {{.begin = 9, .end = 10}},
                          .last = true});
  ASSERT_EQ(told<protocol::Adopt>(1).size(), 1U);
  const protocol::Adopt adopt = told<protocol::Adopt>(1).front();
  EXPECT_TRUE(adopt.wanted.empty());
  EXPECT_TRUE(adopt.to_send.empty());
  // Nor may it tell results of that.
  report(1, adopt.branch, {.begin = 9, .end = 10});
  EXPECT_TRUE(done<CommitReceived>().empty());
  run_dry();
  EXPECT_EQ(done<StartTask>().size(), 10U);
  EXPECT_EQ(done<AnswerVerdict>().size(), 1U);
}

TEST_F(Hoarders, an_orphan_keeps_what_was_lent_to_its_silent_master_and_taken_back) {
  submit(10);
  const protocol::Grant grant = lend_to(1);
  ASSERT_EQ(IntervalSet(grant.intervals).count(), 4U);
  const std::uint64_t begin = grant.intervals.front().begin;
  step(LinkDown{.peer = node_numbered(1)});
  link(2);
  say(2, protocol::Orphan{.loop = {.job = terms.job, .path = {}},
                          .master = node_numbered(1),
                          .branch = BranchId(3),
                          .todo = {{.begin = begin + 1, .end = begin + 2}},
                          .started = {{.begin = begin, .end = begin + 1}},
                          .lent = {},
                          .finished = {},
                          .last = true});
  ASSERT_EQ(told<protocol::Adopt>(2).size(), 1U);
  EXPECT_EQ(told<protocol::Adopt>(2).front().wanted, (std::vector<Interval>{{.begin = begin, .end = begin + 2}}));
}

}  // namespace
}  // namespace agent::core
