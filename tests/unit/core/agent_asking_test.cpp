#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using What = Notice::What;

class AgentAsking : public PlayedPeers {
 protected:
  void ask_us(unsigned number, std::uint64_t request = 1, std::uint8_t hops_left = 3) {
    say(number, protocol::Ask{.request = request, .slots = 1, .tags = {}, .hops_left = hops_left});
  }
  void probe_us(unsigned number, std::uint64_t request, std::uint8_t priority = 0) {
    say(number, protocol::Probe{.request = request, .path = {}, .priority = priority});
  }
  // A job of ours whose unstarted iterations are all with peer 1, which has begun none of them.
  void lend_all() {
    submit(terms_of(12));
    link(1);
    BranchId branch;
    for (int i = 0; i < 8 && told<protocol::Busy>(1).empty(); ++i) {
      ask_us(1);
      if (told<protocol::Busy>(1).empty()) {
        branch = told<protocol::Grant>(1).back().branch;
        say(1, protocol::Accept{.branch = branch});
      }
    }
    report_remaining(branch, 11);
    forget();
  }
  void report_remaining(BranchId branch, std::uint64_t remaining) {
    say(1, protocol::Report{.branch = branch, .batches = {}, .remaining = remaining});
  }
  // The only peer that is linked is asked; its answer would be to this.
  protocol::Ask asked(unsigned number) {
    for (int i = 0; i < 100 && told<protocol::Ask>(number).empty(); ++i) advance(100ms);
    const auto asks = told<protocol::Ask>(number);
    EXPECT_FALSE(asks.empty());
    return asks.empty() ? protocol::Ask{} : asks.back();
  }
  static protocol::Hint hint(unsigned number) {
    return {.node_prefix = prefix_of(peer_named(number)), .address = address_named(number)};
  }
};

TEST_F(AgentAsking, who_asks_gets_half_of_what_is_unstarted) {
  submit(terms_of(10));  // 0 runs
  link(1);
  link(2);
  ask_us(1, 5);
  ASSERT_EQ(told<protocol::Grant>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Grant>(1).front().intervals, single(6, 10));
  EXPECT_EQ(told<protocol::Grant>(1).front().request, 5U);
  ask_us(2);
  EXPECT_EQ(told<protocol::Grant>(2).front().intervals, single(4, 6));
  EXPECT_EQ(notices(What::stolen), 2U);
}

TEST_F(AgentAsking, who_is_busy_gives_away_even_the_last_unstarted_iteration) {
  submit(terms_of(2));
  link(1);
  ask_us(1);
  EXPECT_EQ(told<protocol::Grant>(1).front().intervals, single(1, 2));
}

TEST_F(AgentAsking, every_open_loop_gives_something) {
  submit(terms_of(10, 1));
  submit(terms_of(20, 2));
  link(1);
  ask_us(1);
  std::set<JobId> jobs;
  for (const protocol::Grant& each : told<protocol::Grant>(1)) jobs.insert(each.loop.job);
  EXPECT_EQ(jobs, (std::set{job_named(1), job_named(2)}));
}

TEST_F(AgentAsking, who_has_nothing_says_so_and_remembers_who_was_free) {
  link(1);
  link(2);
  ask_us(1, 9);
  ASSERT_EQ(told<protocol::Busy>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Busy>(1).front().request, 9U);
  EXPECT_FALSE(told<protocol::Busy>(1).front().kept);
  probe_us(3, 1);  // nobody is linked there: nothing
  step(JobSubmitted{.client = ClientId(1), .terms = {.job = job_named(5), .size = 1}});
  probe_us(2, 3);
  ASSERT_FALSE(told<protocol::Busy>(2).empty());
  EXPECT_EQ(told<protocol::Busy>(2).front().free, (std::vector{hint(1)}));
}

TEST_F(AgentAsking, who_asks_when_all_is_lent_is_referred_to_where_it_is) {
  lend_all();
  link(2);
  ask_us(2, 6, 3);
  ASSERT_EQ(told<protocol::Refer>(2).size(), 1U);
  EXPECT_EQ(told<protocol::Refer>(2).front(), (protocol::Refer{.request = 6, .better = hint(1), .hops_left = 2}));
  EXPECT_EQ(notices(What::referred), 1U);
}

TEST_F(AgentAsking, a_chain_of_referrals_is_no_longer_than_three) {
  lend_all();
  link(2);
  ask_us(2, 6, 255);
  ASSERT_EQ(told<protocol::Refer>(2).size(), 1U);
  EXPECT_EQ(told<protocol::Refer>(2).front().hops_left, protocol::limits::refer_hops_max - 1);
  ask_us(2, 7, 0);
  EXPECT_EQ(told<protocol::Refer>(2).size(), 1U);
  ASSERT_EQ(told<protocol::Busy>(2).size(), 1U);
  EXPECT_EQ(told<protocol::Busy>(2).front().request, 7U);
}

TEST_F(AgentAsking, we_go_where_we_are_referred_and_no_more_often_than_we_said) {
  link(1);
  link(2);
  live = {1, 2};
  (void)(told<protocol::Ask>(1).empty() ? asked(2) : asked(1));
  unsigned at = told<protocol::Ask>(1).empty() ? 2 : 1;
  std::vector<std::uint8_t> hops;
  for (int i = 0; i < 10; ++i) {
    const auto asks = told<protocol::Ask>(at);
    if (asks.empty()) break;
    hops.push_back(asks.back().hops_left);
    forget();
    // It lies about the hops.
    say(at, protocol::Refer{.request = asks.back().request, .better = hint(3 - at), .hops_left = 255});
    at = 3 - at;
  }
  ASSERT_GE(hops.size(), 4U);
  EXPECT_EQ((std::vector<std::uint8_t>(hops.begin(), hops.begin() + 4)), (std::vector<std::uint8_t>{3, 2, 1, 0}));
  EXPECT_TRUE(hops.size() == 4U || hops[4] == 3U);  // a chain of its own, if any
}

TEST_F(AgentAsking, whom_we_did_not_ask_refers_us_nowhere) {
  link(1);
  const protocol::Ask ask = asked(1);
  link(2);
  link(3);
  forget();
  say(2, protocol::Refer{.request = ask.request, .better = hint(3), .hops_left = 2});
  say(1, protocol::Refer{.request = ask.request + 1, .better = hint(3), .hops_left = 2});
  EXPECT_TRUE(told<protocol::Ask>(3).empty());
  say(1, protocol::Refer{.request = ask.request, .better = hint(3), .hops_left = 2});
  ASSERT_EQ(told<protocol::Ask>(3).size(), 1U);
  EXPECT_EQ(told<protocol::Ask>(3).front().hops_left, 2U);
}

TEST_F(AgentAsking, a_referral_to_whom_we_have_no_link_is_a_dial_and_then_the_ask) {
  link(1);
  const protocol::Ask ask = asked(1);
  forget();
  say(1, protocol::Refer{.request = ask.request, .better = hint(7), .hops_left = 2});
  EXPECT_TRUE(std::ranges::any_of(done<Dial>(), [](const Dial& dial) { return dial.address == address_named(7); }));
  link(7);
  ASSERT_EQ(told<protocol::Ask>(7).size(), 1U);
  EXPECT_EQ(told<protocol::Ask>(7).front().hops_left, 2U);
}

TEST_F(AgentAsking, kept_requests_are_called_back_by_priority_the_newest_first) {
  submit(terms_of(1));
  for (unsigned number = 1; number <= 3; ++number) link(number);
  probe_us(1, 11, 1);
  probe_us(2, 12, 0);
  probe_us(3, 13, 0);
  for (unsigned number = 1; number <= 3; ++number) EXPECT_TRUE(told<protocol::Busy>(number).front().kept) << number;
  exit_with(task_at(0), 0);
  ASSERT_EQ(told<protocol::Offer>(3).size(), 1U);
  EXPECT_EQ(told<protocol::Offer>(3).front().request, 13U);
  EXPECT_EQ(told_all<protocol::Offer>(), 1U);
  say(3, protocol::Release{.request = 13});
  ASSERT_EQ(told<protocol::Offer>(2).size(), 1U);
  EXPECT_TRUE(told<protocol::Offer>(1).empty());
  say(2, protocol::Release{.request = 12});
  EXPECT_EQ(told<protocol::Offer>(1).size(), 1U);
}

TEST_F(AgentAsking, a_request_is_kept_for_half_a_minute_and_once_for_each_peer) {
  submit(terms_of(1));
  link(1);
  link(2);
  probe_us(1, 11);
  advance(10s);
  probe_us(2, 12);
  probe_us(2, 13);
  EXPECT_EQ(agent.sizes().kept_requests, 2U);
  advance(21s);
  forget();
  exit_with(task_at(0), 0);
  ASSERT_EQ(told<protocol::Offer>(2).size(), 1U);
  EXPECT_EQ(told<protocol::Offer>(2).front().request, 13U);
  say(2, protocol::Release{.request = 13});
  EXPECT_TRUE(told<protocol::Offer>(1).empty());
}

TEST_F(AgentAsking, who_needs_us_no_more_takes_its_request_back) {
  submit(terms_of(1));
  link(1);
  probe_us(1, 11);
  say(1, protocol::Release{.request = 11});
  EXPECT_EQ(agent.sizes().kept_requests, 0U);
  exit_with(task_at(0), 0);
  EXPECT_TRUE(told<protocol::Offer>(1).empty());
}

TEST_F(AgentAsking, a_master_that_asks_gets_half_of_its_own_back) {
  link(1);
  earn_lease(1);
  grant(1, single(0, 10));
  forget();
  ask_us(1);
  ASSERT_EQ(told<protocol::Returned>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Returned>(1).front().intervals, single(6, 10));
  EXPECT_EQ(told<protocol::Returned>(1).front().branch, BranchId(1));
  EXPECT_TRUE(told<protocol::Grant>(1).empty());
  EXPECT_TRUE(told<protocol::Busy>(1).empty());
}

TEST_F(AgentAsking, who_gave_us_something_through_others_gets_none_of_it) {
  link(1);
  earn_lease(1);
  link(2);
  grant(1, single(0, 10), 100, 1,
        {{.role = protocol::RefugeRole::ancestor, .node = peer_named(2), .address = address_named(2)}});
  forget();
  ask_us(2);
  EXPECT_TRUE(told<protocol::Grant>(2).empty());
}

TEST_F(AgentAsking, a_master_that_waits_asks_the_helper_that_has_most) {
  lend_all();
  link(2);
  forget();
  exit_with(task_at(0), 0);
  ASSERT_EQ(told<protocol::Ask>(1).size(), 1U);
  EXPECT_TRUE(told<protocol::Ask>(2).empty());
}

TEST_F(AgentAsking, who_finds_no_work_asks_ever_more_rarely) {
  link(1);
  introduce(1);
  advance(10min);
  std::vector<Instant> times = times_of<protocol::Ask>(1);
  ASSERT_GE(times.size(), 8U);
  EXPECT_LE(times.size(), 60U);
  EXPECT_LE(times[1] - times[0], 2'100ms);  // nobody answered the first one
  EXPECT_GE(times.back() - times[times.size() - 2], 28s);
}

TEST_F(AgentAsking, who_knows_of_work_asks_every_few_seconds) {
  link(1);
  introduce(1);
  advance(10min);
  forget();
  for (int i = 0; i < 6; ++i) {
    probe_us(1, 100 + static_cast<unsigned>(i));
    say(1, protocol::Release{.request = 100 + static_cast<unsigned>(i)});
    advance(10s);
  }
  EXPECT_GE(told<protocol::Ask>(1).size(), 5U);
  EXPECT_LE(told<protocol::Ask>(1).size(), 60U);
}

TEST_F(AgentAsking, the_answer_of_another_is_not_the_answer) {
  link(1);
  const protocol::Ask ask = asked(1);
  link(2);
  forget();
  say(2, protocol::Busy{.request = ask.request});
  advance(1'000ms);
  EXPECT_EQ(told_all<protocol::Ask>(), 0U);
}

TEST_F(AgentAsking, a_few_are_told_when_we_become_free) {
  for (unsigned number = 1; number <= 10; ++number) link(number);
  submit(terms_of(1));
  advance(5s);
  forget();
  exit_with(task_at(0), 0);
  EXPECT_EQ(told_all<protocol::Note>(), 4U);
  for (unsigned number = 1; number <= 10; ++number) EXPECT_LE(told<protocol::Note>(number).size(), 1U);
}

}  // namespace
}  // namespace agent::core
