#include "agent/core/tombstones.h"

#include <gtest/gtest.h>

namespace agent::core {
namespace {

using namespace std::chrono_literals;

JobId job(std::uint32_t number) {
  protocol::Bytes16 bytes{};
  for (unsigned i = 0; i < 4; ++i) bytes[i] = std::byte(number >> (8 * i) & 0xffU);
  return JobId(bytes);
}

const Instant begin{1'000s};

TEST(tombstones, stand_for_an_hour) {
  Tombstones tombstones;
  tombstones.bury(job(1), begin);
  tombstones.bury(job(2), begin + 1h);
  EXPECT_TRUE(tombstones.contains(job(1)));
  tombstones.bury(job(3), begin + 1h + 1ns);
  EXPECT_FALSE(tombstones.contains(job(1)));
  EXPECT_TRUE(tombstones.contains(job(2)));
  EXPECT_TRUE(tombstones.contains(job(3)));
}

TEST(tombstones, one_job_has_one) {
  Tombstones tombstones;
  tombstones.bury(job(1), begin);
  tombstones.bury(job(1), begin + 50min);
  EXPECT_EQ(tombstones.size(), 1U);
  tombstones.bury(job(2), begin + 61min);
  EXPECT_EQ(tombstones.size(), 1U);
}

TEST(tombstones, who_ends_again_after_long_is_buried_anew) {
  Tombstones tombstones;
  tombstones.bury(job(1), begin);
  tombstones.bury(job(1), begin + 2h);
  EXPECT_TRUE(tombstones.contains(job(1)));
  EXPECT_EQ(tombstones.size(), 1U);
}

TEST(tombstones, of_too_many_the_oldest_goes) {
  Tombstones tombstones;
  for (std::uint32_t i = 0; i <= Tombstones::count_max; ++i) tombstones.bury(job(i), begin);
  EXPECT_EQ(tombstones.size(), Tombstones::count_max);
  EXPECT_FALSE(tombstones.contains(job(0)));
  EXPECT_TRUE(tombstones.contains(job(1)));
}

}  // namespace
}  // namespace agent::core
