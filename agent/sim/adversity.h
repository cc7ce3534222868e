#pragma once
// Deaths and slow-downs that come at random moments: the whole plan is made before anything has happened.

#include "agent/sim/world.h"

namespace agent::sim {

struct Adversity {
  double killed = 0;  // of the nodes, in [0, 1]; the system closes their links
  double slowed = 0;  // of the nodes that are not killed
  double slower = 10;
  NodeIndex spared = 0;  // nothing happens to this one
  WorldTime from;
  Duration within{};  // the moments are uniform in [from, from + within)
};

// Adds the plan to the world's calendar. The same seed, the same plan.
void plan(World& world, const Adversity& adversity, std::uint64_t seed);

// How long the first job would take if all nodes of the world worked on it from its first moment to its last.
[[nodiscard]] Duration even_span(const World& world);

}  // namespace agent::sim
