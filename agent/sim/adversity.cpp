#include "agent/sim/adversity.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace agent::sim {

void plan(World& world, const Adversity& adversity, std::uint64_t seed) {
  assert(adversity.killed >= 0 && adversity.slowed >= 0 && adversity.slower > 0);
  core::Random random(seed);
  std::vector<NodeIndex> victims;
  for (NodeIndex node = 0; node < world.node_count(); ++node) {
    if (node != adversity.spared) victims.push_back(node);
  }
  random.shuffle(victims);
  const auto count_of = [&](double share) {
    return static_cast<std::size_t>(std::llround(share * static_cast<double>(world.node_count())));
  };
  const std::size_t killed = std::min(victims.size(), count_of(adversity.killed));
  const std::size_t struck = std::min(victims.size(), killed + count_of(adversity.slowed));
  for (std::size_t i = 0; i < struck; ++i) {
    const NodeIndex node = victims[i];
    const WorldTime when = adversity.from + from_seconds(seconds_of(adversity.within) * random.unit());
    if (i < killed) {
      world.at(when, [&world, node] { world.crash(node, World::Death::killed); });
    } else {
      const double power = world.node(node).options().power / adversity.slower;
      world.at(when, [&world, node, power] { world.set_power(node, power); });
    }
  }
}

Duration even_span(const World& world) {
  double power = 0;
  for (const NodeOptions& node : world.options().nodes) power += node.power * node.slots;
  return from_seconds(seconds_of(world.workload().work(job_id(1))) / power);
}

}  // namespace agent::sim
