#include "agent/shell/known_peers.h"

#include <gtest/gtest.h>

#include "tests/unit/shell/loopback.h"
#include "tests/unit/shell/pool_state.h"

namespace agent::shell {
namespace {

protocol::NodeId node(unsigned char number) {
  protocol::Bytes32 bytes{};
  bytes.front() = std::byte{number};
  return protocol::NodeId(bytes);
}

TEST(KnownPeersTest, what_is_kept_is_found_again_and_none_is_no_problem) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("a"));
  const auto none = load_peers(founder.state);
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->empty());
  const std::vector<KnownPeer> peers{{.node = node(1), .address = loopback(7)},
                                     {.node = node(2), .address = loopback(8)}};
  ASSERT_TRUE(keep_peers(founder.state, peers));
  EXPECT_EQ(load_peers(founder.state), peers);
}

TEST(KnownPeersTest, no_more_are_kept_than_there_is_room_for) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("a"));
  std::vector<KnownPeer> peers;
  for (std::uint16_t i = 1; i <= 100; ++i)
    put_first(peers, {.node = node(static_cast<unsigned char>(i)), .address = loopback(i)});
  EXPECT_EQ(peers.size(), known_peers_max);
  EXPECT_EQ(peers.front().address.port, 100);
  ASSERT_TRUE(keep_peers(founder.state, peers));
  EXPECT_EQ(load_peers(founder.state), peers);
}

TEST(KnownPeersTest, a_node_and_an_address_stand_there_once) {
  std::vector<KnownPeer> peers;
  put_first(peers, {.node = node(1), .address = loopback(1)});
  put_first(peers, {.node = node(2), .address = loopback(2)});
  put_first(peers, {.node = node(1), .address = loopback(3)});
  put_first(peers, {.node = node(4), .address = loopback(2)});
  put_first(peers, {.node = {}, .address = loopback(5)});
  put_first(peers, {.node = {}, .address = loopback(6)});
  EXPECT_EQ(peers, (std::vector<KnownPeer>{{.node = {}, .address = loopback(6)},
                                           {.node = {}, .address = loopback(5)},
                                           {.node = node(4), .address = loopback(2)},
                                           {.node = node(1), .address = loopback(3)}}));
}

TEST(KnownPeersTest, a_damaged_file_is_told) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("a"));
  ASSERT_TRUE(keep_peers(founder.state, {{.node = node(1), .address = loopback(7)}}));
  const std::string path = founder.state.file("pool/peers");
  std::string content = read_file(path);
  content[5] = static_cast<char>(content[5] ^ 1);
  write_file(path, content);
  const auto peers = load_peers(founder.state);
  ASSERT_FALSE(peers);
  EXPECT_NE(peers.error().message.find("pool/peers is damaged"), std::string::npos);
}

TEST(KnownPeersTest, who_is_no_member_has_none) {
  const TemporaryDirectory directory;
  const Machine machine(directory.file("a"));
  EXPECT_FALSE(load_peers(machine.state));
  EXPECT_FALSE(keep_peers(machine.state, {}));
}

}  // namespace
}  // namespace agent::shell
