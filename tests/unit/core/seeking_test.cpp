#include "agent/core/seeking.h"

#include <gtest/gtest.h>

#include "tests/unit/core/peers_driver.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class SeekingTest : public testing::Test {
 protected:
  // A round that asks nodes 1 .. `count` under the requests 1 .. `count`, none of which offers.
  void round_of_busy(std::uint32_t count = 1) {
    for (std::uint32_t i = 1; i <= count; ++i) seeking.asked(now, i, node(i), 1ms);
    for (std::uint32_t i = 1; i <= count; ++i) seeking.on_busy(i, node(i));
    ASSERT_TRUE(seeking.complete(now));
    ASSERT_TRUE(seeking.conclude().empty());
    seeking.rest(now, random, 1ms);
  }
  // Until rests are as long as they become.
  void rest_long() {
    for (int i = 0; i < 14; ++i) {
      round_of_busy();
      now = seeking.due();
    }
    round_of_busy();
  }

  Instant now = start;
  Random random{1};
  Seeking seeking;
};

TEST_F(SeekingTest, a_round_whose_answers_are_all_busy_ends_at_once_and_rests_two_round_trips) {
  seeking.asked(now, 1, node(1), 1ms);
  seeking.asked(now, 2, node(2), 1ms);
  seeking.on_busy(1, node(1));
  EXPECT_FALSE(seeking.complete(now));
  seeking.on_busy(2, node(2));
  EXPECT_TRUE(seeking.complete(now));
  EXPECT_TRUE(seeking.conclude().empty());
  seeking.rest(now, random, 1ms);
  EXPECT_FALSE(seeking.probing());
  EXPECT_FALSE(seeking.may_begin(now));
  EXPECT_GE(seeking.due(), now + 1ms);
  EXPECT_LE(seeking.due(), now + 3ms);
  EXPECT_TRUE(seeking.may_begin(seeking.due()));
}

TEST_F(SeekingTest, rests_double_up_to_five_seconds) {
  Duration rest = 2ms;
  for (int round = 0; round < 15; ++round) {
    round_of_busy();
    EXPECT_GE(seeking.due() - now, rest / 2) << round;
    EXPECT_LE(seeking.due() - now, rest * 3 / 2) << round;
    rest = std::min(Seeking::rest_max, 2 * rest);
    now = seeking.due();
  }
  EXPECT_EQ(rest, Seeking::rest_max);
}

TEST_F(SeekingTest, only_who_was_asked_can_answer_and_only_once) {
  seeking.asked(now, 1, node(1), 1ms);
  seeking.on_busy(1, node(2));
  EXPECT_FALSE(seeking.complete(now));
  EXPECT_FALSE(seeking.on_offer({.node = node(2), .request = 1, .slots = 1}));
  EXPECT_FALSE(seeking.on_offer({.node = node(1), .request = 2, .slots = 1}));
  EXPECT_TRUE(seeking.on_offer({.node = node(1), .request = 1, .slots = 3}));
  EXPECT_FALSE(seeking.on_offer({.node = node(1), .request = 1, .slots = 4}));
  const auto offers = seeking.conclude();
  ASSERT_EQ(offers.size(), 1U);
  EXPECT_EQ(offers.front().node, node(1));
  EXPECT_EQ(offers.front().slots, 3U);
}

TEST_F(SeekingTest, an_offer_that_comes_when_the_round_is_over_is_late) {
  seeking.asked(now, 1, node(1), 1ms);
  EXPECT_TRUE(seeking.conclude().empty());
  EXPECT_FALSE(seeking.on_offer({.node = node(1), .request = 1, .slots = 1}));
}

TEST_F(SeekingTest, offers_wait_for_the_others_but_no_longer_than_four_round_trips) {
  seeking.asked(now, 1, node(1), 50ms);
  seeking.asked(now, 2, node(2), 50ms);
  EXPECT_TRUE(seeking.on_offer({.node = node(1), .request = 1, .slots = 1}));
  EXPECT_FALSE(seeking.complete(now + 199ms));
  EXPECT_EQ(seeking.due(), now + 200ms);
  EXPECT_TRUE(seeking.complete(now + 200ms));
  EXPECT_EQ(seeking.conclude().size(), 1U);
}

TEST_F(SeekingTest, near_peers_have_twenty_milliseconds) {
  seeking.asked(now, 1, node(1), 1us);
  EXPECT_EQ(seeking.due(), now + 20ms);
}

TEST_F(SeekingTest, a_peer_that_is_gone_is_neither_waited_for_nor_reckoned_with) {
  for (std::uint32_t i = 1; i <= 3; ++i) seeking.asked(now, i, node(i), 1ms);
  EXPECT_TRUE(seeking.on_offer({.node = node(1), .request = 1, .slots = 1}));
  EXPECT_TRUE(seeking.on_offer({.node = node(2), .request = 2, .slots = 1}));
  EXPECT_TRUE(seeking.asks(node(1)));
  EXPECT_TRUE(seeking.asks(node(3)));
  seeking.on_gone(node(1));
  seeking.on_gone(node(3));
  EXPECT_FALSE(seeking.asks(node(1)));
  EXPECT_FALSE(seeking.asks(node(3)));
  EXPECT_TRUE(seeking.complete(now));
  const auto offers = seeking.conclude();
  ASSERT_EQ(offers.size(), 1U);
  EXPECT_EQ(offers.front().node, node(2));
}

TEST_F(SeekingTest, a_refusal_makes_rounds_small_and_a_success_makes_them_full_again_at_once) {
  EXPECT_EQ(seeking.probes_for(20), Seeking::probes_max);
  EXPECT_EQ(seeking.probes_for(3), 3U);
  round_of_busy();
  EXPECT_EQ(seeking.probes_for(20), Seeking::probes_after_refusal);
  EXPECT_EQ(seeking.probes_for(1), 1U);
  seeking.succeed();
  EXPECT_EQ(seeking.probes_for(20), Seeking::probes_max);
  EXPECT_TRUE(seeking.may_begin(now));
}

TEST_F(SeekingTest, a_hint_cuts_one_rest_short_but_not_the_next) {
  rest_long();
  const Instant begun = now;
  now += 50ms;
  seeking.encourage(now);
  EXPECT_EQ(seeking.due(), begun + Seeking::rest_least);

  now = seeking.due();
  round_of_busy();
  const Instant due = seeking.due();
  EXPECT_GE(due, now + Seeking::rest_max / 2);
  seeking.encourage(now + 1s);
  EXPECT_EQ(seeking.due(), due);

  now = seeking.due();
  round_of_busy();
  seeking.encourage(now + 1s);
  EXPECT_EQ(seeking.due(), now + 1s);
}

TEST_F(SeekingTest, hints_do_not_lengthen_a_rest) {
  rest_long();
  seeking.encourage(now + 1s);
  const Instant due = seeking.due();
  EXPECT_EQ(due, now + 1s);
  seeking.encourage(now + 2s);
  EXPECT_EQ(seeking.due(), due);
}

}  // namespace
}  // namespace agent::core
