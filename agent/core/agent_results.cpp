// Results on their way up, and the word that they are settled on its way down.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"
#include "agent/core/planted.h"
#include "protocol/limits.h"

namespace agent::core {

namespace {

constexpr Duration report_gap_least = std::chrono::milliseconds(1);
constexpr Duration report_gap_max = std::chrono::seconds(1);
constexpr Duration report_resend = std::chrono::seconds(6);  // well above the time that a receipt may wait
constexpr std::size_t results_per_report = 1'024;
constexpr Duration settled_pace = std::chrono::milliseconds(1'500);
constexpr std::uint64_t cache_bytes_max = std::uint64_t{64} << 20;  // of results that are not settled

}  // namespace

// It empties by itself, whatever starts here: the roots settle what they get in any order.
bool Agent::cache_is_full() const {
  looked_at_ += branches_.size();
  std::uint64_t bytes = 0;
  for (const auto& [key, branch] : branches_) bytes += branch.results().kept_bytes();
  return is_too_much(bytes);
}

bool Agent::is_too_much(std::uint64_t kept_bytes) {
  return kept_bytes >= cache_bytes_max;
}

// A lone result leaves at once; while they keep coming, the gap between reports doubles up to a second. Hits and
// failures go at once, and so does the rest when it fills a message, or when nothing more is to come.
void Agent::report_due() {
  for (auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || !is_up(master->node)) continue;
    Upward& upward = branch.upward();
    if (upward.unreceived_since && now_ - *upward.unreceived_since >= report_resend) {
      upward.unreceived_since.reset();
      branch.results().unsend();
    }
    const std::optional<Instant> due = branch.report_at();
    if (due && *due <= now_) report(key, *master);
  }
}

void Agent::report(BranchKey key, const Master& master) {
  Branch& branch = branches_.at(key);
  Upward& upward = branch.upward();
  // Twice the longest gap: at just that gap a steady stream would begin anew with every report.
  const bool quiet = !upward.reported_at || now_ - *upward.reported_at >= 2 * report_gap_max;
  upward.gap = quiet ? std::max(report_gap_least, contacts_.at(master.node).round_trip)
                     : std::min(report_gap_max, 2 * upward.gap);
  upward.reported_at = now_;
  const std::uint64_t number = upward.next_number++;
  Results::Outgoing outgoing = branch.results().send(number, results_per_report);
  if (!outgoing.covers.empty() && !upward.unreceived_since) upward.unreceived_since = now_;
  protocol::Report report{.branch = master.id, .number = number, .batches = {}};
  report.power_per_megasecond = branch.power_per_megasecond(now_);
  report.remaining = branch.partition().open_count();
  for (const auto& [begin, running] : branch.running()) report.started.push_back(running.piece.interval);
  upward.started_told = report.started;
  // What is parked is at somebody else's, or at ours further down: to copy it would begin its loops anew.
  upward.parked_told = branch.parked();
  if (!upward.parked_told.empty())
    report.lent.push_back({.helper = options_.node, .attempt = {}, .what = upward.parked_told});
  std::size_t room = intervals_per_message - upward.parked_told.size();
  for (const auto& [node, helper] : branch.helpers()) {
    if (helper.held.empty() || report.lent.size() == protocol::limits::lent_max) continue;
    const std::vector<Interval>& held = helper.held.intervals();
    report.lent.push_back({.helper = node, .attempt = helper.attempt, .what = held});
    // Widened to fit: that only makes the master more patient.
    if (held.size() > room) report.lent.back().what = {{.begin = held.front().begin, .end = held.back().end}};
    room -= std::min(room, held.size());
  }
  if (!outgoing.covers.empty()) want_more(branch, master);
  send(master.node, std::move(report),
       {.mandates = {}, .results = std::move(outgoing.results), .batches = std::move(outgoing.batches), .records = {}});
}

void Agent::on_message(NodeId from, const protocol::Report& report, const Proofs& proofs) {
  const std::optional<BranchKey> key = lent_as(from, report.branch);
  if (!key) {
    for (const BatchFact& batch : proofs.batches) actions_->emplace_back(DropBatch{.batch = batch.batch});
    return send(from,
                protocol::Cancel{.branch = report.branch, .intervals = {}, .why = protocol::CancelReason::expired});
  }
  Branch& branch = branches_.at(*key);
  Helper& helper = *branch.helper(from);
  Losers losers;
  for (const BatchFact& batch : proofs.batches) take_batch(branch, helper, batch, losers);
  branch.on_progress(helper, report, now_);
  take_stock(helper, report, proofs);
  tell_losers(*key, losers, protocol::CancelReason::won_elsewhere);
  stop_unwanted(StopHow::terminate, branch);
  pass_on_settled(*key, helper);
}

// Beats tell what is stored; a stream that would run out of credit before the next one is told at once.
void Agent::take_stock(Helper& helper, const protocol::Report& report, const Proofs& proofs) {
  helper.reports_stored = std::max(helper.reports_stored, report.number + 1);
  for (const BatchFact& batch : proofs.batches) {
    helper.credit_used.results += batch.results.size();
    helper.credit_used.bytes += batch.size_bytes;
  }
  if (!helper.credit_used.above_a_quarter()) return;
  helper.told_stored();
  send(helper.node, protocol::Received{.branch = helper.id, .number = helper.reports_stored - 1});
}

void Agent::take_batch(Branch& branch, Helper& helper, const BatchFact& batch, Losers& losers) {
  bool kept = false;
  for (std::uint32_t index = 0; index < batch.results.size(); ++index) {
    const ResultFact& fact = batch.results[index];
    const bool nonsense = fact.piece.begin >= fact.piece.end || !branch.may_be_piece(fact.piece) ||
                          (fact.outcome == Outcome::lost && !branch.starts_at_most_once());
    if (nonsense || (!helper.granted.contains(fact.piece) && !planted(Defect::accept_ungranted))) {
      note(Notice::What::strange, branch, fact.piece, helper.node);
      continue;
    }
    const bool late = !helper.held.contains(fact.piece);
    const bool accepted =
        branch.on_reported(helper,
                           {.piece = fact.piece,
                            .attempt = fact.attempt,
                            .outcome = fact.outcome,
                            .size_bytes = batch.size_bytes,
                            .source = {.task = {}, .batch = batch.batch, .index = index, .executor = batch.executor}},
                           fact.ran, now_, losers, *actions_);
    kept = kept || accepted;
    if (accepted && late) note(Notice::What::late_result, branch, fact.piece, helper.node);
    if (!accepted) note(Notice::What::overlapped, branch, fact.piece, helper.node);
  }
  // With an owner all is committed or dropped by now, but for a candidate, whose batch stays.
  if (branch.owner() ? !branch.owner()->keeps(batch.batch) : !kept)
    actions_->emplace_back(DropBatch{.batch = batch.batch});
}

void Agent::note(Notice::What what, const Branch& branch, Interval piece, std::optional<NodeId> peer,
                 std::string reason) {
  actions_->emplace_back(Notice{.what = what,
                                .job = branch.loop().job,
                                .piece = piece,
                                .peer = peer,
                                .path = branch.loop().path,
                                .reason = std::move(reason)});
}

void Agent::note_copy(const Branch& branch, Interval piece, NodeId to) {
  note(Notice::What::copied, branch, piece, to, branch.is_at_silent_helper(piece) ? "silent" : "slow");
}

// At once what ends its branch, the rest now and then.
void Agent::pass_on_settled(BranchKey key, Helper& helper) {
  const bool last = helper.held.empty() && branches_.at(key).settled_for(helper) == helper.unsettled;
  if (last || now_ - helper.settled_told >= settled_pace) tell_settled(key, helper);
}

void Agent::tell_settled(BranchKey key, Helper& helper) {
  Branch& branch = branches_.at(key);
  const IntervalSet settled = branch.settled_for(helper);
  if (settled.empty() || !is_up(helper.node)) return;
  branch.told_settled(helper, settled);
  helper.settled_told = now_;
  for (auto& part : settled.in_parts(intervals_per_message))
    send(helper.node, protocol::Settled{.loop = branch.loop(), .intervals = std::move(part)});
}

void Agent::on_message(NodeId from, const protocol::Received& received, const Proofs&) {
  const std::optional<BranchKey> key = held_for({.node = from, .id = received.branch});
  if (!key) return;
  branches_.at(*key).on_stored(received.number + 1, now_);
}

void Agent::on_message(NodeId from, const protocol::Settled& settled, const Proofs&) {
  for (auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || master->node != from || branch.loop() != settled.loop) continue;
    branch.on_settled(IntervalSet(settled.intervals), *actions_);
    for (const auto& [node, helper] : branch.helpers()) pass_on_settled(key, *branch.helper(node));
  }
}

void Agent::on_message(NodeId from, const protocol::Resend& resend, const Proofs&) {
  for (auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || master->node != from || branch.loop() != resend.loop) continue;
    if (branch.upward().patience.spend(now_)) branch.results().resend(IntervalSet(resend.intervals));
  }
}

void Agent::on_message(NodeId, const protocol::Ended& ended, const Proofs&) {
  const Job* job = find(ended.job);
  if (job == nullptr || job->root) return;
  forget_job(ended.job, StopHow::terminate);
}

void Agent::forget_job(JobId job, StopHow how) {
  for (auto at = branches_.begin(); at != branches_.end(); ++at) {
    Branch& branch = at->second;
    if (branch.loop().job != job) continue;
    Losers losers;
    if (!branch.owner()) branch.on_cancelled({}, losers, *actions_);
    for (TaskId task : losers.tasks) stop(tasks_.at(task), how);
    for (const auto& [node, helper] : branch.helpers()) {
      if (is_up(node)) send(node, protocol::Ended{.job = job, .statement = {}});
    }
  }
  ended_.bury(job, now_);
}

// A helper's branch of which nothing is left to do or to be settled, and of which nothing runs any more, is over, once
// no silent helper of it may be at work; so is a helper that owes us nothing. A job without branches is forgotten.
void Agent::drop_idle_branches() {
  std::set<JobId> alive;
  for (auto at = branches_.begin(); at != branches_.end();) {
    auto here = at++;
    Branch& branch = here->second;
    branch.drop_idle_helpers();
    if (is_over(branch)) {
      branches_.erase(here);
    } else {
      alive.insert(branch.loop().job);
    }
  }
  if (planted(Defect::keep_job)) return;
  std::erase_if(jobs_, [&](const auto& entry) { return !entry.second.root && !alive.contains(entry.first); });
}

}  // namespace agent::core
