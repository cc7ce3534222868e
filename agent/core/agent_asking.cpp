// Those with too little work look for some: notes, kept requests, and asks; and what the asked ones give.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"
#include "protocol/limits.h"

namespace agent::core {

namespace {

constexpr Duration ask_gap_first = std::chrono::milliseconds(5);
constexpr Duration ask_gap_working = std::chrono::seconds(2);  // the longest while a job is known to be alive
constexpr Duration ask_gap_idle = std::chrono::seconds(60);
constexpr Duration work_about_for = std::chrono::seconds(60);  // after the latest sign of any job
constexpr Duration ask_patience = std::chrono::seconds(2);
constexpr std::size_t notes_count = 4;
constexpr std::uint32_t spurned_by_silence = 2;  // what an offer that came to nothing counts
constexpr std::uint32_t spurned_by_release = 1;
constexpr std::uint32_t spurned_max = 8;  // so much of it in a row is believed to be chance
constexpr Duration spurned_rest_first = std::chrono::milliseconds(250);
constexpr Duration spurned_rest_max = std::chrono::seconds(60);
constexpr Duration note_gap = std::chrono::seconds(3);  // short idle times are not worth telling

}  // namespace

bool Agent::is_busy() const {
  looked_at_ += branches_.size();
  return slots_.empty_count() == 0 || cache_is_full() ||
         std::ranges::any_of(branches_, [&](const auto& entry) { return could_start(entry.second); });
}

bool Agent::is_free() const {
  return !(held_until_ && now_ < *held_until_) && !is_busy();
}

// Kept requests first, the newest of the best priority; then a few are told that we are free; then we ask around.
void Agent::be_idle() {
  if (held_until_ && *held_until_ <= now_) end_hold(spurned_by_silence);
  if (has_nobody() || is_busy()) {
    idle_since_.reset();
    return;
  }
  if (!is_free()) return;
  if (!idle_since_) {
    idle_since_ = now_;
    // Between short bursts of work, as at the end of a job, the asks go on as they were.
    if (!noted_at_ || now_ - *noted_at_ >= note_gap) {
      ask_gap_ = ask_gap_first;
      ask_at_ = now_;
      tell_few_that_we_are_free();
    }
  }
  std::erase_if(kept_requests_, [&](const KeptRequest& kept) { return kept.until <= now_ || !is_up(kept.node); });
  if (!kept_requests_.empty()) {
    auto best = kept_requests_.begin();
    for (auto at = best; at != kept_requests_.end(); ++at) {
      if (at->priority <= best->priority) best = at;
    }
    const KeptRequest kept = *best;
    kept_requests_.erase(best);
    return offer(kept.node, kept.request, kept.round_trip);
  }
  if (asking_ && now_ - asking_->since >= ask_patience) asking_.reset();
  if (asking_ || now_ < ask_at_) return;
  if (!jobs_.empty()) work_seen_ = now_;
  const bool work_about = work_seen_ && now_ - *work_seen_ < work_about_for;
  const Duration most = work_about ? ask_gap_working : ask_gap_idle;
  ask_at_ = now_ + random_.jittered(ask_gap_);
  ask_gap_ = std::min(most, 2 * ask_gap_);
  ask_somebody();
}

void Agent::on_message(NodeId from, const protocol::Release& release, const Proofs&) {
  if (held_until_ && held_for_ == std::pair(from, release.request)) {
    end_hold(spurned_by_release);
    ask_at_ = std::min(ask_at_, now_ + random_.jittered(ask_gap_working));
  }
  std::erase_if(kept_requests_, [&](const KeptRequest& kept) { return kept.node == from; });
}

void Agent::end_hold(std::uint32_t weight) {
  held_until_.reset();
  auto prober = contacts_.find(held_for_.first);
  if (prober == contacts_.end()) return;
  Spurned& spurned = prober->second.spurned;
  spurned.offers += weight;
  if (spurned.offers <= spurned_max) return;
  const std::uint32_t doublings = std::min(8U, (spurned.offers - spurned_max - 1) / spurned_by_silence);
  spurned.until = now_ + std::min(spurned_rest_max, spurned_rest_first * (std::int64_t{1} << doublings));
}

void Agent::tell_few_that_we_are_free() {
  noted_at_ = now_;
  std::vector<NodeId> up;
  for (const auto& [node, contact] : contacts_) {
    if (contact.up) up.push_back(node);
  }
  random_.shuffle(up);
  for (std::size_t i = 0; i < std::min(notes_count, up.size()); ++i)
    send(up[i], protocol::Note{.power_class = 0, .slots = slots_.empty_count()});
}

// Our own helpers first, if one of them has more than it has begun.
void Agent::ask_somebody() {
  if (const std::optional<protocol::Hint> helper = better_place({}, Place::with_unstarted)) {
    if (const auto node = linked_at(helper->address)) return ask(*node, protocol::limits::refer_hops_max);
  }
  const std::optional<Peers::Choice> choice = peers_.choose(now_, random_, {}, {});
  if (!choice) return;
  if (const std::optional<NodeId> node = linked_at(*choice)) return ask(*node, protocol::limits::refer_hops_max);
  run_errand({.kind = Errand::Kind::ask, .loop = {}}, *choice);
}

void Agent::ask(NodeId node, std::uint8_t hops_left) {
  asking_ = Asking{.node = node, .request = next_request_++, .since = now_, .hops_left = hops_left};
  send(node, protocol::Ask{.request = asking_->request,
                           .sandbox_level = 0,
                           .slots = slots_.empty_count(),
                           .tags = {},
                           .hops_left = hops_left});
}

// Half of what is unstarted at every open loop level, outermost first. Nothing: a copy of what takes too long; else a
// better place to ask; else busy.
void Agent::on_message(NodeId from, const protocol::Ask& ask, const Proofs&) {
  bool gave = give_back_half(from);
  Overview overview = look_over();
  for (BranchKey key : outermost_first()) {
    Branch& branch = branches_.at(key);
    if (!may_lend(branch, from, overview)) continue;
    const Partition::Last last = slots_.empty_count() == 0 ? Partition::Last::give : Partition::Last::keep;
    const Share share = branch.starts_at_most_once() ? share_for_slots(branch, ask.slots) : branch.share_half(last);
    if (share.intervals.empty()) continue;
    grant(key, from, share, ask.request);
    overview.recount(branch);
    note(Notice::What::stolen, branch, share.intervals.intervals().front(), from);
    gave = true;
  }
  if (gave) return;
  const std::uint8_t hops_left = std::min(ask.hops_left, protocol::limits::refer_hops_max);
  const bool nearby = hops_left > 0 && better_place(from, Place::with_unstarted);
  if (!nearby) {
    if (const auto found = copy_for(from, overview)) return grant(found->first, from, found->second, ask.request);
  }
  const Place place = nearby ? Place::with_unstarted : Place::any;
  if (const std::optional<protocol::Hint> better = better_place(from, place); better && hops_left > 0) {
    actions_->emplace_back(Notice{.what = Notice::What::referred, .job = {}, .piece = {}, .peer = from});
    return send(from,
                protocol::Refer{
                    .request = ask.request, .better = *better, .hops_left = static_cast<std::uint8_t>(hops_left - 1)});
  }
  peers_.hear_free(now_, from, {.node_prefix = prefix_of(from), .address = contacts_.at(from).peer.address});
  answer_busy(from, ask.request, /*kept=*/false);
}

// A master that only waits takes back half of what its helper has not begun.
bool Agent::give_back_half(NodeId asker) {
  bool gave = false;
  for (auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master == nullptr || master->node != asker) continue;
    const Branch::Returning back =
        branch.return_half(slots_.empty_count() == 0 ? Partition::Last::give : Partition::Last::keep);
    if (back.what.empty()) continue;
    contacts_.at(asker).patience.give_back();
    send_returned(*master, back, protocol::ReturnReason::recalled);
    gave = true;
  }
  return gave;
}

std::vector<BranchKey> Agent::outermost_first() const {
  std::vector<BranchKey> keys;
  for (const auto& [key, branch] : branches_) keys.push_back(key);
  std::ranges::stable_sort(keys, {}, [&](BranchKey key) { return branches_.at(key).loop().path.size(); });
  return keys;
}

// Never above the branch number, and never to somebody from whom we have it: who asks there gets nothing from us.
bool Agent::may_lend(const Branch& branch, NodeId to, const Overview& overview) const {
  if (!branch.begins()) return false;
  if (!deadline_of(branch) || !may_be_given(branch, to)) return false;
  if (branch.starts_at_most_once() && !branch.owner()) return false;
  const auto* master = std::get_if<Master>(&branch.upstream());
  if (master != nullptr && master->node == to) return false;
  if (std::ranges::any_of(branch.refuges(), [&](const protocol::Refuge& refuge) { return refuge.node == to; }))
    return false;
  if (overview.helps_with_another(branch, to)) return false;
  auto known = branch.helpers().find(to);
  if (known != branch.helpers().end()) {
    const Helper& helper = known->second;
    if (helper.reconciling || helper.unanswered) return false;
    if (helper.counts() && !helper.surplus) return true;
  }
  return overview.helpers_of(branch.loop()) < branch.branch_number();
}

// Only with nothing unstarted here: of what takes too long, the iteration of a silent holder, else the one that takes
// longest.
std::optional<std::pair<BranchKey, Share>> Agent::copy_for(NodeId thief, const Overview& overview) {
  for (BranchKey key : outermost_first()) {
    Branch& branch = branches_.at(key);
    if (!may_lend(branch, thief, overview)) continue;
    const std::optional<Interval> piece = branch.worth_copying(now_, thief);
    if (!piece) continue;
    note_copy(branch, *piece, thief);
    return std::pair(key, branch.copy(*piece));
  }
  return std::nullopt;
}

// The helper with most unstarted, by its latest report, is the place to ask; any place: else our own master.
std::optional<protocol::Hint> Agent::better_place(NodeId asker, Place place) const {
  const Contact* best = nullptr;
  std::uint64_t most = 0;
  for (const auto& [key, branch] : branches_) {
    for (const auto& [node, helper] : branch.helpers()) {
      const std::uint64_t rest = std::max(helper.remaining, helper.held.count());
      const std::uint64_t unstarted = rest - std::min<std::uint64_t>(rest, helper.started.size());
      if (node == asker || unstarted <= most || !is_up(node)) continue;
      most = unstarted;
      best = &contacts_.at(node);
    }
  }
  for (const auto& [key, branch] : branches_) {
    if (place == Place::with_unstarted) break;
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (best == nullptr && master != nullptr && master->node != asker && is_up(master->node))
      best = &contacts_.at(master->node);
  }
  if (best == nullptr) return std::nullopt;
  return protocol::Hint{.node_prefix = prefix_of(best->peer.node), .address = best->peer.address};
}

void Agent::on_message(NodeId from, const protocol::Refer& refer, const Proofs&) {
  if (!asking_ || asking_->node != from || asking_->request != refer.request) return;
  // No chain of referrals is longer than we began it.
  if (asking_->hops_left == 0) return asking_.reset();
  const auto hops_left = std::min(refer.hops_left, static_cast<std::uint8_t>(asking_->hops_left - 1));
  asking_.reset();
  peers_.hear_of(now_, from, refer.better);
  const Peers::Choice there{.origin = Peers::Choice::Origin::heard,
                            .node = {},
                            .node_prefix = refer.better.node_prefix,
                            .address = refer.better.address};
  if (const std::optional<NodeId> node = linked_at(there)) return ask(*node, hops_left);
  run_errand({.kind = Errand::Kind::ask, .loop = {}, .hops_left = hops_left}, there);
}

}  // namespace agent::core
