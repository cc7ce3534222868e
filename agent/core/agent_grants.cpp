// Iterations change hands: grants, returns, recalls and cancels, at both ends.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"
#include "agent/core/planted.h"

namespace agent::core {

namespace {

constexpr std::uint32_t attempt_max = 1U << 30;  // far from where counting up would begin anew
// Of one branch: no honest master cuts its work into so many parts.
constexpr std::size_t granted_intervals_max = 2 * protocol::limits::intervals_per_message_max;
constexpr std::size_t gaps_per_peer_max = 4 * granted_intervals_max;
constexpr std::size_t unwilling_max = 4'096;  // of a job: members
constexpr Duration unwilling_for = std::chrono::seconds(60);

// It will not be otherwise in a moment.
bool lasts(protocol::RefuseReason why) {
  using enum protocol::RefuseReason;
  return why == owner || why == draining || why == sandbox_level || why == program_missing;
}

// Whether these are the loops along the path, outermost first.
bool lead_along(const std::vector<LoopTerms>& loops, const LoopPath& path) {
  if (loops.size() != path.size()) return false;
  for (std::size_t depth = 1; depth <= path.size(); ++depth) {
    const LoopPath& at = loops[depth - 1].path;
    if (at.size() != depth || !std::equal(at.begin(), at.end(), path.begin())) return false;
  }
  return true;
}

// A result that covers some of it, and something else besides, is kept until that is settled.
bool has_result_of_some(const Branch& branch, const protocol::Grant& grant) {
  IntervalSet fresh(grant.intervals);
  fresh.erase(branch.partition().granted());
  return !fresh.empty() && !branch.results().kept().both(fresh).empty();
}

}  // namespace

std::optional<BranchKey> Agent::lent_as(NodeId helper, BranchId id) const {
  for (const auto& [key, branch] : branches_) {
    auto at = branch.helpers().find(helper);
    if (at != branch.helpers().end() && at->second.id == id) return key;
  }
  return std::nullopt;
}

bool Agent::owns(const LoopId& loop, const std::vector<LoopTerms>& openings) const {
  return std::ranges::any_of(branches_, [&](const auto& entry) {
    const Branch& branch = entry.second;
    return branch.owner() && branch.loop() == loop && branch.openings() == openings;
  });
}

// An inner loop is for the task that opened it, and nobody's once the iteration of that task has its result. We know
// of those that are in loops that we own.
bool Agent::is_awaited(const LoopId& loop, const std::vector<LoopTerms>& openings) const {
  return std::ranges::all_of(branches_, [&](const auto& entry) {
    const Branch& outer = entry.second;
    const std::size_t depth = outer.loop().path.size();
    if (!outer.owner() || outer.loop().job != loop.job || depth >= loop.path.size()) return true;
    if (!std::equal(outer.openings().begin(), outer.openings().end(), openings.begin())) return true;
    const std::uint64_t opener = loop.path[depth].iteration;
    return outer.partition().is_open({.begin = opener, .end = opener + 1});
  });
}

std::optional<BranchKey> Agent::held_for(const Master& master) const {
  for (const auto& [key, branch] : branches_) {
    if (branch.upstream() == Upstream(master)) return key;
  }
  return std::nullopt;
}

void Agent::grant(BranchKey key, NodeId to, const Share& share, std::uint64_t request) {
  assert(!share.intervals.empty());
  Branch& branch = branches_.at(key);
  Helper* known = branch.helper(to);
  const BranchId id = known != nullptr ? known->id : BranchId(next_branch_id_++);
  Helper& helper = branch.lend(to, id, share, now_);
  protocol::Grant grant{.branch = id, .request = request, .loop = branch.loop(), .attempt = share.attempt};
  grant.intervals = share.intervals.intervals();
  for (const Piece& piece : share.pieces) {
    grant.pieces.push_back(piece.interval);
    grant.copies = grant.copies || piece.copy;
    if (piece.tries > 0 && grant.histories.size() < protocol::limits::histories_max)
      grant.histories.push_back({.iteration = piece.interval.begin, .tries = piece.tries, .deaths = {}});
  }
  grant.refuges = refuges_below(branch);
  send(to, std::move(grant), {.mandates = {}, .results = {}, .batches = {}, .records = {}, .loops = branch.openings()});
  helper.granted_as = contacts_.at(to).link.sent();
}

// Our own master first, then those that it named to us.
std::vector<protocol::Refuge> Agent::refuges_below(const Branch& branch) const {
  std::vector<protocol::Refuge> refuges;
  if (const auto* master = std::get_if<Master>(&branch.upstream())) {
    auto at = contacts_.find(master->node);
    if (at != contacts_.end())
      refuges.push_back(
          {.role = protocol::RefugeRole::ancestor, .node = master->node, .address = at->second.peer.address});
  }
  for (const protocol::Refuge& refuge : branch.refuges()) refuges.push_back(refuge);
  // The farthest one stays: it is the root.
  if (refuges.size() > protocol::limits::ancestors_max) refuges.erase(refuges.end() - 2);
  return refuges;
}

void Agent::take_back_unanswered() {
  for (auto& [key, branch] : branches_) {
    for (NodeId node : branch.unanswered_since(now_ - Branch::answer_patience)) {
      Helper& helper = *branch.helper(node);
      const IntervalSet back = *std::exchange(helper.unanswered, std::nullopt);
      send_cancel(helper, back, protocol::CancelReason::not_accepted);
      branch.take_back(helper, back, Partition::Rest::maybe_started);
    }
  }
}

// A grant is what its signed parts say it is, and lies inside of their space.
bool Agent::makes_sense(const protocol::Grant& grant, const Proofs& proofs) {
  const JobTerms& terms = *proofs.terms;
  const LoopPath& path = grant.loop.path;
  if (terms.job != grant.loop.job || terms.grain <= Duration::zero()) return false;
  if (!lead_along(proofs.loops, path)) return false;
  if (grant.intervals.empty() || grant.attempt.value() > attempt_max) return false;
  const std::optional<std::uint64_t> size = path.empty() ? terms.size : proofs.loops.back().size;
  return !size || grant.intervals.back().end <= *size;
}

std::optional<protocol::RefuseReason> Agent::must_refuse(NodeId from, const protocol::Grant& grant,
                                                         const Proofs& proofs) const {
  // Who owns the loop has all of it, and knows whether anybody waits for a loop further in.
  if (owns(grant.loop, proofs.loops) || !is_awaited(grant.loop, proofs.loops))
    return protocol::RefuseReason::not_permitted;
  std::size_t branches = 0, gaps_of_peer = 0;
  for (const auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || master->node != from) continue;
    ++branches;
    gaps_of_peer += branch.partition().granted().intervals().size();
    if (master->id != grant.branch) continue;
    if (branch.loop() != grant.loop) return protocol::RefuseReason::malformed;
    const std::size_t gaps = branch.partition().granted().intervals().size() + grant.intervals.size();
    if (gaps > granted_intervals_max || has_result_of_some(branch, grant)) return protocol::RefuseReason::no_slot;
    return std::nullopt;
  }
  const bool too_many = branches >= branches_per_peer_max || gaps_of_peer >= gaps_per_peer_max;
  return too_many ? std::optional(protocol::RefuseReason::no_slot) : std::nullopt;
}

void Agent::on_message(NodeId from, const protocol::Grant& grant, const Proofs& proofs) {
  auto refuse = [&](protocol::RefuseReason why, const std::string& reason) {
    send(from, protocol::Refuse{.branch = grant.branch, .why = why, .reason = reason});
  };
  const JobId job_id = grant.loop.job;
  if (ended_.contains(job_id)) return refuse(protocol::RefuseReason::job_ended, "the job has ended");
  if (proofs.veto) return refuse(proofs.veto->why, proofs.veto->reason);
  if (!proofs.terms) return refuse(protocol::RefuseReason::content_missing, "its manifest is not known here");
  if (!makes_sense(grant, proofs)) return refuse(protocol::RefuseReason::malformed, "the grant contradicts itself");
  if (const auto why = must_refuse(from, grant, proofs)) return refuse(*why, "the grant is not one to be taken");
  auto job = jobs_.try_emplace(job_id, Job{.terms = *proofs.terms, .mandate = {}, .root = {}, .mandate_due = {}}).first;
  see_mandates(proofs.mandates);
  if (!job->second.mandate.fresh(now_)) return refuse(protocol::RefuseReason::no_mandate, "its mandate is too old");
  if (!contacts_.at(from).link.we_hold_lease(now_))
    return refuse(protocol::RefuseReason::not_permitted, "there is no lease for it");

  const Master master{.node = from, .id = grant.branch};
  std::optional<BranchKey> key = held_for(master);
  if (!key) {
    key = BranchKey(next_branch_++);
    branches_.emplace(*key, Branch(grant.loop, *proofs.terms, proofs.loops, master));
  }
  Branch& branch = branches_.at(*key);
  // A granter that was started anew counts from the beginning, and may name what is left of its former self.
  if (branch.loop() != grant.loop || branch.openings() != proofs.loops)
    return refuse(protocol::RefuseReason::not_permitted, "that branch is of another loop");
  branch.set_refuges(grant.refuges);
  IntervalSet plain(grant.intervals);
  std::vector<Piece> pieces;
  for (Interval interval : grant.pieces) {
    if (!plain.contains(interval) || !branch.may_be_piece(interval)) continue;
    plain.erase(interval);
    auto history = std::ranges::find(grant.histories, interval.begin, &protocol::History::iteration);
    pieces.push_back({.interval = interval,
                      .attempt = grant.attempt,
                      .tries = history == grant.histories.end() ? 0 : history->tries,
                      .copy = grant.copies});
  }
  branch.on_granted(plain, pieces, grant.attempt);
  contacts_.at(from).spurned = {};
  if (held_for_ == std::pair(from, grant.request)) held_until_.reset();
  if (asking_ && asking_->node == from && asking_->request == grant.request) asking_.reset();
  send(from, protocol::Accept{.branch = grant.branch});
}

void Agent::on_message(NodeId from, const protocol::Accept& accept, const Proofs&) {
  const std::optional<BranchKey> key = lent_as(from, accept.branch);
  if (!key) return;
  Helper& helper = *branches_.at(*key).helper(from);
  if (helper.unanswered) contacts_.at(from).patience.give_back();
  helper.unanswered.reset();
  if (helper.state == Helper::State::granted) helper.state = Helper::State::live;
}

void Agent::note_unwilling(JobId job, NodeId node) {
  std::map<NodeId, Instant>& unwilling = jobs_.at(job).unwilling;
  std::erase_if(unwilling, [&](const auto& each) { return each.second <= now_; });
  if (unwilling.size() < unwilling_max) unwilling[node] = now_ + unwilling_for;
}

bool Agent::may_be_given(const Branch& branch, NodeId node) const {
  if (is_distrusted(node)) return false;
  const std::map<NodeId, Instant>& unwilling = jobs_.at(branch.loop().job).unwilling;
  const auto at = unwilling.find(node);
  return at == unwilling.end() || at->second <= now_;
}

void Agent::on_message(NodeId from, const protocol::Refuse& refuse, const Proofs&) {
  const std::optional<BranchKey> key = lent_as(from, refuse.branch);
  if (!key) return;
  Branch& branch = branches_.at(*key);
  Helper& helper = *branch.helper(from);
  if (!helper.unanswered) return;
  const IntervalSet back = *std::exchange(helper.unanswered, std::nullopt);
  branch.take_back(helper, back, Partition::Rest::never_started);
  Notice notice{.what = Notice::What::refused, .job = branch.loop().job, .piece = {}, .peer = from};
  if (lasts(refuse.why)) {
    note_unwilling(branch.loop().job, from);
    notice.reason = refuse.reason;
  }
  actions_->emplace_back(std::move(notice));
}

void Agent::on_message(NodeId from, const protocol::Want& want, const Proofs&) {
  const std::optional<BranchKey> key = lent_as(from, want.branch);
  if (!key) return;
  Branch& branch = branches_.at(*key);
  Helper& helper = *branch.helper(from);
  if (helper.gives_back && !contacts_.at(from).patience.spend(now_)) return;
  if (branch.starts_at_most_once()) return fill_slots_of(*key, helper, want.iterations);
  if (!is_distrusted(from)) helper.wanted = want.iterations;
}

// Helpers that run dry are fed first, before strangers; and so are we, before that happens.
void Agent::serve_wants() {
  Overview overview = look_over();
  for (auto& [key, branch] : branches_) {
    const auto may = [&, &branch = branch](NodeId node) { return is_up(node) && may_lend(branch, node, overview); };
    while (const Helper* helper = branch.hungry_helper(may)) {
      grant(key, helper->node, branch.share_back(branch.next_share(*helper, now_)), 0);
      overview.recount(branch);
    }
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || !is_up(master->node) || branch.orphaned()) continue;
    // What could not begin would only go back, and be wanted again.
    if (cache_is_full() || slots_.is_stuck(branch.loop())) continue;
    const std::uint64_t wanted = branch.wants_more(options_.slots);
    if (wanted == 0) continue;
    branch.upward().want_told = true;
    send(master->node, protocol::Want{.branch = master->id, .iterations = wanted});
  }
}

void Agent::on_message(NodeId from, const protocol::Recall& recall, const Proofs&) {
  const std::optional<BranchKey> key = held_for({.node = from, .id = recall.branch});
  if (!key) return;
  Branch& branch = branches_.at(*key);
  // What is to come back for good is answered by what there is, and only once: any other recall is a question.
  const bool all = recall.what == decltype(recall.what)(protocol::recall_all);
  if (!all && !branch.upward().patience.spend(now_)) return;
  Branch::Returning back;
  if (const auto* count = std::get_if<std::uint64_t>(&recall.what)) {
    if (*count == protocol::recall_all) {
      if (!planted(Defect::begin_on)) branch.drain();
      return;
    }
    back = branch.return_back(*count);
  } else {
    back = branch.return_these(IntervalSet(std::get<protocol::Intervals>(recall.what)));
  }
  send_returned({.node = from, .id = recall.branch}, back, protocol::ReturnReason::recalled);
}

// Who recalls waits for an answer: that there is nothing to return is one, an empty `returned`.
void Agent::send_returned(const Master& master, const Branch::Returning& back, protocol::ReturnReason why) {
  for (auto& part : back.what.in_parts(intervals_per_message)) {
    send(master.node,
         protocol::Returned{
             .branch = master.id, .intervals = std::move(part), .why = why, .still_lent = {}, .attempt = back.attempt});
  }
}

void Agent::on_message(NodeId from, const protocol::Returned& returned, const Proofs&) {
  const std::optional<BranchKey> key = lent_as(from, returned.branch);
  if (!key) return;
  Branch& branch = branches_.at(*key);
  Helper& helper = *branch.helper(from);
  if (returned.attempt > helper.attempt_believed_max()) {
    note(Notice::What::strange, branch, {}, from);
    distrust(from);
  }
  if (!returned.intervals.empty()) {
    helper.gives_back = true;
    helper.recalled_at.reset();
    helper.nothing_to_return = false;
    helper.progress_at = now_;
  } else if (helper.recalled_at) {
    on_nothing_returned(helper);
  }
  if (asking_ && asking_->node == from) asking_.reset();
  branch.take_back_unstarted(helper, IntervalSet(returned.intervals), returned.attempt);
}

void Agent::on_message(NodeId from, const protocol::Cancel& cancel, const Proofs&) {
  const std::optional<BranchKey> key = held_for({.node = from, .id = cancel.branch});
  if (!key) return;
  Losers losers;
  branches_.at(*key).on_cancelled(IntervalSet(cancel.intervals), losers, *actions_);
  tell_losers(*key, losers, cancel.why);
}

void Agent::tell_losers(BranchKey key, const Losers& losers, protocol::CancelReason why) {
  stop_losers(losers);
  Branch& branch = branches_.at(key);
  // One message for all that a helper lost, whatever the number of results that won.
  std::map<NodeId, IntervalSet> all;
  for (const auto& [node, lost] : losers.helpers) all[node].insert(lost);
  for (const auto& [node, lost] : all) {
    const Helper* helper = branch.helper(node);
    if (helper != nullptr) send_cancel(*helper, lost, why);
  }
}

// Of what is cancelled while there is no link, `holds` tells later.
void Agent::send_cancel(const Helper& helper, const IntervalSet& what, protocol::CancelReason why) {
  if (!is_up(helper.node) || what.empty()) return;
  for (auto& part : what.in_parts(intervals_per_message))
    send(helper.node, protocol::Cancel{.branch = helper.id, .intervals = std::move(part), .why = why});
}

}  // namespace agent::core
