#include "agent/shell/system.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

namespace agent::shell {
namespace {

TEST(SystemTest, ClocksAreThoseOfTheSystem) {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  const auto read = boot_now();
  const auto system = core::Instant(std::chrono::seconds(boot.tv_sec) + std::chrono::nanoseconds(boot.tv_nsec));
  EXPECT_GE(read, system);
  EXPECT_LT(read - system, std::chrono::seconds(10));
  EXPECT_NEAR(static_cast<double>(wall_now_ms()), static_cast<double>(std::time(nullptr)) * 1'000, 10'000);
}

TEST(SystemTest, BootTimeNeverGoesBack) {
  core::Instant before = boot_now();
  for (int i = 0; i < 1'000; ++i) {
    const core::Instant now = boot_now();
    EXPECT_GE(now, before);
    before = now;
  }
}

TEST(SystemTest, RandomBytesFillEverythingAndDiffer) {
  std::vector<std::byte> bytes(100'000);
  fill_random(bytes);
  std::array<int, 256> seen{};
  for (std::byte byte : bytes) ++seen[std::to_integer<unsigned>(byte)];
  EXPECT_GT(*std::ranges::min_element(seen), 200);
  std::set<protocol::Bytes16> ids;
  for (int i = 0; i < 1'000; ++i) ids.insert(random_bytes16());
  EXPECT_EQ(ids.size(), 1'000U);
  EXPECT_FALSE(random_seed().same(random_seed()));
}

TEST(SystemTest, RandomBytesOfNothingAreNothing) {
  fill_random({});
}

TEST(SystemTest, NodeNameIsPrintable) {
  const std::string name = node_name();
  ASSERT_FALSE(name.empty());
  EXPECT_TRUE(std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; }));
}

TEST(SystemTest, HexadecimalHasTwoDigitsForEachByte) {
  const std::array<std::byte, 4> bytes{std::byte{0x00}, std::byte{0x0f}, std::byte{0xa0}, std::byte{0xff}};
  EXPECT_EQ(to_hex(bytes), "000fa0ff");
  EXPECT_EQ(to_hex({}), "");
}

}  // namespace
}  // namespace agent::shell
