#include "agent/core/job.h"

#include <algorithm>
#include <cassert>

namespace agent::core {

namespace {

// Whether part / whole >= percent / 100, exactly and without overflow: 100 * part may need 71 bits.
bool is_share(std::uint64_t part, std::uint64_t whole, std::uint64_t percent) {
  const std::uint64_t hundredth = whole / 100, rest = whole % 100;
  return whole > 0 && part >= hundredth * percent + (rest * percent + 99) / 100;
}

}  // namespace

Job::Job(const JobTerms& terms, ClientId client) : terms_(terms), client_(client), sizer_(terms.grain) {
  if (terms.size) {
    add_items(*terms.size);
    items_ended_ = true;
  }
}

void Job::add_items(std::uint64_t known) {
  if (items_ended_ || known <= known_) return;
  const Interval added{.begin = known_, .end = known};
  known_ = known;
  // What comes after the end was decided lies above any hit, and nobody waits for it.
  if (phase_ == Phase::open) branch_.grant(added);
}

void Job::end_items() {
  items_ended_ = true;
}

bool Job::wants_slot(Instant now) const {
  if (phase_ != Phase::open && phase_ != Phase::narrowing) return false;
  if (!mandate_.fresh(now) || !branch_.has_unstarted()) return false;
  // What must run again goes on: in order, everything that fills the room may be waiting for it.
  if (results_full_ && !branch_.has_redo()) return false;
  return terms_.slots_max == 0 || running() < terms_.slots_max;
}

Piece Job::start_next(std::uint32_t slots) {
  std::uint64_t size = 1;
  if (terms_.body == Body::command_per_piece && branch_.todo_count() > 0) {
    const std::uint32_t executors = terms_.slots_max == 0 ? slots : std::min(slots, terms_.slots_max);
    size = sizer_.next(branch_.todo_count(), executors);
  }
  return branch_.start_next(size);
}

bool Job::goes_on(Interval piece) const {
  if (phase_ == Phase::narrowing) return piece.begin < candidate_->piece.interval.begin;
  return phase_ == Phase::open;
}

bool Job::unwanted(Interval running) const {
  if (phase_ == Phase::stopping) return true;
  return phase_ == Phase::narrowing && running.begin > candidate_->piece.interval.begin;
}

Outcome Job::judge(const TaskEnded& ended) const {
  if (ended.how != TaskEnded::How::exited) return Outcome::failed;
  if (terms_.found && ended.exit == *terms_.found) return Outcome::hit;
  return ended.exit == 0 ? Outcome::ok : Outcome::failed;
}

void Job::on_ended(const Task& task, const TaskEnded& ended, std::vector<Action>& actions) {
  const Piece& piece = task.piece;
  if (ended.how == TaskEnded::How::stopped) return on_stopped(task, actions);
  if (phase_ == Phase::narrowing && unwanted(piece.interval)) return abandon(task, actions);
  const Outcome outcome = judge(ended);
  if (outcome == Outcome::ok) sizer_.observe(piece.interval.count(), ended.ran);
  if (outcome == Outcome::failed && piece.tries < terms_.retries && goes_on(piece.interval)) {
    Piece again = piece;
    ++again.tries;
    ++counts_.retried;
    return try_again(again, task.id, actions);
  }
  accept(task, outcome, actions);
}

// Stopped although it is wanted: somebody else's stop, so no fault of the task.
void Job::on_stopped(const Task& task, std::vector<Action>& actions) {
  if (!goes_on(task.piece.interval)) return abandon(task, actions);
  ++counts_.redone;
  try_again(task.piece, task.id, actions);
}

void Job::on_lost(const Task& task, TaskLost::Cause cause, std::vector<Action>& actions) {
  Piece again = task.piece;
  if (cause == TaskLost::Cause::launcher_died && task.started) ++again.deaths;
  if (cause == TaskLost::Cause::no_room) ++again.refusals;
  actions.emplace_back(
      Notice{.what = cause == TaskLost::Cause::no_room ? Notice::What::no_room : Notice::What::task_lost,
             .job = terms_.job,
             .piece = again.interval,
             .peer = {}});
  if (!goes_on(again.interval)) return abandon(task, actions);
  if (again.deaths >= deaths_max || again.refusals >= refusals_max) return give_up(task, actions);
  ++counts_.redone;
  try_again(again, task.id, actions);
}

void Job::try_again(Piece piece, TaskId task, std::vector<Action>& actions) {
  piece.attempt = Attempt(piece.attempt.value() + 1);
  branch_.put_back(piece);
  actions.emplace_back(DropResult{.task = task});
}

void Job::give_up(const Task& task, std::vector<Action>& actions) {
  actions.emplace_back(
      Notice{.what = Notice::What::piece_given_up, .job = terms_.job, .piece = task.piece.interval, .peer = {}});
  accept(task, Outcome::failed, actions);
}

void Job::abandon(const Task& task, std::vector<Action>& actions) {
  branch_.abandon(task.piece.interval);
  actions.emplace_back(DropResult{.task = task.id});
}

void Job::accept(const Task& task, Outcome outcome, std::vector<Action>& actions) {
  if (outcome == Outcome::hit && terms_.lowest_hit && goes_on(task.piece.interval))
    return accept_candidate(task, actions);
  branch_.finish(task.piece.interval);
  commit(task.id, task.piece, outcome, actions);
  if (outcome == Outcome::hit) {
    if (phase_ == Phase::open) stop(Verdict::hit, task.piece.interval);
  } else {
    apply_halt_rule(task.piece.interval);
  }
}

void Job::accept_candidate(const Task& task, std::vector<Action>& actions) {
  if (candidate_) {
    branch_.discard(candidate_->piece.interval);
    actions.emplace_back(DropResult{.task = candidate_->task});
  }
  branch_.finish(task.piece.interval);
  candidate_ = Candidate{.task = task.id, .piece = task.piece};
  phase_ = Phase::narrowing;
  branch_.drop_unstarted({.begin = task.piece.interval.begin, .end = ~std::uint64_t{0}});
}

// The memory of the root stands for the journal: what is committed is settled at once.
void Job::commit(TaskId task, const Piece& piece, Outcome outcome, std::vector<Action>& actions) {
  branch_.settle(piece.interval);
  switch (outcome) {
    case Outcome::ok: ++counts_.ok; break;
    case Outcome::hit: ++counts_.hits; break;
    case Outcome::failed: ++counts_.failed; break;
  }
  actions.emplace_back(CommitResult{.task = task,
                                    .job = terms_.job,
                                    .path = {},
                                    .piece = piece.interval,
                                    .attempt = piece.attempt,
                                    .outcome = outcome});
}

bool Job::halt_reached() const {
  std::uint64_t reached = 0;
  switch (terms_.halt.what) {
    case HaltRule::What::failed: reached = counts_.failed; break;
    case HaltRule::What::succeeded: reached = counts_.ok + counts_.hits; break;
    case HaltRule::What::done: reached = counts_.ok + counts_.hits + counts_.failed; break;
  }
  if (terms_.halt.unit == HaltRule::Unit::count) return reached >= terms_.halt.amount;
  return items_ended_ && is_share(reached, known_, terms_.halt.amount);
}

void Job::apply_halt_rule(Interval latest) {
  if (terms_.halt.when == HaltRule::When::never || phase_ != Phase::open || !halt_reached()) return;
  stop(Verdict::halted, latest);
  if (terms_.halt.when == HaltRule::When::soon) phase_ = Phase::draining;
}

void Job::cancel() {
  if (phase_ == Phase::stopping) return;
  stop(Verdict::cancelled, std::nullopt);
}

void Job::stop(Verdict verdict, std::optional<Interval> decisive) {
  phase_ = Phase::stopping;
  verdict_ = verdict;
  decisive_ = decisive;
  branch_.drop_unstarted();
}

std::optional<AnswerVerdict> Job::conclude(std::vector<Action>& actions) {
  if (running() > 0 || branch_.has_unstarted()) return std::nullopt;
  if (phase_ == Phase::open && !items_ended_) return std::nullopt;
  if (candidate_) {
    commit(candidate_->task, candidate_->piece, Outcome::hit, actions);
    if (phase_ == Phase::narrowing) verdict_ = Verdict::hit;
    decisive_ = candidate_->piece.interval;
    candidate_.reset();
  }
  assert(branch_.idle());
  return AnswerVerdict{.job = terms_.job, .verdict = verdict_, .counts = counts(), .decisive = decisive_};
}

Counts Job::counts() const {
  Counts counts = counts_;
  if (items_ended_) counts.total = known_;
  counts.committed = branch_.settled().count();
  counts.running = running();
  return counts;
}

void Job::check_invariants() const {
  branch_.check_invariants();
  assert(candidate_.has_value() == !branch_.finished().empty());
  assert(!candidate_ || phase_ == Phase::narrowing || phase_ == Phase::stopping);
  if (phase_ == Phase::stopping || phase_ == Phase::draining) assert(!branch_.has_unstarted());
}

}  // namespace agent::core
