#include "agent/core/link.h"

#include <gtest/gtest.h>

#include <deque>

namespace agent::core {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

TEST(link, numbers_count_from_one_and_echo_the_highest_heard) {
  Link link;
  EXPECT_EQ(link.on_send(start), (Link::Numbers{1, 0}));
  EXPECT_EQ(link.on_received(start, {4, 1}), Link::Arrival::fresh);
  EXPECT_EQ(link.on_received(start, {9, 1}), Link::Arrival::fresh);
  EXPECT_EQ(link.on_send(start), (Link::Numbers{2, 9}));
}

TEST(link, our_lease_counts_from_the_sending_of_what_was_echoed) {
  Link link;
  EXPECT_FALSE(link.we_hold_lease(start));
  link.on_send(start);
  EXPECT_FALSE(link.we_hold_lease(start));
  link.on_received(start + 2s, {1, 1});
  EXPECT_EQ(link.lease().ours_until, start + 10s);
  EXPECT_TRUE(link.we_hold_lease(start + 10s - 1ns));
  EXPECT_FALSE(link.we_hold_lease(start + 10s));
}

TEST(link, an_echo_of_the_same_message_again_lengthens_nothing) {
  Link link;
  link.on_send(start);
  link.on_received(start + 1s, {1, 1});
  link.on_send(start + 3s);
  link.on_received(start + 4s, {2, 1});
  EXPECT_EQ(link.lease().ours_until, start + 10s);
  link.on_received(start + 5s, {3, 2});
  EXPECT_EQ(link.lease().ours_until, start + 13s);
}

TEST(link, sends_that_are_not_remembered_count_from_the_one_before) {
  Link link;
  link.on_send(start);
  link.on_send(start + 49ms);
  link.on_send(start + 50ms);
  EXPECT_EQ(link.remembered_sends(), 2U);
  link.on_received(start + 1s, {1, 2});
  EXPECT_EQ(link.lease().ours_until, start + 10s);
  link.on_received(start + 1s, {2, 3});
  EXPECT_EQ(link.lease().ours_until, start + 10s + 50ms);
}

TEST(link, an_echo_that_comes_after_a_lease_gives_none) {
  Link link;
  link.on_send(start);
  link.on_send(start + 10s);
  link.on_received(start + 11s, {1, 1});
  EXPECT_EQ(link.lease().ours_until, std::nullopt);
  link.on_received(start + 11s, {2, 2});
  EXPECT_EQ(link.lease().ours_until, start + 20s);
}

TEST(link, memory_is_bounded_however_much_is_sent_unheard) {
  Link link;
  for (int i = 0; i < 100'000; ++i) link.on_send(start + i * 1ms);
  EXPECT_EQ(link.remembered_sends(), trust::lease_term / trust::send_log_step);
  link.check_invariants();
}

TEST(link, an_echo_of_what_was_never_sent_gives_no_lease) {
  Link link;
  link.on_send(start);
  EXPECT_EQ(link.on_received(start, {1, 2}), Link::Arrival::impossible);
  EXPECT_EQ(link.on_received(start, {2, ~std::uint64_t{0}}), Link::Arrival::impossible);
  EXPECT_EQ(link.lease().ours_until, std::nullopt);
  link.on_send(start);
  EXPECT_EQ(link.on_received(start, {3, 1}), Link::Arrival::fresh);
  EXPECT_EQ(link.lease().ours_until, start + 10s);
  link.check_invariants();
}

TEST(link, a_sequence_that_does_not_grow_counts_for_nothing) {
  Link link;
  Random random(1);
  link.watch(start, Link::Pace::brisk, random);
  link.on_send(start);
  link.on_received(start, {5, 0});
  EXPECT_EQ(link.on_received(start + 2s, {5, 1}), Link::Arrival::stale);
  EXPECT_EQ(link.on_received(start + 2s, {0, 1}), Link::Arrival::stale);
  EXPECT_EQ(link.lease().ours_until, std::nullopt);
  EXPECT_EQ(link.suspect_at(), start + 3s);
  EXPECT_EQ(link.on_send(start + 2s).heard, 5U);
}

TEST(link, their_lease_counts_from_our_first_echo_of_the_highest_heard) {
  Link link;
  link.on_send(start);
  EXPECT_FALSE(link.they_may_hold_lease(start));
  link.on_received(start, {1, 0});
  EXPECT_EQ(link.lease().theirs_until, std::nullopt);
  link.on_send(start + 2s);
  link.on_send(start + 4s);
  EXPECT_EQ(link.lease().theirs_until, start + 2s + 11'200ms);
  EXPECT_TRUE(link.they_may_hold_lease(start + 13'200ms - 1ns));
  EXPECT_FALSE(link.they_may_hold_lease(start + 13'200ms));
  link.on_received(start + 5s, {2, 0});
  EXPECT_EQ(link.lease().theirs_until, start + 13'200ms);
  link.on_send(start + 6s);
  EXPECT_EQ(link.lease().theirs_until, start + 17'200ms);
}

TEST(link, a_lease_goes_on_with_the_next_link) {
  Link first;
  first.on_send(start);
  first.on_received(start, {1, 1});
  first.on_send(start);
  const Lease earned{.ours_until = start + 10s, .theirs_until = start + 11'200ms};
  EXPECT_EQ(first.lease(), earned);

  Link second(first.lease());
  EXPECT_EQ(second.on_send(start + 5s), (Link::Numbers{1, 0}));
  EXPECT_EQ(second.lease(), earned);
  second.on_received(start + 6s, {1, 1});
  second.on_send(start + 6s);
  EXPECT_EQ(second.lease(), (Lease{.ours_until = start + 15s, .theirs_until = start + 17'200ms}));
}

TEST(link, three_seconds_of_silence_make_it_suspect_until_it_is_heard_again) {
  Link link;
  Random random(1);
  link.watch(start, Link::Pace::brisk, random);
  EXPECT_FALSE(link.suspect(start + 3s - 1ns));
  EXPECT_TRUE(link.suspect(start + 3s));
  link.on_received(start + 4s, {1, 0});
  EXPECT_FALSE(link.suspect(start + 4s));
  EXPECT_EQ(link.suspect_at(), start + 7s);
}

TEST(link, silence_counts_only_while_it_is_watched) {
  Link link;
  Random random(1);
  link.on_received(start, {1, 0});
  EXPECT_EQ(link.suspect_at(), std::nullopt);
  EXPECT_FALSE(link.suspect(start + 1h));
  link.watch(start + 1h, Link::Pace::brisk, random);
  EXPECT_EQ(link.suspect_at(), start + 1h + 3s);
  link.watch(start + 1h + 1s, Link::Pace::brisk, random);
  EXPECT_EQ(link.suspect_at(), start + 1h + 3s);
  link.unwatch();
  EXPECT_EQ(link.suspect_at(), std::nullopt);
  EXPECT_EQ(link.beat_due(), std::nullopt);
}

TEST(link, a_stall_of_our_own_is_held_against_nobody_else) {
  Link link;
  Random random(1);
  link.watch(start, Link::Pace::brisk, random);
  link.on_send(start);
  link.on_received(start, {1, 1});
  link.on_send(start);
  link.forgive(8h);
  EXPECT_EQ(link.suspect_at(), start + 8h + 3s);
  EXPECT_EQ(link.lease(), (Lease{.ours_until = start + 10s, .theirs_until = start + 8h + 11'200ms}));
}

TEST(link, beats_are_a_period_apart_and_the_first_one_is_spread_over_a_period) {
  Duration least = 1h, most = 0s;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Link link;
    Random random(seed);
    EXPECT_EQ(link.beat_due(), std::nullopt);
    link.watch(start, Link::Pace::brisk, random);
    least = std::min(least, *link.beat_due() - start);
    most = std::max(most, *link.beat_due() - start);
    link.on_beat(start + 5s);
    EXPECT_EQ(link.beat_due(), start + 6s);
  }
  EXPECT_GE(least, 0s);
  EXPECT_LT(least, 50ms);
  EXPECT_GT(most, 950ms);
  EXPECT_LE(most, 1s);
}

TEST(link, where_nothing_is_open_beats_are_three_seconds_apart_and_nine_of_silence_are_suspect) {
  Link link;
  Random random(1);
  link.watch(start, Link::Pace::calm, random);
  link.on_beat(start + 1s);
  EXPECT_EQ(link.beat_due(), start + 4s);
  link.on_send(start + 2s);
  EXPECT_EQ(link.beat_due(), start + 4s);
  EXPECT_FALSE(link.suspect(start + 9s - 1ns));
  EXPECT_TRUE(link.suspect(start + 9s));
  link.on_received(start + 2s, {1, 0});
  EXPECT_EQ(link.suspect_at(), start + 11s);
}

TEST(link, a_link_that_calms_down_has_more_patience_at_once) {
  Link link;
  Random random(1);
  link.watch(start, Link::Pace::brisk, random);
  link.on_received(start + 1s, {1, 0});
  link.watch(start + 2s, Link::Pace::calm, random);
  EXPECT_EQ(link.suspect_at(), start + 10s);
}

TEST(link, when_a_calm_link_becomes_brisk_silence_counts_anew_and_the_next_beat_is_near) {
  Link link;
  Random random(1);
  link.watch(start, Link::Pace::calm, random);
  link.on_received(start + 1s, {1, 0});
  link.on_beat(start + 5s);
  link.watch(start + 6s, Link::Pace::brisk, random);
  EXPECT_EQ(link.beat_due(), start + 7s);
  EXPECT_EQ(link.suspect_at(), start + 9s);
  link.watch(start + 7s, Link::Pace::brisk, random);
  EXPECT_EQ(link.suspect_at(), start + 9s);
  link.on_received(start + 8s, {2, 0});
  EXPECT_EQ(link.suspect_at(), start + 11s);
}

TEST(link, a_beat_that_is_near_is_not_put_off_when_a_calm_link_becomes_brisk) {
  Link link;
  Random random(1);
  link.watch(start, Link::Pace::calm, random);
  link.on_beat(start + 1s);
  link.watch(start + 3'900ms, Link::Pace::brisk, random);
  EXPECT_EQ(link.beat_due(), start + 4s);
}

// Two ends with clocks of their own, joined by two queues of any delay. In true time, the master never believes that
// its helper's lease is over before the helper does; and the log costs the helper at most a step.
class LinkPair : public testing::TestWithParam<std::uint64_t> {
 protected:
  struct End {
    Link link;
    double rate = 1.0;
    std::vector<Instant> sent_at{Instant{}};  // by sequence: the twin's unbounded log
    std::deque<std::pair<Duration, Link::Numbers>> inbox;
    [[nodiscard]] Instant clock(Duration now) const { return start + scaled(now, rate); }
    [[nodiscard]] Duration true_time(Instant at) const { return scaled(at - start, 1 / rate); }
    static Duration scaled(Duration by, double factor) {
      return Duration(static_cast<std::int64_t>(static_cast<double>(by.count()) * factor));
    }
  };

  void send(Duration now, End& from, End& to) {
    const Link::Numbers numbers = from.link.on_send(from.clock(now));
    from.sent_at.push_back(from.clock(now));
    const Duration before = to.inbox.empty() ? Duration::zero() : to.inbox.back().first;
    to.inbox.emplace_back(std::max(before, now + random.jittered(delay)), numbers);
  }

  void receive(Duration now, End& at) {
    while (!at.inbox.empty() && at.inbox.front().first <= now) {
      const Link::Numbers numbers = at.inbox.front().second;
      at.inbox.pop_front();
      at.link.on_received(at.clock(now), numbers);
      if (numbers.heard == 0) continue;
      const Instant exact = at.sent_at[numbers.heard] + trust::lease_term;
      if (exact - trust::send_log_step <= at.clock(now)) continue;
      ASSERT_TRUE(at.link.lease().ours_until);
      ASSERT_LE(*at.link.lease().ours_until, exact);
      ASSERT_GT(*at.link.lease().ours_until, exact - trust::send_log_step);
    }
  }

  static void expect_master_waits(const End& master, const End& helper) {
    if (!helper.link.lease().ours_until) return;
    ASSERT_TRUE(master.link.lease().theirs_until);
    ASSERT_LT(helper.true_time(*helper.link.lease().ours_until) + trust::lease_grace / 2,
              master.true_time(*master.link.lease().theirs_until));
  }

  Random random{GetParam()};
  Duration delay = 1ms * (1 << random.below(13));
};

TEST_P(LinkPair, the_master_counts_the_lease_longer_than_the_helper) {
  End a, b;
  a.rate = random.chance(1, 2) ? 1.01 : 0.99;
  b.rate = random.chance(1, 2) ? 1.01 : 0.99;
  Duration now = 0s;
  for (int round = 0; round < 3'000; ++round) {
    now += random.jittered(random.chance(1, 50) ? Duration(5s) : Duration(20ms));
    if (random.chance(1, 2)) send(now, a, b);
    if (random.chance(1, 3)) send(now, b, a);
    receive(now, a);
    receive(now, b);
    a.link.check_invariants();
    b.link.check_invariants();
    expect_master_waits(a, b);
    expect_master_waits(b, a);
  }
  EXPECT_TRUE(a.link.lease().ours_until && b.link.lease().ours_until);
}

INSTANTIATE_TEST_SUITE_P(seed, LinkPair, testing::Range(std::uint64_t{0}, std::uint64_t{30}));

}  // namespace
}  // namespace agent::core
