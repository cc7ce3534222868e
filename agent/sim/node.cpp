#include "agent/sim/node.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace agent::sim {

Node::Node(NodeIndex index, const NodeOptions& options, const Surroundings& surroundings)
    : index_(index), options_(options), around_(surroundings) {
  assert(options.slots >= 1 && options.power > 0);
}

core::Peer Node::self() const {
  return {.node = node_id(index_), .instance = instance_key(index_, instance_), .address = address_of(index_)};
}

Instant Node::clock() const {
  return options_.clock.read(around_.ground.now());
}

void Node::start(const BrainMaker& make, std::uint64_t seed, std::vector<core::Address> seeds) {
  assert(!up());
  ++instance_;
  paused_ = asleep_ = deadline_was_last_ = false;
  busy_until_ = around_.ground.now();
  notary_ = std::make_unique<CannedNotary>(self().node);
  exchange_ = std::make_unique<link::Exchange>(self().node, *notary_, around_.checks);
  exchange_->set_own_record(can(self()));
  brain_ = make({.self = self(), .slots = options_.slots, .seed = seed, .seeds = std::move(seeds)});
  deadline_ = brain_->next_deadline();
  for (Observer* each : around_.ground.observers()) each->on_node_started(index_, around_.ground.now());
  plan_wake();
}

void Node::crash() {
  assert(up());
  while (!tasks_.empty()) remove(tasks_.begin()->first, TaskEnding::lost);
  inbox_.clear();
  slept_through_.clear();
  links_.clear();
  peers_.clear();
  brain_.reset();
  exchange_.reset();
  notary_.reset();
  wake_at_.reset();
  ++wake_number_;
  for (Observer* each : around_.ground.observers()) each->on_node_died(index_, around_.ground.now());
}

void Node::pause() {
  paused_ = true;
}

void Node::resume() {
  paused_ = false;
  plan_wake();
}

void Node::fall_asleep() {
  if (!up() || asleep_) return;
  asleep_ = true;
  for (auto& [id, run] : tasks_) run.proceed(around_.ground.now(), 0);
}

void Node::wake_up() {
  if (!up() || !asleep_) return;
  asleep_ = false;
  std::vector<core::TaskId> late;
  for (auto& [id, run] : tasks_) {
    run.proceed(around_.ground.now(), speed());
    if (clock() >= run.deadline()) late.push_back(id);
  }
  // The launchers wake up, too, and hold the same deadline.
  for (const core::TaskId id : late) lose(id, core::TaskLost::Cause::deadline_passed);
  for (const auto& [id, run] : tasks_) {
    plan_point(run);
    plan_deadline(run);
  }
  for (const TaskDue& due : std::exchange(slept_through_, {})) on(due);
  busy_until_ = std::max(busy_until_, around_.ground.now());
  plan_wake();
}

void Node::stall(Duration length) {
  charge(length);
}

void Node::charge(Duration processor_time) {
  if (!up()) return;
  busy_until_ = std::max(busy_until_, around_.ground.now()) + processor_time;
  plan_wake();
}

void Node::set_power(double power) {
  assert(power > 0);
  options_.power = power;
  for (auto& [id, run] : tasks_) {
    run.proceed(around_.ground.now(), speed());
    plan_point(run);
  }
}

void Node::tell(const core::Event& event) {
  take_in({.event = event, .bytes = {}});
}

void Node::tell_link_up(LinkNumber link, const core::LinkUp& event) {
  take_in({.event = event, .link = link, .bytes = {}});
}

void Node::tell_link_down(LinkNumber link) {
  // The peer is looked up when the agent gets to it.
  take_in({.event = core::LinkDown{}, .link = link, .bytes = {}});
}

void Node::deliver(LinkNumber link, Bytes bytes) {
  take_in({.event = std::nullopt, .link = link, .bytes = std::move(bytes)});
}

void Node::take_in(Item item) {
  if (!up()) return;
  inbox_.push_back(std::move(item));
  plan_wake();
}

// The earliest of all reasons stands in the calendar; a later one is void.
void Node::plan_wake() {
  if (!attends()) return;
  std::optional<WorldTime> at;
  if (!inbox_.empty()) at = busy_until_;
  if (deadline_) {
    const WorldTime due = std::max(busy_until_, options_.clock.when(*deadline_));
    if (!at || due < *at) at = due;
  }
  if (!at) return;
  at = std::max(*at, around_.ground.now());
  if (wake_at_ && *wake_at_ <= *at) return;
  wake_at_ = at;
  around_.ground.schedule(*at, Wake{.node = index_, .number = ++wake_number_});
}

bool Node::deadline_due() const {
  return deadline_ && clock() >= *deadline_;
}

void Node::on(const Wake& due) {
  if (due.number != wake_number_) return;
  wake_at_.reset();
  if (!attends()) return;
  if (around_.ground.now() < busy_until_) return plan_wake();
  if (deadline_due() && (inbox_.empty() || !deadline_was_last_)) {
    deadline_was_last_ = true;
    step(core::DeadlinePassed{});
  } else if (!inbox_.empty()) {
    deadline_was_last_ = false;
    if (const std::optional<core::Event> event = next_event()) step(*event);
  }
  plan_wake();
}

std::optional<core::Event> Node::next_event() {
  Item item = std::move(inbox_.front());
  inbox_.pop_front();
  return item.event ? take_event(std::move(item)) : take_packet(item);
}

std::optional<core::Event> Node::take_event(Item item) {
  if (const auto* link_up = std::get_if<core::LinkUp>(&*item.event)) {
    assert(!links_.contains(link_up->peer.node));
    links_.emplace(link_up->peer.node, item.link);
    peers_.emplace(item.link, link_up->peer.node);
    exchange_->on_link_up(link_up->peer.node, link_up->roles);
  } else if (auto* link_down = std::get_if<core::LinkDown>(&*item.event)) {
    const auto known = peers_.find(item.link);
    if (known == peers_.end()) return std::nullopt;
    link_down->peer = known->second;
    links_.erase(known->second);
    peers_.erase(known);
    exchange_->on_link_down(link_down->peer);
  } else if (const auto* submitted = std::get_if<core::JobSubmitted>(&*item.event)) {
    exchange_->on_submitted(submitted->terms.job, can(submitted->terms));
  } else if (const auto* forked = std::get_if<core::LoopForked>(&*item.event)) {
    const auto run = tasks_.find(forked->task);
    if (run == tasks_.end()) return std::nullopt;
    exchange_->on_forked(run->second.order().job, forked->terms, can(forked->terms));
  }
  return std::move(item.event);
}

std::optional<core::Event> Node::take_packet(const Item& item) {
  const auto known = peers_.find(item.link);
  if (known == peers_.end()) return std::nullopt;
  busy_until_ = std::max(busy_until_, around_.ground.now()) + around_.costs.receive;
  auto received = exchange_->open(known->second, item.bytes, clock());
  if (!received) return std::nullopt;
  return core::Event(std::move(*received));
}

void Node::step(const core::Event& event) {
  Ground& ground = around_.ground;
  std::vector<core::Action> actions;
  busy_until_ = std::max(busy_until_, ground.now()) + around_.costs.step;
  const std::uint32_t instance = instance_;
  const Instant now = clock();
  brain_->step(now, event, actions);
  deadline_ = brain_->next_deadline();
  for (Observer* each : ground.observers())
    each->on_step({.node = index_, .at = ground.now(), .now = now, .event = event, .actions = actions});
  for (const core::Action& action : actions) {
    if (!up() || instance_ != instance) return;
    std::visit([this](const auto& order) { carry_out(order); }, action);
  }
}

}  // namespace agent::sim
