#include "tests/sim/babble.h"

#include <cstddef>
#include <utility>

#include "agent/sim/names.h"

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;

namespace {

constexpr std::size_t remembered_max = 16;

template <class Thing>
void remember(std::vector<Thing>& things, const Thing& thing) {
  things.push_back(thing);
  if (things.size() > remembered_max) things.erase(things.begin());
}

// Up to three, in order, as the codec has them.
std::vector<core::Interval> some(core::Random& random) {
  std::vector<core::Interval> all;
  std::uint64_t end = 0;
  for (std::uint64_t count = random.below(4); count > 0; --count) {
    const std::uint64_t begin = end + 1 + random.below(random.chance(1, 2) ? 4 : 100);
    end = begin + 1 + random.below(random.chance(1, 2) ? 3 : 200);
    all.push_back({.begin = begin, .end = end});
  }
  return all;
}

protocol::Holds holds(core::BranchId branch, core::NodeId to, core::Random& random) {
  const auto side = random.chance(1, 4) ? protocol::Side::master : protocol::Side::helper;
  protocol::Holds holds{.branch = {.sender_is = side, .branch = branch}};
  holds.todo = some(random);
  holds.started = some(random);
  holds.unsettled = some(random);
  if (random.chance(1, 2)) holds.lent.push_back({.helper = to, .attempt = {}, .what = some(random)});
  holds.last = random.chance(3, 4);
  return holds;
}

protocol::Recall recall(core::BranchId branch, core::Random& random) {
  protocol::Recall recall{.branch = branch, .what = {}};
  recall.what = random.chance(1, 2) ? protocol::recall_all : random.below(10);
  return recall;
}

}  // namespace

void Babbler::hear(core::NodeId from, const protocol::Grant& grant) {
  remember(loops_, grant.loop);
  remember(branches_[from], grant.branch);
}

core::Send Babbler::say(core::NodeId to, core::Random& random) const {
  core::BranchId branch(1 + random.below(40));
  const auto heard = branches_.find(to);
  if (heard != branches_.end() && random.chance(2, 3)) branch = heard->second[random.below(heard->second.size())];
  core::LoopId loop{.job = sim::job_id(static_cast<std::uint32_t>(1 + random.below(3))), .path = {}};
  if (!loops_.empty() && random.chance(2, 3)) loop = loops_[random.below(loops_.size())];
  core::Send send{.to = to, .message = about(branch, loop, to, random), .attached = {}};
  if (std::holds_alternative<protocol::Orphan>(send.message)) send.attached.mandates.push_back(loop.job);
  return send;
}

core::Message Babbler::about(core::BranchId branch, const core::LoopId& loop, core::NodeId to,
                             core::Random& random) const {
  switch (random.below(13)) {
    case 0: return holds(branch, to, random);
    case 1:
      return protocol::Orphan{.loop = loop,
                              .master = to,
                              .branch = branch,
                              .todo = some(random),
                              .started = some(random),
                              .lent = some(random),
                              .finished = some(random),
                              .last = random.chance(3, 4)};
    case 2:
      return protocol::Cancel{.branch = branch, .intervals = some(random), .why = protocol::CancelReason::expired};
    case 3: return recall(branch, random);
    case 4:
      return protocol::Returned{.branch = branch,
                                .intervals = some(random),
                                .why = protocol::ReturnReason::recalled,
                                .still_lent = {},
                                .attempt = core::Attempt(static_cast<std::uint32_t>(random.below(3)))};
    case 5:
      return protocol::Report{.branch = branch,
                              .number = random.below(100),
                              .batches = {},
                              .power_per_megasecond = random.next(),
                              .remaining = random.next(),
                              .started = some(random)};
    case 6: return protocol::Refuse{.branch = branch, .why = protocol::RefuseReason::no_slot, .reason = "no"};
    case 7: return protocol::Want{.branch = branch, .iterations = random.below(100)};
    case 8: return protocol::Settled{.loop = loop, .intervals = some(random)};
    case 9: return protocol::Resend{.loop = loop, .intervals = some(random)};
    case 10: return protocol::Received{.branch = branch, .number = random.below(1'000)};
    case 11:
      return protocol::Offer{.request = random.below(1'000),
                             .held_ns = 1'000'000'000,
                             .power_class = 0,
                             .slots = static_cast<std::uint32_t>(random.below(5'000))};
    default: return protocol::Accept{.branch = branch};
  }
}

}  // namespace sim_test
