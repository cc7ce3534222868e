#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class AgentRecruiting : public PlayedPeers {
 protected:
  JobTerms job(std::uint64_t size, std::uint32_t branch_number) const {
    JobTerms terms = terms_of(size);
    terms.branch_number = branch_number;
    return terms;
  }
  void link_many(unsigned count) {
    for (unsigned number = 1; number <= count; ++number) link(number);
    for (unsigned number = 1; number <= count; ++number) introduce(number);
    forget();
  }
  // Every probe that was not answered yet is answered with an offer; every grant is accepted.
  void everybody_offers(unsigned peers) {
    for (unsigned number = 1; number <= peers; ++number) {
      const auto probes = told<protocol::Probe>(number);
      for (; answered_[number] < probes.size(); ++answered_[number])
        say(number, protocol::Offer{.request = probes[answered_[number]].request, .slots = 1});
      const auto grants = told<protocol::Grant>(number);
      for (; accepted_[number] < grants.size(); ++accepted_[number])
        say(number, protocol::Accept{.branch = grants[accepted_[number]].branch});
    }
  }
  std::uint32_t helpers() const { return agent.helpers_of({.job = job_named(1), .path = {}}); }
  // The one peer that was probed.
  unsigned probed(unsigned peers) const {
    for (unsigned number = 1; number <= peers; ++number) {
      if (!told<protocol::Probe>(number).empty()) return number;
    }
    ADD_FAILURE() << "nobody was probed";
    return 0;
  }

 private:
  std::map<unsigned, std::size_t> answered_, accepted_;
};

TEST_F(AgentRecruiting, a_probe_says_what_it_is_about) {
  link(1, {.round_trip = 3ms});
  introduce(1);
  submit(job(100, 8));
  const auto probes = told<protocol::Probe>(1);
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_EQ(probes.front().job, job_named(1));
  EXPECT_EQ(probes.front().iterations, 100U);
  EXPECT_EQ(probes.front().round_trip_ns, 3'000'000U);
}

TEST_F(AgentRecruiting, a_master_has_never_more_helpers_than_the_branch_number) {
  for (const std::uint32_t branch_number : {1U, 3U, 8U}) {
    agent = Agent({.slots = 1, .node = peer_named(0), .instance = {}, .address = address_named(0)});
    tasks.clear();
    all.clear();
    link_many(20);
    submit(job(100'000, branch_number));
    for (int round = 0; round < 30; ++round) {
      everybody_offers(20);
      EXPECT_LE(helpers(), branch_number);
      advance(100ms);
    }
    EXPECT_EQ(helpers(), branch_number);
  }
}

TEST_F(AgentRecruiting, a_job_that_stays_home_probes_nobody_and_gives_nothing) {
  link_many(5);
  submit(job(1'000, 0));
  say(1, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  advance(10s);
  EXPECT_EQ(told_all<protocol::Probe>(), 0U);
  EXPECT_EQ(told_all<protocol::Grant>(), 0U);
}

TEST_F(AgentRecruiting, no_more_than_eight_are_probed_at_once_and_nobody_twice) {
  link_many(20);
  submit(job(100'000, 15));
  EXPECT_EQ(told_all<protocol::Probe>(), 8U);
  for (unsigned number = 1; number <= 20; ++number) EXPECT_LE(told<protocol::Probe>(number).size(), 1U);
}

TEST_F(AgentRecruiting, the_first_division_is_by_slots_and_ours_count) {
  link(1, {.slots = 1});
  link(2, {.slots = 3});
  introduce(1);
  introduce(2);
  submit(job(101, 3));  // a hundred are unstarted
  const auto first = told<protocol::Probe>(1), second = told<protocol::Probe>(2);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  say(1, protocol::Offer{.request = first.front().request, .slots = 1});
  EXPECT_EQ(told_all<protocol::Grant>(), 0U);  // the other one may offer as well
  say(2, protocol::Offer{.request = second.front().request, .slots = 3});
  EXPECT_EQ(sum(1, &protocol::Grant::intervals).count(), 20U);
  EXPECT_EQ(sum(2, &protocol::Grant::intervals).count(), 60U);
  EXPECT_EQ(told<protocol::Grant>(1).front().request, first.front().request);
}

TEST_F(AgentRecruiting, an_only_helper_is_the_way_to_all_others_and_gets_nearly_all) {
  link_many(1);
  submit(job(91, 1));
  say(1, protocol::Offer{.request = told<protocol::Probe>(1).front().request, .slots = 1});
  EXPECT_EQ(sum(1, &protocol::Grant::intervals).count(), 80U);  // eight parts of nine
}

TEST_F(AgentRecruiting, offers_wait_no_longer_than_the_time_to_gather) {
  link_many(2);
  submit(job(100, 2));
  say(1, protocol::Offer{.request = told<protocol::Probe>(1).front().request, .slots = 1});
  const Instant asked = now;
  advance(100ms);
  EXPECT_EQ(times_of<protocol::Grant>(1), (std::vector{asked + Seeking::gather_least}));
}

TEST_F(AgentRecruiting, an_offer_that_nobody_needs_any_more_is_released) {
  link_many(2);
  submit(job(100, 1));
  everybody_offers(2);
  ASSERT_EQ(helpers(), 1U);
  const unsigned idle = told<protocol::Grant>(1).empty() ? 1 : 2;
  say(idle, protocol::Offer{.request = 77, .slots = 1});
  EXPECT_EQ(told<protocol::Release>(idle), (std::vector{protocol::Release{.request = 77}}));
  EXPECT_EQ(helpers(), 1U);
}

TEST_F(AgentRecruiting, a_late_offer_is_taken_if_somebody_is_still_wanted) {
  link_many(1);
  submit(job(100, 1));
  const std::uint64_t request = told<protocol::Probe>(1).front().request;
  say(1, protocol::Busy{.request = request, .kept = true});
  say(1, protocol::Offer{.request = request, .slots = 1});
  EXPECT_EQ(told<protocol::Grant>(1).size(), 1U);
  EXPECT_EQ(notices(Notice::What::called_back), 1U);
}

TEST_F(AgentRecruiting, nobody_answers_for_somebody_else) {
  link_many(2);
  submit(job(100, 1));
  const unsigned asked = probed(2);
  const unsigned other = 3 - asked;
  const std::uint64_t request = told<protocol::Probe>(asked).front().request;
  say(other, protocol::Busy{.request = request});
  forget();
  say(asked, protocol::Offer{.request = request, .slots = 1});
  EXPECT_EQ(told<protocol::Grant>(asked).size(), 1U);  // as the answer that it is ...
  EXPECT_EQ(notices(Notice::What::called_back), 0U);   // ... and not as one that comes late
}

TEST_F(AgentRecruiting, rounds_in_which_all_are_busy_become_rare) {
  link_many(10);
  submit(job(100'000, 8));
  std::map<unsigned, std::size_t> answered;
  const auto everybody_is_busy = [&] {
    for (unsigned number = 1; number <= 10; ++number) {
      const auto probes = told<protocol::Probe>(number);
      for (; answered[number] < probes.size(); ++answered[number])
        say(number, protocol::Busy{.request = probes[answered[number]].request});
    }
  };
  for (int tick = 0; tick < 3'000; ++tick) {
    everybody_is_busy();
    advance(10ms);
  }
  forget();
  answered.clear();
  for (int tick = 0; tick < 3'000; ++tick) {
    everybody_is_busy();
    advance(10ms);
  }
  EXPECT_GE(told_all<protocol::Probe>(), 2U);
  EXPECT_LE(told_all<protocol::Probe>(), 30U);  // of two each, every five seconds or half of that
}

TEST_F(AgentRecruiting, who_keeps_our_request_is_not_probed_again_for_half_a_minute) {
  link_many(1);
  submit(job(100'000, 8));
  ASSERT_EQ(told<protocol::Probe>(1).size(), 1U);
  say(1, protocol::Busy{.request = told<protocol::Probe>(1).front().request, .kept = true});
  advance(29s);
  EXPECT_EQ(told<protocol::Probe>(1).size(), 1U);
  advance(10s);
  EXPECT_GE(told<protocol::Probe>(1).size(), 2U);
}

TEST_F(AgentRecruiting, who_kept_our_request_and_called_may_be_probed_again) {
  link_many(1);
  submit(job(100'000, 8));
  const std::uint64_t request = told<protocol::Probe>(1).front().request;
  say(1, protocol::Busy{.request = request, .kept = true});
  advance(1s);
  say(1, protocol::Offer{.request = request, .slots = 1});
  ASSERT_EQ(told<protocol::Grant>(1).size(), 1U);
  say(1, protocol::Refuse{.branch = told<protocol::Grant>(1).front().branch, .reason = {}});
  advance(10s);
  EXPECT_GE(told<protocol::Probe>(1).size(), 2U);
}

TEST_F(AgentRecruiting, work_that_is_not_worth_the_way_stays_home) {
  submit(job(40, 8));
  exit_with(task_at(0), 0, 10us);
  link_many(3);
  advance(1s);
  EXPECT_EQ(told_all<protocol::Probe>(), 0U);
}

TEST_F(AgentRecruiting, work_that_is_worth_the_way_does_not) {
  submit(job(40, 8));
  exit_with(task_at(0), 0, 1s);
  link(1);
  EXPECT_EQ(told<protocol::Probe>(1).size(), 1U);
}

TEST_F(AgentRecruiting, who_is_free_offers_all_its_slots_once) {
  link_many(3);
  say(1, protocol::Probe{.request = 4, .path = {}});
  const auto offers = told<protocol::Offer>(1);
  ASSERT_EQ(offers.size(), 1U);
  EXPECT_EQ(offers.front().request, 4U);
  EXPECT_EQ(offers.front().slots, 1U);
  say(2, protocol::Probe{.request = 5, .path = {}});
  EXPECT_TRUE(told<protocol::Offer>(2).empty());
  ASSERT_EQ(told<protocol::Busy>(2).size(), 1U);
  EXPECT_TRUE(told<protocol::Busy>(2).front().kept);
}

TEST_F(AgentRecruiting, an_offer_is_held_for_no_longer_than_it_says) {
  link_many(2);
  say(1, protocol::Probe{.request = 4, .path = {}, .round_trip_ns = 10'000'000});
  const Duration held(static_cast<std::int64_t>(told<protocol::Offer>(1).front().held_ns));
  EXPECT_EQ(held, 280ms);
  advance(held - 1ms);
  say(2, protocol::Probe{.request = 5, .path = {}});
  EXPECT_TRUE(told<protocol::Offer>(2).empty());
  advance(1ms);
  EXPECT_EQ(told<protocol::Offer>(2).size(), 1U);  // called back
}

}  // namespace
}  // namespace agent::core
