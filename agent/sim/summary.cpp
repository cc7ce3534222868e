#include "agent/sim/summary.h"

#include <algorithm>
#include <variant>

namespace agent::sim {

SummaryCollector::SummaryCollector(const World& world)
    : world_(world),
      submitted_(world.options().jobs.at(0).submitted),
      power_(world.node_count()),
      sent_(world.node_count()) {
  depth_[world.options().jobs[0].root] = 0;
}

void SummaryCollector::on_node_started(NodeIndex node, WorldTime at) {
  const NodeOptions& options = world_.node(node).options();
  count_power(node, options.power * options.slots, at);
  ++alive_;
}

void SummaryCollector::on_node_died(NodeIndex node, WorldTime at) {
  count_power(node, 0, at);
  --alive_;
}

void SummaryCollector::on_power(NodeIndex node, double power, WorldTime at) {
  if (power_[node] > 0) count_power(node, power * world_.node(node).options().slots, at);
}

void SummaryCollector::count_power(NodeIndex node, double power, WorldTime at) {
  changes_.push_back({.at = at, .by = power - power_[node]});
  power_[node] = power;
}

void SummaryCollector::on_sent(const SendSeen& seen) {
  if (seen.at < submitted_) return;
  ++sent_[seen.from];
  bytes_ += seen.bytes.size();
  const auto* grant = std::get_if<protocol::Grant>(&seen.send.message);
  const auto to = index_of(seen.to);
  if (grant == nullptr || !to) return;
  depth_.try_emplace(*to, depth_[seen.from] + 1);
}

void SummaryCollector::on_step(const StepSeen& seen) {
  for (const core::Action& action : seen.actions) {
    if (const auto* own = std::get_if<core::CommitResult>(&action); own != nullptr && own->path.empty())
      committed_ += own->piece.count();
    if (const auto* come = std::get_if<core::CommitReceived>(&action); come != nullptr && come->path.empty())
      committed_ += come->piece.count();
    if (const auto* lost = std::get_if<core::CommitLost>(&action); lost != nullptr && lost->path.empty())
      committed_ += lost->piece.count();
  }
}

void SummaryCollector::on_task_began(const TaskSeen& seen) {
  ++started_;
  if (seen.order.path.empty()) of_root_loop_ += seen.order.piece.count();
  helped_.insert(seen.node);
  if (!recruited_99_ && helped_.size() * 100 >= std::size_t{alive_} * 99) recruited_99_ = seen.at;
}

// When the work would be done if all power that was alive had worked on it, from the submission on.
Duration SummaryCollector::even() const {
  double left = seconds_of(world_.workload().work(job_id(1)));
  double power = 0;
  WorldTime now = submitted_;
  for (const PowerChange& change : changes_) {
    const WorldTime until = std::max(now, change.at);
    const double done = power * seconds_of(until - now);
    if (done >= left) break;
    left -= done;
    now = until;
    power += change.by;
  }
  if (power <= 0) return {};
  return now - submitted_ + from_seconds(left / power);
}

Duration SummaryCollector::longest() const {
  double fastest = 0;
  for (const NodeOptions& node : world_.options().nodes) fastest = std::max(fastest, node.power);
  return from_seconds(seconds_of(world_.workload().longest(job_id(1))) / fastest);
}

Summary SummaryCollector::summary() const {
  const JobEnding& ending = world_.ending(1);
  Summary summary{.nodes = world_.node_count(),
                  .nodes_alive = alive_,
                  .iterations = *world_.workload().plan(job_id(1)).terms.size,
                  .committed = committed_,
                  .ended = ending.how == JobEnding::How::answered,
                  .even = even(),
                  .longest = longest(),
                  .started = started_,
                  .redone = of_root_loop_ > committed_ ? of_root_loop_ - committed_ : 0,
                  .helped = static_cast<std::uint32_t>(helped_.size())};
  summary.ideal = std::max(summary.even, summary.longest);
  if (summary.ended) summary.failed = ending.answer->counts.failed;
  const WorldTime end = ending.how == JobEnding::How::open ? world_.now() : ending.at;
  summary.makespan = std::max(Duration::zero(), end - submitted_);
  summary.ratio = seconds_of(summary.makespan) / seconds_of(summary.ideal);
  if (recruited_99_) summary.recruited_99 = *recruited_99_ - submitted_;
  for (const auto& [node, depth] : depth_) summary.depth = std::max(summary.depth, depth);
  const double seconds = std::max(1e-9, seconds_of(world_.now() - submitted_));
  std::uint64_t all = 0;
  for (const std::uint64_t of_node : sent_) {
    all += of_node;
    summary.messages_busiest = std::max(summary.messages_busiest, static_cast<double>(of_node) / seconds);
  }
  summary.messages_mean = static_cast<double>(all) / seconds / summary.nodes;
  summary.bytes_mean = static_cast<double>(bytes_) / seconds / summary.nodes;
  return summary;
}

}  // namespace agent::sim
