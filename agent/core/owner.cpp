#include "agent/core/owner.h"

#include <cassert>

#include "agent/core/planted.h"
namespace agent::core {

namespace {

constexpr std::uint64_t index_end = ~std::uint64_t{0};

// Whether part / whole >= percent / 100, exactly and without overflow: 100 * part may need 71 bits.
bool is_share(std::uint64_t part, std::uint64_t whole, std::uint64_t percent) {
  const std::uint64_t hundredth = whole / 100, rest = whole % 100;
  return whole > 0 && part >= hundredth * percent + (rest * percent + 99) / 100;
}

}  // namespace

Owner::Owner(const LoopId& loop, const JobTerms& terms, std::optional<std::uint64_t> size, TaskId opener,
             Partition& partition)
    : loop_(loop),
      opener_(opener),
      halt_(loop.path.empty() ? terms.halt : HaltRule{}),
      body_(terms.body),
      lowest_hit_(terms.lowest_hit) {
  if (size) {
    add_items(*size, partition);
    items_ended_ = true;
  }
}

void Owner::add_items(std::uint64_t known, Partition& partition) {
  if (items_ended_ || known <= known_) return;
  const Interval added{.begin = known_, .end = known};
  known_ = known;
  // What comes after the end was decided lies above any hit, and nobody waits for it.
  if (phase_ == Phase::open) partition.grant(IntervalSet(added), Attempt(0));
}

bool Owner::goes_on(Interval piece) const {
  if (phase_ == Phase::narrowing) return piece.begin < candidate_->piece.begin;
  return phase_ == Phase::open;
}

std::optional<Interval> Owner::unwanted() const {
  if (phase_ == Phase::stopping || phase_ == Phase::abandoned) return Interval{.begin = 0, .end = index_end};
  if (phase_ == Phase::narrowing) return Interval{.begin = candidate_->piece.begin, .end = index_end};
  return std::nullopt;
}

void Owner::accept(const KeptResult& result, Partition& partition, std::vector<Action>& actions) {
  const bool above = phase_ == Phase::narrowing && result.piece.begin > candidate_->piece.begin;
  if (above || phase_ == Phase::abandoned) {
    partition.remove(IntervalSet(result.piece));
    return drop(result.source, actions);
  }
  if (result.outcome == Outcome::hit && planted(Defect::drop_hit)) {
    partition.remove(IntervalSet(result.piece));
    return drop(result.source, actions);
  }
  if (result.outcome == Outcome::hit && lowest_hit_ && goes_on(result.piece))
    return accept_candidate(result, partition, actions);
  commit(result, partition, actions);
  if (result.outcome == Outcome::hit) {
    if (phase_ == Phase::open) stop(Verdict::hit, result.piece, partition);
  } else {
    apply_halt_rule(result.piece, partition);
  }
}

void Owner::accept_candidate(const KeptResult& result, Partition& partition, std::vector<Action>& actions) {
  if (candidate_) {
    partition.remove(IntervalSet(candidate_->piece));
    drop(candidate_->source, actions);
    if (result.source.own() || result.source.batch != candidate_->source.batch) drop_batch(candidate_->source, actions);
  }
  candidate_ = result;
  phase_ = Phase::narrowing;
  IntervalSet above = partition.unstarted();
  above.insert(partition.lost());
  if (result.piece.begin > 0) above.erase({.begin = 0, .end = result.piece.begin});
  partition.remove(above);
}

void Owner::commit(const KeptResult& result, Partition& partition, std::vector<Action>& actions) {
  partition.settle(IntervalSet(result.piece));
  switch (result.outcome) {
    case Outcome::ok: ++counts_.ok; break;
    case Outcome::hit: ++counts_.hits; break;
    case Outcome::failed: ++counts_.failed; break;
    case Outcome::lost: ++counts_.lost; break;
  }
  if (result.source.own()) {
    actions.emplace_back(CommitResult{.task = result.source.task,
                                      .job = loop_.job,
                                      .path = loop_.path,
                                      .opener = opener_,
                                      .piece = result.piece,
                                      .attempt = result.attempt,
                                      .outcome = result.outcome});
  } else {
    actions.emplace_back(CommitReceived{.batch = result.source.batch,
                                        .index = result.source.index,
                                        .executor = result.source.executor,
                                        .job = loop_.job,
                                        .path = loop_.path,
                                        .opener = opener_,
                                        .piece = result.piece,
                                        .attempt = result.attempt,
                                        .outcome = result.outcome});
  }
}

// The batch of a dropped result that came from a peer is the branch's to drop, when nothing of it is kept.
void Owner::drop(const ResultSource& source, std::vector<Action>& actions) const {
  if (source.own()) actions.emplace_back(DropResult{.task = source.task});
}

// But a candidate's batch stays when all others of it are dealt with: nobody else drops it.
void Owner::drop_batch(const ResultSource& source, std::vector<Action>& actions) const {
  if (!source.own()) actions.emplace_back(DropBatch{.batch = source.batch});
}

std::uint64_t Owner::pending_losses(const Partition& partition) const {
  return body_ == Body::command_per_iteration ? partition.lost().count() : partition.lost().intervals().size();
}

void Owner::commit_lost(Partition& partition, std::vector<Action>& actions) {
  for (Interval rest : partition.lost().intervals()) {
    while (rest.begin < rest.end) {
      const std::uint64_t end = body_ == Body::command_per_iteration ? rest.begin + 1 : rest.end;
      actions.emplace_back(CommitLost{
          .job = loop_.job, .path = loop_.path, .opener = opener_, .piece = {.begin = rest.begin, .end = end}});
      ++counts_.lost;
      rest.begin = end;
    }
  }
  partition.settle_lost();
}

bool Owner::halt_reached(const Partition& partition) const {
  const std::uint64_t failed = counts_.failed + counts_.lost + pending_losses(partition);
  std::uint64_t reached = 0;
  switch (halt_.what) {
    case HaltRule::What::failed: reached = failed; break;
    case HaltRule::What::succeeded: reached = counts_.ok + counts_.hits; break;
    case HaltRule::What::done: reached = counts_.ok + counts_.hits + failed; break;
  }
  if (halt_.unit == HaltRule::Unit::count) return reached >= halt_.amount;
  return items_ended_ && is_share(reached, known_, halt_.amount);
}

void Owner::apply_halt_rule(Interval latest, Partition& partition) {
  if (halt_.when == HaltRule::When::never || phase_ != Phase::open || !halt_reached(partition)) return;
  stop(Verdict::halted, latest, partition);
  if (halt_.when == HaltRule::When::soon) phase_ = Phase::draining;
}

void Owner::cancel(Partition& partition) {
  if (phase_ == Phase::stopping || phase_ == Phase::abandoned) return;
  stop(Verdict::cancelled, std::nullopt, partition);
}

void Owner::abandon(Partition& partition) {
  assert(!candidate_);  // only the root loop has one, and nobody abandons that
  phase_ = Phase::abandoned;
  partition.remove(partition.unstarted());
}

void Owner::stop(Verdict verdict, std::optional<Interval> decisive, Partition& partition) {
  phase_ = Phase::stopping;
  verdict_ = verdict;
  decisive_ = decisive;
  partition.remove(partition.unstarted());
}

std::optional<Owner::Ending> Owner::conclude(Partition& partition, std::vector<Action>& actions) {
  if (partition.open_count() > 0) return std::nullopt;
  if (phase_ == Phase::open && !items_ended_) return std::nullopt;
  if (candidate_) {
    commit(*candidate_, partition, actions);
    drop_batch(candidate_->source, actions);
    if (phase_ == Phase::narrowing) verdict_ = Verdict::hit;
    decisive_ = candidate_->piece;
    candidate_.reset();
  }
  commit_lost(partition, actions);
  assert(partition.idle());
  return Ending{.verdict = verdict_, .decisive = decisive_};
}

Counts Owner::counts(const Partition& partition) const {
  Counts counts = counts_;
  if (items_ended_) counts.total = known_;
  counts.committed = partition.settled().count();
  counts.lost += pending_losses(partition);
  return counts;
}

void Owner::check_invariants(const Partition& partition) const {
  assert(candidate_.has_value() == !partition.finished().empty());
  assert(!candidate_ || phase_ == Phase::narrowing || phase_ == Phase::stopping);
  if (!starts()) assert(!partition.has_todo());
}

}  // namespace agent::core
