// Who helps whom: probes of those with too much work, asks of those with too little.
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
constexpr Duration ask_gap_first = std::chrono::milliseconds(5);
constexpr Duration ask_gap_working = std::chrono::seconds(2);  // the longest while a job is known to be alive
constexpr Duration ask_gap_idle = std::chrono::seconds(60);
constexpr Duration work_about_for = std::chrono::seconds(60);  // after the latest sign of any job
constexpr Duration ask_patience = std::chrono::seconds(2);
constexpr Duration kept_for = std::chrono::seconds(30);
constexpr std::size_t kept_requests_max = 16;
constexpr std::size_t notes_count = 4;
constexpr Duration note_gap = std::chrono::seconds(1);  // short idle times are not worth telling

}  // namespace

bool Agent::is_busy() const {
  return slots_.empty_count() == 0 ||
         std::ranges::any_of(branches_, [&](const auto& entry) { return could_start(entry.second); });
}

bool Agent::is_free() const {
  return !(held_until_ && now_ < *held_until_) && !is_busy();
}

std::uint32_t Agent::helpers_of(const LoopId& loop) const {
  std::uint32_t count = 0;
  for (const auto& [key, branch] : branches_) {
    if (branch.loop() == loop) count += branch.helper_count();
  }
  return count;
}

// How many more helpers the branch could use now: never above the branch number, and only for work that is worth the
// way. Until the cost of an iteration is known, two that wait are.
std::uint32_t Agent::helpers_wanted(const Branch& branch) const {
  const std::uint64_t todo = branch.partition().lendable_count();
  const std::uint32_t helpers = helpers_of(branch.loop());
  if (helpers >= branch.branch_number() || todo < 2 || (branch.owner() && !branch.owner()->starts())) return 0;
  if (const std::optional<Duration> cost = branch.mean_cost()) {
    const double worth = static_cast<double>(cost->count()) * static_cast<double>(todo);
    if (worth < static_cast<double>((worth_round_trips * (round_trip_ + startup_cost)).count())) return 0;
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(branch.branch_number() - helpers, todo - 1));
}

void Agent::seek_helpers() {
  if (has_nobody()) return;
  for (auto& [key, branch] : branches_) {
    Seeking& seeking = branch.seeking();
    if (seeking.complete(now_)) {
      if (divide(key, seeking.conclude())) {
        seeking.succeed();
      } else {
        seeking.rest(now_, random_, round_trip_);
      }
    }
    if (!seeking.may_begin(now_)) continue;
    const std::uint32_t probes = seeking.probes_for(helpers_wanted(branch));
    bool any = false;
    for (std::uint32_t i = 0; i < probes && probe_somebody(branch); ++i) any = true;
    if (probes > 0 && !(any && seeking.probing())) seeking.rest(now_, random_, round_trip_);
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
// make a chain of agents that pass nearly all of it on.) Taking back and stealing mend it. True if somebody got some.
bool Agent::divide(BranchKey key, const std::vector<Seeking::Offered>& offers) {
  Branch& branch = branches_.at(key);
  std::uint64_t weight = 0;
  for (const Seeking::Offered& offer : offers) weight += std::max(offer.slots, 1U);
  const std::uint64_t todo = branch.partition().lendable_count();
  const std::uint64_t all = weight + options_.slots;
  std::uint64_t rest = todo - (todo / all * options_.slots + todo % all * options_.slots / all);
  bool granted = false;
  for (const Seeking::Offered& offer : offers) {
    const std::uint64_t part = weight == 0 ? 0 : rest * std::max(offer.slots, 1U) / weight;
    rest -= part;
    weight -= std::max(offer.slots, 1U);
    const bool wanted = part > 0 && helpers_of(branch.loop()) < branch.branch_number() && is_up(offer.node) &&
                        !helps_with_another(branch, offer.node);
    if (wanted) {
      grant(key, offer.node, branch.share_back(part), offer.request);
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
  if (is_free()) return offer(from, probe.request, Duration(static_cast<std::int64_t>(probe.round_trip_ns)));
  std::erase_if(kept_requests_, [&](const KeptRequest& kept) { return kept.node == from; });
  const bool kept = kept_requests_.size() < kept_requests_max;
  if (kept)
    kept_requests_.push_back({.node = from,
                              .request = probe.request,
                              .priority = probe.priority,
                              .round_trip = Duration(static_cast<std::int64_t>(probe.round_trip_ns)),
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

void Agent::on_message(NodeId from, const protocol::Release& release, const Proofs&) {
  if (held_for_ == std::pair(from, release.request)) {
    held_until_.reset();
    ask_at_ = std::min(ask_at_, now_ + random_.jittered(ask_gap_working));
  }
  std::erase_if(kept_requests_, [&](const KeptRequest& kept) { return kept.node == from; });
}

void Agent::on_message(NodeId from, const protocol::Offer& offer, const Proofs&) {
  for (auto& [key, branch] : branches_) {
    if (branch.seeking().on_offer({.node = from, .request = offer.request, .slots = offer.slots})) return;
  }
  // One that was kept calls back late: if somebody is still wanted, it is as good as an answer.
  for (auto& [key, branch] : branches_) {
    if (helpers_wanted(branch) == 0 || branch.helper(from) != nullptr) continue;
    note(Notice::What::called_back, branch, {}, from);
    (void)divide(key, {{.node = from, .request = offer.request, .slots = offer.slots}});
    return;
  }
  send(from, protocol::Release{.request = offer.request});
}

void Agent::on_message(NodeId from, const protocol::Busy& busy, const Proofs&) {
  for (const protocol::Hint& hint : busy.free) peers_.hear_free(now_, from, hint);
  for (const protocol::Hint& hint : busy.others) peers_.hear_of(now_, from, hint);
  if (asking_ && asking_->request == busy.request) asking_.reset();
  for (auto& [key, branch] : branches_) {
    branch.seeking().on_busy(busy.request);
    if (!busy.free.empty()) branch.seeking().encourage(now_);
  }
}

void Agent::on_message(NodeId from, const protocol::Note&, const Proofs&) {
  auto at = contacts_.find(from);
  peers_.hear_free(now_, from, {.node_prefix = prefix_of(from), .address = at->second.peer.address});
  for (auto& [key, branch] : branches_) branch.seeking().encourage(now_);
}

// --- the idle side

// Kept requests first, the newest of the best priority; then a few are told that we are free; then we ask around.
void Agent::be_idle() {
  if (held_until_ && *held_until_ <= now_) held_until_.reset();
  if (has_nobody() || is_busy()) {
    idle_since_.reset();
    return;
  }
  if (!is_free()) return;
  if (!idle_since_) {
    idle_since_ = now_;
    ask_gap_ = ask_gap_first;
    ask_at_ = now_;
    if (now_ - noted_at_ >= note_gap) tell_few_that_we_are_free();
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
  asking_ = Asking{.node = node, .request = next_request_++, .since = now_};
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
  for (BranchKey key : outermost_first()) {
    Branch& branch = branches_.at(key);
    if (!may_lend(branch, from)) continue;
    const Share share = branch.share_half(slots_.empty_count() == 0 ? Partition::Last::give : Partition::Last::keep);
    if (share.intervals.empty()) continue;
    grant(key, from, share, ask.request);
    note(Notice::What::stolen, branch, share.intervals.intervals().front(), from);
    gave = true;
  }
  if (gave) return;
  const bool nearby = ask.hops_left > 0 && better_place(from, Place::with_unstarted);
  if (!nearby) {
    if (const auto found = copy_for(from)) return grant(found->first, from, found->second, ask.request);
  }
  const Place place = nearby ? Place::with_unstarted : Place::any;
  if (const std::optional<protocol::Hint> better = better_place(from, place); better && ask.hops_left > 0) {
    actions_->emplace_back(Notice{.what = Notice::What::referred, .job = {}, .piece = {}, .peer = from});
    return send(from, protocol::Refer{.request = ask.request,
                                      .better = *better,
                                      .hops_left = static_cast<std::uint8_t>(ask.hops_left - 1)});
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
    const IntervalSet back =
        branch.return_half(slots_.empty_count() == 0 ? Partition::Last::give : Partition::Last::keep);
    if (back.empty()) continue;
    send_returned(*master, back, protocol::ReturnReason::recalled);
    gave = true;
  }
  return gave;
}

std::vector<Agent::BranchKey> Agent::outermost_first() const {
  std::vector<BranchKey> keys;
  for (const auto& [key, branch] : branches_) keys.push_back(key);
  std::ranges::stable_sort(keys, {}, [&](BranchKey key) { return branches_.at(key).loop().path.size(); });
  return keys;
}

// Never above the branch number, and never to somebody from whom we have it: who asks there gets nothing from us.
bool Agent::may_lend(const Branch& branch, NodeId to) const {
  if (branch.owner() && !branch.owner()->starts()) return false;
  if (!deadline_of(branch)) return false;
  const auto* master = std::get_if<Master>(&branch.upstream());
  if (master != nullptr && master->node == to) return false;
  if (std::ranges::any_of(branch.refuges(), [&](const protocol::Refuge& refuge) { return refuge.node == to; }))
    return false;
  if (helps_with_another(branch, to)) return false;
  auto known = branch.helpers().find(to);
  if (known != branch.helpers().end()) {
    const Helper& helper = known->second;
    if (helper.reconciling || helper.unanswered || helper.origin == Helper::Origin::adopted) return false;
    if (helper.counts()) return true;
  }
  return helpers_of(branch.loop()) < branch.branch_number();
}

// Only with nothing unstarted here: of what takes too long, the iteration of a silent holder, else the one that takes
// longest.
std::optional<std::pair<Agent::BranchKey, Share>> Agent::copy_for(NodeId thief) {
  for (BranchKey key : outermost_first()) {
    Branch& branch = branches_.at(key);
    if (!may_lend(branch, thief)) continue;
    const std::optional<Interval> piece = branch.worth_copying(now_, thief);
    if (!piece) continue;
    note(Notice::What::copied, branch, *piece, thief);
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
  asking_.reset();
  peers_.hear_of(now_, from, refer.better);
  const Peers::Choice there{.origin = Peers::Choice::Origin::heard,
                            .node = {},
                            .node_prefix = refer.better.node_prefix,
                            .address = refer.better.address};
  if (const std::optional<NodeId> node = linked_at(there)) return ask(*node, refer.hops_left);
  run_errand({.kind = Errand::Kind::ask, .loop = {}, .hops_left = refer.hops_left}, there);
}

// --- links for what is wanted of somebody

std::optional<NodeId> Agent::linked_at(const Peers::Choice& choice) const {
  if (choice.node) return is_up(*choice.node) ? choice.node : std::nullopt;
  return linked_at(choice.address);
}

std::optional<NodeId> Agent::linked_at(const Address& address) const {
  for (const auto& [node, contact] : contacts_) {
    if (contact.up && contact.peer.address == address) return node;
  }
  return std::nullopt;
}

std::set<NodeId> Agent::linked() const {
  std::set<NodeId> nodes;
  for (const auto& [node, contact] : contacts_) {
    if (contact.up) nodes.insert(node);
  }
  return nodes;
}

std::set<NodeId> Agent::asked_lately(const Branch& branch) const {
  std::set<NodeId> nodes;
  for (const auto& [node, contact] : contacts_) {
    if (branch.seeking().asks(node) || contact.silent_since) nodes.insert(node);
  }
  for (const auto& [node, helper] : branch.helpers()) nodes.insert(node);
  if (const auto* master = std::get_if<Master>(&branch.upstream())) nodes.insert(master->node);
  return nodes;
}

bool Agent::run_errand(Errand errand, const Peers::Choice& choice) {
  constexpr std::size_t errands_max = 16;
  if (errands_.size() >= errands_max) return false;
  errand.address = choice.address;
  errand.since = now_;
  const bool under_way =
      std::ranges::any_of(errands_, [&](const Errand& other) { return other.address == choice.address; });
  errands_.push_back(errand);
  if (!under_way) actions_->emplace_back(Dial{.address = choice.address, .peer = choice.node});
  return true;
}

void Agent::errands_arrived(const Peer& peer) {
  std::vector<Errand> here;
  std::erase_if(errands_, [&](const Errand& errand) {
    if (errand.address != peer.address) return false;
    here.push_back(errand);
    return true;
  });
  for (const Errand& errand : here) {
    switch (errand.kind) {
      case Errand::Kind::probe:
        for (auto& [key, branch] : branches_) {
          if (branch.loop() != errand.loop || helpers_wanted(branch) == 0 || branch.seeking().asks(peer.node)) continue;
          probe(branch, peer.node);
          break;
        }
        break;
      case Errand::Kind::ask:
        if (is_free() && !asking_) ask(peer.node, errand.hops_left);
        break;
      case Errand::Kind::shuffle: send_shuffle(peer.node); break;
      case Errand::Kind::orphan: orphans_arrived(peer.node, errand.loop); break;
    }
  }
}

void Agent::exchange_peers() {
  if (has_nobody() || now_ < peers_.shuffle_due()) return;
  const std::optional<Peers::Exchange> exchange = peers_.begin_shuffle(now_, random_);
  if (!exchange) return;
  shuffle_ = exchange->to_send;
  if (const std::optional<NodeId> node = linked_at(exchange->partner)) return send_shuffle(*node);
  run_errand({.kind = Errand::Kind::shuffle, .loop = {}}, exchange->partner);
}

void Agent::send_shuffle(NodeId to) {
  Attached attached;
  for (const Peer& peer : shuffle_) attached.records.push_back(peer.node);
  send(to, protocol::Shuffle{}, std::move(attached));
}

void Agent::on_message(NodeId from, const protocol::Shuffle&, const Proofs& proofs) {
  const Peers::Answer answer = peers_.on_shuffle(now_, random_, from, proofs.records);
  for (std::size_t begin = 0; begin < answer.to_send.size(); begin += Peers::shuffle_count) {
    Attached attached;
    for (std::size_t i = begin; i < std::min(begin + Peers::shuffle_count, answer.to_send.size()); ++i)
      attached.records.push_back(answer.to_send[i].node);
    send(from, protocol::Shuffled{}, std::move(attached));
  }
  for (NodeId to : answer.walk_to) {
    if (is_up(to))
      send(to, protocol::Walk{.record = {}, .hops_left = protocol::limits::walk_hops_max},
           {.mandates = {}, .results = {}, .batches = {}, .records = {from}});
  }
}

void Agent::on_message(NodeId from, const protocol::Shuffled&, const Proofs& proofs) {
  peers_.on_shuffled(now_, random_, from, proofs.records);
}

void Agent::on_message(NodeId from, const protocol::Walk& walk, const Proofs& proofs) {
  if (proofs.records.empty()) return;
  const Peer& newcomer = proofs.records.front();
  const auto onward = peers_.on_walk(now_, random_, from, newcomer, walk.hops_left);
  if (onward && is_up(onward->to))
    send(onward->to, protocol::Walk{.record = {}, .hops_left = onward->hops_left},
         {.mandates = {}, .results = {}, .batches = {}, .records = {newcomer.node}});
}

}  // namespace agent::core
