#pragma once
// Members that misbehave, in an agent's place: an honest agent sits inside, and what it says and does is bent on its
// way out. Each of them has some of these habits, drawn from its seed:
//
//   idler      takes work and starts none of it
//   asker      asks, probes and shuffles a thousand times a second, 300 times in every half a minute
//   referrer   answers every question with a referral or with hints of dead and false addresses
//   boaster    says that it has more slots, power and work than anybody
//   inventor   reports results of iterations that it was not granted, and of some that are outside of the loop
//   doubler    grants the same iterations to two, and iterations outside of the loop
//   stutterer  says things twice, and old things again
//   hoarder    takes work, starts none of it, says that nothing runs, and gives nothing back
//   lender     takes work, starts none of it, and says that all of it is with a helper of its own
//   babbler    says anything to anybody, about branches and loops that it has heard of
//
// It numbers its messages itself, so that they count as fresh. It knows of no more than it has heard, and holds no keys
// but its own: what is signed by others it can not forge.

#include <cstdint>
#include <set>

#include "agent/sim/brain.h"
#include "agent/sim/names.h"

namespace sim_test {

// Liars at these places, honest agents everywhere else.
[[nodiscard]] agent::sim::BrainMaker make_with_liars(std::set<agent::sim::NodeIndex> liars);

}  // namespace sim_test
