#include "agent/shell/socket_address.h"

#include <gtest/gtest.h>

namespace agent::shell {
namespace {

protocol::Address made(std::initializer_list<std::pair<std::size_t, unsigned>> bytes, std::uint16_t port) {
  protocol::Address address{.port = port};
  for (const auto& [at, value] : bytes) address.ip[at] = std::byte(value);
  return address;
}

TEST(socket_address, of_either_kind_goes_to_the_system_and_comes_back) {
  const protocol::Address v4 = made({{10, 255}, {11, 255}, {12, 192}, {14, 2}, {15, 1}}, 4'747);
  const protocol::Address v6 = made({{0, 0x20}, {1, 1}, {2, 0x0d}, {3, 0xb8}, {15, 1}}, 80);
  EXPECT_EQ(sockaddr_from(v4).ss_family, AF_INET);
  EXPECT_EQ(sockaddr_from(v6).ss_family, AF_INET6);
  EXPECT_EQ(address_from(sockaddr_from(v4)), v4);
  EXPECT_EQ(address_from(sockaddr_from(v6)), v6);
}

TEST(socket_address, reads_as_people_write_it) {
  EXPECT_EQ(text_of(made({{10, 255}, {11, 255}, {12, 192}, {14, 2}, {15, 1}}, 4'747)), "192.0.2.1:4747");
  EXPECT_EQ(text_of(made({{0, 0x20}, {1, 1}, {2, 0x0d}, {3, 0xb8}, {15, 1}}, 80)), "[2001:db8::1]:80");
}

}  // namespace
}  // namespace agent::shell
