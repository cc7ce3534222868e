#include "tests/sim/witness.h"

#include <algorithm>
#include <variant>

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;

namespace {

constexpr std::size_t violations_max = 50;
// A lease by a clock that is 1 % slow, and what a task that was decided on may wait for its agent.
constexpr Duration lease_bound = std::chrono::milliseconds(10'200);

std::string text_of(core::Interval piece) {
  return std::to_string(piece.begin) + ".." + std::to_string(piece.end);
}

}  // namespace

void Witness::expect(Invariant invariant, bool holds, WorldTime at, const std::string& what) {
  ++checks_[static_cast<std::size_t>(invariant)];
  if (!holds && violations_.size() < violations_max)
    violations_.push_back({.invariant = invariant, .at = at, .what = what});
}

void Witness::on_step(const sim::StepSeen& seen) {
  if (const auto* received = std::get_if<core::MessageReceived>(&seen.event)) on_received(seen.node, *received);
  if (const auto* up = std::get_if<core::LinkUp>(&seen.event)) {
    // Sequences begin anew; what was earned on the link before stays earned.
    if (const auto peer = sim::index_of(up->peer.node)) wires_[{seen.node, *peer}].sent.clear();
  }
  if (options_.liars.contains(seen.node)) return;
  for (const core::Action& action : seen.actions) {
    if (const auto* own = std::get_if<core::CommitResult>(&action)) {
      if (own->path.empty()) committed_[own->job].insert(own->piece);
      continue;
    }
    const auto* come = std::get_if<core::CommitReceived>(&action);
    if (come == nullptr || !come->path.empty()) continue;
    committed_[come->job].insert(come->piece);
    const auto executor = sim::index_of(come->executor);
    const bool root = executor && world_.workload().plan(come->job).root == *executor;
    expect(Invariant::s1_origin, root || (executor && granted_[{come->job, *executor}].contains(come->piece)), seen.at,
           text_of(come->piece) + " is committed from node " + (executor ? std::to_string(*executor) : "?") +
               ", which was never granted it");
  }
}

void Witness::on_received(NodeIndex node, const core::MessageReceived& received) {
  const auto from = sim::index_of(received.from);
  if (!from) return;
  if (const auto* grant = std::get_if<protocol::Grant>(&received.message); grant != nullptr && grant->loop.path.empty())
    masters_[node][grant->loop.job].insert(*from);
  if (const auto* adopt = std::get_if<protocol::Adopt>(&received.message); adopt != nullptr && adopt->loop.path.empty())
    masters_[node][adopt->loop.job].insert(*from);
  Wire& wire = wires_[{node, *from}];
  const auto later = wire.sent.upper_bound(received.heard);
  if (later == wire.sent.begin()) return;
  wire.echoed_send = std::max(wire.echoed_send, std::prev(later)->second);
  wire.echoed = true;
  wire.sent.erase(wire.sent.begin(), later);
}

void Witness::on_sent(const sim::SendSeen& seen) {
  const auto to = sim::index_of(seen.to);
  if (!to) return;
  wires_[{seen.from, *to}].sent[seen.send.sequence] = seen.at;
  if (const auto* grant = std::get_if<protocol::Grant>(&seen.send.message)) {
    if (!grant->loop.path.empty()) return;
    for (const core::Interval piece : grant->intervals) granted_[{grant->loop.job, *to}].insert(piece);
  }
  // What an orphan holds it is granted by whoever adopts it.
  if (const auto* adopt = std::get_if<protocol::Adopt>(&seen.send.message); adopt && adopt->loop.path.empty()) {
    for (const core::Interval piece : adopt->wanted) granted_[{adopt->loop.job, *to}].insert(piece);
    for (const core::Interval piece : adopt->to_send) granted_[{adopt->loop.job, *to}].insert(piece);
  }
  if (!options_.stable) return;
  // Of which job a branch is, its name does not say: what is let go of in one job is excused in all.
  const auto release = [&](const std::vector<core::Interval>& what) {
    for (const sim::JobPlan& plan : world_.workload().plans()) {
      for (const core::Interval piece : what) released_[plan.terms.job].insert(piece);
      if (what.empty()) released_[plan.terms.job].insert({.begin = 0, .end = ~std::uint64_t{0}});
    }
  };
  if (const auto* cancel = std::get_if<protocol::Cancel>(&seen.send.message)) release(cancel->intervals);
  if (const auto* returned = std::get_if<protocol::Returned>(&seen.send.message);
      returned && !returned->intervals.empty())
    release(returned->intervals);
  const auto* settled = std::get_if<protocol::Settled>(&seen.send.message);
  if (settled == nullptr || !settled->loop.path.empty() || options_.liars.contains(seen.from)) return;
  core::IntervalSet early(settled->intervals);
  early.erase(committed_[settled->loop.job]);
  early.erase(released_[settled->loop.job]);
  const bool over = world_.ending(sim::number_of(settled->loop.job)).how != sim::JobEnding::How::open;
  expect(Invariant::s2_settled, over || early.empty(), seen.at,
         "node " + std::to_string(seen.from) + " tells that " +
             (early.empty() ? "" : text_of(early.intervals().front())) + " is settled, and its root has not got it");
}

void Witness::on_task_began(const sim::TaskSeen& seen) {
  if (!seen.order.path.empty() || options_.liars.contains(seen.node)) return;
  const core::JobId& job = seen.order.job;
  if (world_.workload().plan(job).root == seen.node) return;
  const bool held = std::ranges::any_of(masters_[seen.node][job], [&](NodeIndex master) {
    const auto wire = wires_.find({seen.node, master});
    return wire != wires_.end() && wire->second.echoed && seen.at - wire->second.echoed_send <= lease_bound;
  });
  expect(Invariant::s7_true_lease, held, seen.at,
         "node " + std::to_string(seen.node) + " starts " + text_of(seen.order.piece) + " without a lease");
}

void Witness::on_node_died(NodeIndex node, WorldTime) {
  // What others earned from it is theirs until it ends.
  masters_.erase(node);
  std::erase_if(wires_, [&](const auto& each) { return each.first.first == node; });
}

}  // namespace sim_test
