// What a branch does as a master, and as a helper's branch towards its own master.
#include <algorithm>
#include <cassert>

#include "agent/core/branch.h"
#include "agent/core/planted.h"

namespace agent::core {

namespace {

constexpr Duration grant_worth = std::chrono::seconds(3);
constexpr Duration missing_after = std::chrono::seconds(30);  // nothing came of what a helper lent on
constexpr std::int64_t missing_stragglers = 10;               // and not for so many times what is too long for one

bool overlap(Interval a, Interval b) {
  return a.begin < b.end && b.begin < a.end;
}

}  // namespace

Helper& Branch::lend(NodeId node, BranchId id, const Share& share, Instant now) {
  auto [at, added] = helpers_.try_emplace(node);
  Helper& helper = at->second;
  if (added) {
    helper.node = node;
    helper.id = id;
  }
  if (helper.held.empty()) helper.progress_at = helper.result_at = now;
  helper.granted.insert(share.intervals);
  ever_lent_.insert(share.intervals);
  helper.held.insert(share.intervals);
  helper.power.held(now);
  helper.attempt = std::max(helper.attempt, share.attempt);
  helper.unanswered = share.intervals;
  helper.granted_at = now;
  helper.wanted = 0;
  helper.recalled_all = false;
  helper.surplus = false;
  return helper;
}

Helper* Branch::helper(NodeId node) {
  auto at = helpers_.find(node);
  return at == helpers_.end() ? nullptr : &at->second;
}

std::uint32_t Branch::helper_count() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(helpers_, [](const auto& entry) { return entry.second.counts(); }));
}

void Branch::take_back(Helper& helper, const IntervalSet& what, Partition::Rest rest) {
  IntervalSet free = helper.held.both(what);
  helper.held.erase(free);
  std::vector<Piece> started;
  for (auto at = helper.started.begin(); at != helper.started.end();) {
    auto here = at++;
    if (!free.contains(here->second.interval)) continue;
    started.push_back(Piece{.interval = here->second.interval, .attempt = helper.attempt});
    helper.started.erase(here);
  }
  free_again(free, helper.attempt, rest, started);
}

void Branch::take_back_unstarted(Helper& helper, const IntervalSet& what, Attempt least) {
  const IntervalSet back = helper.held.both(what);
  take_back(helper, back, Partition::Rest::never_started);
  partition_.issue_from(back, std::min(least, helper.attempt_believed_max()));
}

std::vector<Interval> Branch::forget(NodeId node) {
  std::vector<Interval> begun;
  Helper* gone = helper(node);
  if (gone == nullptr) return begun;
  for (const auto& [begin, started] : gone->started) begun.push_back(started.interval);
  take_back(*gone, IntervalSet(gone->held), Partition::Rest::maybe_started);
  remember_former(*gone);
  helpers_.erase(node);
  const IntervalSet again = partition_.unstarted();
  std::erase_if(begun, [&](Interval piece) { return !again.intersects(piece); });
  return begun;
}

bool Branch::is_at_silent_helper(Interval piece) const {
  return std::ranges::any_of(helpers_, [&](const auto& each) {
    const auto started = each.second.started.find(piece.begin);
    return each.second.state == Helper::State::silent && started != each.second.started.end() &&
           started->second.interval == piece;
  });
}

void Branch::drop_idle_helpers() {
  std::erase_if(helpers_, [](const auto& entry) { return entry.second.over() && !entry.second.reconciling; });
}

bool Branch::on_reported(Helper& helper, const KeptResult& result, Duration ran, Instant now, Losers& losers,
                         std::vector<Action>& actions) {
  if (!helper.granted.contains(result.piece) && !planted(Defect::accept_ungranted)) return false;
  const IntervalSet covered(result.piece);
  const bool counts = result.outcome == Outcome::ok || result.outcome == Outcome::hit;
  helper.progress_at = helper.result_at = now;
  helper.gives_back = false;
  helper.nothing_to_return = false;
  helper.filled_ahead = false;
  if (counts && helper.held.contains(result.piece)) {
    cost_.observe(result.piece.count(), ran);
    helper.power.done(now, result.piece.count());
  }
  helper.held.erase(covered);
  if (helper.held.empty()) helper.power.dry(now);
  helper.started.erase(result.piece.begin);
  const Partition::Finish finish = partition_.finish(result.piece);
  helper.unsettled.insert(covered);
  if (finish != Partition::Finish::accepted) {
    // What it would have covered besides is nobody's now, unless somebody else has it. The attempt that the result
    // names is its word; it may have had the same under a later one.
    free_again(covered.both(partition_.out()), helper.attempt, Partition::Rest::maybe_started, {});
    return false;
  }
  release_losers(result.piece, losers);
  if (owner_) {
    owner_->accept(result, partition_, actions);
  } else {
    results_.keep(result);
  }
  return true;
}

IntervalSet Branch::settled_for(const Helper& helper) const {
  IntervalSet told = helper.unsettled.both(partition_.settled());
  if (planted(Defect::settle_early)) return helper.unsettled;
  // What is not in this branch any more concerns nobody here: the helper need not keep it for us.
  IntervalSet strange = helper.unsettled;
  strange.erase(partition_.granted());
  told.insert(strange);
  return told;
}

void Branch::on_granted(const IntervalSet& plain, const std::vector<Piece>& pieces, Attempt attempt) {
  // What a task runs that was told to stop, and came back, waits until that task is gone.
  IntervalSet stopping;
  for (const auto& [begin, running] : running_) stopping.insert(running.piece.interval);
  IntervalSet rest = plain;
  for (const Piece& piece : pieces) {
    if (partition_.granted().intersects(piece.interval) || stopping.intersects(piece.interval)) {
      rest.insert(piece.interval);
    } else {
      partition_.grant(piece);
    }
  }
  partition_.grant(rest, attempt);
  partition_.take_out(rest.both(stopping));
  upward_.want_told = false;
  drains_ = false;
}

std::uint64_t Branch::wants_more(std::uint32_t slots) const {
  // Who may have nothing waiting asks when a slot is free (agent_lost.cpp).
  if (starts_at_most_once() || drains_) return 0;
  if (upward_.want_told || partition_.has_todo() || partition_.granted().empty()) return 0;
  std::uint64_t wanted = slots;
  for (const auto& [node, helper] : helpers_) wanted += helper.wanted;
  return wanted;
}

Helper* Branch::hungry_helper(const std::function<bool(NodeId)>& may_lend) {
  if (partition_.lendable_count() == 0) return nullptr;
  for (auto& [node, helper] : helpers_) {
    if (helper.wanted > 0 && helper.state == Helper::State::live && may_lend(node)) return &helper;
  }
  return nullptr;
}

std::uint64_t Branch::next_share(const Helper& helper, Instant now) const {
  double all = own_power_.per_second(now, std::nullopt).value_or(0.0);
  for (const auto& [node, each] : helpers_) all += each.power.per_second(now, std::nullopt).value_or(0.0);
  const double its = helper.power.per_second(now, std::nullopt).value_or(0.0);
  const double share = its > 0.0 ? its / all : 1.0 / static_cast<double>(helpers_.size() + 1);
  const auto lendable = static_cast<double>(partition_.lendable_count());
  // Not so little that it comes back for more at once: a grant costs four messages.
  const double least = its * std::chrono::duration<double>(grant_worth).count();
  return std::max<std::uint64_t>(1,
                                 static_cast<std::uint64_t>(std::min(lendable, std::max(least, lendable * share / 2))));
}

void Branch::on_stored(std::uint64_t below, Instant now) {
  if (!results_.on_stored(below)) return;
  upward_.unreceived_since.reset();
  if (results_.credit_used().results > 0) upward_.unreceived_since = now;
}

void Branch::on_settled(const IntervalSet& what, std::vector<Action>& actions) {
  partition_.settle(what);
  results_.let_go(what, partition_.finished(), actions);
}

void Branch::on_cancelled(const IntervalSet& what, Losers& losers, std::vector<Action>& actions) {
  const IntervalSet gone = what.empty() ? partition_.granted() : what;
  for (Interval interval : gone.intervals()) release_losers(interval, losers);
  partition_.remove(gone);
  results_.let_go(gone, partition_.finished(), actions);
}

std::vector<NodeId> Branch::unanswered_since(Instant before) const {
  std::vector<NodeId> nodes;
  for (const auto& [node, helper] : helpers_) {
    if (helper.unanswered && !starts_at_most_once() && helper.granted_at <= before) nodes.push_back(node);
  }
  return nodes;
}

std::optional<Instant> Branch::unanswered_at() const {
  std::optional<Instant> first;
  for (const auto& [node, helper] : helpers_) {
    const Instant at = helper.granted_at + answer_patience;
    if (helper.unanswered && !starts_at_most_once() && (!first || at < *first)) first = at;
  }
  return first;
}

void Branch::on_progress(Helper& helper, const protocol::Report& report, Instant now) {
  helper.remaining = report.remaining;
  std::map<std::uint64_t, Helper::Started> started;
  for (Interval interval : report.started) {
    if (!helper.held.contains(interval) || !may_be_piece(interval)) continue;
    auto before = helper.started.find(interval.begin);
    const bool known = before != helper.started.end() && before->second.interval == interval;
    started.emplace(interval.begin, Helper::Started{.interval = interval, .since = known ? before->second.since : now});
  }
  helper.started = std::move(started);
  if (!helper.started.empty()) helper.progress_at = now;
  IntervalSet lent_on;
  for (const protocol::Lent& lent : report.lent) lent_on.insert(IntervalSet(lent.what));
  helper.lent_on = lent_on.both(helper.held);
}

std::uint64_t Branch::power_per_megasecond(Instant now) const {
  double power = own_power_.per_second(now, std::nullopt).value_or(0.0);
  for (const auto& [node, helper] : helpers_) power += helper.power.per_second(now, std::nullopt).value_or(0.0);
  return static_cast<std::uint64_t>(std::min(power * 1e6, 1e18));
}

std::optional<Interval> Branch::worth_copying(Instant now, std::optional<NodeId> thief) const {
  if (terms_.started_at_most_once) return std::nullopt;
  const std::optional<Duration> straggling = cost_.straggling();
  std::optional<Interval> best;
  Duration longest{};
  bool silent = false;
  auto consider = [&](Interval piece, Instant since, bool is_silent) {
    const Duration elapsed = now - since;
    const bool too_long =
        straggling && static_cast<double>(elapsed.count()) >
                          static_cast<double>(straggling->count()) * static_cast<double>(piece.count());
    if (!(is_silent && begins()) && !too_long) return;
    if (best && (silent > is_silent || (silent == is_silent && elapsed <= longest))) return;
    if (!may_copy(piece, thief)) return;
    best = piece;
    longest = elapsed;
    silent = is_silent;
  };
  // What runs here is ours to copy only at the owner: else our master is the nearest one above the executor. And what
  // waits for a loop of its own shows its progress there; a copy of it would begin that loop anew.
  if (owner_ && thief) {
    for (const auto& [begin, running] : running_) {
      if (!running.parked) consider(running.piece.interval, running.since, false);
    }
  }
  for (const auto& [node, helper] : helpers_) {
    for (const auto& [begin, started] : helper.started) {
      // What it lent on besides, it copies itself.
      if (helper.lent_on.intersects(started.interval)) continue;
      consider(started.interval, started.since, helper.state == Helper::State::silent);
    }
    const Duration nothing_for = now - helper.result_at;
    const bool missing = straggling && nothing_for >= missing_after && nothing_for / missing_stragglers >= *straggling;
    if (!missing || helper.lent_on.empty()) continue;
    if (const auto piece = missing_below(helper)) consider(*piece, helper.result_at, false);
  }
  return best;
}

// Some of what the helper lent on that nobody else is known to be at.
std::optional<Interval> Branch::missing_below(const Helper& helper) const {
  IntervalSet missing = helper.lent_on.both(helper.held).both(partition_.out());
  for (const auto& [begin, running] : running_) missing.erase(running.piece.interval);
  for (const auto& [node, other] : helpers_) {
    if (node != helper.node) missing.erase(other.held);
  }
  if (missing.empty()) return std::nullopt;
  const std::uint64_t size = terms_.body == Body::command_per_piece ? sizer_.next(missing.count(), 1) : 1;
  return missing.take_front(size);
}

bool Branch::may_copy(Interval piece, std::optional<NodeId> thief) const {
  if (!partition_.out().contains(piece)) return false;
  std::size_t holders = 0;
  for (const auto& [begin, running] : running_) {
    if (!overlap(running.piece.interval, piece)) continue;
    if (!thief) return false;
    ++holders;
  }
  for (const auto& [node, helper] : helpers_) {
    if (!helper.held.intersects(piece)) continue;
    if (node == thief) return false;
    ++holders;
  }
  return holders < copies_max || planted(Defect::uncounted_copies);
}

Share Branch::copy(Interval piece) {
  Share share;
  share.attempt = partition_.copy(piece);
  share.intervals.insert(piece);
  share.pieces.push_back({.interval = piece, .attempt = share.attempt, .copy = true});
  return share;
}

Branch::Returning Branch::give_up(const IntervalSet& back) {
  Returning returning{.what = back, .attempt = {}};
  for (Interval interval : back.intervals())
    returning.attempt = std::max(returning.attempt, partition_.attempt_of(interval));
  partition_.remove(back);
  return returning;
}

Branch::Returning Branch::return_back(std::uint64_t count) {
  if (count == 0 || !partition_.has_todo()) return {};
  return give_up(partition_.share_back(count).intervals);
}

Branch::Returning Branch::return_half(Partition::Last last) {
  const Share share = partition_.share_half(last);
  if (!planted(Defect::keep_returned)) return give_up(share.intervals);
  partition_.put_back(share.intervals, share.attempt, Partition::Rest::never_started, {});
  return {.what = share.intervals, .attempt = share.attempt};
}

Branch::Returning Branch::return_unstarted() {
  return give_up(partition_.unstarted());
}

Branch::Returning Branch::return_these(const IntervalSet& wanted) {
  IntervalSet back = wanted.both(partition_.todo());
  // No more than one message can tell.
  if (back.intervals().size() > Partition::share_intervals_max)
    back = back.take_back(~std::uint64_t{0}, Partition::share_intervals_max);
  return give_up(back);
}

void Branch::lapse(Losers& losers) {
  IntervalSet open = partition_.unstarted();
  open.insert(partition_.out());
  for (Interval interval : open.intervals()) release_losers(interval, losers);
  partition_.remove(open);
}

std::optional<Instant> Branch::report_at() const {
  if (owner_) return std::nullopt;
  const Instant begun{};
  const bool may_send = results_.has_credit();
  if (results_.has_urgent() && may_send) return begun;
  bool news = results_.has_unsent() && may_send;
  if (!news) {
    news = running_.size() != upward_.started_told.size() ||
           !std::ranges::equal(running_, upward_.started_told, {},
                               [](const auto& entry) { return entry.second.piece.interval; }) ||
           parked() != upward_.parked_told;
    if (!news) return std::nullopt;
    return upward_.reported_at.value_or(begun) + std::chrono::seconds(1);
  }
  if (partition_.open_count() == 0 || !upward_.reported_at || results_.fills_report()) return begun;
  return *upward_.reported_at + upward_.gap;
}

}  // namespace agent::core
