#pragma once
// Made-up nodes by number, and one whose knowledge of them is under test.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "agent/core/peers.h"

namespace agent::core {
// Inline: names as short as these may be taken in another test.
inline namespace made_up_peers {

inline constexpr Instant start{std::chrono::hours(1)};

inline NodeId node(std::uint32_t number) {
  protocol::Bytes32 bytes{};
  for (std::size_t i = 0; i < 4; ++i) bytes.at(4 + i) = static_cast<std::byte>(number >> (24 - 8 * i) & 0xff);
  return NodeId(bytes);
}

inline Address address(std::uint32_t number) {
  Address made{.port = 7'000};
  for (std::size_t i = 0; i < 4; ++i) made.ip.at(12 + i) = static_cast<std::byte>(number >> (24 - 8 * i) & 0xff);
  return made;
}

inline Peer peer(std::uint32_t number) {
  return {.node = node(number), .address = address(number)};
}

inline std::vector<Peer> peers_from(std::uint32_t first, std::uint32_t count) {
  std::vector<Peer> made;
  for (std::uint32_t i = 0; i < count; ++i) made.push_back(peer(first + i));
  return made;
}

inline std::vector<NodeId> nodes_of(const std::vector<Peer>& peers) {
  std::vector<NodeId> nodes;
  for (const Peer& each : peers) nodes.push_back(each.node);
  return nodes;
}

// Node 1, whose seed is 1000. `numbers` come into its view by walks that end here.
class PeersTest : public testing::Test {
 protected:
  void know(std::uint32_t first, std::uint32_t count = 1) {
    for (const Peer& each : peers_from(first, count)) {
      EXPECT_FALSE(peers.on_walk(now, random, node(999), each, 1));
    }
  }
  std::optional<Peers::Choice> choose(const std::set<NodeId>& excluded = {}) {
    return peers.choose(now, random, excluded);
  }
  // The next shuffle that is due.
  std::optional<Peers::Exchange> shuffle() {
    now = std::max(now, peers.shuffle_due());
    return peers.begin_shuffle(now, random);
  }
  void TearDown() override { peers.check_invariants(); }

  Random random{1};
  Instant now = start;
  Peers peers{peer(1), {address(1'000)}};
};

}  // namespace made_up_peers
}  // namespace agent::core
