#include "agent/core/branch.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace agent::core {

namespace {

// A client's limit on slots is its agent's affair, and a hit one of the root loop.
JobTerms terms_elsewhere(JobTerms terms, const LoopId& loop) {
  terms.slots_max = 0;
  if (loop.path.empty()) return terms;
  terms.found.reset();
  terms.lowest_hit = false;
  return terms;
}

std::uint32_t branch_number_of(const JobTerms& terms, const std::vector<LoopTerms>& openings) {
  return openings.empty() ? terms.branch_number : openings.back().branch_number;
}

Notice::What notice_of(TaskLost::Cause cause) {
  switch (cause) {
    case TaskLost::Cause::launcher_died:
    case TaskLost::Cause::deadline_passed: return Notice::What::task_lost;
    case TaskLost::Cause::no_room: return Notice::What::no_room;
    case TaskLost::Cause::cannot_start: return Notice::What::cannot_start;
  }
  return Notice::What::task_lost;
}

}  // namespace

Branch::Branch(const LoopId& loop, const JobTerms& terms, ClientId client)
    : loop_(loop), upstream_(client), branch_number_(terms.branch_number), terms_(terms), sizer_(terms.grain) {
  owner_.emplace(loop_, terms_, terms_.size, TaskId{}, partition_);
}

Branch::Branch(const LoopId& loop, const JobTerms& terms, std::vector<LoopTerms> openings, TaskId opener)
    : loop_(loop),
      upstream_(opener),
      openings_(std::move(openings)),
      branch_number_(branch_number_of(terms, openings_)),
      terms_(terms_elsewhere(terms, loop)),
      sizer_(terms.grain) {
  assert(!openings_.empty());
  owner_.emplace(loop_, terms_, openings_.back().size, opener, partition_);
}

Branch::Branch(const LoopId& loop, const JobTerms& terms, std::vector<LoopTerms> openings, const Master& master)
    : loop_(loop),
      upstream_(master),
      openings_(std::move(openings)),
      branch_number_(branch_number_of(terms, openings_)),
      terms_(terms_elsewhere(terms, loop)),
      sizer_(terms.grain) {}

void Branch::add_items(std::uint64_t known) {
  assert(owner_);
  owner_->add_items(known, partition_);
}

bool Branch::wants_slot() const {
  if (!partition_.has_todo() || !begins()) return false;
  // What must run again goes on: in order, everything that fills the room may be waiting for it.
  if (results_full_ && !partition_.has_redo()) return false;
  return terms_.slots_max == 0 || running_.size() < terms_.slots_max;
}

Piece Branch::start_next(TaskId task, std::uint32_t slots, Instant now) {
  std::uint64_t size = 1;
  if (terms_.body == Body::command_per_piece && !partition_.todo().empty()) {
    const std::uint32_t executors = terms_.slots_max == 0 ? slots : std::min(slots, terms_.slots_max);
    size = sizer_.next(partition_.todo().count(), executors);
  }
  const Piece piece = partition_.start_next(size);
  put_running(task, piece, now);
  return piece;
}

Piece Branch::start_copy(TaskId task, Interval interval, Instant now) {
  const Piece piece{.interval = interval, .attempt = partition_.copy(interval), .copy = true};
  put_running(task, piece, now);
  return piece;
}

void Branch::put_running(TaskId task, const Piece& piece, Instant now) {
  own_power_.held(now);
  running_.emplace(piece.interval.begin, Running{.task = task, .piece = piece, .since = now});
}

Outcome Branch::judge(const TaskEnded& ended) const {
  if (ended.how != TaskEnded::How::exited) return Outcome::failed;
  if (terms_.found && ended.exit == *terms_.found) return Outcome::hit;
  return ended.exit == 0 ? Outcome::ok : Outcome::failed;
}

std::map<std::uint64_t, Running>::iterator Branch::find_running(TaskId task) {
  auto at = std::ranges::find(running_, task, [](const auto& entry) { return entry.second.task; });
  assert(at != running_.end());
  return at;
}

std::vector<Interval> Branch::parked() const {
  std::vector<Interval> parked;
  for (const auto& [begin, running] : running_) {
    if (running.parked) parked.push_back(running.piece.interval);
  }
  return parked;
}

Running Branch::take_running(TaskId task, Instant now) {
  auto at = find_running(task);
  const Running running = at->second;
  running_.erase(at);
  if (running_.empty()) own_power_.dry(now);
  return running;
}

void Branch::free_again(IntervalSet what, Attempt issued, Partition::Rest rest, const std::vector<Piece>& started) {
  what = left_to_nobody(std::move(what), issued, rest);
  if (terms_.started_at_most_once && rest == Partition::Rest::maybe_started) return lose(what);
  what = what.both(partition_.out());
  for (const Piece& piece : started) {
    if (owner_ && what.contains(piece.interval) && goes_on(piece.interval)) owner_->count_redo();
  }
  put_back(what, issued, rest, started);
}

void Branch::put_back(const IntervalSet& what, Attempt issued, Partition::Rest rest,
                      const std::vector<Piece>& started) {
  // What has its result stays, whoever loses it.
  const IntervalSet back = what.both(partition_.out());
  partition_.put_back(back, issued, rest, started);
  if (!owner_) return;
  IntervalSet ended = back;
  if (owner_->starts()) {
    const std::optional<Interval> window = owner_->unwanted();
    ended = window ? back.within(*window) : IntervalSet();
  }
  partition_.remove(ended);
}

bool Branch::again(const Piece& piece) {
  constexpr auto rest = Partition::Rest::maybe_started;
  const IntervalSet back = left_to_nobody(IntervalSet(piece.interval), piece.attempt, rest).both(partition_.out());
  put_back(back, piece.attempt, rest, {piece});
  return !back.empty();
}

// What others hold stays with them; should it come back, it is issued after what was begun here.
IntervalSet Branch::left_to_nobody(IntervalSet what, Attempt issued, Partition::Rest rest) {
  const IntervalSet others = held_of(what);
  if (rest == Partition::Rest::maybe_started) partition_.issue_from(others, Attempt(issued.value() + 1));
  what.erase(others);
  return what;
}

void Branch::on_ended(TaskId task, const TaskEnded& ended, Instant now, Losers& losers, std::vector<Action>& actions) {
  const Running running = take_running(task, now);
  const Interval interval = running.piece.interval;
  Piece piece = running.piece;
  if (ended.how == TaskEnded::How::stopped) {
    if (terms_.started_at_most_once && !unwanted(interval)) return lose_own(task, piece, losers, actions);
    // If it is wanted all the same, it was somebody else's stop, and no fault of the task.
    if (again(piece) && owner_ && goes_on(interval)) owner_->count_redo();
    actions.emplace_back(DropResult{.task = task});
    return;
  }
  const Outcome outcome = judge(ended);
  const std::uint32_t retries = terms_.started_at_most_once ? 0 : terms_.retries;
  if (outcome == Outcome::ok) sizer_.observe(interval.count(), ended.ran);
  if (outcome != Outcome::failed) {
    cost_.observe(interval.count(), ended.ran);
    own_power_.done(now, interval.count());
  }
  if (outcome == Outcome::failed && piece.tries < retries && goes_on(interval)) {
    ++piece.tries;
    if (owner_) owner_->count_retry();
    (void)again(piece);
    actions.emplace_back(DropResult{.task = task});
    return;
  }
  take_result({.piece = interval,
               .attempt = piece.attempt,
               .outcome = outcome,
               .size_bytes = ended.size_bytes,
               .source = {.task = task}},
              losers, actions);
}

void Branch::on_lost(TaskId task, bool started, TaskLost::Cause cause, Instant now, Losers& losers,
                     std::vector<Action>& actions) {
  const Running running = take_running(task, now);
  Piece piece = running.piece;
  const bool ran = started || cause == TaskLost::Cause::deadline_passed;
  if (terms_.started_at_most_once && ran && !unwanted(piece.interval)) return lose_own(task, piece, losers, actions);
  if (cause == TaskLost::Cause::launcher_died && started) ++piece.deaths;
  if (cause == TaskLost::Cause::no_room || cause == TaskLost::Cause::cannot_start) ++piece.refusals;
  actions.emplace_back(
      Notice{.what = notice_of(cause), .job = loop_.job, .piece = piece.interval, .peer = {}, .path = loop_.path});
  if (goes_on(piece.interval) && (piece.deaths >= deaths_max || piece.refusals >= refusals_max)) {
    actions.emplace_back(Notice{.what = Notice::What::piece_given_up,
                                .job = loop_.job,
                                .piece = piece.interval,
                                .peer = {},
                                .path = loop_.path});
    return take_result({.piece = piece.interval,
                        .attempt = piece.attempt,
                        .outcome = Outcome::failed,
                        .size_bytes = 0,
                        .source = {.task = task}},
                       losers, actions);
  }
  if (again(piece) && owner_ && goes_on(piece.interval)) owner_->count_redo();
  actions.emplace_back(DropResult{.task = task});
}

void Branch::take_result(const KeptResult& result, Losers& losers, std::vector<Action>& actions) {
  const Partition::Finish finish = partition_.finish(result.piece);
  if (finish != Partition::Finish::accepted) {
    // It came before its task could be told to stop. What it would have covered besides is nobody's now.
    free_again(IntervalSet(result.piece).both(partition_.out()), result.attempt, Partition::Rest::maybe_started, {});
    if (result.source.own()) actions.emplace_back(DropResult{.task = result.source.task});
    return;
  }
  release_losers(result.piece, losers);
  if (owner_) {
    owner_->accept(result, partition_, actions);
  } else {
    if (result.source.own()) actions.emplace_back(KeepResult{.task = result.source.task, .outcome = result.outcome});
    results_.keep(result);
  }
}

void Branch::release_losers(Interval covered, Losers& losers) {
  for (auto at = running_.begin(); at != running_.end();) {
    auto here = at++;
    const Piece& piece = here->second.piece;
    if (piece.interval.end <= covered.begin || covered.end <= piece.interval.begin) continue;
    losers.tasks.push_back(here->second.task);
  }
  for (auto& [node, helper] : helpers_) {
    const IntervalSet lost = helper.held.both(IntervalSet(covered));
    if (lost.empty()) continue;
    helper.held.erase(lost);
    losers.helpers.emplace_back(node, lost);
  }
}

void Branch::cancel() {
  assert(owner_);
  owner_->cancel(partition_);
}

bool Branch::unwanted(Interval running) const {
  if (!owner_) return false;
  const std::optional<Interval> window = owner_->unwanted();
  return window && running.begin >= window->begin && running.end <= window->end;
}

std::vector<std::pair<NodeId, IntervalSet>> Branch::let_go_unwanted() {
  std::vector<std::pair<NodeId, IntervalSet>> let_go;
  const std::optional<Interval> window = owner_ ? owner_->unwanted() : std::nullopt;
  if (!window) return let_go;
  for (auto& [node, helper] : helpers_) {
    const IntervalSet gone = helper.held.within(*window);
    if (gone.empty()) continue;
    helper.held.erase(gone);
    helper.lent_on.erase(gone);
    std::erase_if(helper.started,
                  [&helper = helper](const auto& entry) { return !helper.held.contains(entry.second.interval); });
    let_go.emplace_back(node, gone);
  }
  for (const auto& [node, gone] : let_go) {
    IntervalSet nobodys = gone.both(partition_.out());
    nobodys.erase(held_of(nobodys));
    partition_.remove(nobodys);
  }
  return let_go;
}

IntervalSet Branch::held_of(const IntervalSet& what) const {
  IntervalSet all;
  for (const auto& [begin, running] : running_) all.insert(IntervalSet(running.piece.interval).both(what));
  for (const auto& [node, helper] : helpers_) all.insert(helper.held.both(what));
  return all;
}

std::optional<AnswerVerdict> Branch::conclude(std::vector<Action>& actions) {
  assert(owner_);
  const std::optional<Owner::Ending> ending = owner_->conclude(partition_, actions);
  if (!ending) return std::nullopt;
  return AnswerVerdict{.job = loop_.job, .verdict = ending->verdict, .counts = counts(), .decisive = ending->decisive};
}

Counts Branch::counts() const {
  Counts counts = owner_ ? owner_->counts(partition_) : Counts{};
  counts.running = running_.size();
  return counts;
}

void Branch::check_invariants() const {
  partition_.check_invariants();
  results_.check_invariants();
  if (owner_) owner_->check_invariants(partition_);
  assert(held_of(partition_.out()) == partition_.out());
  std::uint64_t end = 0;
  for (const auto& [begin, running] : running_) {
    assert(begin == running.piece.interval.begin && begin >= end);
    end = running.piece.interval.end;
  }
  assert(openings_.size() == loop_.path.size());
}

}  // namespace agent::core
