#include "tests/bench/scale/pool.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "agent/core/random.h"
#include "agent/sim/adversity.h"

namespace scale {

void Recruits::take_back(sim::NodeIndex master, sim::NodeIndex helper, core::BranchId branch,
                         const std::vector<core::Interval>& what) {
  auto& helpers = lent_[master];
  const auto of = helpers.find(helper);
  if (of == helpers.end()) return;
  const auto at = of->second.find(branch);
  if (at == of->second.end()) return;
  for (const core::Interval piece : what) at->second.erase(piece);
  if (what.empty() || at->second.empty()) of->second.erase(at);
  if (of->second.empty()) helpers.erase(of);
}

// What it knows nothing of, its master does not count on any more.
void Recruits::keep_only(sim::NodeIndex master, sim::NodeIndex helper, const protocol::Holds& holds) {
  const auto of = lent_[master].find(helper);
  if (of == lent_[master].end() || !of->second.contains(holds.branch.branch)) return;
  core::IntervalSet gone = of->second.at(holds.branch.branch);
  gone.erase(core::IntervalSet(holds.todo));
  gone.erase(core::IntervalSet(holds.started));
  for (const protocol::Lent& lent : holds.lent) gone.erase(core::IntervalSet(lent.what));
  if (!gone.empty()) take_back(master, helper, holds.branch.branch, gone.intervals());
}

void Recruits::on_sent(const sim::SendSeen& seen) {
  const auto to = sim::index_of(seen.to);
  assert(to);
  if (const auto* grant = std::get_if<protocol::Grant>(&seen.send.message)) {
    auto& helpers = lent_[seen.from];
    helpers[*to][grant->branch].insert(core::IntervalSet(grant->intervals));
    most_ = std::max(most_, helpers.size());
  } else if (const auto* cancel = std::get_if<protocol::Cancel>(&seen.send.message)) {
    take_back(seen.from, *to, cancel->branch, cancel->intervals);
  }
}

void Recruits::on_step(const sim::StepSeen& seen) {
  for (const core::Action& action : seen.actions) {
    const auto* notice = std::get_if<core::Notice>(&action);
    if (notice == nullptr || notice->what != core::Notice::What::lease_ended || !notice->peer) continue;
    if (const auto helper = sim::index_of(*notice->peer)) lent_[seen.node].erase(*helper);
  }
  const auto* received = std::get_if<core::MessageReceived>(&seen.event);
  if (received == nullptr) return;
  const auto from = sim::index_of(received->from);
  assert(from);
  if (const auto* refuse = std::get_if<protocol::Refuse>(&received->message)) {
    take_back(seen.node, *from, refuse->branch, {});
  } else if (const auto* returned = std::get_if<protocol::Returned>(&received->message)) {
    if (!returned->intervals.empty()) take_back(seen.node, *from, returned->branch, returned->intervals);
  } else if (const auto* report = std::get_if<protocol::Report>(&received->message)) {
    std::vector<core::Interval> finished;
    for (const core::BatchFact& batch : received->proofs.batches) {
      for (const core::ResultFact& result : batch.results) finished.push_back(result.piece);
    }
    if (!finished.empty()) take_back(seen.node, *from, report->branch, finished);
  } else if (const auto* holds = std::get_if<protocol::Holds>(&received->message)) {
    if (holds->branch.sender_is == protocol::Side::helper && holds->last) keep_only(seen.node, *from, *holds);
  }
}

void Recruits::on_node_died(sim::NodeIndex node, WorldTime) {
  lent_.erase(node);
  for (auto& [master, helpers] : lent_) helpers.erase(node);
}

Activity::Second& Activity::second_of(WorldTime at) {
  const auto index = static_cast<std::size_t>((at - job_comes) / std::chrono::seconds(1));
  if (index >= seconds_.size()) seconds_.resize(index + 1);
  return seconds_[index];
}

void Activity::advance(WorldTime to) {
  while (now_ < to) {
    const Duration into = (now_ - job_comes) % std::chrono::seconds(1);
    const WorldTime until = std::min(to, now_ - into + std::chrono::seconds(1));
    Second& second = second_of(now_);
    second.busy += busy_ * sim::seconds_of(until - now_);
    second.alive += alive_ * sim::seconds_of(until - now_);
    now_ = until;
  }
}

void Activity::on_sent(const sim::SendSeen& seen) {
  if (seen.at >= job_comes) ++second_of(seen.at).sent[seen.send.message.index()];
}

void Activity::on_task_began(const sim::TaskSeen& seen) {
  advance(seen.at);
  ++busy_;
  if (recruited_.insert(seen.node).second) recruited_at_.push_back(seen.at);
}

void Activity::on_task_gone(const sim::TaskSeen& seen, sim::TaskEnding) {
  advance(seen.at);
  --busy_;
}

void Activity::on_node_started(sim::NodeIndex node, WorldTime at) {
  advance(at);
  alive_ += world_.node(node).options().slots;
}

void Activity::on_node_died(sim::NodeIndex node, WorldTime at) {
  advance(at);
  alive_ -= world_.node(node).options().slots;
}

std::uint64_t Activity::sent(protocol::Kind kind) const {
  std::uint64_t sum = 0;
  for (const Second& second : seconds_) sum += second.sent[static_cast<std::size_t>(kind)];
  return sum;
}

std::optional<Duration> Activity::recruited(double share) const {
  const auto count = static_cast<std::size_t>(std::ceil(share * world_.node_count()));
  if (count == 0 || recruited_at_.size() < count) return std::nullopt;
  return recruited_at_[count - 1] - job_comes;
}

void Activity::print() const {
  std::printf("#  second  busy%%  messages by kind\n");
  // The middle of a run is dull: every tenth second of it.
  for (std::size_t i = 0; i < seconds_.size(); ++i) {
    if (i >= 5 && i + 30 < seconds_.size() && i % 10 != 0) continue;
    const Second& second = seconds_[i];
    std::printf("#  %6zu  %5.1f ", i, second.alive > 0 ? 100 * second.busy / second.alive : 0);
    for (std::size_t kind = 0; kind < second.sent.size(); ++kind) {
      if (second.sent[kind] == 0) continue;
      const std::string_view name = protocol::name_of(static_cast<protocol::Kind>(kind));
      std::printf(" %.*s %llu", static_cast<int>(name.size()), name.data(),
                  static_cast<unsigned long long>(second.sent[kind]));
    }
    std::printf("\n");
  }
  std::printf("#  per agent and second:");
  for (std::size_t i = 0; i < protocol::kind_count; ++i) {
    const auto kind = static_cast<protocol::Kind>(i);
    if (sent(kind) == 0) continue;
    const double rate = static_cast<double>(sent(kind)) / sim::seconds_of(now_ - job_comes) / world_.node_count();
    const std::string_view name = protocol::name_of(kind);
    std::printf(" %.*s %.2f", static_cast<int>(name.size()), name.data(), rate);
  }
  std::printf("\n");
}

sim::WorldOptions world_of(const Pool& pool) {
  sim::WorldOptions world{.seed = pool.seed};
  core::Random random(pool.seed);
  for (std::uint32_t i = 0; i < pool.agents; ++i)
    world.nodes.push_back({.power = pool.power_low + (pool.power_high - pool.power_low) * random.unit()});
  sim::JobPlan job{.root = pool.root, .submitted = job_comes, .lengths = pool.lengths};
  job.terms = {.job = sim::job_id(1), .size = pool.agents * pool.iterations_each, .branch_number = pool.branch_number};
  world.jobs.push_back(job);
  return world;
}

Measured run(const Pool& pool, Talk talk) {
  const auto begin = std::chrono::steady_clock::now();
  sim::World world(world_of(pool));
  sim::SummaryCollector collector(world);
  Recruits recruits;
  Activity activity(world);
  world.watch(collector);
  world.watch(recruits);
  world.watch(activity);
  const Duration even = sim::even_span(world);
  sim::plan(world,
            {.killed = pool.killed, .slowed = pool.slowed, .spared = pool.root, .from = job_comes, .within = even},
            pool.seed + 1);
  (void)world.run_jobs(job_comes + pool.patience.value_or(20 * even + std::chrono::minutes(10)));
  const auto traffic = [&](sim::NodeIndex node) {
    return static_cast<double>(world.traffic(node).messages_sent + world.traffic(node).messages_received);
  };
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (talk == Talk::shows_activity) activity.print();
  return {.summary = collector.summary(),
          .helpers_most = recruits.most(),
          .probes = activity.sent(protocol::Kind::probe),
          .root_messages = traffic(pool.root) / sim::seconds_of(world.now() - job_comes),
          .recruited_90 = activity.recruited(0.9),
          .recruited_99 = activity.recruited(0.99),
          .links = 2.0 * static_cast<double>(world.network().link_count()) / pool.agents,
          .wall_seconds = took.count(),
          .turns = world.turns()};
}

}  // namespace scale
