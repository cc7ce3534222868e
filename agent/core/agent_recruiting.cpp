// Those with too much work look for helpers: probes, offers, and the first division.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"
#include "protocol/limits.h"

namespace agent::core {

namespace {

constexpr Duration startup_cost = std::chrono::milliseconds(2);
constexpr std::int64_t worth_round_trips = 20;
constexpr Duration hold_base = std::chrono::milliseconds(200);
constexpr Duration hold_max = std::chrono::seconds(2);
constexpr Duration kept_for = std::chrono::seconds(30);
constexpr std::size_t kept_requests_max = 16;
// With one helper to a master the tree is a chain, with two it is thin: a helper's share is eight or two times larger
// than its slots tell, since it is the way to many more. From three on it is not.
constexpr std::uint64_t narrow_tree = 8;             // by the square of the branch number
constexpr std::uint32_t slots_believed_max = 4'096;  // of one node
constexpr Duration round_trip_believed_max = std::chrono::seconds(10);

// As a peer tells it, in nanoseconds.
Duration believed_round_trip(std::uint64_t told_ns) {
  return std::min(Duration(static_cast<std::int64_t>(std::min<std::uint64_t>(told_ns, INT64_MAX))),
                  round_trip_believed_max);
}

}  // namespace

Overview Agent::look_over() const {
  looked_at_ += branches_.size();
  Overview overview;
  for (const auto& [key, branch] : branches_) {
    overview.recount(branch);
    overview.add_kept(branch.results().kept_bytes());
  }
  return overview;
}

// How many more helpers the branch could use now: never above the branch number, and only for work that is worth the
// way. Until the cost of an iteration is known, two that wait are.
std::uint32_t Agent::helpers_wanted(const Branch& branch, const Overview& overview) const {
  const std::uint64_t todo = branch.partition().lendable_count();
  if (todo < 2 || !branch.begins()) return 0;
  const std::uint32_t helpers = overview.helpers_of(branch.loop());
  if (helpers >= branch.branch_number()) return 0;
  if ((branch.starts_at_most_once() && !branch.owner()) || is_too_much(overview.kept_bytes())) return 0;
  if (const std::optional<Duration> cost = branch.mean_cost()) {
    const double worth = static_cast<double>(cost->count()) * static_cast<double>(todo);
    if (worth < static_cast<double>((worth_round_trips * (round_trip_ + startup_cost)).count())) return 0;
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(branch.branch_number() - helpers, todo - 1));
}

void Agent::seek_helpers() {
  if (has_nobody()) return;
  Overview overview = look_over();
  for (auto& [key, branch] : branches_) {
    Seeking& seeking = branch.seeking();
    if (seeking.complete(now_)) {
      if (divide(key, seeking.conclude(), overview)) {
        rest_.forget();
      } else {
        rest_.lengthen(now_, random_, round_trip_);
      }
    }
    if (seeking.probing() || !rest_.over(now_)) continue;
    const std::uint32_t probes = rest_.probes_for(helpers_wanted(branch, overview), now_);
    bool any = false;
    for (std::uint32_t i = 0; i < probes && probe_somebody(branch); ++i) any = true;
    if (probes > 0 && !(any && seeking.probing())) rest_.lengthen(now_, random_, round_trip_);
  }
}

bool Agent::probe_somebody(Branch& branch) {
  std::set<NodeId> excluded = asked_lately(branch);
  const std::optional<Peers::Choice> choice = peers_.choose(now_, random_, excluded, linked());
  if (!choice) return false;
  if (const std::optional<NodeId> node = linked_at(*choice)) {
    if (!excluded.contains(*node)) probe(branch, *node);
    return true;
  }
  return run_errand({.kind = Errand::Kind::probe, .loop = branch.loop()}, *choice);
}

void Agent::probe(Branch& branch, NodeId node) {
  const std::uint64_t request = next_request_++;
  const Duration round_trip = contacts_.at(node).round_trip;
  branch.seeking().asked(now_, request, node, round_trip);
  send(node, protocol::Probe{.request = request,
                             .job = branch.loop().job,
                             .user = jobs_.at(branch.loop().job).terms.user,
                             .path = branch.loop().path,
                             .priority = 0,
                             .iterations = branch.partition().lendable_count(),
                             .round_trip_ns = static_cast<std::uint64_t>(round_trip.count())});
}

// The first split may be crude: shares by slots, ours among them. (With less for ourselves, one offer at a time would
// make a chain of agents that pass nearly all of it on.) But where few helpers are allowed, each is the way to many
// more. Taking back and stealing mend it. True if somebody got some.
bool Agent::divide(BranchKey key, const std::vector<Seeking::Offered>& offers, Overview& overview) {
  Branch& branch = branches_.at(key);
  const std::uint64_t square = std::uint64_t{branch.branch_number()} * branch.branch_number();
  const std::uint64_t passed_on = square == 0 ? 1 : std::max<std::uint64_t>(1, narrow_tree / square);
  std::uint64_t weight = 0;
  // What it says of its slots is its word: no share is larger than one of so many.
  auto slots_of = [](const Seeking::Offered& offer) { return std::clamp(offer.slots, 1U, slots_believed_max); };
  for (const Seeking::Offered& offer : offers) weight += slots_of(offer) * passed_on;
  const std::uint64_t todo = branch.partition().lendable_count();
  const std::uint64_t all = weight + options_.slots;
  std::uint64_t rest = todo - (todo / all * options_.slots + todo % all * options_.slots / all);
  bool granted = false;
  for (const Seeking::Offered& offer : offers) {
    const std::uint64_t slots = slots_of(offer);
    const std::uint64_t its = slots * passed_on;
    const std::uint64_t part = rest / weight * its + rest % weight * its / weight;
    rest -= part;
    weight -= its;
    // A refusal names a branch, not a grant: there is one under way at a time.
    const Helper* known = branch.helper(offer.node);
    const bool at_peace = known == nullptr || (!known->unanswered && !known->reconciling);
    const bool wanted = part > 0 && overview.helpers_of(branch.loop()) < branch.branch_number() && is_up(offer.node) &&
                        at_peace && !overview.helps_with_another(branch, offer.node) && may_be_given(branch, offer.node);
    Share share;  // empty if others got the last, since a piece to be run again goes whole
    if (wanted && branch.partition().lendable_count() > 0)
      share = branch.starts_at_most_once() ? share_for_slots(branch, std::min(part, slots)) : branch.share_back(part);
    if (!share.intervals.empty()) {
      grant(key, offer.node, share, offer.request);
      overview.recount(branch);
      granted = true;
    } else if (is_up(offer.node)) {
      send(offer.node, protocol::Release{.request = offer.request});
    }
  }
  return granted;
}

// --- the asked side

void Agent::on_message(NodeId from, const protocol::Probe& probe, const Proofs&) {
  work_seen_ = now_;
  const Duration round_trip = believed_round_trip(probe.round_trip_ns);
  if (now_ < contacts_.at(from).spurned.until) return answer_busy(from, probe.request, /*kept=*/false);
  if (is_free()) return offer(from, probe.request, round_trip);
  // One of each peer: its newest.
  std::erase_if(kept_requests_, [&](const KeptRequest& kept) { return kept.node == from; });
  const bool kept = kept_requests_.size() < kept_requests_max;
  if (kept)
    kept_requests_.push_back({.node = from,
                              .request = probe.request,
                              .priority = probe.priority,
                              .round_trip = round_trip,
                              .until = now_ + kept_for});
  answer_busy(from, probe.request, kept);
}

void Agent::answer_busy(NodeId to, std::uint64_t request, bool kept) {
  send(to, protocol::Busy{.request = request,
                          .free = peers_.tell_free(now_, to),
                          .others = peers_.tell_others(random_, to),
                          .kept = kept});
}

void Agent::offer(NodeId to, std::uint64_t request, Duration round_trip) {
  const Duration held = std::min(hold_max, hold_base + 8 * std::max(round_trip, Duration::zero()));
  held_until_ = now_ + held;
  held_for_ = {to, request};
  send(to, protocol::Offer{.request = request,
                           .held_ns = static_cast<std::uint64_t>(held.count()),
                           .power_class = 0,
                           .slots = slots_.empty_count()});
}

void Agent::on_message(NodeId from, const protocol::Offer& offer, const Proofs&) {
  contacts_.at(from).calls_until.reset();
  for (auto& [key, branch] : branches_) {
    if (branch.seeking().on_offer({.node = from, .request = offer.request, .slots = offer.slots})) return;
  }
  // One that was kept calls back late: if somebody is still wanted, it is as good as an answer.
  Overview overview = look_over();
  for (auto& [key, branch] : branches_) {
    if (helpers_wanted(branch, overview) == 0 || branch.helper(from) != nullptr) continue;
    note(Notice::What::called_back, branch, {}, from);
    (void)divide(key, {{.node = from, .request = offer.request, .slots = offer.slots}}, overview);
    return;
  }
  send(from, protocol::Release{.request = offer.request});
}

void Agent::on_message(NodeId from, const protocol::Busy& busy, const Proofs&) {
  for (const protocol::Hint& hint : busy.free) peers_.hear_free(now_, from, hint);
  for (const protocol::Hint& hint : busy.others) peers_.hear_of(now_, from, hint);
  if (asking_ && asking_->node == from && asking_->request == busy.request) asking_.reset();
  for (auto& [key, branch] : branches_) {
    branch.seeking().on_busy(busy.request, from);
  }
  if (busy.kept) contacts_.at(from).calls_until = now_ + kept_for;
  if (!busy.free.empty()) rest_.cut_short(now_);
}

void Agent::on_message(NodeId from, const protocol::Note&, const Proofs&) {
  Contact& contact = contacts_.at(from);
  contact.calls_until.reset();
  peers_.hear_free(now_, from, {.node_prefix = prefix_of(from), .address = contact.peer.address});
  rest_.cut_short(now_);
}

}  // namespace agent::core
