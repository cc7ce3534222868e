#include "agent/core/seeking.h"

#include <gtest/gtest.h>

#include "tests/unit/core/peers_driver.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class SeekingTest : public testing::Test {
 protected:
  Instant now = start;
  Seeking seeking;
};

class RestTest : public testing::Test {
 protected:
  void lengthen() { rest.lengthen(now, random, 1ms); }
  // Until it is as long as it becomes.
  void lengthen_to_the_most() {
    for (int i = 0; i < 15; ++i) {
      lengthen();
      now = rest.until();
    }
    lengthen();
  }

  Instant now = start;
  Random random{1};
  Rest rest;
};

TEST_F(SeekingTest, a_round_whose_answers_are_all_busy_is_over_at_once) {
  seeking.asked(now, 1, node(1), 1ms);
  seeking.asked(now, 2, node(2), 1ms);
  seeking.on_busy(1, node(1));
  EXPECT_FALSE(seeking.complete(now));
  seeking.on_busy(2, node(2));
  EXPECT_TRUE(seeking.complete(now));
  EXPECT_TRUE(seeking.conclude().empty());
  EXPECT_FALSE(seeking.probing());
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

TEST_F(RestTest, rests_begin_with_two_round_trips_and_double_up_to_the_most) {
  EXPECT_TRUE(rest.over(now));
  Duration length = 2ms;
  for (int round = 0; round < 15; ++round) {
    lengthen();
    EXPECT_FALSE(rest.over(now));
    EXPECT_GE(rest.until() - now, length / 2) << round;
    EXPECT_LE(rest.until() - now, length * 3 / 2) << round;
    length = std::min(Rest::most, 2 * length);
    now = rest.until();
    EXPECT_TRUE(rest.over(now));
  }
  EXPECT_EQ(length, Rest::most);
}

TEST_F(RestTest, a_refusal_makes_rounds_small_and_a_success_makes_them_full_again_at_once) {
  EXPECT_EQ(rest.probes_for(20, now), Rest::probes_max);
  EXPECT_EQ(rest.probes_for(3, now), 3U);
  lengthen();
  EXPECT_EQ(rest.probes_for(20, now), Rest::probes_after_refusal);
  EXPECT_EQ(rest.probes_for(1, now), 1U);
  rest.forget();
  EXPECT_EQ(rest.probes_for(20, now), Rest::probes_max);
  EXPECT_TRUE(rest.over(now));
}

TEST_F(RestTest, what_was_long_ago_is_forgotten) {
  lengthen_to_the_most();
  now = rest.until() + Rest::most;
  EXPECT_EQ(rest.probes_for(20, now), Rest::probes_max);
  lengthen();
  EXPECT_LE(rest.until() - now, 3ms);
}

TEST_F(RestTest, a_hint_cuts_one_rest_short_but_not_the_next) {
  lengthen_to_the_most();
  const Instant begun = now;
  now += 50ms;
  rest.cut_short(now);
  EXPECT_EQ(rest.until(), begun + Rest::least);

  now = rest.until();
  lengthen();
  const Instant until = rest.until();
  EXPECT_GE(until, now + Rest::most / 2);
  rest.cut_short(now + 1s);
  EXPECT_EQ(rest.until(), until);

  now = rest.until();
  lengthen();
  rest.cut_short(now + 1s);
  EXPECT_EQ(rest.until(), now + 1s);
}

TEST_F(RestTest, hints_do_not_lengthen_a_rest) {
  lengthen_to_the_most();
  rest.cut_short(now + 1s);
  EXPECT_EQ(rest.until(), now + 1s);
  rest.cut_short(now + 2s);
  EXPECT_EQ(rest.until(), now + 1s);
}

}  // namespace
}  // namespace agent::core
