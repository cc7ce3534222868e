#include "agent/core/peers.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace agent::core {

namespace {

using Origin = Peers::Choice::Origin;

// Whether some node of the set has that prefix.
bool contains_prefix(const std::set<NodeId>& nodes, std::uint64_t prefix) {
  protocol::Bytes32 least{};
  for (std::size_t i = 0; i < 8; ++i) least.at(i) = static_cast<std::byte>(prefix >> (56 - 8 * i) & 0xff);
  const auto found = nodes.lower_bound(NodeId(least));
  return found != nodes.end() && prefix_of(*found) == prefix;
}

}  // namespace

Peers::Peers(Peer self, const std::vector<Address>& seeds) : self_(self) {
  set_addresses(Instant(), self.address, seeds);
}

bool Peers::knows(const NodeId& node) const {
  return std::ranges::any_of(view_, [&](const Known& known) { return known.peer.node == node; });
}

void Peers::set_addresses(Instant now, const Address& own, const std::vector<Address>& seeds) {
  self_.address = own;
  std::vector<Seed> known = std::exchange(seeds_, {});
  for (const Address& address : seeds) {
    if (address == self_.address || std::ranges::count(seeds_, address, &Seed::address) > 0) continue;
    const auto same = std::ranges::find(known, address, &Seed::address);
    seeds_.push_back(same == known.end() ? Seed{.address = address} : *same);
  }
  if (!view_.empty()) return;
  for (const Seed& seed : seeds_) next_shuffle_ = std::min(next_shuffle_, std::max(now, seed.retry_at));
}

// What is heard.

bool Peers::is_self(const Hint& hint) const {
  return hint.node_prefix == prefix_of(self_.node) || hint.address == self_.address;
}

void Peers::hear_free(Instant now, const NodeId& teller, const Hint& hint) {
  if (!is_self(hint)) free_.add({.hint = hint, .teller = prefix_of(teller), .heard_at = now});
}

void Peers::hear_of(Instant now, const NodeId& teller, const Hint& hint) {
  if (is_self(hint) || find_known(hint.node_prefix) != nullptr) return;
  heard_.add({.hint = hint, .teller = prefix_of(teller), .heard_at = now});
}

void Peers::hear_displaced(Instant now, const Peer& peer) {
  heard_.add({.hint = hint_of(peer), .heard_at = now});
}

void Peers::reached(Instant now, const Peer& peer, Way way) {
  if (way == Way::dialled) {
    for (Seed& seed : seeds_) {
      if (seed.address == peer.address) seed = {.address = seed.address, .node = peer.node, .retry_at = now};
    }
    if (pending_ && !pending_->partner.node && pending_->partner.address == peer.address) {
      pending_->partner.node = peer.node;
    }
  }
  if (peer.node == self_.node) return;
  std::erase_if(buried_, [&](const Buried& buried) { return buried.peer.node == peer.node; });
  if (Known* known = find_known(peer.node)) {
    known->peer.instance = peer.instance;
    if (way == Way::dialled) known->peer.address = peer.address;
  } else if (way == Way::dialled) {
    hear_displaced(now, peer);
  }
}

void Peers::unreachable(Instant now, Random& random, const Address& address) {
  if (pending_ && !pending_->answered && pending_->partner.address == address) give_up_pending(now, random);
  lose(now, random, address);
}

void Peers::lose(Instant now, Random& random, const Address& address) {
  free_.drop_address(address);
  heard_.drop_address(address);
  rest_seed(now, random, address);
  bury(now, address);
  const auto lost = std::erase_if(view_, [&](const Known& known) { return known.peer.address == address; });
  if (lost > 0 && ++dead_ >= dead_max) hurry(now, random);
  if (!view_.empty()) return;
  // There may be another seed that is worth a try before the next shuffle would be due.
  for (const Seed& seed : seeds_) next_shuffle_ = std::min(next_shuffle_, std::max(now, seed.retry_at));
}

void Peers::bury(Instant now, const Address& address) {
  for (const Known& known : view_) {
    if (known.peer.address != address) continue;
    if (buried_.size() >= buried_max) buried_.erase(buried_.begin());
    buried_.push_back({.peer = known.peer, .at = now});
  }
}

bool Peers::is_buried(Instant now, const Peer& peer) const {
  return std::ranges::any_of(buried_,
                             [&](const Buried& buried) { return buried.peer == peer && now < buried.at + buried_for; });
}

void Peers::rest_seed(Instant now, Random& random, const Address& address) {
  for (Seed& seed : seeds_) {
    if (seed.address != address) continue;
    seed.node.reset();
    seed.retry_at = now + random.jittered(seed.rest);
    seed.rest = std::min(2 * seed.rest, shuffle_period_max);
  }
}

void Peers::hurry(Instant now, Random& random) {
  dead_ = 0;
  period_ = shuffle_period_min;
  next_shuffle_ = std::min(next_shuffle_, now + random.jittered(period_));
}

void Peers::forget(const NodeId& node) {
  std::erase_if(view_, [&](const Known& known) { return known.peer.node == node; });
  free_.drop_node(prefix_of(node));
  heard_.drop_node(prefix_of(node));
  if (pending_ && pending_->partner.node == node) pending_.reset();
}

// Who is asked.

std::optional<Peers::Choice> Peers::choose(Instant now, Random& random, const std::set<NodeId>& excluded,
                                           const std::set<NodeId>& preferred) {
  if (auto chosen = choose_free(now, excluded)) return chosen;
  // The view is better founded, what is heard reaches further.
  const bool heard_first = random.chance(1, 2);
  if (heard_first) {
    if (auto chosen = choose_heard(random, excluded)) return chosen;
  }
  if (auto chosen = choose_known(random, excluded, preferred)) return chosen;
  if (auto chosen = choose_heard(random, excluded)) return chosen;
  return choose_seed(now, random, excluded);
}

Peers::Choice Peers::choice_of(const Hint& hint, Origin origin) const {
  const Known* known = find_known(hint.node_prefix);
  return {.origin = origin,
          .node = known == nullptr ? std::nullopt : std::optional(known->peer.node),
          .node_prefix = hint.node_prefix,
          .address = hint.address};
}

std::optional<Peers::Choice> Peers::choose_free(Instant now, const std::set<NodeId>& excluded) {
  free_.drop_heard_until(now - free_for);
  for (std::size_t i = free_.entries().size(); i-- > 0;) {
    if (contains_prefix(excluded, free_.entries()[i].hint.node_prefix)) continue;
    return choice_of(free_.take(i), Origin::free_hint);
  }
  return std::nullopt;
}

std::optional<Peers::Choice> Peers::choose_known(Random& random, const std::set<NodeId>& excluded,
                                                 const std::set<NodeId>& preferred) const {
  std::vector<const Peer*> open, best;
  for (const Known& known : view_) {
    if (excluded.contains(known.peer.node)) continue;
    open.push_back(&known.peer);
    if (preferred.contains(known.peer.node)) best.push_back(&known.peer);
  }
  if (open.empty()) return std::nullopt;
  return choice_of(hint_of(*random.pick(best.empty() ? open : best)), Origin::known);
}

std::optional<Peers::Choice> Peers::choose_heard(Random& random, const std::set<NodeId>& excluded) {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < heard_.entries().size(); ++i) {
    if (!contains_prefix(excluded, heard_.entries()[i].hint.node_prefix)) open.push_back(i);
  }
  if (open.empty()) return std::nullopt;
  return choice_of(heard_.take(random.pick(open)), Origin::heard);
}

std::optional<Peers::Choice> Peers::choose_seed(Instant now, Random& random, const std::set<NodeId>& excluded) {
  std::vector<Seed*> open;
  for (Seed& seed : seeds_) {
    const bool unwanted = seed.node && (*seed.node == self_.node || excluded.contains(*seed.node));
    if (!unwanted && seed.retry_at <= now) open.push_back(&seed);
  }
  if (open.empty()) return std::nullopt;
  Seed& seed = *random.pick(open);
  // While the dialling of an unknown one is under way, it can not be excluded by name.
  if (!seed.node) seed.retry_at = now + shuffle_period_min;
  return Choice{.origin = Origin::seed,
                .node = seed.node,
                .node_prefix = seed.node ? prefix_of(*seed.node) : 0,
                .address = seed.address};
}

std::vector<Hint> Peers::tell_free(Instant now, const NodeId& asker) {
  std::vector<Hint> told;
  while (told.size() < protocol::limits::hints_max) {
    const auto chosen = choose_free(now, {asker});
    if (!chosen) break;
    told.push_back({.node_prefix = chosen->node_prefix, .address = chosen->address});
  }
  return told;
}

std::vector<Hint> Peers::tell_others(Random& random, const NodeId& asker) const {
  std::vector<Hint> told;
  for (const Known& known : view_) told.push_back(hint_of(known.peer));
  for (const HintList::Entry& entry : heard_.entries()) told.push_back(entry.hint);
  std::erase_if(told, [&](const Hint& hint) { return hint.node_prefix == prefix_of(asker); });
  const std::size_t count = std::min(told.size(), protocol::limits::addresses_max);
  for (std::size_t i = 0; i < count; ++i) std::swap(told[i], told[i + random.below(told.size() - i)]);
  told.resize(count);
  return told;
}

// Shuffles.

Instant Peers::shuffle_due() const {
  if (!pending_ || pending_->answered) return next_shuffle_;
  return std::max(next_shuffle_, pending_->since + answer_within);
}

std::optional<Peers::Exchange> Peers::begin_shuffle(Instant now, Random& random) {
  give_up_pending(now, random);
  for (Known& known : view_) ++known.age;
  exchanged_.clear();
  walk_displaced_ = false;
  next_shuffle_ = now + random.jittered(period_);

  const auto partner = choose_partner(now, random);
  if (!partner || view_.empty()) period_ = std::min(2 * period_, shuffle_period_max);
  if (!partner) return std::nullopt;
  Exchange exchange{.partner = *partner};
  exchange.to_send = sample(random, shuffle_count - 1, self_.node, partner->node.value_or(self_.node));
  pending_ = Pending{.partner = *partner, .since = now, .allowance = view_.empty() ? join_count : shuffle_count};
  if (partner->node) pending_->given.push_back(*partner->node);
  for (const Peer& peer : exchange.to_send) pending_->given.push_back(peer.node);
  exchange.to_send.insert(exchange.to_send.begin(), self_);
  return exchange;
}

void Peers::give_up_pending(Instant now, Random& random) {
  if (!pending_) return;
  const Pending pending = *std::exchange(pending_, std::nullopt);
  if (pending.answered) return;
  lose(now, random, pending.partner.address);
  // No exchange: the next oldest is asked instead, soon.
  if (!view_.empty()) next_shuffle_ = std::min(next_shuffle_, now + random.jittered(shuffle_period_min));
}

std::optional<Peers::Choice> Peers::choose_partner(Instant now, Random& random) {
  std::set<NodeId> known;
  for (const Known& each : view_) known.insert(each.peer.node);
  if (view_.empty()) {
    // Seeds are sure to be agents, what is heard spreads the load: either first.
    if (random.chance(1, 2)) {
      if (auto chosen = choose_heard(random, {})) return chosen;
    }
    if (auto chosen = choose_seed(now, random, {})) return chosen;
    return choose_heard(random, {});
  }
  if (random.chance(1, seed_visit_odds)) {
    if (auto chosen = choose_seed(now, random, known)) return chosen;
  }
  const auto oldest = std::ranges::max_element(view_, {}, &Known::age);
  return choice_of(hint_of(oldest->peer), Origin::known);
}

Peers::Answer Peers::on_shuffle(Instant now, Random& random, const NodeId& from, const std::vector<Peer>& records) {
  const bool joins = records.size() == 1 && records.front().node == from;
  Answer answer{.to_send = sample(random, joins ? join_count : shuffle_count, from, self_.node)};
  if (from == self_.node) return answer;
  if (exchanged_.size() >= exchanged_max) exchanged_.clear();
  if (!exchanged_.insert(from).second) return answer;
  std::vector<NodeId> given;
  if (joins) {
    for (const Peer& peer : sample(random, walks_per_join, from, self_.node)) answer.walk_to.push_back(peer.node);
  } else {
    for (const Peer& peer : answer.to_send) given.push_back(peer.node);
  }
  merge(now, random, from, records, std::move(given));
  return answer;
}

void Peers::on_shuffled(Instant now, Random& random, const NodeId& from, const std::vector<Peer>& records) {
  if (!pending_ || pending_->partner.node != from) return;
  if (!pending_->answered) period_ = std::min(2 * period_, shuffle_period_max);
  pending_->answered = true;
  if (Known* partner = find_known(from)) partner->age = 0;
  std::vector<Peer> taken = records;
  taken.resize(std::min(taken.size(), pending_->allowance));
  pending_->allowance -= taken.size();
  merge(now, random, from, taken, pending_->given);
}

void Peers::merge(Instant now, Random& random, const NodeId& teller, const std::vector<Peer>& records,
                  std::vector<NodeId> given) {
  const bool lonely = view_.empty();
  // Who stands among what was received is no longer given away.
  for (const Peer& peer : records) std::erase(given, peer.node);
  auto next_given = given.begin();
  for (const Peer& peer : records) {
    if (is_self(hint_of(peer)) || is_buried(now, peer)) continue;
    if (Known* known = find_known(peer.node)) {
      known->peer = peer;
      continue;
    }
    Known* place = nullptr;
    while (view_.size() >= view_max && place == nullptr && next_given != given.end()) place = find_known(*next_given++);
    if (view_.size() >= view_max && place == nullptr) {
      hear_of(now, teller, hint_of(peer));
      continue;
    }
    heard_.drop_node(prefix_of(peer.node));
    if (place == nullptr)
      place = &view_.emplace_back();
    else
      hear_displaced(now, place->peer);
    *place = {.peer = peer};
  }
  if (lonely && !view_.empty()) hurry(now, random);
}

std::optional<Peers::Onward> Peers::on_walk(Instant now, Random& random, const NodeId& from, const Peer& newcomer,
                                            std::uint8_t hops_left) {
  if (is_self(hint_of(newcomer))) return std::nullopt;
  hops_left = std::min(hops_left, protocol::limits::walk_hops_max);
  if (hops_left > 1) {
    const auto next = sample(random, 1, from, newcomer.node);
    if (!next.empty()) return Onward{.to = next.front().node, .hops_left = static_cast<std::uint8_t>(hops_left - 1)};
  }
  keep_newcomer(now, random, from, newcomer);
  return std::nullopt;
}

void Peers::keep_newcomer(Instant now, Random& random, const NodeId& teller, const Peer& newcomer) {
  const bool full = view_.size() >= view_max && find_known(newcomer.node) == nullptr;
  std::vector<NodeId> given;
  if (full && !walk_displaced_) {
    walk_displaced_ = true;
    given.push_back(std::ranges::max_element(view_, {}, &Known::age)->peer.node);
  }
  merge(now, random, teller, {newcomer}, std::move(given));
}

// The view.

Peers::Known* Peers::find_known(const NodeId& node) {
  const auto found = std::ranges::find_if(view_, [&](const Known& known) { return known.peer.node == node; });
  return found == view_.end() ? nullptr : &*found;
}

const Peers::Known* Peers::find_known(std::uint64_t prefix) const {
  const auto found =
      std::ranges::find_if(view_, [&](const Known& each) { return prefix_of(each.peer.node) == prefix; });
  return found == view_.end() ? nullptr : &*found;
}

std::optional<Peer> Peers::find(const NodeId& node) const {
  const Known* known = find_known(prefix_of(node));
  return known != nullptr && known->peer.node == node ? std::optional(known->peer) : std::nullopt;
}

std::vector<Peer> Peers::view() const {
  std::vector<Peer> peers;
  for (const Known& known : view_) peers.push_back(known.peer);
  return peers;
}

std::vector<Peer> Peers::sample(Random& random, std::size_t count, const NodeId& but, const NodeId& but_also) const {
  std::vector<Peer> drawn = view();
  std::erase_if(drawn, [&](const Peer& peer) { return peer.node == but || peer.node == but_also; });
  random.shuffle(drawn);
  if (drawn.size() > count) drawn.resize(count);
  return drawn;
}

void Peers::check_invariants() const {
  free_.check_invariants();
  heard_.check_invariants();
  assert(view_.size() <= view_max && exchanged_.size() <= exchanged_max && buried_.size() <= buried_max);
  std::set<NodeId> nodes;
  for (const Known& known : view_) {
    assert(nodes.insert(known.peer.node).second && known.peer.node != self_.node);
    for (const auto& entry : heard_.entries()) assert(entry.hint.node_prefix != prefix_of(known.peer.node));
  }
  for (const auto& entry : heard_.entries()) assert(!is_self(entry.hint));
  for (const auto& entry : free_.entries()) assert(!is_self(entry.hint));
  assert(!pending_ || pending_->given.size() <= shuffle_count);
}

}  // namespace agent::core
