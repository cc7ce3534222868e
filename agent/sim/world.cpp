#include "agent/sim/world.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace agent::sim {

namespace {

constexpr std::uint32_t roles = 1U << static_cast<unsigned>(protocol::Role::member) |
                                1U << static_cast<unsigned>(protocol::Role::run) |
                                1U << static_cast<unsigned>(protocol::Role::submit);
constexpr Duration dial_patience = std::chrono::seconds(5);

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      workload_(options_.seed, options_.jobs),
      random_(mixed(options_.seed)),
      network_(options_.network, static_cast<std::uint32_t>(options_.nodes.size()), mixed(options_.seed + 1)),
      traffic_(options_.nodes.size()),
      endings_(options_.jobs.size()),
      open_jobs_(options_.jobs.size()),
      told_(options_.nodes.size()) {
  for (const NodeOptions& node : options_.nodes) {
    const auto index = static_cast<NodeIndex>(nodes_.size());
    nodes_.push_back(std::make_unique<Node>(
        index, node, Node::Surroundings{.ground = *this, .costs = options_.costs, .checks = options_.checks}));
    const auto spread = static_cast<std::uint64_t>(options_.start_spread.count());
    at(WorldTime(Duration(static_cast<std::int64_t>(random_.below(spread + 1)))), [this, index] { start(index); });
  }
  for (std::size_t job = 0; job < options_.jobs.size(); ++job) {
    const JobPlan& plan = options_.jobs[job];
    assert(plan.root < nodes_.size());
    at(plan.submitted, [this, job] { submit(job); });
    if (!plan.cancelled) continue;
    at(*plan.cancelled, [this, &plan] { nodes_[plan.root]->tell(core::CancelRequested{.job = plan.terms.job}); });
  }
}

World::~World() = default;

void World::schedule(WorldTime at, Happening what) {
  heap_.push(at, std::move(what));
}

void World::at(WorldTime when, std::function<void()> call) {
  heap_.push(when, std::move(call));
}

void World::turn() {
  auto next = heap_.pop();
  now_ = next.at;
  ++turns_;
  if (const auto* wake = std::get_if<Wake>(&next.what)) {
    nodes_[wake->node]->on(*wake);
  } else if (const auto* due = std::get_if<TaskDue>(&next.what)) {
    nodes_[due->node]->on(*due);
  } else if (const auto* delivery = std::get_if<Delivery>(&next.what)) {
    on(*delivery);
  } else {
    std::get<std::function<void()>>(next.what)();
  }
  for (Observer* each : observers_) each->on_turn(now_);
}

void World::run_until(WorldTime until) {
  assert(until >= now_);
  while (!heap_.empty() && heap_.next_at() <= until) turn();
  now_ = until;
}

bool World::run_jobs(WorldTime until, const std::function<bool()>& stop) {
  constexpr int turns_between_questions = 64;
  int turns = 0;
  while (!jobs_ended() && !heap_.empty() && heap_.next_at() <= until) {
    if (stop && ++turns % turns_between_questions == 0 && stop()) return false;
    turn();
  }
  if (!jobs_ended()) now_ = std::max(now_, until);
  return jobs_ended();
}

void World::on(const Delivery& delivery) {
  std::optional<Bytes> bytes = network_.arrive(delivery);
  if (!bytes || !nodes_[delivery.to]->up()) return;
  ++traffic_[delivery.to].messages_received;
  nodes_[delivery.to]->deliver(delivery.link, std::move(*bytes));
}

void World::start(NodeIndex node) {
  Node& starting = *nodes_[node];
  if (starting.up()) return;
  std::vector<core::Address> seeds;
  const std::uint32_t among = node == 0 ? node_count() : node;  // so that all hang together
  for (std::uint32_t i = 0; i < options_.seeds_max && node_count() > 1; ++i) {
    const core::Address address = address_of(static_cast<NodeIndex>(random_.below(among)));
    if (address != address_of(node) && std::ranges::count(seeds, address) == 0) seeds.push_back(address);
  }
  const std::uint64_t who = std::uint64_t{starting.instance() + 1} << 32 | node;
  starting.start(options_.make, mixed(options_.seed ^ mixed(who)), std::move(seeds));
}

void World::submit(std::size_t job) {
  const JobPlan& plan = options_.jobs[job];
  Node& root = *nodes_[plan.root];
  if (!root.up()) return end_job(job, {.how = JobEnding::How::never_submitted, .at = now_, .answer = {}});
  root.tell(core::JobSubmitted{.client = core::ClientId(job + 1), .terms = plan.terms});
}

void World::end_job(std::size_t job, JobEnding ending) {
  if (endings_[job].how != JobEnding::How::open) return;
  endings_[job] = std::move(ending);
  --open_jobs_;
}

void World::answered(NodeIndex root, const core::AnswerVerdict& verdict) {
  const std::uint32_t number = number_of(verdict.job);
  assert(number >= 1 && number <= endings_.size() && options_.jobs[number - 1].root == root);
  assert(endings_[number - 1].how == JobEnding::How::open);
  end_job(number - 1, {.how = JobEnding::How::answered, .at = now_, .answer = verdict});
}

std::uint32_t World::failures(const core::LoopId& loop, std::uint64_t index) const {
  const auto at = failures_.find({loop, index});
  return at == failures_.end() ? 0 : at->second;
}

void World::failed(const core::LoopId& loop, std::uint64_t index) {
  ++failures_[{loop, index}];
}

void World::transmit(NodeIndex from, LinkNumber link, Bytes bytes, WorldTime at) {
  Traffic& traffic = traffic_[from];
  ++traffic.messages_sent;
  traffic.bytes_sent += bytes.size();
  // A message that the agent has written is the system's to send, even if the agent dies meanwhile.
  for (const Delivery& delivery : network_.send(link, from, std::move(bytes), at)) heap_.push(delivery.at, delivery);
}

void World::dial(NodeIndex from, const core::Dial& order, WorldTime when) {
  ++traffic_[from].dials;
  DialAttempt attempt{.from = from, .instance = nodes_[from]->instance(), .to = from, .order = order};
  const std::optional<NodeIndex> target = index_of(order.address);
  const bool somebody = target && *target < node_count() && *target != from;
  const bool wanted = somebody && (!order.peer || *order.peer == node_id(*target));
  if (!wanted) return fail_dial(attempt, options_.network.latency * 2);
  attempt.to = *target;
  at(when, [this, attempt] { knock(attempt); });
}

void World::knock(const DialAttempt& attempt) {
  const Node& target = *nodes_[attempt.to];
  const Duration one_way = network_.latency(attempt.from, attempt.to);
  const bool silent = network_.blocked(attempt.from, attempt.to) || network_.blocked(attempt.to, attempt.from);
  if (silent || (target.up() && !target.attends())) return fail_dial(attempt, dial_patience);
  if (!target.up()) return fail_dial(attempt, one_way * 2);
  const std::uint32_t instance_to = target.instance();
  at(now_ + one_way * 4 + options_.costs.connect * 2, [this, attempt, instance_to] { link(attempt, instance_to); });
}

void World::fail_dial(const DialAttempt& attempt, Duration after) {
  at(now_ + after, [this, attempt] {
    Node& node = *nodes_[attempt.from];
    if (!node.up() || node.instance() != attempt.instance) return;
    node.tell(core::DialFailed{.address = attempt.order.address, .peer = attempt.order.peer});
  });
}

void World::link(const DialAttempt& attempt, std::uint32_t instance_to) {
  const Node& from = *nodes_[attempt.from];
  const Node& to = *nodes_[attempt.to];
  if (!from.up() || from.instance() != attempt.instance) return;
  const bool silent = network_.blocked(attempt.from, attempt.to) || network_.blocked(attempt.to, attempt.from);
  if (silent || !to.attends() || to.instance() != instance_to) return fail_dial(attempt, Duration{});
  if (const auto existing = network_.link_between(attempt.from, attempt.to)) {
    // Of two dialled by the same one the first stays, of two that crossed that of the lower id; it was told already.
    const bool theirs = network_.dialler_of(*existing) == attempt.to;
    if (!theirs || node_id(attempt.to) < node_id(attempt.from)) return;
    network_.close(*existing, attempt.from);
    tell_down(attempt.from, *existing, now_);
    tell_down(attempt.to, *existing, now_);
  }
  open_link(attempt.from, attempt.to);
}

void World::open_link(NodeIndex dialler, NodeIndex other) {
  const LinkNumber link = network_.connect(dialler, other);
  tell_up(dialler, other, link, true);
  tell_up(other, dialler, link, false);
}

void World::tell_up(NodeIndex node, NodeIndex peer, LinkNumber link, bool dialled) {
  Node& told = *nodes_[node];
  // An end that has not heard of the old link's end hears it now.
  if (const auto old = told_[node].find(peer); old != told_[node].end()) told.tell_link_down(old->second);
  told_[node][peer] = link;
  told.charge(options_.costs.connect);
  told.tell_link_up(link, {.peer = nodes_[peer]->self(),
                           .dialled = dialled,
                           .roles = roles,
                           .slots = nodes_[peer]->options().slots,
                           .round_trip = network_.latency(node, peer) * 2});
}

void World::tell_down(NodeIndex node, LinkNumber link, WorldTime when) {
  const auto tell = [this, node, link] {
    const auto known = std::ranges::find(told_[node], link, [](const auto& each) { return each.second; });
    if (known == told_[node].end()) return;
    told_[node].erase(known);
    nodes_[node]->tell_link_down(link);
  };
  if (when <= now_) return tell();
  at(when, tell);
}

WorldTime World::quiet_at(LinkNumber link, NodeIndex from, NodeIndex to) const {
  const WorldTime news = now_ + network_.latency(from, to);
  const auto last = network_.last_arrival(link, to);
  return last && *last > news ? *last : news;
}

void World::hang_up(NodeIndex from, LinkNumber link, WorldTime when) {
  at(when, [this, from, link] {
    if (!network_.alive(link)) return;
    const NodeIndex other = network_.other_end(link, from);
    network_.close(link, from);
    tell_down(from, link, now_);
    tell_down(other, link, quiet_at(link, from, other));
  });
}

}  // namespace agent::sim
