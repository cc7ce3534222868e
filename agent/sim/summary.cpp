#include "agent/sim/summary.h"

#include <algorithm>
#include <variant>

namespace agent::sim {

SummaryCollector::SummaryCollector(const World& world)
    : world_(world), submitted_(world.options().jobs.at(0).submitted), sent_(world.node_count()) {
  depth_[world.options().jobs[0].root] = 0;
}

void SummaryCollector::on_node_started(NodeIndex node, WorldTime at) {
  const NodeOptions& options = world_.node(node).options();
  changes_.push_back({.at = at, .by = options.power * options.slots});
  ++alive_;
}

void SummaryCollector::on_node_died(NodeIndex node, WorldTime at) {
  const NodeOptions& options = world_.node(node).options();
  changes_.push_back({.at = at, .by = -options.power * options.slots});
  --alive_;
}

void SummaryCollector::on_sent(const SendSeen& seen) {
  if (seen.at < submitted_) return;
  ++sent_[seen.from];
  bytes_ += seen.bytes;
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
  }
}

void SummaryCollector::on_task_began(const TaskSeen& seen) {
  ++started_;
  if (seen.order.path.empty()) of_root_loop_ += seen.order.piece.count();
  helped_.insert(seen.node);
  if (!recruited_99_ && helped_.size() * 100 >= std::size_t{alive_} * 99) recruited_99_ = seen.at;
}

// When the work would be done if all power that was alive had worked on it, from the submission on.
Duration SummaryCollector::ideal() const {
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
  double fastest = 0;
  for (const NodeOptions& node : world_.options().nodes) fastest = std::max(fastest, node.power);
  const Duration longest = from_seconds(seconds_of(world_.workload().longest(job_id(1))) / fastest);
  if (power <= 0) return longest;
  return std::max(longest, now - submitted_ + from_seconds(left / power));
}

Summary SummaryCollector::summary() const {
  const JobEnding& ending = world_.ending(1);
  Summary summary{.nodes = world_.node_count(),
                  .nodes_alive = alive_,
                  .iterations = *world_.workload().plan(job_id(1)).terms.size,
                  .committed = committed_,
                  .ended = ending.how == JobEnding::How::answered,
                  .ideal = ideal(),
                  .started = started_,
                  .redone = of_root_loop_ > committed_ ? of_root_loop_ - committed_ : 0,
                  .helped = static_cast<std::uint32_t>(helped_.size())};
  if (summary.ended) summary.failed = ending.answer->counts.failed;
  const WorldTime end = ending.how == JobEnding::How::open ? world_.now() : ending.at;
  summary.makespan = end - submitted_;
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
