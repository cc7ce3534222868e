#include "agent/sim/names.h"

#include <gtest/gtest.h>

#include <set>

namespace agent::sim {
namespace {

TEST(SimNames, TellTheirIndexAgain) {
  for (const NodeIndex node : {0U, 1U, 255U, 256U, 9'999U, 70'000U}) {
    EXPECT_EQ(index_of(node_id(node)), node);
    EXPECT_EQ(index_of(address_of(node)), node);
  }
  EXPECT_EQ(number_of(job_id(77)), 77U);
}

TEST(SimNames, AStrangersNameIsNobodys) {
  protocol::Bytes32 bytes{};
  bytes[0] = std::byte{1};
  EXPECT_EQ(index_of(core::NodeId(bytes)), std::nullopt);
  EXPECT_EQ(index_of(core::Address{}), std::nullopt);
}

TEST(SimNames, NodesAndInstancesDiffer) {
  std::set<core::InstanceKey> keys;
  std::set<std::byte> first;
  for (NodeIndex node = 0; node < 100; ++node) {
    for (std::uint32_t instance = 1; instance < 4; ++instance) keys.insert(instance_key(node, instance));
    first.insert(node_id(node).value()[0]);
  }
  EXPECT_EQ(keys.size(), 300U);
  EXPECT_GT(first.size(), 50U);  // prefixes tell nodes apart
}

}  // namespace
}  // namespace agent::sim
