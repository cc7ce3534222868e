#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using What = Notice::What;

class AgentSilence : public PlayedPeers {
 protected:
  // A job of ours of ten iterations, some of which peer 1 holds.
  protocol::Grant lend_some() {
    submit(terms_of(10));
    link(1);
    return lend_to(1);
  }
  // Ends our own tasks until there are none.
  void run_out() {
    while (!tasks.empty()) exit_with(tasks.begin()->first, 0);
  }
  IntervalSet started_here() const {
    IntervalSet pieces;
    for (const StartTask& start : done<StartTask>()) pieces.insert(start.piece);
    return pieces;
  }
  std::vector<Notice> redone_pieces() const {
    std::vector<Notice> found;
    for (const Notice& notice : done<Notice>()) {
      if (notice.what == What::redone) found.push_back(notice);
    }
    return found;
  }
};

TEST_F(AgentSilence, a_helper_that_is_silent_for_three_seconds_is_suspected_and_its_unstarted_work_is_todo_again) {
  const IntervalSet lent(lend_some().intervals);
  const Instant heard = now;
  live.clear();
  advance(2'999ms);
  run_out();
  EXPECT_FALSE(started_here().intersects(lent.intervals().front()));
  advance(1ms);
  EXPECT_EQ(times_of(What::suspected), (std::vector{heard + trust::suspect_after}));
  run_out();
  EXPECT_EQ(started_here(), IntervalSet(Interval{.begin = 0, .end = 10}));
}

TEST_F(AgentSilence, what_a_silent_helper_had_begun_waits_for_the_end_of_its_lease) {
  const protocol::Grant given = lend_some();
  const std::uint64_t begin = given.intervals.front().begin;
  say(1, protocol::Report{.branch = given.branch, .batches = {}, .started = single(begin, begin + 1)});
  const Instant heard = now;
  live.clear();
  advance(4s);
  EXPECT_EQ(agent.helpers_of({.job = job_named(1), .path = {}}), 1U);
  advance(10s);
  const auto ended = times_of(What::lease_ended);
  ASSERT_EQ(ended.size(), 1U);
  // Counted from our echo of its last message, which is younger than that by a beat at most.
  EXPECT_GE(ended.front(), heard + trust::lease_surely_over);
  EXPECT_LE(ended.front(), heard + trust::lease_surely_over + trust::beat_period);
  EXPECT_EQ(agent.helpers_of({.job = job_named(1), .path = {}}), 0U);
  const auto redone = redone_pieces();
  ASSERT_EQ(redone.size(), 1U) << "what it had begun, and nothing else";
  EXPECT_EQ(redone.front().piece, (Interval{.begin = begin, .end = begin + 1}));
  EXPECT_EQ(redone.front().peer, peer_named(1));
  EXPECT_EQ(redone.front().reason, "lost");
  run_out();
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  EXPECT_EQ(done<AnswerVerdict>().front().counts.ok, 10U);
}

TEST_F(AgentSilence, a_silent_helper_that_speaks_again_is_asked_what_it_holds) {
  const BranchId branch = lend_some().branch;
  live.clear();
  advance(4s);
  forget();
  say(1, protocol::Beat{});
  EXPECT_EQ(notices(What::heard_again), 1U);
  ASSERT_EQ(told<protocol::Holds>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Holds>(1).front().branch,
            (protocol::BranchRef{.sender_is = protocol::Side::master, .branch = branch}));
}

TEST_F(AgentSilence, a_helper_that_was_started_anew_holds_nothing) {
  const IntervalSet lent(lend_some().intervals);
  unlink(1);
  forget();
  link(1, {.instance = InstanceKey(protocol::Bytes32{std::byte{9}})});
  EXPECT_TRUE(told<protocol::Holds>(1).empty());
  EXPECT_EQ(agent.helpers_of({.job = job_named(1), .path = {}}), 0U);
  live.clear();
  run_out();
  EXPECT_EQ(done<AnswerVerdict>().size(), 1U);
}

TEST_F(AgentSilence, what_runs_for_a_master_that_was_started_anew_is_stopped) {
  link(1);
  earn_lease(1);
  grant(1, single(0, 5));
  const TaskId task = task_at(0);
  unlink(1);
  link(1, {.instance = InstanceKey(protocol::Bytes32{std::byte{9}})});
  EXPECT_TRUE(stops.contains(task));
  obey(task);
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(agent.sizes().branches, 0U);
}

TEST_F(AgentSilence, what_runs_for_a_silent_master_is_killed_when_our_lease_ends) {
  link(1);
  earn_lease(1);
  grant(1, single(0, 5));
  const TaskId task = task_at(0);
  advance(5s);
  live.clear();
  const Instant silent = now;
  advance(8s);
  EXPECT_FALSE(stops.contains(task));
  advance(2s);
  EXPECT_EQ(stops.at(task), StopHow::kill);
  ASSERT_EQ(notices(What::lease_lapsed), 1U);
  EXPECT_LE(times_of(What::lease_lapsed).front(), silent + trust::lease_term);
  obey(task);
  EXPECT_TRUE(tasks.empty());
}

}  // namespace
}  // namespace agent::core
