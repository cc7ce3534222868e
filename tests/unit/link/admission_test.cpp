#include "agent/link/admission.h"

#include <gtest/gtest.h>

namespace agent::link {
namespace {

using namespace std::chrono_literals;

const core::Instant begin{1'000s};

protocol::Address ipv4(unsigned a, unsigned b, unsigned c, unsigned d) {
  protocol::Address address{.port = 4'747};
  address.ip[10] = address.ip[11] = std::byte{0xff};
  unsigned at = 12;
  for (const unsigned part : {a, b, c, d}) address.ip[at++] = std::byte(part);
  return address;
}

protocol::Address ipv6(unsigned network, unsigned host) {
  protocol::Address address{.port = 4'747};
  address.ip[0] = std::byte{0x20};
  address.ip[7] = std::byte(network);
  address.ip[15] = std::byte(host);
  return address;
}

TEST(Admission, of_one_network_only_so_many_strangers_come_at_once) {
  Admission admission;
  for (unsigned host = 1; host <= 8; ++host) EXPECT_TRUE(admission.admit(begin, ipv4(192, 0, 2, host)));
  EXPECT_FALSE(admission.admit(begin, ipv4(192, 0, 2, 9)));
  EXPECT_TRUE(admission.admit(begin, ipv4(192, 0, 3, 9)));
  admission.release(ipv4(192, 0, 2, 1));
  EXPECT_TRUE(admission.admit(begin, ipv4(192, 0, 2, 9)));

  for (unsigned host = 1; host <= 8; ++host) EXPECT_TRUE(admission.admit(begin, ipv6(1, host)));
  EXPECT_FALSE(admission.admit(begin, ipv6(1, 9)));
  EXPECT_TRUE(admission.admit(begin, ipv6(2, 9)));
}

TEST(Admission, this_machine_itself_is_no_network_but_bounded_all_the_same) {
  Admission admission;
  for (unsigned i = 0; i < Admission::strangers_max; ++i) EXPECT_TRUE(admission.admit(begin, ipv4(127, 0, 0, 1)));
  EXPECT_FALSE(admission.admit(begin, ipv4(127, 0, 0, 1)));
  EXPECT_FALSE(admission.admit(begin, ipv4(10, 0, 0, 1)));
  EXPECT_EQ(admission.strangers(), Admission::strangers_max);
}

TEST(Admission, so_many_handshakes_begin_in_a_second_and_no_more) {
  Admission admission;
  std::size_t admitted = 0;
  for (int ms = 0; ms < 3'000; ++ms) {
    if (!admission.admit(begin + ms * 1ms, ipv4(127, 0, 0, 1))) continue;
    ++admitted;
    admission.release(ipv4(127, 0, 0, 1));
  }
  EXPECT_LE(admitted, 400U);
  EXPECT_GE(admitted, 395U);
}

protocol::NodeId node(unsigned number) {
  protocol::Bytes32 bytes{};
  bytes[0] = std::byte(number);
  return protocol::NodeId(bytes);
}
protocol::InstanceKey instance(unsigned number) {
  protocol::Bytes32 bytes{};
  bytes[0] = std::byte(number);
  return protocol::InstanceKey(bytes);
}

TEST(Rivals, both_ends_of_two_links_that_crossed_keep_the_same_one) {
  for (const core::Duration later : {core::Duration(0), core::Duration(3s)}) {
    // Nodes 1 and 2 dial each other. Whichever link comes up first at either end, the one that node 1 dialled stays.
    for (const bool first_by_one : {true, false}) {
      const Rival older_at_one{.instance = instance(2), .dialled_by_us = first_by_one, .opened = begin};
      const Rival newer_at_one{.instance = instance(2), .dialled_by_us = !first_by_one, .opened = begin + later};
      const Rival older_at_two{.instance = instance(1), .dialled_by_us = !first_by_one, .opened = begin};
      const Rival newer_at_two{.instance = instance(1), .dialled_by_us = first_by_one, .opened = begin + later};
      const Kept expected = first_by_one ? Kept::older : Kept::newer;
      EXPECT_EQ(which_stays(older_at_one, newer_at_one, node(1), node(2)), expected);
      EXPECT_EQ(which_stays(older_at_two, newer_at_two, node(2), node(1)), expected);
    }
  }
}

TEST(Rivals, a_newer_run_and_a_link_dialled_anew_replace_what_was) {
  const Rival older{.instance = instance(2), .dialled_by_us = true, .opened = begin};
  Rival newer{.instance = instance(3), .dialled_by_us = false, .opened = begin + 1s};
  EXPECT_EQ(which_stays(older, newer, node(1), node(2)), Kept::newer);
  newer.instance = instance(2);
  EXPECT_EQ(which_stays(older, newer, node(1), node(2)), Kept::older);
  newer.opened = begin + crossing_window;
  EXPECT_EQ(which_stays(older, newer, node(1), node(2)), Kept::newer);
  newer = {.instance = instance(2), .dialled_by_us = true, .opened = begin};
  EXPECT_EQ(which_stays(older, newer, node(1), node(2)), Kept::newer);
}

}  // namespace
}  // namespace agent::link
