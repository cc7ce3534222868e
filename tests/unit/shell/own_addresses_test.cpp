#include "agent/shell/own_addresses.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/shell/endpoint.h"
#include "tests/unit/shell/loopback.h"

namespace agent::shell {
namespace {

using Addresses = std::vector<protocol::Address>;

TEST(OwnAddressesTest, what_is_listened_at_by_name_stays_as_it_is) {
  const Addresses listening{loopback(1), loopback(2), loopback(1)};
  EXPECT_EQ(own_addresses(listening), (Addresses{loopback(1), loopback(2)}));
  EXPECT_TRUE(own_addresses(Addresses{}).empty());
}

TEST(OwnAddressesTest, everywhere_is_the_addresses_of_this_machine) {
  const Addresses listening{any_ipv4(4'422), any_ipv6(4'423)};
  const Addresses own = own_addresses(listening);
  ASSERT_FALSE(own.empty());
  for (const protocol::Address& address : own) {
    EXPECT_FALSE(is_any(address));
    EXPECT_EQ(address.port, is_ipv4(address) ? 4'422 : 4'423);
    EXPECT_EQ(std::ranges::count(own, address), 1);
  }
  const auto loopbacks = std::ranges::count_if(own, is_loopback);
  EXPECT_TRUE(loopbacks == 0 || loopbacks == static_cast<std::ptrdiff_t>(own.size()))
      << "only if nothing else is there";
}

TEST(OwnAddressesTest, what_is_not_listened_at_is_not_told) {
  for (const protocol::Address& address : own_addresses(Addresses{any_ipv4(1)})) EXPECT_TRUE(is_ipv4(address));
}

}  // namespace
}  // namespace agent::shell
