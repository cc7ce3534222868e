#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using protocol::Side;
using What = Notice::What;

class AgentHolds : public PlayedPeers {
 protected:
  // A job of ours of a hundred iterations, of which peer 1 holds some.
  protocol::Grant lend_some() {
    submit(terms_of(100));
    link(1);
    const protocol::Grant given = lend_to(1);
    EXPECT_EQ(given.intervals.size(), 1U);
    return given;
  }
  void beat_with(BranchId branch, std::uint64_t digest) {
    protocol::Beat beat;
    beat.branches.push_back({.branch = {.sender_is = Side::helper, .branch = branch}, .digest = digest});
    say(1, beat);
  }
  // What we believe that the helper holds, as the beat says it.
  std::uint64_t believed() {
    advance(2'500ms);
    return told<protocol::Beat>(1).back().branches.front().digest;
  }
  protocol::Holds holds(BranchId branch) const {
    return {.branch = {.sender_is = Side::helper, .branch = branch}, .attempt = {}};
  }
  void be_helper(std::vector<Interval> intervals) {
    link(1);
    earn_lease(1);
    grant(1, std::move(intervals));
    forget();
  }
  void ask_us(BranchId branch) {
    say(1, protocol::Holds{.branch = {.sender_is = Side::master, .branch = branch}, .attempt = {}});
  }
};

TEST_F(AgentHolds, one_digest_that_differs_is_no_reason_to_ask_and_two_running_are) {
  const BranchId branch = lend_some().branch;
  const std::uint64_t digest = believed();
  forget();
  beat_with(branch, digest + 1);
  beat_with(branch, digest);
  beat_with(branch, digest + 1);
  EXPECT_TRUE(told<protocol::Holds>(1).empty());
  beat_with(branch, digest + 2);
  EXPECT_EQ(told<protocol::Holds>(1),
            (std::vector{protocol::Holds{.branch = {.sender_is = Side::master, .branch = branch}, .attempt = {}}}));
}

TEST_F(AgentHolds, both_ends_compute_the_same_digest) {
  const protocol::Grant given = lend_some();
  const std::uint64_t digest = believed();
  // As the helper of a peer we hold the same.
  link(2);
  earn_lease(2);
  say(2,
      protocol::Grant{.branch = BranchId(3), .loop = {.job = job_named(2), .path = {}}, .intervals = given.intervals},
      proofs_of(1'000, 2));
  EXPECT_EQ(told<protocol::Accept>(2).size(), 1U);
  advance(2'500ms);
  ASSERT_FALSE(told<protocol::Beat>(2).empty());
  EXPECT_EQ(told<protocol::Beat>(2).back().branches,
            (std::vector{protocol::BranchDigest{.branch = {.sender_is = Side::helper, .branch = BranchId(3)},
                                                .digest = digest}}));
}

TEST_F(AgentHolds, nothing_is_granted_while_a_difference_is_open_and_what_is_not_there_is_todo_again) {
  const protocol::Grant given = lend_some();
  const Interval lent = given.intervals.front();
  beat_with(given.branch, 1);
  beat_with(given.branch, 2);
  forget();
  say(1, protocol::Ask{.request = 7, .slots = 1, .tags = {}});
  EXPECT_TRUE(told<protocol::Grant>(1).empty());
  protocol::Holds there = holds(given.branch);
  there.todo = single(lent.begin, lent.end - 10);
  say(1, there);
  EXPECT_EQ(notices(What::mended), 1U);
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
  const protocol::Grant more = lend_to(1);
  EXPECT_FALSE(more.intervals.empty());
  link(2);
  IntervalSet rest(more.intervals);
  for (int round = 0; round < 6; ++round) rest.insert(IntervalSet(lend_to(2).intervals));
  EXPECT_TRUE(rest.intersects({.begin = lent.end - 10, .end = lent.end}));
  EXPECT_FALSE(rest.intersects({.begin = lent.begin, .end = lent.end - 10}));
}

TEST_F(AgentHolds, ends_that_agree_have_nothing_to_mend) {
  const protocol::Grant given = lend_some();
  protocol::Holds there = holds(given.branch);
  there.todo = given.intervals;
  forget();
  say(1, there);
  EXPECT_EQ(notices(What::mended), 0U);
  EXPECT_TRUE(told<protocol::Cancel>(1).empty());
  EXPECT_TRUE(told<protocol::Resend>(1).empty());
}

TEST_F(AgentHolds, what_was_given_to_somebody_else_meanwhile_is_dropped_there_and_what_runs_stays) {
  const protocol::Grant given = lend_some();
  const Interval lent = given.intervals.front();
  live.clear();
  advance(4s);  // silent: all of it is todo again
  link(2);
  const IntervalSet elsewhere(lend_to(2).intervals);
  ASSERT_TRUE(elsewhere.contains({.begin = lent.end - 2, .end = lent.end}));
  forget();
  protocol::Holds there = holds(given.branch);
  there.todo = single(lent.end - 1, lent.end);
  there.started = single(lent.end - 2, lent.end - 1);
  say(1, there);
  EXPECT_EQ(told<protocol::Cancel>(1),
            (std::vector{protocol::Cancel{.branch = given.branch, .intervals = single(lent.end - 1, lent.end)}}));
  report(1, given.branch, single(lent.end - 2, lent.end - 1));
  EXPECT_EQ(done<CommitReceived>().size(), 1U);
  EXPECT_EQ(told<protocol::Cancel>(2).size(), 1U);
}

TEST_F(AgentHolds, what_was_told_before_the_latest_grant_came_says_nothing_of_it) {
  const protocol::Grant first = lend_some();
  protocol::Holds there = holds(first.branch);
  there.todo = first.intervals;
  const std::uint64_t heard = heard_by(1);
  say(1, protocol::Ask{.request = 7, .slots = 1, .tags = {}});
  const protocol::Grant second = told<protocol::Grant>(1).back();
  ASSERT_NE(second.intervals, first.intervals);
  say_before(heard, 1, there);
  EXPECT_EQ(notices(What::mended), 0U);
  say(1, there);  // it had the grant, and has nothing of it: lost, or refused
  EXPECT_EQ(notices(What::mended), 1U);
}

TEST_F(AgentHolds, who_comes_back_when_its_place_is_taken_keeps_what_runs_and_gets_more_only_where_there_is_room) {
  link(1);
  earn_lease(1);
  Proofs proofs = proofs_of(100);
  proofs.terms->branch_number = 1;
  say(1, protocol::Grant{.branch = BranchId(1), .loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 100)},
      proofs);
  link(2);
  link(3);
  const protocol::Grant given = lend_to(2);
  const Interval lent = given.intervals.front();
  say(2, protocol::Returned{.branch = given.branch, .intervals = single(lent.begin + 1, lent.end)});
  report(2, given.branch, single(lent.begin, lent.begin + 1));  // not settled: its root has not said so
  const protocol::Grant other = lend_to(3);
  IntervalSet back(single(lent.begin + 1, lent.end));
  back.erase(IntervalSet(other.intervals));
  ASSERT_FALSE(back.empty());
  const Interval running{.begin = back.intervals().back().begin, .end = back.intervals().back().begin + 1};
  protocol::Holds there = holds(given.branch);
  there.started = {running};
  there.unsettled = single(lent.begin, lent.begin + 1);
  forget();
  say(2, there);
  EXPECT_EQ(notices(What::mended), 1U);
  EXPECT_TRUE(told<protocol::Cancel>(2).empty());
  say(2, protocol::Ask{.request = 8, .slots = 1, .tags = {}});
  EXPECT_TRUE(told<protocol::Grant>(2).empty());
  say(3, protocol::Returned{.branch = other.branch, .intervals = other.intervals});
  report(2, given.branch, {running});
  EXPECT_FALSE(lend_to(2).intervals.empty());
}

TEST_F(AgentHolds, results_that_are_there_and_not_here_are_sent_again_and_known_ones_are_settled) {
  const protocol::Grant given = lend_some();
  const Interval lent = given.intervals.front();
  report(1, given.branch, single(lent.begin, lent.begin + 1));
  forget();
  protocol::Holds there = holds(given.branch);
  there.todo = single(lent.begin + 2, lent.end);
  there.unsettled = single(lent.begin, lent.begin + 2);
  say(1, there);
  const LoopId loop{.job = job_named(1), .path = {}};
  EXPECT_EQ(told<protocol::Resend>(1),
            (std::vector{protocol::Resend{.loop = loop, .intervals = single(lent.begin + 1, lent.begin + 2)}}));
  EXPECT_EQ(told<protocol::Settled>(1),
            (std::vector{protocol::Settled{.loop = loop, .intervals = single(lent.begin, lent.begin + 1)}}));
}

TEST_F(AgentHolds, nothing_is_settled_before_the_last_part) {
  const protocol::Grant given = lend_some();
  const Interval lent = given.intervals.front();
  forget();
  protocol::Holds there = holds(given.branch);
  there.last = false;
  there.todo = single(lent.begin, lent.begin + 5);
  say(1, there);
  EXPECT_EQ(notices(What::mended), 0U);
  there.last = true;
  there.todo = single(lent.begin + 5, lent.end);
  say(1, there);
  EXPECT_EQ(notices(What::mended), 0U);  // both together are what we believed
  there.todo = single(lent.begin + 5, lent.end);
  say(1, there);
  EXPECT_EQ(notices(What::mended), 1U);
}

TEST_F(AgentHolds, who_is_asked_tells_everything) {
  be_helper(single(0, 20));
  exit_with(task_at(0), 0);
  link(2);
  const protocol::Grant given = lend_to(2);
  ASSERT_EQ(given.intervals, single(11, 20));
  forget();
  ask_us(BranchId(1));
  protocol::Holds expected = holds(BranchId(1));
  expected.todo = single(2, 11);
  expected.started = single(1, 2);
  expected.unsettled = single(0, 1);
  expected.lent = {{.helper = peer_named(0), .attempt = {}, .what = single(11, 20)}};
  EXPECT_EQ(told<protocol::Holds>(1), (std::vector{expected}));
}

TEST_F(AgentHolds, what_does_not_fit_one_message_is_told_in_parts) {
  be_helper(scattered(10'000));
  ask_us(BranchId(1));
  const auto parts = told<protocol::Holds>(1);
  ASSERT_EQ(parts.size(), 3U);
  for (const protocol::Holds& part : parts) {
    EXPECT_LE(part.todo.size() + part.started.size(), 4'096U);
    EXPECT_EQ(part.last, &part == &parts.back());
  }
  EXPECT_EQ(sum(1, &protocol::Holds::todo).count(), 9'999U);
}

TEST_F(AgentHolds, a_branch_that_one_end_does_not_know_is_over_at_the_other) {
  link(1);
  forget();
  ask_us(BranchId(4));
  EXPECT_EQ(told<protocol::Holds>(1), (std::vector{holds(BranchId(4))}));
  say(1, holds(BranchId(5)));
  EXPECT_EQ(told<protocol::Cancel>(1),
            (std::vector{protocol::Cancel{.branch = BranchId(5), .why = protocol::CancelReason::expired}}));
}

}  // namespace
}  // namespace agent::core
