#include "agent/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace agent::core {
namespace {

// The state after seeding 0 is SplitMix64's first four outputs, which Vigna's reference program prints.
TEST(random, is_the_published_generator) {
  constexpr std::array<std::uint64_t, 4> state{0xe220a8397b1dcdafU, 0x6e789e6aa1b965f4U, 0x06c45d188009454fU,
                                               0xf88bb8a8724c81ecU};
  Random random(0);
  EXPECT_EQ(random.next(), std::rotl(state[1] * 5, 7) * 9);
}

TEST(random, the_same_seed_gives_the_same_numbers_and_another_one_others) {
  Random a(42), b(42), c(43);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t drawn = a.next();
    EXPECT_EQ(drawn, b.next());
    equal += drawn == c.next() ? 1 : 0;
  }
  EXPECT_EQ(equal, 0);
}

TEST(random, below_is_even_and_stays_below) {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen.at(random.below(7));
  for (int count : seen) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.below(std::uint64_t{3} << 62), std::uint64_t{3} << 62);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(random, jitter_is_half_to_one_and_a_half) {
  Random random(2);
  Duration least = Duration::max(), most = Duration::zero();
  for (int i = 0; i < 10'000; ++i) {
    const Duration drawn = random.jittered(Duration(1000));
    least = std::min(least, drawn);
    most = std::max(most, drawn);
  }
  EXPECT_EQ(least, Duration(500));
  EXPECT_EQ(most, Duration(1500));
  EXPECT_EQ(random.jittered(Duration::zero()), Duration::zero());
}

TEST(random, shuffle_is_a_permutation_and_every_one_comes) {
  Random random(3);
  std::vector<int> order{0, 1, 2};
  std::vector<int> seen(27);
  for (int i = 0; i < 6'000; ++i) {
    random.shuffle(order);
    EXPECT_TRUE(std::ranges::is_permutation(order, std::vector{0, 1, 2}));
    ++seen[static_cast<std::size_t>(order[0] * 9 + order[1] * 3 + order[2])];
  }
  EXPECT_EQ(std::ranges::count_if(seen, [](int count) { return count > 800; }), 6);
}

}  // namespace
}  // namespace agent::core
