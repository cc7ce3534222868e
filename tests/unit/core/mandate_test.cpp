#include "agent/core/mandate.h"

#include <gtest/gtest.h>

namespace agent::core {
namespace {

using namespace std::chrono_literals;

TEST(mandate, is_good_for_its_life_less_the_age_it_came_with) {
  Mandate mandate;
  EXPECT_FALSE(mandate.fresh(Instant(0s)));
  EXPECT_TRUE(mandate.see(Instant(100s), 0, 60s, 5s));
  EXPECT_TRUE(mandate.fresh(Instant(154s)));
  EXPECT_FALSE(mandate.fresh(Instant(155s)));
}

TEST(mandate, an_old_sequence_renews_nothing) {
  Mandate mandate;
  EXPECT_TRUE(mandate.see(Instant(100s), 7, 60s, 0s));
  EXPECT_FALSE(mandate.see(Instant(150s), 7, 60s, 0s));
  EXPECT_FALSE(mandate.see(Instant(150s), 6, 60s, 0s));
  EXPECT_FALSE(mandate.fresh(Instant(160s)));
}

TEST(mandate, nobody_can_grant_more_than_the_life_or_take_time_back) {
  Mandate mandate;
  EXPECT_TRUE(mandate.see(Instant(100s), 1, 3600s, -50s));
  EXPECT_EQ(mandate.good_until(), Instant(160s));
  EXPECT_TRUE(mandate.see(Instant(110s), 2, 1s, 0s));
  EXPECT_EQ(mandate.good_until(), Instant(160s));
}

}  // namespace
}  // namespace agent::core
