// What a node does when its agent says so, and what its tasks do by themselves.

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/sim/node.h"

namespace agent::sim {

namespace {

constexpr Duration kill_time = std::chrono::milliseconds(1);
constexpr Duration deaf_time = std::chrono::seconds(5);

// How long a task takes to obey a polite stop.
Duration obeying_time(core::TaskId task) {
  return std::chrono::milliseconds(1 + static_cast<std::int64_t>(mixed(task.value()) % 20));
}

}  // namespace

void Node::carry_out(const core::SignMandate& order) {
  const core::MandateFact fact{.job = order.job,
                               .epoch = {.number = 1, .root = node_id(index_)},
                               .sequence = order.sequence,
                               .time_to_live = order.time_to_live,
                               .age = {}};
  exchange_->on_signed(fact, can(fact), clock());
  const core::MandateSeen seen{
      .job = order.job, .sequence = order.sequence, .time_to_live = order.time_to_live, .age = {}};
  inbox_.push_front({.event = seen, .link = 0, .bytes = {}});
}

void Node::carry_out(const core::StartTask& order) {
  Ground& ground = around_.ground;
  const core::LoopId loop{.job = order.job, .path = order.path};
  TaskScript script =
      script_of(ground.workload(), order, [&](std::uint64_t index) { return ground.failures(loop, index); });
  const WorldTime began = std::max(busy_until_, ground.now()) + around_.costs.launch;
  const auto [at, added] = tasks_.try_emplace(order.task, order, std::move(script), began);
  assert(added);
  ground.schedule(began,
                  TaskDue{.what = TaskDue::What::started, .node = index_, .instance = instance_, .task = order.task});
  for (Observer* each : ground.observers())
    each->on_task_began({.node = index_, .at = ground.now(), .order = at->second.order()});
}

void Node::carry_out(const core::StopTask& order) {
  const auto at = tasks_.find(order.task);
  if (at == tasks_.end() || !at->second.stop(order.how)) return;
  Duration delay = kill_time;
  if (order.how == core::StopHow::terminate)
    delay = at->second.script().ignores_stop ? deaf_time : obeying_time(order.task);
  around_.ground.schedule(
      around_.ground.now() + delay,
      TaskDue{.what = TaskDue::What::stopped, .node = index_, .instance = instance_, .task = order.task});
}

void Node::carry_out(const core::ExtendDeadline& order) {
  if (const auto at = tasks_.find(order.task); at != tasks_.end()) at->second.extend(order.deadline);
}

void Node::carry_out(const core::CommitResult& order) {
  const bool kept = notary_->forget_result(order.task);
  assert(kept);
}

void Node::carry_out(const core::CommitReceived& order) {
  const Bytes* bytes = exchange_->batch(order.batch);
  assert(bytes != nullptr);
  const auto batch = open_batch(*bytes);
  assert(batch && order.index < batch->results.size());
  [[maybe_unused]] const core::ResultFact& fact = batch->results[order.index];
  assert(fact.piece == order.piece && fact.outcome == order.outcome);
}

void Node::carry_out(const core::KeepResult& order) {
  assert(notary_->outcome_of(order.task) == order.outcome);
}

void Node::carry_out(const core::DropResult& order) {
  const bool kept = notary_->forget_result(order.task);
  assert(kept);
}

void Node::carry_out(const core::DropBatch& order) {
  const bool kept = exchange_->forget_batch(order.batch);
  assert(kept);
}

void Node::carry_out(const core::AnswerVerdict& answer) {
  around_.ground.answered(index_, answer);
}

void Node::carry_out(const core::AnswerJoin& answer) {
  const auto at = tasks_.find(answer.task);
  if (at == tasks_.end() || !at->second.parked()) return;
  at->second.resume(around_.ground.now(), speed());
  plan_point(at->second);
  for (Observer* each : around_.ground.observers())
    each->on_task_resumed({.node = index_, .at = around_.ground.now(), .order = at->second.order()});
}

void Node::carry_out(const core::Dial& order) {
  around_.ground.dial(index_, order, std::max(busy_until_, around_.ground.now()));
}

void Node::carry_out(const core::HangUp& order) {
  const auto at = links_.find(order.peer);
  if (at == links_.end()) return;
  around_.ground.hang_up(index_, at->second, std::max(busy_until_, around_.ground.now()));
}

void Node::carry_out(const core::Send& order) {
  Ground& ground = around_.ground;
  busy_until_ = std::max(busy_until_, ground.now()) + around_.costs.send;
  const auto at = links_.find(order.to);
  const bool linked = at != links_.end();
  Bytes bytes;
  if (linked) bytes = exchange_->seal(order, clock());
  for (Observer* each : ground.observers()) {
    each->on_sent(
        {.from = index_, .to = order.to, .at = ground.now(), .send = order, .bytes = bytes, .linked = linked});
  }
  if (linked) ground.transmit(index_, at->second, std::move(bytes), busy_until_);
}

void Node::plan_point(const TaskRun& run) {
  if (const auto at = run.next_point()) {
    around_.ground.schedule(std::max(*at, around_.ground.now()), TaskDue{.what = TaskDue::What::point,
                                                                         .node = index_,
                                                                         .instance = instance_,
                                                                         .task = run.order().task,
                                                                         .plan = run.plan()});
  }
}

void Node::plan_deadline(const TaskRun& run) {
  around_.ground.schedule(
      std::max(options_.clock.when(run.deadline()), around_.ground.now()),
      TaskDue{.what = TaskDue::What::deadline, .node = index_, .instance = instance_, .task = run.order().task});
}

void Node::on(const TaskDue& due) {
  if (!up() || due.instance != instance_) return;
  if (asleep_) return slept_through_.push_back(due);
  const auto at = tasks_.find(due.task);
  if (at == tasks_.end()) return;
  TaskRun& run = at->second;
  switch (due.what) {
    case TaskDue::What::started:
      run.begin(around_.ground.now(), speed());
      plan_point(run);
      plan_deadline(run);
      return tell(core::TaskStarted{.task = due.task});
    case TaskDue::What::point:
      if (run.plan() == due.plan) reach_point(due.task);
      return;
    case TaskDue::What::deadline:
      if (clock() >= run.deadline()) return lose(due.task, core::TaskLost::Cause::deadline_passed);
      return plan_deadline(run);
    case TaskDue::What::stopped: return end(due.task, core::TaskEnded::How::stopped, 0);
  }
}

void Node::reach_point(core::TaskId task) {
  TaskRun& run = tasks_.at(task);
  const std::optional<LoopStep> step = run.reach(around_.ground.now());
  if (!step) return end_by_itself(task);
  const core::StartTask& order = run.order();
  if (step->what == LoopStep::What::fork) {
    core::LoopPath path = order.path;
    path.push_back({.iteration = order.piece.begin, .ordinal = step->ordinal});
    const std::uint64_t opening = mixed(mixed(std::uint64_t{index_} << 32 | instance_) ^ mixed(task.value()));
    tell(core::LoopForked{.task = task,
                          .terms = {.path = std::move(path),
                                    .size = step->size,
                                    .branch_number = around_.ground.workload().plan(order.job).nesting.branch_number,
                                    .opener = node_id(index_),
                                    .instance = opening + step->ordinal}});
    return plan_point(run);
  }
  run.park();
  for (Observer* each : around_.ground.observers())
    each->on_task_parked({.node = index_, .at = around_.ground.now(), .order = order});
  tell(core::LoopJoined{.task = task, .ordinal = step->ordinal});
}

void Node::end_by_itself(core::TaskId task) {
  const TaskRun& run = tasks_.at(task);
  const core::StartTask& order = run.order();
  switch (run.script().fate) {
    case Fate::succeeds: return end(task, core::TaskEnded::How::exited, 0);
    case Fate::hits:
      return end(task, core::TaskEnded::How::exited, around_.ground.workload().plan(order.job).terms.found.value_or(0));
    case Fate::fails:
      around_.ground.failed({.job = order.job, .path = order.path}, run.script().fated);
      return end(task, core::TaskEnded::How::exited, 1);
    case Fate::kills_launcher: return lose(task, core::TaskLost::Cause::launcher_died);
    case Fate::kills_agent: return around_.ground.poisoned(index_);
  }
}

void Node::keep_result(const TaskRun& run, core::Outcome outcome) {
  const core::StartTask& order = run.order();
  const Duration ran = clock() - options_.clock.read(std::min(run.began(), around_.ground.now()));
  notary_->keep_result(
      order.task,
      {.loop = {.job = order.job, .path = order.path},
       .fact = {.piece = order.piece, .attempt = order.attempt, .outcome = outcome, .ran = std::max(ran, Duration{})}});
}

core::Outcome Node::outcome_of_stopped(const core::StartTask& order) const {
  const bool once = around_.ground.workload().plan(order.job).terms.started_at_most_once;
  return once ? core::Outcome::lost : core::Outcome::failed;
}

void Node::lose(core::TaskId task, core::TaskLost::Cause cause) {
  keep_result(tasks_.at(task), outcome_of_stopped(tasks_.at(task).order()));
  remove(task, TaskEnding::lost);
  tell(core::TaskLost{.task = task, .cause = cause});
}

void Node::end(core::TaskId task, core::TaskEnded::How how, int exit) {
  const TaskRun& run = tasks_.at(task);
  const std::optional<int> found = around_.ground.workload().plan(run.order().job).terms.found;
  const bool ran_out = how == core::TaskEnded::How::exited;
  core::Outcome outcome = ran_out && exit == 0 ? core::Outcome::ok : core::Outcome::failed;
  if (!ran_out) outcome = outcome_of_stopped(run.order());
  if (ran_out && found && exit == *found) outcome = core::Outcome::hit;
  keep_result(run, outcome);
  const Duration ran = std::max(Duration{}, clock() - options_.clock.read(std::min(run.began(), around_.ground.now())));
  const bool failed = ran_out && outcome == core::Outcome::failed;
  remove(task, !ran_out ? TaskEnding::stopped : failed ? TaskEnding::failed : TaskEnding::exited);
  tell(core::TaskEnded{.task = task, .how = how, .exit = exit, .ran = ran});
}

void Node::remove(core::TaskId task, TaskEnding ending) {
  const auto at = tasks_.find(task);
  assert(at != tasks_.end());
  for (Observer* each : around_.ground.observers())
    each->on_task_gone({.node = index_, .at = around_.ground.now(), .order = at->second.order()}, ending);
  tasks_.erase(at);
}

}  // namespace agent::sim
