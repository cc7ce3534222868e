// Loops that tasks of this node open: fork, join, and what becomes of them when their opener is gone.
//
//   fork --> open --all its results are here--> ended --join, and the slot is the task's own again--> answered
//             |
//             +--the task is told to stop, ends without a join, or is lost--> abandoned, with all that was lent of it
//
// The loop of a task is one more branch, whose upstream is the task; it is younger (its key is higher) than the branch
// that the task is of. Who runs the task settles the loop's results, since they are part of an iteration that is not
// finished: where that runs again, the loop is opened again, and nothing of this instance counts there.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"
#include "protocol/limits.h"

namespace agent::core {

namespace {

constexpr std::size_t loops_per_task_max = 1'024;  // open, or ended and not joined

// Whether the loop is one that an iteration of this piece may open.
bool opens_below(const LoopId& outer, Interval piece, const LoopTerms& loop) {
  const std::size_t depth = outer.path.size();
  if (loop.path.size() != depth + 1 || loop.path.size() > protocol::limits::path_depth_max) return false;
  const std::uint64_t iteration = loop.path.back().iteration;
  return std::equal(outer.path.begin(), outer.path.end(), loop.path.begin()) && piece.begin <= iteration &&
         iteration < piece.end;
}

}  // namespace

// A fork that is refused leaves no trace; the join of it tells the task.
void Agent::on(const LoopForked& event) {
  auto at = tasks_.find(event.task);
  if (at == tasks_.end() || at->second.stopped || at->second.joining) return;
  Task& task = at->second;
  const Branch& outer = branches_.at(task.branch);
  if (!opens_below(outer.loop(), task.piece, event.terms)) return;
  const std::uint32_t ordinal = event.terms.path.back().ordinal;
  if (ordinal < task.next_ordinal || task.loops.size() >= loops_per_task_max) return;
  task.next_ordinal = std::uint64_t{ordinal} + 1;
  task.loops.emplace(ordinal, std::nullopt);
  const LoopId loop{.job = outer.loop().job, .path = event.terms.path};
  std::vector<LoopTerms> openings = outer.openings();
  openings.push_back(event.terms);
  branches_.emplace(BranchKey(next_branch_++), Branch(loop, jobs_.at(loop.job).terms, std::move(openings), event.task));
}

void Agent::on(const LoopJoined& event) {
  auto at = tasks_.find(event.task);
  if (at == tasks_.end() || at->second.stopped || at->second.joining) return;
  Task& task = at->second;
  const bool answered = event.ordinal < task.next_ordinal && !task.loops.contains(event.ordinal);
  if (answered) return;
  task.joining = event.ordinal;
  slots_.park(task.id);
  branches_.at(task.branch).park(task.id);
}

void Agent::serve_loops() {
  // From the oldest to the youngest: what is stopped here takes along all that is below it.
  for (auto& [key, branch] : branches_) {
    const auto* opener = std::get_if<TaskId>(&branch.upstream());
    if (opener == nullptr) continue;
    auto task = tasks_.find(*opener);
    if (task == tasks_.end()) {
      end_loop(branch, StopHow::terminate);
    } else if (task->second.stopped) {
      end_loop(branch, *task->second.stopped);
    } else if (!branch.owner()->abandoned()) {
      conclude_loop(key, task->second);
    }
    if (branch.owner()->abandoned()) dismiss_helpers(key);
  }
  resume_joined();
}

// Those that still run something of it run what somebody else has finished: nobody waits for them.
void Agent::conclude_loop(BranchKey key, Task& opener) {
  Branch& branch = branches_.at(key);
  const std::optional<AnswerVerdict> verdict = branch.conclude(*actions_);
  if (!verdict) return;
  opener.loops.at(branch.loop().path.back().ordinal) = verdict->verdict;
  end_loop(branch, StopHow::terminate);
}

void Agent::end_loop(Branch& branch, StopHow how) {
  if (!branch.owner()->abandoned()) branch.abandon();
  stop_unwanted(how, branch);
}

// They learn that it is over; those that cannot be reached now, when they can, unless their lease ends before.
void Agent::dismiss_helpers(BranchKey key) {
  Branch& branch = branches_.at(key);
  std::vector<NodeId> reached;
  for (const auto& [node, helper] : branch.helpers()) {
    if (is_up(node)) reached.push_back(node);
  }
  for (NodeId node : reached) {
    Helper& helper = *branch.helper(node);
    // One that was silent may hold what was taken back meanwhile.
    const bool heard = helper.state != Helper::State::silent && !helper.reconciling;
    const bool idle = heard && helper.held.empty() && !helper.unanswered;
    if (idle) tell_settled(key, helper);
    if (!idle || !helper.unsettled.empty())
      send(node, protocol::Cancel{.branch = helper.id, .intervals = {}, .why = protocol::CancelReason::expired});
    branch.forget(node);
  }
}

void Agent::resume_joined() {
  for (auto& [id, task] : tasks_) {
    if (!task.joining || task.stopped || !slots_.can_resume(id)) continue;
    const auto loop = task.loops.find(*task.joining);
    const bool refused = loop == task.loops.end();
    if (!refused && !loop->second) continue;
    Branch& branch = branches_.at(task.branch);
    if (!may_run(branch.loop().job)) continue;
    const Verdict verdict = refused ? Verdict::cancelled : *loop->second;
    actions_->emplace_back(AnswerJoin{.task = id, .ordinal = *task.joining, .verdict = verdict});
    if (!refused) task.loops.erase(loop);
    task.joining.reset();
    slots_.resume(id);
    branch.resume(id);
  }
}

void Agent::return_stuck() {
  if (slots_.running_count() > 0) return;
  for (auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || !branch.partition().has_todo() || !is_up(master->node) || !slots_.is_stuck(branch.loop()))
      continue;
    send_returned(*master, branch.return_unstarted(), protocol::ReturnReason::no_slot);
  }
}

void Agent::drop_unawaited() {
  for (auto& [key, branch] : branches_) {
    const bool lent_to_us = std::holds_alternative<Master>(branch.upstream());
    if (!lent_to_us || branch.loop().path.empty() || branch.partition().granted().empty()) continue;
    if (is_awaited(branch.loop(), branch.openings())) continue;
    Losers losers;
    branch.on_cancelled({}, losers, *actions_);
    tell_losers(key, losers, protocol::CancelReason::expired);
  }
}

// A helper's branch: nothing is left to be done or to be settled, nothing of it runs, here or at a silent helper. A
// task's loop: nobody need be told any more that it is over.
bool Agent::is_over(const Branch& branch) const {
  if (!branch.running().empty()) return false;
  if (!branch.owner()) return branch.partition().idle() && branch.helper_count() == 0;
  return branch.owner()->abandoned() && (branch.helpers().empty() || ended_.contains(branch.loop().job));
}

const Branch* Agent::origin_of(const Branch& branch) const {
  const Branch* origin = &branch;
  while (const auto* opener = std::get_if<TaskId>(&origin->upstream())) {
    auto task = tasks_.find(*opener);
    if (task == tasks_.end()) return nullptr;
    origin = &branches_.at(task->second.branch);
  }
  return origin;
}

std::size_t Agent::running_of(JobId job) const {
  return static_cast<std::size_t>(std::ranges::count_if(tasks_, [&](const auto& entry) {
    return !entry.second.joining && branches_.at(entry.second.branch).loop().job == job;
  }));
}

bool Agent::may_run(JobId job_id) const {
  const Job& job = jobs_.at(job_id);
  return !job.root || job.terms.slots_max == 0 || running_of(job_id) < job.terms.slots_max;
}

bool Agent::could_start(const Branch& branch) const {
  return branch.wants_slot() && slots_.can_place(branch.loop()) && deadline_of(branch) && may_run(branch.loop().job);
}

std::size_t Agent::own_job_count() const {
  const auto is_own = [](const auto& each) { return each.second.root.has_value(); };
  return static_cast<std::size_t>(std::ranges::count_if(jobs_, is_own));
}

}  // namespace agent::core
