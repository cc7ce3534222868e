#include "agent/core/agent.h"

#include <algorithm>
#include <cassert>

namespace agent::core {

namespace {

constexpr Duration launch_pause_first = std::chrono::milliseconds(100);
constexpr Duration launch_pause_max = std::chrono::seconds(5);

}  // namespace

Agent::Agent(const Options& options) : options_(options) {
  assert(options.slots >= 1);
  for (std::uint32_t slot = 1; slot <= options.slots; ++slot) free_slots_.insert(slot);
}

void Agent::step(Instant now, const Event& event, std::vector<Action>& actions) {
  assert(now >= now_);
  assert(actions_ == nullptr);
  now_ = now;
  actions_ = &actions;
  std::visit([this](const auto& happened) { on(happened); }, event);
  sign_due_mandates();
  fill_slots();
  conclude_jobs();
  actions_ = nullptr;
}

std::optional<Deadline> Agent::next_deadline() const {
  std::optional<Deadline> next;
  auto consider = [&](Instant at, Deadline::Why why) {
    if (!next || at < next->at) next = Deadline{.at = at, .why = why};
  };
  for (const auto& [id, held] : jobs_) consider(held.mandate_due, Deadline::Why::mandate);
  if (launch_pause_) consider(*launch_pause_, Deadline::Why::launch_pause);
  return next;
}

std::optional<Counts> Agent::counts(JobId job) const {
  auto at = jobs_.find(job);
  if (at == jobs_.end()) return std::nullopt;
  return at->second.job.counts();
}

std::uint64_t Agent::committed_below(JobId job) const {
  auto at = jobs_.find(job);
  if (at == jobs_.end()) return 0;
  const std::vector<Interval>& settled = at->second.job.branch().settled().intervals();
  return settled.empty() || settled.front().begin != 0 ? 0 : settled.front().end;
}

Agent::Held* Agent::find(JobId job) {
  auto at = jobs_.find(job);
  return at == jobs_.end() ? nullptr : &at->second;
}

void Agent::on(const JobSubmitted& event) {
  jobs_.try_emplace(event.terms.job, Held{.job = Job(event.terms, event.client), .mandate_due = now_});
}

void Agent::on(const ItemsAdded& event) {
  if (Held* held = find(event.job)) held->job.add_items(event.known);
}

void Agent::on(const ItemsEnded& event) {
  if (Held* held = find(event.job)) held->job.end_items();
}

void Agent::on(const MandateSeen& event) {
  Held* held = find(event.job);
  if (held == nullptr || !held->job.mandate().see(now_, event.sequence, event.time_to_live, event.age)) return;
  for (const auto& [id, task] : tasks_) {
    if (task.job != event.job) continue;
    actions_->emplace_back(ExtendDeadline{.task = id, .deadline = held->job.mandate().good_until()});
  }
}

void Agent::on(const TaskStarted& event) {
  auto at = tasks_.find(event.task);
  if (at == tasks_.end()) return;
  at->second.started = true;
  launch_refusals_ = 0;
}

void Agent::on(const TaskEnded& event) {
  const std::optional<Task> task = release(event.task);
  if (!task) return;
  Held* held = find(task->job);
  assert(held != nullptr);
  held->job.on_ended(*task, event, *actions_);
  stop_unwanted(StopHow::terminate, *held);
}

void Agent::on(const TaskLost& event) {
  const std::optional<Task> task = release(event.task);
  if (!task) return;
  Held* held = find(task->job);
  assert(held != nullptr);
  if (event.cause == TaskLost::Cause::no_room) pause_launching();
  held->job.on_lost(*task, event.cause, *actions_);
  stop_unwanted(StopHow::terminate, *held);
}

void Agent::on(const CancelRequested& event) {
  Held* held = find(event.job);
  if (held == nullptr) return;
  held->job.cancel();
  stop_unwanted(event.how, *held);
}

void Agent::on(const ClientLeft& event) {
  for (auto& [id, held] : jobs_) {
    if (held.job.client() != event.client) continue;
    held.job.cancel();
    stop_unwanted(StopHow::terminate, held);
  }
}

void Agent::on(const ResultsFull& event) {
  if (Held* held = find(event.job)) held->job.set_results_full(true);
}

void Agent::on(const ResultsFlow& event) {
  if (Held* held = find(event.job)) held->job.set_results_full(false);
}

void Agent::on(const LoopForked&) {}
void Agent::on(const LoopJoined&) {}
void Agent::on(const LinkUp&) {}
void Agent::on(const LinkDown&) {}
void Agent::on(const DialFailed&) {}
void Agent::on(const MessageReceived&) {}

void Agent::on(const DeadlinePassed&) {
  if (launch_pause_ && *launch_pause_ <= now_) launch_pause_.reset();
}

void Agent::sign_due_mandates() {
  for (auto& [id, held] : jobs_) {
    if (held.mandate_due > now_) continue;
    held.mandate_due = now_ + Mandate::renewal_period;
    actions_->emplace_back(SignMandate{.job = id, .sequence = held.mandate_sequence++, .time_to_live = Mandate::life});
  }
}

void Agent::stop_unwanted(StopHow how, const Held& held) {
  for (auto& [id, task] : tasks_) {
    if (task.job != held.job.terms().job || !held.job.unwanted(task.piece.interval)) continue;
    if (task.stopped && (*task.stopped == how || *task.stopped == StopHow::kill)) continue;
    task.stopped = how;
    actions_->emplace_back(StopTask{.task = id, .how = how});
  }
}

void Agent::conclude_jobs() {
  for (auto at = jobs_.begin(); at != jobs_.end();) {
    if (std::optional<AnswerVerdict> verdict = at->second.job.conclude(*actions_)) {
      actions_->emplace_back(*verdict);
      at = jobs_.erase(at);
    } else {
      ++at;
    }
  }
}

void Agent::fill_slots() {
  if (launch_pause_ && now_ < *launch_pause_) return;
  launch_pause_.reset();
  while (!free_slots_.empty()) {
    auto next = hungriest();
    if (next == jobs_.end()) return;
    start(next->second);
  }
}

// Fair shares: the job with the fewest running tasks, among equals the one served longest ago.
std::map<JobId, Agent::Held>::iterator Agent::hungriest() {
  auto best = jobs_.end();
  for (auto at = jobs_.begin(); at != jobs_.end(); ++at) {
    if (!at->second.job.wants_slot(now_)) continue;
    auto rank = [](const Held& held) { return std::pair(held.job.running(), held.last_served); };
    if (best == jobs_.end() || rank(at->second) < rank(best->second)) best = at;
  }
  return best;
}

void Agent::start(Held& held) {
  held.last_served = ++served_;
  const std::uint32_t slot = *free_slots_.begin();
  free_slots_.erase(free_slots_.begin());
  const TaskId id(next_task_++);
  const JobId job = held.job.terms().job;
  const Piece piece = held.job.start_next(options_.slots);
  tasks_.emplace(id, Task{.id = id, .job = job, .piece = piece, .slot = slot});
  actions_->emplace_back(StartTask{.task = id,
                                   .job = job,
                                   .path = {},
                                   .piece = piece.interval,
                                   .attempt = piece.attempt,
                                   .slot = slot,
                                   .deadline = held.job.mandate().good_until()});
}

void Agent::pause_launching() {
  const Duration pause =
      std::min(launch_pause_max, launch_pause_first * (std::int64_t{1} << std::min(launch_refusals_, 6u)));
  ++launch_refusals_;
  launch_pause_ = now_ + pause;
}

std::optional<Task> Agent::release(TaskId id) {
  auto at = tasks_.find(id);
  if (at == tasks_.end()) return std::nullopt;
  Task task = at->second;
  tasks_.erase(at);
  free_slots_.insert(task.slot);
  return task;
}

void Agent::check_invariants() const {
  std::set<std::uint32_t> slots = free_slots_;
  std::map<JobId, std::size_t> running;
  for (const auto& [id, task] : tasks_) {
    assert(slots.insert(task.slot).second);
    auto held = jobs_.find(task.job);
    assert(held != jobs_.end());
    const auto& pieces = held->second.job.branch().running();
    auto piece = pieces.find(task.piece.interval.begin);
    assert(piece != pieces.end() && piece->second == task.piece);
    ++running[task.job];
  }
  assert(slots.size() == options_.slots);
  assert(slots.empty() || (*slots.begin() == 1 && *slots.rbegin() == options_.slots));
  for (const auto& [id, held] : jobs_) {
    held.job.check_invariants();
    assert(held.job.running() == running[id]);
  }
}

}  // namespace agent::core
