#include "agent/sim/network.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

Bytes bytes_of(int number) {
  return {std::byte(number)};
}

// A network and the calendar of what it said.
struct Wires {
  explicit Wires(NetworkOptions options = {}) : network(options, 4, 1) {}

  void send(LinkNumber link, NodeIndex from, int number, WorldTime at) {
    for (const Delivery& delivery : network.send(link, from, bytes_of(number), at)) calendar.push_back(delivery);
  }
  void heal(std::uint64_t partition, WorldTime now) {
    for (const Delivery& delivery : network.heal(partition, now)) calendar.push_back(delivery);
  }
  // What arrives at `to` until then, in order.
  std::vector<int> arrive(NodeIndex to, WorldTime until) {
    std::stable_sort(calendar.begin(), calendar.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    std::vector<int> arrived;
    std::vector<Delivery> left;
    for (const Delivery& delivery : calendar) {
      if (delivery.at > until || delivery.to != to) {
        left.push_back(delivery);
      } else if (const auto bytes = network.arrive(delivery)) {
        arrived.push_back(std::to_integer<int>(bytes->front()));
      }
    }
    calendar = left;
    return arrived;
  }

  Network network;
  std::vector<Delivery> calendar;
};

const NetworkOptions exact{.bytes_per_second = 0};

TEST(Network, TakesItsLatencyOneWay) {
  Wires wires(exact);
  const LinkNumber link = wires.network.connect(0, 1);
  wires.send(link, 0, 1, WorldTime(1s));
  EXPECT_EQ(wires.calendar.at(0).at, WorldTime(1s + 250us));
  EXPECT_EQ(wires.arrive(1, WorldTime(1s + 250us)), std::vector<int>{1});
}

TEST(Network, KeepsOrderOnALinkDespiteJitter) {
  Wires wires({.jitter = 10ms});
  const LinkNumber link = wires.network.connect(0, 1);
  std::vector<int> sent;
  for (int i = 0; i < 100; ++i) {
    wires.send(link, 0, i, WorldTime(1s + i * 100us));
    sent.push_back(i);
  }
  EXPECT_EQ(wires.arrive(1, WorldTime(10s)), sent);
}

TEST(Network, DistanceAndClustersCost) {
  const Network flat(NetworkOptions{.latency_across = 10ms}, 50, 3);
  Duration least = 1h;
  Duration most{};
  for (NodeIndex node = 1; node < 50; ++node) {
    EXPECT_EQ(flat.latency(0, node), flat.latency(node, 0));
    least = std::min(least, flat.latency(0, node));
    most = std::max(most, flat.latency(0, node));
  }
  EXPECT_LT(least, 3ms);
  EXPECT_GT(most, 6ms);
  const Network clusters(NetworkOptions{.clusters = 2, .latency_between_clusters = 25ms}, 50, 3);
  int far = 0;
  for (NodeIndex node = 1; node < 50; ++node) far += clusters.latency(0, node) > 25ms ? 1 : 0;
  EXPECT_GT(far, 10);
  EXPECT_LT(far, 40);
}

TEST(Network, BytesTakeTheirTimeOnTheWire) {
  Wires wires({.bytes_per_second = 1000});
  const LinkNumber link = wires.network.connect(0, 1);
  (void)wires.network.send(link, 0, Bytes(500), WorldTime(1s));
  EXPECT_EQ(wires.network.send(link, 0, Bytes(500), WorldTime(1s)).at(0).at, WorldTime(2s + 250us));
}

TEST(Network, ABreakLosesASuffixAndNothingInTheMiddle) {
  bool something = false;
  bool nothing = false;
  for (int round = 0; round < 50; ++round) {
    Wires wires(exact);
    wires.network = Network(exact, 4, static_cast<std::uint64_t>(round));
    const LinkNumber link = wires.network.connect(0, 1);
    for (int i = 0; i < 5; ++i) wires.send(link, 0, i, WorldTime(1s));
    wires.network.sever(link);
    EXPECT_FALSE(wires.network.alive(link));
    EXPECT_TRUE(wires.network.send(link, 0, bytes_of(9), WorldTime(1s)).empty());
    const std::vector<int> arrived = wires.arrive(1, WorldTime(2s));
    for (std::size_t i = 0; i < arrived.size(); ++i) EXPECT_EQ(arrived[i], static_cast<int>(i));
    something = something || arrived.size() == 5;
    nothing = nothing || arrived.empty();
  }
  EXPECT_TRUE(something && nothing);
}

TEST(Network, ClosingLosesNothingOfTheOneWhoCloses) {
  Wires wires(exact);
  const LinkNumber link = wires.network.connect(0, 1);
  for (int i = 0; i < 3; ++i) wires.send(link, 0, i, WorldTime(1s));
  wires.send(link, 1, 7, WorldTime(1s));
  wires.network.close(link, 0);
  EXPECT_EQ(wires.network.last_arrival(link, 1), WorldTime(1s + 250us));
  EXPECT_EQ(wires.arrive(1, WorldTime(2s)), (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(wires.arrive(0, WorldTime(2s)).empty());
  EXPECT_EQ(wires.network.link_between(0, 1), std::nullopt);
}

TEST(Network, APartitionHoldsUpAndHealingLetsGoInOrder) {
  Wires wires(exact);
  const LinkNumber link = wires.network.connect(0, 1);
  wires.send(link, 0, 1, WorldTime(1s));
  const auto partition = wires.network.divide({0}, Barrier::both_ways);
  EXPECT_TRUE(wires.arrive(1, WorldTime(2s)).empty());
  wires.send(link, 0, 2, WorldTime(3s - 100us));  // still on its way when it heals
  wires.heal(partition, WorldTime(3s));
  EXPECT_EQ(wires.arrive(1, WorldTime(4s)), (std::vector<int>{1, 2}));
  EXPECT_EQ(wires.network.partition_count(), 0U);
}

TEST(Network, AOneWayPartitionStopsOneWay) {
  Wires wires(exact);
  const auto outwards = wires.network.divide({0, 2}, Barrier::outwards);
  EXPECT_TRUE(wires.network.blocked(0, 1));
  EXPECT_FALSE(wires.network.blocked(1, 0));
  EXPECT_FALSE(wires.network.blocked(0, 2));
  const auto inwards = wires.network.divide({3}, Barrier::inwards);
  EXPECT_TRUE(wires.network.blocked(1, 3));
  EXPECT_FALSE(wires.network.blocked(3, 1));
  EXPECT_TRUE(wires.network.heal(outwards, WorldTime(1s)).empty());
  EXPECT_TRUE(wires.network.heal(inwards, WorldTime(1s)).empty());
  EXPECT_FALSE(wires.network.blocked(0, 1));
}

TEST(Network, WhatAPartitionHeldIsLostWhenTheLinkBreaks) {
  Wires wires(exact);
  const LinkNumber link = wires.network.connect(0, 1);
  const auto partition = wires.network.divide({0}, Barrier::both_ways);
  wires.send(link, 0, 1, WorldTime(1s));
  EXPECT_TRUE(wires.arrive(1, WorldTime(2s)).empty());
  wires.network.sever(link);
  wires.heal(partition, WorldTime(3s));
  EXPECT_TRUE(wires.arrive(1, WorldTime(9s)).empty());
}

TEST(Network, HarshModeLosesDoublesAndOvertakes) {
  Wires wires({.harsh_permille = 200});
  const LinkNumber link = wires.network.connect(0, 1);
  for (int i = 0; i < 200; ++i) wires.send(link, 0, i, WorldTime(1s + i * 1ms));
  const std::vector<int> arrived = wires.arrive(1, WorldTime(9s));
  std::vector<int> distinct = arrived;
  std::ranges::sort(distinct);
  EXPECT_FALSE(std::ranges::is_sorted(arrived));
  EXPECT_NE(std::ranges::adjacent_find(distinct), distinct.end());
  distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
  EXPECT_LT(distinct.size(), 190U);
  EXPECT_GT(distinct.size(), 130U);
}

TEST(Network, KnowsWhoDialledAndWhoIsLinked) {
  Network network(exact, 4, 1);
  const LinkNumber link = network.connect(2, 1);
  EXPECT_EQ(network.dialler_of(link), 2U);
  EXPECT_EQ(network.other_end(link, 2), 1U);
  EXPECT_EQ(network.link_between(1, 2), link);
  EXPECT_EQ(network.links_of(1), std::vector<LinkNumber>{link});
  EXPECT_EQ(network.link_count(), 1U);
}

}  // namespace
}  // namespace agent::sim
