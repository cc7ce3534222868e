// Links, beats, leases and silence: whom we can rely on, and who relies on us.
#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

#include "agent/core/agent.h"
#include "agent/core/planted.h"

namespace agent::core {

namespace {

constexpr Duration redial_period = std::chrono::seconds(1);
constexpr Duration idle_link_life = std::chrono::seconds(60);
constexpr Duration idle_links_period = std::chrono::seconds(10);
constexpr std::size_t idle_links_max = 32;
constexpr Duration mandate_dawdles = Mandate::life / 4;  // after so long on its way it waits for no beat
constexpr Duration lent_on_patience = std::chrono::seconds(2);
constexpr Duration holds_patience = std::chrono::seconds(5);
constexpr std::size_t unknown_answered_max = 16;  // branches of one beat that are not known (any more)

// What a helper holds of a branch, as a number that both ends can compute. FNV-1a over the bounds: a difference that it
// hides for once is seen in the next beat, when the sets have changed.
std::uint64_t digest_of(const IntervalSet& held) {
  std::uint64_t digest = 0xcbf29ce484222325U;
  auto mix = [&](std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) {
      digest ^= (word >> shift) & 0xffU;
      digest *= 0x100000001b3U;
    }
  };
  for (Interval interval : held.intervals()) {
    mix(interval.begin);
    mix(interval.end);
  }
  return digest;
}

}  // namespace

// What may be asked again and again at no cost to whoever asks.
bool Agent::is_question(const Message& message) {
  return std::holds_alternative<protocol::Ask>(message) || std::holds_alternative<protocol::Probe>(message) ||
         std::holds_alternative<protocol::Shuffle>(message) || std::holds_alternative<protocol::Walk>(message);
}

void Agent::send(NodeId to, Message message, Attached attached) {
  Contact& contact = contacts_.at(to);
  assert(contact.up);
  contact.used = now_;
  const Link::Numbers numbers = contact.link.on_send(now_);
  actions_->emplace_back(Send{.to = to,
                              .sequence = numbers.sequence,
                              .heard = numbers.heard,
                              .message = std::move(message),
                              .attached = std::move(attached)});
}

bool Agent::is_up(NodeId node) const {
  auto at = contacts_.find(node);
  return at != contacts_.end() && at->second.up;
}

bool Agent::shares_branch_with(NodeId node) const {
  return std::ranges::any_of(branches_, [&](const auto& entry) {
    const Branch& branch = entry.second;
    const auto* master = std::get_if<Master>(&branch.upstream());
    return (master != nullptr && master->node == node) || branch.helpers().contains(node);
  });
}

void Agent::on(const LinkUp& event) {
  const NodeId node = event.peer.node;
  if (node == options_.node) return;
  Contact& contact = contacts_[node];
  const bool same = contact.peer.instance == event.peer.instance;
  links_changed_ = true;
  contact.peer = event.peer;
  contact.up = true;
  contact.used = now_;
  contact.slots = event.slots;
  contact.round_trip = event.round_trip;
  contact.link = same ? Link(contact.link.lease()) : Link();
  if (!same) forget_instance(node);
  for (auto& [key, branch] : branches_) (void)branch.welcome_back(node);
  peers_.reached(now_, event.peer, event.dialled ? Peers::Way::dialled : Peers::Way::accepted);
  errands_arrived(event.peer);
  // Both ends have just spoken.
  if (contact.silent_since) return be_heard_again(contact);
  if (!shares_branch_with(node)) return;
  for (const auto& [key, branch] : branches_) tell_holds(key, node);
}

void Agent::on(const LinkDown& event) {
  auto at = contacts_.find(event.peer);
  if (at == contacts_.end()) return;
  Contact& contact = at->second;
  links_changed_ = true;
  contact.up = false;
  contact.calls_until.reset();
  contact.link.unwatch();
  for (auto& [key, branch] : branches_) branch.seeking().on_gone(event.peer);
  orphanages_.erase(event.peer);
  if (asking_ && asking_->node == event.peer) asking_.reset();
  std::erase_if(kept_requests_, [&](const KeptRequest& kept) { return kept.node == event.peer; });
  if (!shares_branch_with(event.peer)) {
    contacts_.erase(at);
    return;
  }
  for (auto& [key, branch] : branches_) {
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master != nullptr && master->node == event.peer) branch.results().unsend();
  }
  fall_silent(contact);
}

void Agent::on(const DialFailed& event) {
  peers_.unreachable(now_, random_, event.address);
  std::erase_if(errands_, [&](const Errand& errand) { return errand.address == event.address; });
}

void Agent::on(const MessageReceived& event) {
  auto at = contacts_.find(event.from);
  if (at == contacts_.end() || !at->second.up) return;
  Contact& contact = at->second;
  const Link::Arrival arrival = contact.link.on_received(now_, {.sequence = event.sequence, .heard = event.heard});
  if (arrival == Link::Arrival::impossible)
    actions_->emplace_back(Notice{.what = Notice::What::strange, .job = {}, .piece = {}, .peer = event.from});
  contact.used = now_;
  if (contact.silent_since) {
    // It may have been said before the silence. What it tells is told anew by whoever is heard again.
    if (arrival == Link::Arrival::stale) return;
    be_heard_again(contact);
  }
  welcome_back(event.from);
  if (arrival == Link::Arrival::stale && must_be_fresh(event)) return;
  if (is_question(event.message) && !contact.patience.spend(now_)) return;
  see_mandates(event.proofs.mandates);
  std::visit([&](const auto& message) { on_message(event.from, message, event.proofs); }, event.message);
}

void Agent::see_mandates(const std::vector<MandateFact>& facts) {
  std::set<JobId> late;
  for (const MandateFact& fact : facts) {
    Job* job = find(fact.job);
    if (job == nullptr || job->root) continue;
    if (job->mandate.see(now_, fact.sequence, fact.time_to_live, fact.age) && fact.age >= mandate_dawdles)
      late.insert(fact.job);
  }
  if (!late.empty()) hurry_mandates(late);
}

// Beat by beat they would reach nobody far below before their time is over.
void Agent::hurry_mandates(const std::set<JobId>& jobs) {
  std::set<NodeId> below;
  for (const auto& [key, branch] : branches_) {
    if (!jobs.contains(branch.loop().job)) continue;
    for (const auto& [node, helper] : branch.helpers()) below.insert(node);
  }
  for (NodeId node : below) {
    auto at = contacts_.find(node);
    if (at != contacts_.end() && at->second.up && at->second.link.watched()) send_beat(at->second);
  }
}

// Peers with a branch between us, each once, in order: who shares several has the pace of the briskest.
std::vector<Watched> Agent::sharers() {
  std::vector<Watched> found;
  for (auto& [key, branch] : branches_) {
    if (const auto* master = std::get_if<Master>(&branch.upstream())) {
      const bool open = branch.partition().open_count() > 0 || branch.results().has_unstored() || branch.orphaned();
      found.push_back({.node = master->node, .pace = open ? Link::Pace::brisk : Link::Pace::calm});
    }
    for (const auto& [node, helper] : branch.helpers())
      found.push_back({.node = node, .pace = helper.at_rest() ? Link::Pace::calm : Link::Pace::brisk});
  }
  std::ranges::sort(found, {}, [](const Watched& each) { return std::tie(each.node, each.pace); });
  const auto of_one_node = [](const Watched& a, const Watched& b) { return a.node == b.node; };
  found.erase(std::unique(found.begin(), found.end(), of_one_node), found.end());
  return found;
}

// Links that carry a branch are watched, others are not; of those that have neither a link nor a branch nothing is
// kept.
void Agent::watch_links() {
  std::vector<Watched> now = sharers();
  if (!links_changed_ && now == watched_) return;
  links_changed_ = false;
  watched_ = std::move(now);
  auto watched = watched_.begin();
  for (auto at = contacts_.begin(); at != contacts_.end();) {
    auto here = at++;
    Contact& contact = here->second;
    while (watched != watched_.end() && watched->node < here->first) ++watched;
    const bool shared = watched != watched_.end() && watched->node == here->first;
    if (shared) watched->contact = &contact;
    if (!shared) contact.silent_since.reset();
    if (contact.up && shared) {
      contact.link.watch(now_, watched->pace, random_);
    } else if (contact.up) {
      contact.link.unwatch();
    } else if (!shared) {
      contacts_.erase(here);
    }
  }
  std::erase_if(watched_, [](const Watched& each) { return each.contact == nullptr; });
}

void Agent::close_idle_links() {
  if (now_ < close_links_at_) return;
  close_links_at_ = now_ + idle_links_period;
  std::vector<std::pair<Instant, NodeId>> idle;
  for (const auto& [node, contact] : contacts_) {
    if (contact.up && !contact.link.watched()) idle.emplace_back(contact.used, node);
  }
  std::ranges::sort(idle);
  std::size_t left = idle.size();
  for (const auto& [used, node] : idle) {
    if (now_ - used < idle_link_life && left <= idle_links_max) return;
    actions_->emplace_back(HangUp{.peer = node, .why = protocol::ByeReason::idle});
    --left;
  }
}

// We were to be called at the deadline. Whatever the reason for being late, nobody else is to blame for that time.
void Agent::notice_own_stall() {
  if (!std::exchange(begun_, true)) return;
  if (!due_ || now_ - due_->at < trust::stall_counts_from) return;
  const Duration stall = now_ - due_->at;
  stall_ = std::max(stall_, stall);
  actions_->emplace_back(Notice{.what = Notice::What::stalled, .job = {}, .piece = {}, .peer = {}});
  for (auto& [node, contact] : contacts_) {
    contact.link.forgive(stall);
    if (contact.silent_since) *contact.silent_since += stall;
  }
}

void Agent::consider_contact(const Contact& contact, const Consider& consider) const {
  if (contact.link.beat_due()) consider(*contact.link.beat_due(), Deadline::Why::beat);
  if (contact.up && !contact.silent_since && contact.link.suspect_at())
    consider(*contact.link.suspect_at(), Deadline::Why::silence);
  const Lease& lease = contact.link.lease();
  if (lease.ours_until && *lease.ours_until > now_) consider(*lease.ours_until, Deadline::Why::lease);
  if (!contact.silent_since) return;
  if (!contact.up) consider(contact.dialled + redial_period, Deadline::Why::silence);
  if (now_ < *contact.silent_since + lent_on_patience)
    consider(*contact.silent_since + lent_on_patience, Deadline::Why::silence);
  if (lease.theirs_until && *lease.theirs_until > now_) consider(*lease.theirs_until, Deadline::Why::lease);
}

void Agent::serve_links() {
  std::vector<NodeId> lapsed;
  for (const Watched& watched : watched_) {
    const NodeId node = watched.node;
    Contact& contact = *watched.contact;
    if (contact.up && contact.link.beat_due() && *contact.link.beat_due() <= now_) send_beat(contact);
    if (contact.up && !contact.silent_since && contact.link.suspect(now_)) fall_silent(contact);
    if (!contact.silent_since) continue;
    if (!contact.up && now_ - contact.dialled >= redial_period) {
      contact.dialled = now_;
      actions_->emplace_back(Dial{.address = contact.peer.address, .peer = node});
    }
    if (now_ - *contact.silent_since >= lent_on_patience) take_back_lent_on(node);
    if (!contact.link.they_may_hold_lease(now_)) lapsed.push_back(node);
  }
  for (NodeId node : lapsed) end_lease_of(contacts_.at(node));
  lapse_branches();
}

void Agent::send_beat(Contact& contact) {
  const NodeId node = contact.peer.node;
  protocol::Beat beat{.stall_ns = static_cast<std::uint64_t>(std::exchange(stall_, Duration::zero()).count()),
                      .mandates = {},
                      .branches = {}};
  Attached attached;
  contact.link.on_beat(now_);
  for (auto& [key, branch] : branches_) {
    if (Helper* helper = branch.helper(node)) {
      beat.branches.push_back({.branch = {.sender_is = protocol::Side::master, .branch = helper->id},
                               .digest = digest_of(helper->held),
                               .reports_stored = helper->reports_stored});
      helper->told_stored();
      if (attached.mandates.empty() || attached.mandates.back() != branch.loop().job)
        attached.mandates.push_back(branch.loop().job);
      pass_on_settled(key, *helper);
    }
    const bool full = attached.mandates.size() == protocol::limits::mandates_per_beat_max ||
                      beat.branches.size() + 1 >= protocol::limits::branches_per_beat_max;
    if (full) send(node, std::exchange(beat, {}), std::exchange(attached, {}));
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master != nullptr && master->node == node) {
      // To the master, what is finished and was not reported is still with us.
      IntervalSet open = branch.partition().unstarted();
      open.insert(branch.partition().out());
      open.insert(branch.results().unsent());
      beat.branches.push_back(
          {.branch = {.sender_is = protocol::Side::helper, .branch = master->id}, .digest = digest_of(open)});
    }
  }
  send(node, std::move(beat), std::move(attached));
}

void Agent::on_message(NodeId from, const protocol::Beat& beat, const Proofs&) {
  std::size_t unknown = 0;  // the rest of them is answered when the next beat comes
  for (const protocol::BranchDigest& theirs : beat.branches) {
    const BranchId id = theirs.branch.branch;
    if (theirs.branch.sender_is == protocol::Side::master) {
      // One that we know nothing of (any more): its master learns so, and takes it back.
      if (const auto key = held_for({.node = from, .id = id})) {
        branches_.at(*key).on_stored(theirs.reports_stored, now_);
      } else if (++unknown <= unknown_answered_max) {
        tell_nothing_held(from, id);
      }
      continue;
    }
    const std::optional<BranchKey> key = lent_as(from, id);
    if (!key) {
      if (++unknown > unknown_answered_max) continue;
      send(from, protocol::Cancel{.branch = id, .intervals = {}, .why = protocol::CancelReason::expired});
      continue;
    }
    Helper& helper = *branches_.at(*key).helper(from);
    helper.digests_differed = theirs.digest == digest_of(helper.held) ? 0 : helper.digests_differed + 1;
    const bool unanswered = helper.reconciling && now_ - helper.asked_at >= holds_patience;
    if (helper.digests_differed >= 2 || unanswered) ask_holds(helper);
  }
}

}  // namespace agent::core
