#include "agent/sim/adversity.h"

#include <gtest/gtest.h>

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

struct Struck {
  std::map<NodeIndex, WorldTime> died;
  std::map<NodeIndex, WorldTime> slowed;
  std::set<double> powers;
};

class Watch : public Observer {
 public:
  void on_node_died(NodeIndex node, WorldTime at) override { struck.died.emplace(node, at); }
  void on_power(NodeIndex node, double power, WorldTime at) override {
    struck.slowed.emplace(node, at);
    struck.powers.insert(power);
  }
  Struck struck;
};

Struck struck_by(const Adversity& adversity, std::uint64_t seed) {
  World world({.nodes = std::vector<NodeOptions>(100, NodeOptions{.power = 5})});
  Watch watch;
  world.watch(watch);
  plan(world, adversity, seed);
  world.run_until(WorldTime(60s));
  return watch.struck;
}

const Adversity both{.killed = 0.1, .slowed = 0.2, .slower = 10, .spared = 7, .from = WorldTime(10s), .within = 40s};

TEST(Adversity, StrikesItsSharesOnceEachAndSparesOne) {
  const Struck struck = struck_by(both, 1);
  EXPECT_EQ(struck.died.size(), 10U);
  EXPECT_EQ(struck.slowed.size(), 20U);
  EXPECT_EQ(struck.powers, std::set<double>{0.5});
  EXPECT_FALSE(struck.died.contains(7) || struck.slowed.contains(7));
  for (const auto& [node, at] : struck.died) EXPECT_FALSE(struck.slowed.contains(node));
}

TEST(Adversity, MomentsAreSpreadOverItsTime) {
  std::set<std::int64_t> quarters;
  for (const auto& [node, at] : struck_by(both, 1).slowed) {
    EXPECT_GE(at, WorldTime(10s));
    EXPECT_LT(at, WorldTime(50s));
    quarters.insert((at - WorldTime(10s)) / 10s);
  }
  EXPECT_EQ(quarters.size(), 4U);
}

TEST(Adversity, IsTheSameForTheSameSeedOnly) {
  EXPECT_EQ(struck_by(both, 1).died, struck_by(both, 1).died);
  EXPECT_NE(struck_by(both, 1).died, struck_by(both, 2).died);
}

TEST(Adversity, MoreThanThereAreIsAllButTheSpared) {
  const Struck struck = struck_by({.killed = 1, .slowed = 1, .spared = 3, .from = {}, .within = 50s}, 1);
  EXPECT_LE(struck.died.size(), 99U);
  EXPECT_FALSE(struck.died.contains(3));
}

}  // namespace
}  // namespace agent::sim
