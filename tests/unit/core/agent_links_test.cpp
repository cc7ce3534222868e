#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using What = Notice::What;

class AgentLinks : public PlayedPeers {
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
};

TEST_F(AgentLinks, a_link_that_carries_a_branch_beats_every_second_or_two) {
  const BranchId branch = lend_some().branch;
  forget();
  advance(20s);
  const auto beats = told<protocol::Beat>(1);
  EXPECT_GE(beats.size(), 10U);
  EXPECT_LE(beats.size(), 21U);
  const auto times = times_of<protocol::Beat>(1);
  for (std::size_t i = 1; i < times.size(); ++i)
    EXPECT_LE(times[i] - times[i - 1], 2s);  // what else is said puts it off
  ASSERT_EQ(beats.back().branches.size(), 1U);
  EXPECT_EQ(beats.back().branches.front().branch,
            (protocol::BranchRef{.sender_is = protocol::Side::master, .branch = branch}));
  EXPECT_EQ(attached<protocol::Beat>(1).back().mandates, (std::vector{job_named(1)}));
}

TEST_F(AgentLinks, a_mandate_that_was_long_on_its_way_waits_for_no_beat) {
  const auto mandate = [&](Duration age) {
    Proofs proofs = proofs_of(1'000);
    proofs.mandates.front().age = age;
    return proofs;
  };
  link(1);
  earn_lease(1);
  grant(1, single(0, 1'000));
  link(2);
  (void)lend_to(2);
  advance(2s);
  forget();
  say(1, protocol::Beat{}, mandate(14s));
  EXPECT_TRUE(told<protocol::Beat>(2).empty());
  say(1, protocol::Beat{}, mandate(15s));
  ASSERT_EQ(told<protocol::Beat>(2).size(), 1U);
  EXPECT_EQ(attached<protocol::Beat>(2).front().mandates, (std::vector{job_named(1)}));
  Proofs known = mandate(16s);
  --known.mandates.front().sequence;
  say(1, protocol::Beat{}, known);
  EXPECT_EQ(told<protocol::Beat>(2).size(), 1U);
}

TEST_F(AgentLinks, a_link_that_carries_nothing_does_not_beat_and_is_never_suspect) {
  link(1);
  live.clear();
  advance(30s);
  EXPECT_EQ(told_all<protocol::Beat>(), 0U);
  EXPECT_EQ(notices(What::suspected), 0U);
}

TEST_F(AgentLinks, a_helper_whose_link_broke_is_dialled_every_second_until_it_is_up_or_forgotten) {
  (void)lend_some();
  const Instant broken = now;
  forget();
  unlink(1);
  advance(3s);
  std::vector<Instant> dialled;
  for (const auto& [at, action] : all) {
    const auto* dial = std::get_if<Dial>(&action);
    if (dial != nullptr && dial->peer == peer_named(1)) dialled.push_back(at);
  }
  EXPECT_EQ(dialled, (std::vector{broken, broken + 1s, broken + 2s, broken + 3s}));
  link(1);
  EXPECT_EQ(told<protocol::Holds>(1).size(), 1U);
  forget();
  advance(3s);
  EXPECT_TRUE(done<Dial>().empty());
  EXPECT_TRUE(told<protocol::Holds>(1).empty());
}

TEST_F(AgentLinks, a_master_whose_link_broke_is_told_once_what_is_held_for_it) {
  link(1);
  earn_lease(1);
  grant(1, single(0, 5));
  unlink(1);
  advance(4s);
  forget();
  link(1);
  advance(3s);
  EXPECT_EQ(told<protocol::Holds>(1).size(), 1U);
}

TEST_F(AgentLinks, nobody_is_blamed_for_the_time_in_which_we_stood_still) {
  (void)lend_some();
  advance(2s);
  const Instant stood = agent.next_deadline()->at;
  now += 60s;
  forget();
  step(DeadlinePassed{});
  EXPECT_EQ(notices(What::stalled), 1U);
  EXPECT_EQ(notices(What::suspected), 0U);
  ASSERT_FALSE(told<protocol::Beat>(1).empty());
  EXPECT_EQ(told<protocol::Beat>(1).front().stall_ns, static_cast<std::uint64_t>((now - stood).count()));
  advance(10s);
  EXPECT_EQ(notices(What::suspected), 0U);
  EXPECT_EQ(told<protocol::Beat>(1).back().stall_ns, 0U);
}

TEST_F(AgentLinks, the_deadline_of_a_task_follows_the_lease_to_its_master) {
  link(1);
  earn_lease(1);
  const Instant leased = now;
  grant(1, single(0, 5));
  EXPECT_EQ(tasks.begin()->second.deadline, leased + trust::lease_term);
  forget();
  advance(30s);
  EXPECT_FALSE(done<ExtendDeadline>().empty());
  for (const auto& [at, action] : all) {
    const auto* extended = std::get_if<ExtendDeadline>(&action);
    if (extended == nullptr) continue;
    EXPECT_LE(extended->deadline, at + trust::lease_term);
    EXPECT_GE(extended->deadline, at + trust::lease_term / 2);
  }
}

TEST_F(AgentLinks, of_too_many_idle_links_the_oldest_are_hung_up_and_those_with_a_branch_stay) {
  (void)lend_some();
  for (unsigned number = 2; number <= 41; ++number) link(number);
  live = {1};
  forget();
  advance(11s);
  std::set<NodeId> hung;
  for (const HangUp& hang : done<HangUp>()) {
    EXPECT_EQ(hang.why, protocol::ByeReason::idle);
    hung.insert(hang.peer);
  }
  EXPECT_GE(hung.size(), 8U);
  EXPECT_FALSE(hung.contains(peer_named(1)));
  std::map<NodeId, Instant> used;
  for (const auto& [at, action] : all) {
    if (std::holds_alternative<HangUp>(action)) break;
    if (const auto* send = std::get_if<Send>(&action)) used[send->to] = at;
  }
  Instant latest_hung, earliest_kept = Instant::max();
  for (unsigned number = 2; number <= 41; ++number) {
    const Instant at = used[peer_named(number)];
    if (hung.contains(peer_named(number)))
      latest_hung = std::max(latest_hung, at);
    else
      earliest_kept = std::min(earliest_kept, at);
  }
  EXPECT_LE(latest_hung, earliest_kept);
}

TEST_F(AgentLinks, an_idle_link_is_hung_up_when_it_was_of_no_use_for_a_minute) {
  link(1);
  link(2);
  live = {2};
  std::map<NodeId, Instant> used;
  const Instant begun = now;
  advance(10min);
  bool any = false;
  for (const auto& [at, action] : all) {
    if (const auto* send = std::get_if<Send>(&action)) used[send->to] = at;
    const auto* hang = std::get_if<HangUp>(&action);
    if (hang == nullptr) continue;
    any = true;
    EXPECT_EQ(hang->peer, peer_named(1));
    EXPECT_GE(at - std::max(begun, used[hang->peer]), 60s);
  }
  EXPECT_TRUE(any);
}

TEST_F(AgentLinks, a_beat_that_would_carry_too_much_goes_in_parts) {
  for (unsigned job = 0; job < protocol::limits::mandates_per_beat_max + 4; ++job) {
    protocol::Bytes16 name{};
    name[0] = std::byte(job >> 8);
    name[1] = std::byte(job & 0xffU);
    submit({.job = JobId(name), .size = 10});
  }
  link(1);
  say(1, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  const auto grants = told<protocol::Grant>(1);
  ASSERT_EQ(grants.size(), protocol::limits::mandates_per_beat_max + 4);
  forget();
  advance(1'500ms);
  const auto times = times_of<protocol::Beat>(1);
  ASSERT_FALSE(times.empty());
  std::size_t parts = 0;
  std::set<BranchId> branches;
  std::set<JobId> mandates;
  const auto beats = told<protocol::Beat>(1);
  const auto extras = attached<protocol::Beat>(1);
  for (std::size_t i = 0; i < beats.size() && times[i] == times.front(); ++i, ++parts) {
    EXPECT_LE(beats[i].branches.size(), protocol::limits::branches_per_beat_max);
    EXPECT_LE(extras[i].mandates.size(), protocol::limits::mandates_per_beat_max);
    for (const protocol::BranchDigest& digest : beats[i].branches) branches.insert(digest.branch.branch);
    mandates.insert(extras[i].mandates.begin(), extras[i].mandates.end());
  }
  EXPECT_EQ(parts, 2U);
  EXPECT_EQ(branches.size(), grants.size());
  EXPECT_EQ(mandates.size(), grants.size());
}

// What it makes due had been due long ago, had there been anything to do then.
TEST_F(AgentLinks, work_that_a_step_takes_back_after_all_else_is_no_stall_of_ours) {
  (void)lend_some();
  while (!tasks.empty()) exit_with(tasks.begin()->first, 0, 1s);
  advance(40s);
  EXPECT_EQ(notices(What::returned_to_todo), 1U);
  EXPECT_EQ(notices(What::stalled), 0U);
}

TEST_F(AgentLinks, a_beat_about_a_branch_that_is_not_known_is_answered) {
  link(1);
  forget();
  protocol::Beat beat;
  beat.branches.push_back({.branch = {.sender_is = protocol::Side::master, .branch = BranchId(5)}});
  beat.branches.push_back({.branch = {.sender_is = protocol::Side::helper, .branch = BranchId(6)}});
  say(1, beat);
  ASSERT_EQ(told<protocol::Holds>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Holds>(1).front(),
            (protocol::Holds{.branch = {.sender_is = protocol::Side::helper, .branch = BranchId(5)}}));
  EXPECT_EQ(told<protocol::Cancel>(1),
            (std::vector{protocol::Cancel{.branch = BranchId(6), .why = protocol::CancelReason::expired}}));
}

TEST_F(AgentLinks, an_echo_of_what_was_never_sent_is_noticed_and_gives_no_lease) {
  link(1);
  step(
      MessageReceived{.from = peer_named(1), .sequence = 1, .heard = 1'000, .message = protocol::Beat{}, .proofs = {}});
  EXPECT_EQ(notices(What::strange), 1U);
  step(MessageReceived{
      .from = peer_named(1),
      .sequence = 2,
      .heard = 1'000,
      .message =
          protocol::Grant{.branch = BranchId(1), .loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 5)},
      .proofs = proofs_of(10)});
  ASSERT_EQ(told<protocol::Refuse>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Refuse>(1).front().why, protocol::RefuseReason::not_permitted);
}

}  // namespace
}  // namespace agent::core
