#include "agent/shell/endpoint.h"

#include <gtest/gtest.h>

#include "agent/shell/socket_address.h"
#include "tests/unit/shell/loopback.h"

namespace agent::shell {
namespace {

TEST(EndpointTest, addresses_and_names_are_told_apart) {
  const auto v4 = parse_endpoint("127.0.0.1:4711");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->address, loopback(4'711));
  const auto v6 = parse_endpoint("[::1]:80");
  ASSERT_TRUE(v6);
  ASSERT_TRUE(v6->address);
  EXPECT_EQ(text_of(*v6->address), "[::1]:80");
  const auto name = parse_endpoint("alpha-1.example.org:0");
  ASSERT_TRUE(name);
  EXPECT_FALSE(name->address);
  EXPECT_EQ(name->host, "alpha-1.example.org");
  EXPECT_EQ(name->port, 0);
}

TEST(EndpointTest, without_a_port_the_usual_one_is_meant) {
  for (const char* text : {"alpha", "10.0.0.1", "[2001:db8::1]", "*"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->port, usual_port);
  }
}

TEST(EndpointTest, what_it_writes_it_reads) {
  for (const char* text : {"alpha:1", "10.0.0.1:2", "[2001:db8::1]:65535", "*:0"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(text_of(*endpoint), text);
  }
}

TEST(EndpointTest, what_is_wrong_is_said) {
  const auto error_of = [](const char* text) {
    const auto endpoint = parse_endpoint(text);
    EXPECT_FALSE(endpoint) << text;
    return endpoint ? EndpointError::empty : endpoint.error();
  };
  EXPECT_EQ(error_of(""), EndpointError::empty);
  for (const char* text : {"alpha:", "alpha:x", "alpha:65536", "alpha:-1", "alpha:1 ", "[::1]:"})
    EXPECT_EQ(error_of(text), EndpointError::bad_port) << text;
  for (const char* text :
       {":1", "10.0.0:1", "300.0.0.1:1", "a b:1", "a..b:1", "-a:1", "[10.0.0.1]:1", "[::1:1", "[::1]1"})
    EXPECT_EQ(error_of(text), EndpointError::bad_host) << text;
  EXPECT_EQ(error_of("2001:db8::1"), EndpointError::no_brackets);
}

TEST(EndpointTest, one_may_listen_everywhere_but_nobody_is_found_there) {
  for (const char* text : {"*:1", "0.0.0.0:1", "[::]:1", "alpha:0", "10.0.0.1:0"}) {
    EXPECT_FALSE(why_no_use(*parse_endpoint(text), EndpointUse::listen)) << text;
    EXPECT_TRUE(why_no_use(*parse_endpoint(text), EndpointUse::seed)) << text;
  }
  EXPECT_FALSE(why_no_use(*parse_endpoint("alpha:1"), EndpointUse::seed));
}

TEST(EndpointTest, addresses_of_everything_and_of_this_machine_alone_are_known) {
  EXPECT_TRUE(is_any(any_ipv4(1)) && is_any(any_ipv6(1)));
  EXPECT_FALSE(is_any(loopback(1)));
  EXPECT_TRUE(is_loopback(loopback(1)) && is_loopback(*parse_endpoint("[::1]:1")->address));
  EXPECT_FALSE(is_loopback(any_ipv4(1)) || is_loopback(*parse_endpoint("10.0.0.1")->address));
  EXPECT_TRUE(is_ipv4(any_ipv4(1)));
  EXPECT_FALSE(is_ipv4(any_ipv6(1)));
}

}  // namespace
}  // namespace agent::shell
