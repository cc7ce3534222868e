#include "tests/sim/curfew.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t violations_max = 50;
constexpr int depth_max = 16;      // of a tree of helpers: no pool here makes a deeper one
constexpr Duration reaction = 3s;  // of all of them together
constexpr Duration lease_bound = 11100ms;

}  // namespace

Curfew::Curfew(const sim::World& world, CurfewOptions options) : world_(world), options_(std::move(options)) {
  const sim::NetworkOptions& network = world.options().network;
  const Duration hop = network.latency + 2 * network.latency_across + network.latency_between_clusters + network.jitter;
  allowance_ = depth_max * hop + reaction + (options_.stable ? 0s : 2 * lease_bound);
}

bool Curfew::halts(const core::JobTerms& terms, const JobSeen& job) const {
  using core::HaltRule;
  std::uint64_t reached = 0;
  switch (terms.halt.what) {
    case HaltRule::What::failed: reached = job.failed; break;
    case HaltRule::What::succeeded: reached = job.ok; break;
    case HaltRule::What::done: reached = job.ok + job.failed; break;
  }
  if (terms.halt.when == HaltRule::When::never) return false;
  if (terms.halt.unit == HaltRule::Unit::count) return reached >= terms.halt.amount;
  return terms.size && reached > 0 && reached * 100 >= *terms.size * terms.halt.amount;
}

template <class Commit>
void Curfew::on_committed(JobSeen& job, const Commit& commit, WorldTime at) {
  if (!commit.path.empty()) return;
  const core::JobTerms& terms = world_.workload().plan(commit.job).terms;
  const bool failed = commit.outcome == core::Outcome::failed || commit.outcome == core::Outcome::lost;
  (failed ? job.failed : job.ok) += 1;
  if (commit.outcome == core::Outcome::hit) {
    if (!terms.lowest_hit) job.decided.push_back({.at = at, .inner_as_well = true});
  } else if (job.decided.empty() && halts(terms, job)) {
    job.decided.push_back({.at = at, .inner_as_well = terms.halt.when == core::HaltRule::When::now});
  }
}

void Curfew::on_candidate(JobSeen& job, core::Interval piece, WorldTime at) {
  job.decided.push_back({.at = at, .from = piece.begin, .inner_as_well = true});
}

void Curfew::on_step(const sim::StepSeen& seen) {
  const auto is_root = [&](core::JobId job) { return world_.workload().plan(job).root == seen.node; };
  if (const auto* cancel = std::get_if<core::CancelRequested>(&seen.event))
    jobs_[cancel->job].decided.push_back({.at = seen.at, .inner_as_well = true});
  for (const core::Action& action : seen.actions) {
    if (const auto* start = std::get_if<core::StartTask>(&action)) {
      if (start->path.empty() && is_root(start->job)) jobs_[start->job].at_root[start->task] = start->piece;
    } else if (const auto* own = std::get_if<core::CommitResult>(&action)) {
      on_committed(jobs_[own->job], *own, seen.at);
    } else if (const auto* come = std::get_if<core::CommitReceived>(&action)) {
      on_committed(jobs_[come->job], *come, seen.at);
    } else if (const auto* notice = std::get_if<core::Notice>(&action)) {
      if (notice->what == core::Notice::What::copied && notice->path.empty())
        jobs_[notice->job].copied.insert(notice->piece);
    }
  }
  // What lies at and above a hit is wanted no more, though it is committed only in the end.
  for (auto& [id, job] : jobs_) {
    const core::JobTerms& terms = world_.workload().plan(id).terms;
    if (!terms.lowest_hit || !is_root(id)) continue;
    const auto* ended = std::get_if<core::TaskEnded>(&seen.event);
    if (ended == nullptr || ended->how != core::TaskEnded::How::exited || ended->exit != terms.found) continue;
    const auto piece = job.at_root.find(ended->task);
    if (piece != job.at_root.end()) on_candidate(job, piece->second, seen.at);
  }
}

void Curfew::on_task_began(const sim::TaskSeen& seen) {
  if (!options_.liars.empty()) return;
  const core::StartTask& order = seen.order;
  const auto job = jobs_.find(order.job);
  if (job == jobs_.end()) return;
  if (order.path.empty() && job->second.copied.intersects(order.piece)) return;
  const std::uint64_t index = order.path.empty() ? order.piece.begin : order.path.front().iteration;
  for (const Decided& decided : job->second.decided) {
    if (index < decided.from || (!order.path.empty() && !decided.inner_as_well)) continue;
    ++checks_[static_cast<std::size_t>(Invariant::s9_curfew)];
    if (seen.at <= decided.at + allowance_ || violations_.size() >= violations_max) continue;
    violations_.push_back({.invariant = Invariant::s9_curfew,
                           .at = seen.at,
                           .what = "node " + std::to_string(seen.node) + " begins " + std::to_string(index) +
                                   " at depth " + std::to_string(order.path.size()) + ", " +
                                   std::to_string(sim::seconds_of(seen.at - decided.at)) + " s after the end of job " +
                                   std::to_string(sim::number_of(order.job)) + " was decided"});
  }
}

// With the root of a job goes who would say that it is over.
void Curfew::on_node_died(NodeIndex node, WorldTime) {
  std::erase_if(jobs_, [&](const auto& entry) { return world_.workload().plan(entry.first).root == node; });
}

}  // namespace sim_test
