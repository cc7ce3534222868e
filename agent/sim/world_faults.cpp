// The faults of a world.

#include <algorithm>
#include <utility>

#include "agent/sim/world.h"
#include "protocol/codec.h"

namespace agent::sim {

namespace {

// The system at the other end gives a silent link up after about so long.
constexpr Duration system_patience = std::chrono::seconds(20);

}  // namespace

void World::note_fault(std::string_view name, NodeIndex node) {
  for (Observer* each : observers_) each->on_fault(name, node, now_);
}

void World::crash(NodeIndex node, Death death) {
  Node& dying = *nodes_.at(node);
  if (!dying.up()) return;
  note_fault(death == Death::killed ? "crash" : "vanish", node);
  if (const auto asleep = sleepers_.find(node); asleep != sleepers_.end()) {
    const std::uint64_t partition = asleep->second;
    sleepers_.erase(asleep);
    heal(partition);
  }
  for (const LinkNumber link : network_.links_of(node)) {
    const NodeIndex other = network_.other_end(link, node);
    const bool heard = death == Death::killed && !network_.blocked(node, other);
    if (death == Death::killed) {
      network_.close(link, node);
    } else {
      network_.sever(link);
    }
    tell_down(other, link, heard ? quiet_at(link, node, other) : now_ + random_.jittered(system_patience));
  }
  told_[node].clear();
  dying.crash();
  for (std::size_t job = 0; job < options_.jobs.size(); ++job) {
    if (options_.jobs[job].root != node || options_.jobs[job].submitted > now_) continue;
    end_job(job, {.how = JobEnding::How::root_died, .at = now_, .answer = {}});
  }
}

void World::restart(NodeIndex node) {
  if (nodes_.at(node)->up()) return;
  note_fault("restart", node);
  start(node);
}

void World::poisoned(NodeIndex node) {
  // Not from within the node itself.
  at(now_, [this, node] { crash(node, Death::killed); });
  at(now_ + options_.restart_after_poison, [this, node] { restart(node); });
}

void World::pause(NodeIndex node) {
  if (!nodes_.at(node)->attends()) return;
  note_fault("pause", node);
  nodes_[node]->pause();
}

void World::resume(NodeIndex node) {
  if (nodes_.at(node)->up()) nodes_[node]->resume();
}

void World::fall_asleep(NodeIndex node) {
  if (!nodes_.at(node)->attends()) return;
  note_fault("sleep", node);
  nodes_[node]->fall_asleep();
  sleepers_[node] = network_.divide({node}, Barrier::both_ways);
}

void World::wake_up(NodeIndex node) {
  const auto asleep = sleepers_.find(node);
  if (asleep == sleepers_.end()) return;
  const std::uint64_t partition = asleep->second;
  sleepers_.erase(asleep);
  nodes_[node]->wake_up();
  heal(partition);
}

void World::stall(NodeIndex node, Duration length) {
  if (!nodes_.at(node)->attends()) return;
  note_fault("stall", node);
  nodes_[node]->stall(length);
}

void World::set_power(NodeIndex node, double power) {
  note_fault("power", node);
  nodes_.at(node)->set_power(power);
  for (Observer* each : observers_) each->on_power(node, power, now_);
}

void World::break_link(LinkNumber link, Duration late) {
  if (!network_.alive(link)) return;
  const NodeIndex first = network_.dialler_of(link);
  const NodeIndex second = network_.other_end(link, first);
  note_fault(late > Duration::zero() ? "half break" : "break", first);
  network_.sever(link);
  tell_down(first, link, quiet_at(link, second, first));
  tell_down(second, link, quiet_at(link, first, second) + late);
}

std::uint64_t World::divide(std::set<NodeIndex> group, Barrier barrier) {
  note_fault(barrier == Barrier::both_ways ? "partition" : "one-way partition", *group.begin());
  return network_.divide(std::move(group), barrier);
}

void World::heal(std::uint64_t partition) {
  for (const Delivery& delivery : network_.heal(partition, now_)) heap_.push(delivery.at, delivery);
}

void World::forge(NodeIndex from, NodeIndex to, const protocol::Envelope& envelope) {
  const auto link = network_.link_between(from, to);
  if (!link) return;
  for (const Delivery& delivery : network_.send(*link, from, protocol::encode(envelope), now_))
    heap_.push(delivery.at, delivery);
}

}  // namespace agent::sim
