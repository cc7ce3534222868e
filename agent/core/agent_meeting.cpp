// Links for what is wanted of somebody, and the exchange of whom we know.
#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/core/agent.h"
#include "protocol/limits.h"

namespace agent::core {

namespace {

constexpr Duration errand_patience = std::chrono::seconds(10);  // a dial that came to nothing is told before

}  // namespace

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
    const bool will_call = contact.calls_until && now_ < *contact.calls_until;
    if (branch.seeking().asks(node) || contact.silent_since || will_call) nodes.insert(node);
  }
  for (const auto& [node, helper] : branch.helpers()) nodes.insert(node);
  if (const auto* master = std::get_if<Master>(&branch.upstream())) nodes.insert(master->node);
  for (const auto& [node, until] : jobs_.at(branch.loop().job).unwilling) {
    if (now_ < until) nodes.insert(node);
  }
  return nodes;
}

bool Agent::run_errand(Errand errand, const Peers::Choice& choice) {
  constexpr std::size_t errands_max = 16;
  // Whoever answers there may say that its address is another one.
  std::erase_if(errands_, [&](const Errand& old) { return now_ - old.since >= errand_patience; });
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
      case Errand::Kind::probe: {
        const Overview overview = look_over();
        for (auto& [key, branch] : branches_) {
          if (branch.loop() != errand.loop || helpers_wanted(branch, overview) == 0 || branch.seeking().asks(peer.node))
            continue;
          probe(branch, peer.node);
          break;
        }
        break;
      }
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
