#include "agent/core/agent.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <tuple>
#include <utility>

#include "agent/core/planted.h"

namespace agent::core {

namespace {

constexpr Duration launch_pause_first = std::chrono::milliseconds(100);
constexpr Duration launch_pause_max = std::chrono::seconds(5);
constexpr std::uint32_t hopeless_starts_max = 3;
constexpr int exit_cannot_start = 126;                       // as a shell has it
constexpr Duration deadline_step = std::chrono::seconds(2);  // launchers are not told of less

}  // namespace

Agent::Agent(const Options& options)
    : options_(options),
      random_(options.random_seed),
      peers_({.node = options.node, .instance = options.instance, .address = options.address}, options.seeds),
      slots_(options.slots) {
  assert(options.slots >= 1);
  due_ = compute_deadline();
}

void Agent::step(Instant now, const Event& event, std::vector<Action>& actions) {
  assert(now >= now_);
  assert(actions_ == nullptr);
  now_ = now;
  actions_ = &actions;
  notice_own_stall();
  std::visit([this](const auto& happened) { on(happened); }, event);
  sign_due_mandates();
  watch_links();
  close_idle_links();
  serve_links();
  serve_orphans();
  take_back_unanswered();
  drop_unawaited();
  serve_loops();
  drain_branches();
  extend_deadlines();
  fill_slots();
  return_stuck();
  serve_wants();
  seek_helpers();
  be_idle();
  recall_hoarded();
  tell_losses();
  exchange_peers();
  report_due();
  conclude_jobs();
  drop_idle_branches();
  actions_ = nullptr;
  due_ = compute_deadline();
  // What this step made due at once is not late already: that we stood still is told by this.
  if (due_ && due_->at < now_) due_->at = now_;
}

std::optional<Deadline> Agent::compute_deadline() const {
  std::optional<Deadline> next;
  const Overview overview = look_over();
  const bool busy = is_busy();
  auto consider = [&](Instant at, Deadline::Why why) {
    if (!next || at < next->at) next = Deadline{.at = at, .why = why};
  };
  for (const auto& [id, job] : jobs_) {
    if (job.root) consider(job.mandate_due, Deadline::Why::mandate);
  }
  if (launch_pause_) consider(*launch_pause_, Deadline::Why::launch_pause);
  for (const Watched& each : watched_) consider_contact(*each.contact, consider);
  for (const auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master != nullptr && is_up(master->node)) {
      if (const auto due = branch.report_at()) consider(*due, Deadline::Why::report);
    }
    if (branch.orphaned()) consider(branch.orphaned()->ask_at, Deadline::Why::orphan);
    if (const auto due = branch.unanswered_at()) consider(*due, Deadline::Why::unanswered_grant);
    for (const auto& [node, helper] : branch.helpers()) {
      if (const auto due = hoarding_ends(branch, helper, busy ? Missed::no : Missed::yes))
        consider(*due, Deadline::Why::hoarding);
    }
    if (branch.seeking().probing()) {
      consider(branch.seeking().due(), Deadline::Why::seeking);
    } else if (!has_nobody() && helpers_wanted(branch, overview) > 0) {
      consider(rest_.until(), Deadline::Why::seeking);
    }
  }
  if (is_free() && !has_nobody())
    consider(asking_ ? asking_->since + std::chrono::seconds(2) : ask_at_, Deadline::Why::asking);
  if (held_until_) consider(*held_until_, Deadline::Why::asking);
  if (!has_nobody()) consider(peers_.shuffle_due(), Deadline::Why::shuffle);
  return next;
}

std::optional<Counts> Agent::counts(JobId job) const {
  const Branch* branch = root_branch(job);
  if (branch == nullptr) return std::nullopt;
  return branch->counts();
}

std::uint64_t Agent::committed_below(JobId job) const {
  const Branch* branch = root_branch(job);
  if (branch == nullptr) return 0;
  // Nor will anything be started again that is lost.
  IntervalSet all = branch->partition().settled();
  all.insert(branch->partition().lost());
  const std::vector<Interval>& done = all.intervals();
  return done.empty() || done.front().begin != 0 ? 0 : done.front().end;
}

IntervalSet Agent::lost(JobId job) const {
  const Branch* branch = root_branch(job);
  return branch == nullptr ? IntervalSet() : branch->partition().lost();
}

Job* Agent::find(JobId job) {
  auto at = jobs_.find(job);
  return at == jobs_.end() ? nullptr : &at->second;
}

const Branch* Agent::root_branch(JobId job) const {
  auto at = jobs_.find(job);
  if (at == jobs_.end() || !at->second.root) return nullptr;
  return &branches_.at(*at->second.root);
}

Branch* Agent::root_branch(JobId job) {
  return const_cast<Branch*>(std::as_const(*this).root_branch(job));
}

void Agent::on(const JobSubmitted& event) {
  auto [at, added] = jobs_.try_emplace(event.terms.job, Job{.terms = event.terms, .mandate = {}, .mandate_due = now_});
  if (!added) return;
  const BranchKey key(next_branch_++);
  branches_.emplace(key, Branch({.job = event.terms.job, .path = {}}, event.terms, event.client));
  rest_.forget();
  at->second.root = key;
}

void Agent::on(const ItemsAdded& event) {
  if (Branch* branch = root_branch(event.job)) branch->add_items(event.known);
}

void Agent::on(const ItemsEnded& event) {
  if (Branch* branch = root_branch(event.job)) branch->owner()->end_items();
}

void Agent::on(const MandateSeen& event) {
  Job* job = find(event.job);
  if (job != nullptr) job->mandate.see(now_, event.sequence, event.time_to_live, event.age);
}

void Agent::on(const TaskStarted& event) {
  auto at = tasks_.find(event.task);
  if (at == tasks_.end()) return;
  at->second.started = true;
  launch_refusals_ = 0;
  hopeless_starts_ = 0;
}

void Agent::on(const TaskEnded& event) {
  const std::optional<Task> task = release(event.task);
  if (!task) return;
  Branch& branch = branches_.at(task->branch);
  Losers losers;
  branch.on_ended(task->id, event, now_, losers, *actions_);
  tell_losers(task->branch, losers, protocol::CancelReason::won_elsewhere);
  stop_unwanted(StopHow::terminate, branch);
}

void Agent::on(const TaskLost& event) {
  const bool hopeless = event.cause == TaskLost::Cause::cannot_start;
  if (hopeless && tasks_.contains(event.task) && ++hopeless_starts_ > hopeless_starts_max) {
    // Whatever else is tried here ends like that: waiting for the node to mend would only hide it.
    return on(TaskEnded{.task = event.task, .how = TaskEnded::How::could_not_start, .exit = exit_cannot_start});
  }
  const std::optional<Task> task = release(event.task);
  if (!task) return;
  if (hopeless || event.cause == TaskLost::Cause::no_room) pause_launching();
  Branch& branch = branches_.at(task->branch);
  Losers losers;
  branch.on_lost(task->id, task->started, event.cause, now_, losers, *actions_);
  tell_losers(task->branch, losers, protocol::CancelReason::won_elsewhere);
  stop_unwanted(StopHow::terminate, branch);
}

void Agent::on(const CancelRequested& event) {
  cancel(event.job, event.how);
}

void Agent::cancel(JobId job, StopHow how) {
  Branch* branch = root_branch(job);
  if (branch == nullptr) return;
  branch->cancel();
  stop_unwanted(how, *branch);
}

void Agent::on(const ClientLeft& event) {
  for (const auto& [id, job] : jobs_) {
    const Branch* branch = root_branch(id);
    if (branch != nullptr && branch->upstream() == Upstream(event.client)) cancel(id, StopHow::terminate);
  }
}

void Agent::on(const ResultsFull& event) {
  Branch* branch = root_branch(event.job);
  if (branch == nullptr) return;
  branch->set_results_full(true);
  // In order, everything may be waiting for what is lost.
  branch->commit_lost(*actions_);
}

void Agent::on(const ResultsFlow& event) {
  if (Branch* branch = root_branch(event.job)) branch->set_results_full(false);
}

void Agent::on(const AddressesKnown& event) {
  options_.address = event.own;
  options_.seeds = event.seeds;
  peers_.set_addresses(now_, event.own, event.seeds);
}

void Agent::on(const DeadlinePassed&) {
  if (launch_pause_ && *launch_pause_ <= now_) launch_pause_.reset();
}

void Agent::sign_due_mandates() {
  for (auto& [id, job] : jobs_) {
    if (!job.root || job.mandate_due > now_) continue;
    job.mandate_due = now_ + Mandate::renewal_period;
    actions_->emplace_back(SignMandate{.job = id, .sequence = job.mandate_sequence++, .time_to_live = Mandate::life});
  }
}

void Agent::stop(Task& task, StopHow how) {
  if (task.stopped && (*task.stopped == how || *task.stopped == StopHow::kill)) return;
  task.stopped = how;
  actions_->emplace_back(StopTask{.task = task.id, .how = how});
}

void Agent::stop_unwanted(StopHow how, Branch& branch) {
  for (const auto& [begin, running] : branch.running()) {
    if (branch.unwanted(running.piece.interval)) stop(tasks_.at(running.task), how);
  }
  for (const auto& [node, gone] : branch.let_go_unwanted())
    send_cancel(*branch.helper(node), gone, protocol::CancelReason::stopped);
}

void Agent::stop_losers(const Losers& losers) {
  for (TaskId task : losers.tasks) stop(tasks_.at(task), StopHow::terminate);
}

void Agent::conclude_jobs() {
  for (auto at = jobs_.begin(); at != jobs_.end();) {
    auto here = at++;
    Branch* branch = root_branch(here->first);
    const auto of_job = [&](const auto& entry) { return branches_.at(entry.second.branch).loop().job == here->first; };
    if (branch == nullptr || std::ranges::any_of(tasks_, of_job)) continue;
    const std::optional<AnswerVerdict> verdict = branch->conclude(*actions_);
    if (!verdict) continue;
    actions_->emplace_back(*verdict);
    forget_job(here->first, StopHow::terminate);
    branches_.erase(*here->second.root);
    here->second.root.reset();
  }
}

void Agent::fill_slots() {
  if (launch_pause_ && now_ < *launch_pause_) return;
  launch_pause_.reset();
  if (cache_is_full()) return;
  while (const std::optional<BranchKey> next = hungriest()) start(*next);
  copy_here();
}

void Agent::copy_here() {
  for (auto& [key, branch] : branches_) {
    if (branch.helpers().empty() || !(branch.begins() || branch.drains()) || !deadline_of(branch)) continue;
    while (slots_.can_place(branch.loop()) && may_run(branch.loop().job)) {
      const std::optional<Interval> piece = branch.worth_copying(now_, std::nullopt);
      if (!piece) break;
      const TaskId id(next_task_++);
      note_copy(branch, *piece, options_.node);
      start_task(key, id, branch.start_copy(id, *piece, now_));
    }
  }
}

// Nothing of a branch runs longer than its job's mandate and, for a master, the lease of the link allow.
std::optional<Instant> Agent::deadline_of(const Branch& branch) const {
  const Mandate& mandate = jobs_.at(branch.loop().job).mandate;
  const Branch* origin = origin_of(branch);
  if (!mandate.fresh(now_) || origin == nullptr) return std::nullopt;
  const auto* master = std::get_if<Master>(&origin->upstream());
  if (master == nullptr || planted(Defect::outlive_lease)) return mandate.good_until();
  auto at = contacts_.find(master->node);
  if (at == contacts_.end() || !at->second.link.we_hold_lease(now_)) return std::nullopt;
  return std::min(mandate.good_until(), *at->second.link.lease().ours_until);
}

void Agent::extend_deadlines() {
  for (auto& [id, task] : tasks_) {
    const std::optional<Instant> deadline = deadline_of(branches_.at(task.branch));
    if (!deadline || *deadline < task.deadline + deadline_step) continue;
    task.deadline = *deadline;
    actions_->emplace_back(ExtendDeadline{.task = id, .deadline = *deadline});
  }
}

std::optional<BranchKey> Agent::hungriest() const {
  std::map<JobId, std::size_t> running;
  for (const auto& [id, task] : tasks_) running[branches_.at(task.branch).loop().job] += task.joining ? 0 : 1;
  std::optional<BranchKey> best;
  std::tuple<std::size_t, std::uint64_t, bool, std::size_t> best_rank;
  for (const auto& [key, branch] : branches_) {
    if (!could_start(branch)) continue;
    const JobId job = branch.loop().job;
    // Of one job: first what is ours, so that what others lend us of it never keeps it from ending; then the innermost.
    const std::tuple rank(running[job], jobs_.at(job).last_served, !branch.owner().has_value(),
                          protocol::limits::path_depth_max - branch.loop().path.size());
    if (best && best_rank <= rank) continue;
    best = key;
    best_rank = rank;
  }
  return best;
}

void Agent::start(BranchKey key) {
  Branch& branch = branches_.at(key);
  const TaskId id(next_task_++);
  start_task(key, id, branch.start_next(id, options_.slots, now_));
}

void Agent::start_task(BranchKey key, TaskId id, const Piece& piece) {
  const Branch& branch = branches_.at(key);
  jobs_.at(branch.loop().job).last_served = ++served_;
  const SlotNumber slot = *slots_.place(id, branch.loop(), piece.interval);
  const Instant deadline = *deadline_of(branch);
  tasks_.emplace(
      id, Task{.id = id, .branch = key, .piece = piece.interval, .slot = slot, .stopped = {}, .deadline = deadline});
  actions_->emplace_back(StartTask{.task = id,
                                   .job = branch.loop().job,
                                   .path = branch.loop().path,
                                   .piece = piece.interval,
                                   .attempt = piece.attempt,
                                   .slot = slot,
                                   .deadline = deadline});
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
  slots_.remove(id);
  return task;
}

void Agent::check_invariants() const {
  slots_.check_invariants();
  std::map<BranchKey, std::size_t> running;
  std::size_t parked = 0;
  for (const auto& [id, task] : tasks_) {
    assert(slots_.slot_of(id) == task.slot && slots_.parked(id) == task.joining.has_value());
    const auto& pieces = branches_.at(task.branch).running();
    auto piece = pieces.find(task.piece.begin);
    assert(piece != pieces.end() && piece->second.task == id && piece->second.piece.interval == task.piece);
    assert(piece->second.parked == task.joining.has_value());
    ++running[task.branch];
    parked += task.joining ? 1 : 0;
  }
  assert(slots_.running_count() + parked == tasks_.size());
  for (const auto& [key, branch] : branches_) {
    branch.check_invariants();
    assert(branch.running().size() == running[key]);
    assert(jobs_.contains(branch.loop().job));
    const auto* opener = std::get_if<TaskId>(&branch.upstream());
    if (opener == nullptr || branch.owner()->abandoned()) continue;
    assert(!tasks_.at(*opener).stopped && tasks_.at(*opener).loops.contains(branch.loop().path.back().ordinal));
  }
  for (const auto& [id, job] : jobs_) assert(!job.root || branches_.contains(*job.root));
}

}  // namespace agent::core
