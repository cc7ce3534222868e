// `holds`: two ends of a branch that may disagree about it tell each other what they have, and the master settles it.
//
// The helper tells what it holds, whether it was asked or missed its master for a while; the master compares:
//   - what it believed to be there and is not, is todo again (a grant or a return was lost);
//   - what is there and was issued to somebody else meanwhile, the helper drops if unstarted, and keeps as a copy if
//     started;
//   - what is finished there and unknown here is sent again; what is settled the helper is told to forget.
// Nothing is granted on that branch before.
#include <algorithm>
#include <cassert>

#include "agent/core/agent.h"
#include "protocol/limits.h"

namespace agent::core {

namespace {

// One part of what the helper tells. Of what it was never granted it may tell nothing, so what is kept of it is no more
// than what it was granted; pieces are counted, since there may be very many in what was granted at once.
void take_part(const Branch& branch, Helper& helper, const protocol::Holds& holds) {
  constexpr std::size_t pieces_max = protocol::limits::intervals_per_message_max;
  if (!helper.there) helper.there.emplace();
  Helper::There& there = *helper.there;
  auto room = [](const IntervalSet& set) { return set.intervals().size() < pieces_max; };
  if (room(there.unstarted)) there.unstarted.insert(IntervalSet(holds.todo).both(helper.granted));
  if (room(there.finished)) there.finished.insert(IntervalSet(holds.unsettled).both(helper.granted));
  for (Interval interval : holds.started) {
    const bool sensible = helper.granted.contains(interval) && branch.may_be_piece(interval);
    if (there.started.size() < pieces_max && sensible) there.started.push_back(interval);
  }
  for (const protocol::Lent& lent : holds.lent) {
    if (room(there.lent_on)) there.lent_on.insert(IntervalSet(lent.what).both(helper.granted));
  }
}

protocol::Holds nothing_held(BranchId id) {
  return {.branch = {.sender_is = protocol::Side::helper, .branch = id},
          .attempt = {},
          .todo = {},
          .started = {},
          .lent = {},
          .unsettled = {},
          .last = true};
}

}  // namespace

void Agent::tell_nothing_held(NodeId master, BranchId id) {
  send(master, nothing_held(id));
}

void Agent::tell_holds(BranchKey key, NodeId node) {
  Branch& branch = branches_.at(key);
  if (Helper* helper = branch.helper(node)) ask_holds(*helper);
  const auto* master = std::get_if<Master>(&branch.upstream());
  if (master != nullptr && master->node == node) tell_what_we_hold(branch, *master);
}

void Agent::ask_holds(Helper& helper) {
  helper.reconciling = true;
  helper.asked_at = now_;
  helper.digests_differed = 0;
  helper.there.reset();
  helper.recalled_all = false;  // whatever was under way may be lost
  protocol::Holds holds = nothing_held(helper.id);
  holds.branch.sender_is = protocol::Side::master;
  send(helper.node, std::move(holds));
}

std::vector<Interval> Holding::take(std::vector<Interval>& from, std::size_t& room) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(room, from.size()));
  std::vector<Interval> part(from.begin(), end);
  from.erase(from.begin(), end);
  room -= part.size();
  return part;
}

Holding Agent::holding_of(const Branch& branch) {
  const Partition& partition = branch.partition();
  Holding holding;
  holding.todo = partition.unstarted().intervals();
  holding.finished = partition.finished().intervals();
  IntervalSet lent = partition.out();
  for (const auto& [begin, running] : branch.running()) {
    if (!partition.out().contains(running.piece.interval)) continue;
    holding.started.push_back(running.piece.interval);
    lent.erase(running.piece.interval);
  }
  holding.lent = lent.intervals();
  return holding;
}

void Agent::tell_what_we_hold(const Branch& branch, const Master& master) {
  Holding rest = holding_of(branch);
  while (true) {
    protocol::Holds holds = nothing_held(master.id);
    std::size_t room = intervals_per_message;
    holds.todo = rest.take(rest.todo, room);
    holds.started = rest.take(rest.started, room);
    holds.unsettled = rest.take(rest.finished, room);
    if (room > 0 && !rest.lent.empty())
      holds.lent.push_back({.helper = options_.node, .attempt = {}, .what = rest.take(rest.lent, room)});
    holds.last = rest.empty();
    const bool last = holds.last;
    send(master.node, std::move(holds));
    if (last) return;
  }
}

void Agent::on_message(NodeId from, const protocol::Holds& holds, const Proofs&) {
  const BranchId id = holds.branch.branch;
  if (holds.branch.sender_is == protocol::Side::master) {
    const std::optional<BranchKey> key = held_for({.node = from, .id = id});
    Patience& patience = key ? branches_.at(*key).upward().patience : contacts_.at(from).patience;
    if (!patience.spend(now_)) return;
    if (!key) return tell_nothing_held(from, id);
    return tell_what_we_hold(branches_.at(*key), {.node = from, .id = id});
  }
  const std::optional<BranchKey> key = lent_as(from, id);
  if (!key) {
    return send(from, protocol::Cancel{.branch = id, .intervals = {}, .why = protocol::CancelReason::expired});
  }
  Branch& branch = branches_.at(*key);
  Helper& helper = *branch.helper(from);
  take_part(branch, helper, holds);
  if (holds.last) mend(*key, helper);
}

// Who comes with what it holds is welcome, whatever the branch number says. But above it it gets nothing new until
// there is room.
void Agent::give_place(const Branch& branch, Helper& helper) {
  helper.surplus = helpers_of(branch.loop()) > branch.branch_number();
}

void Agent::mend(BranchKey key, Helper& helper) {
  Branch& branch = branches_.at(key);
  Helper::There there = *std::exchange(helper.there, std::nullopt);
  const bool counted = helper.counts();
  // That it tells what it holds is no progress, unless it was silent, or was asked because it returns nothing.
  if (std::exchange(helper.may_explain, false) || helper.state == Helper::State::silent)
    helper.progress_at = helper.result_at = now_;
  helper.state = Helper::State::live;
  // Told before it had our latest grant, unasked or as the answer to an older question: it says nothing of that.
  const bool crossed = helper.unanswered && !contacts_.at(helper.node).link.echoed(helper.granted_as);
  if (!helper.reconciling && crossed) {
    there.unstarted.insert(*helper.unanswered);
  } else {
    helper.unanswered.reset();
  }
  helper.reconciling = false;
  const Branch::Mended mended = branch.mend(helper, there, now_);
  if (!counted) give_place(branch, helper);
  send_cancel(helper, mended.dropped, protocol::CancelReason::won_elsewhere);
  if (!mended.missing.empty()) {
    for (auto& part : mended.missing.in_parts(intervals_per_message))
      send(helper.node, protocol::Resend{.loop = branch.loop(), .intervals = std::move(part)});
  }
  if (mended.differed)
    actions_->emplace_back(
        Notice{.what = Notice::What::mended, .job = branch.loop().job, .piece = {}, .peer = helper.node});
  tell_settled(key, helper);
}

}  // namespace agent::core
