#include "agent/sim/link_layer.h"

#include <algorithm>
#include <cassert>
#include <type_traits>
#include <utility>

#include "protocol/codec.h"

namespace agent::sim {

namespace {

// A kept request may be called back so long after the question.
constexpr Duration question_life = std::chrono::seconds(60);

protocol::Digest manifest_digest(const core::JobId& job) {
  protocol::Bytes32 bytes{};
  std::ranges::copy(job.value(), bytes.begin());
  std::ranges::copy(job.value(), bytes.begin() + 16);
  return protocol::Digest(bytes);
}

std::optional<core::BranchId> branch_of(const core::Message& message) {
  return std::visit(
      [](const auto& each) -> std::optional<core::BranchId> {
        if constexpr (requires { each.branch.sender_is; })
          return each.branch.branch;
        else if constexpr (requires { core::BranchId(each.branch); })
          return each.branch;
        else
          return std::nullopt;
      },
      message);
}

std::optional<std::uint64_t> request_of(const core::Message& message) {
  return std::visit(
      [](const auto& each) -> std::optional<std::uint64_t> {
        if constexpr (requires { requires std::is_same_v<decltype(each.request), std::uint64_t>; })
          return each.request;
        else
          return std::nullopt;
      },
      message);
}

}  // namespace

LinkLayer::LinkLayer(const core::Peer& self, Standing standing) : self_(self), standing_(standing) {
  records_[self.node] = can(self);
}

void LinkLayer::on_link_up(const core::NodeId& peer) {
  links_[peer] = LinkState{};
}

void LinkLayer::on_link_down(const core::NodeId& peer) {
  links_.erase(peer);
}

void LinkLayer::on_submitted(const core::JobTerms& terms) {
  manifests_[terms.job] = can(terms);
}

void LinkLayer::on_forked(const core::JobId& job, const core::LoopTerms& loop) {
  statements_[{{.job = job, .path = loop.path}, loop.opener, loop.instance}] = can(loop);
}

void LinkLayer::on_signed(const core::SignMandate& order, Instant now) {
  see({.job = order.job,
       .epoch = {.number = 1, .root = self_.node},
       .sequence = order.sequence,
       .time_to_live = order.time_to_live},
      now);
}

void LinkLayer::see(const core::MandateFact& fact, Instant now) {
  auto [at, added] = mandates_.try_emplace(fact.job, Mandate{.fact = fact, .seen = now});
  if (added) return;
  const auto rank = [](const core::MandateFact& of) { return std::pair(of.epoch, of.sequence); };
  if (rank(fact) > rank(at->second.fact)) at->second = {.fact = fact, .seen = now};
}

void LinkLayer::keep_result(core::TaskId task, const OwnResult& result) {
  const bool added = results_.emplace(task, result).second;
  assert(added);
}

bool LinkLayer::forget_result(core::TaskId task) {
  return results_.erase(task) == 1;
}

bool LinkLayer::forget_batch(core::BatchId batch) {
  return batches_.erase(batch) == 1;
}

std::optional<core::ResultFact> LinkLayer::result_of(core::BatchId batch, std::uint32_t index) const {
  const auto at = batches_.find(batch);
  if (at == batches_.end()) return std::nullopt;
  const std::optional<Batch> opened = open_batch(at->second);
  if (!opened || index >= opened->results.size()) return std::nullopt;
  return opened->results[index];
}

protocol::MandateShare LinkLayer::share_of(const core::JobId& job, Instant now) const {
  const auto at = mandates_.find(job);
  if (at == mandates_.end()) return {};
  const Duration age = at->second.fact.age + (now - at->second.seen);
  return {.mandate = can(at->second.fact), .age_ns = static_cast<std::uint64_t>(std::max(age, Duration{}).count())};
}

Bytes LinkLayer::seal(const core::Send& send, Instant now) {
  protocol::Envelope envelope{.sequence = send.sequence, .heard = send.heard, .message = send.message};
  fill(envelope.message, send, now);
  note_sent(send.to, envelope.message, now);
  return protocol::encode(envelope);
}

void LinkLayer::fill(core::Message& message, const core::Send& send, Instant now) {
  const auto records = [&] {
    std::vector<Bytes> all;
    for (const core::NodeId& node : send.attached.records) all.push_back(records_.at(node));
    return all;
  };
  if (auto* beat = std::get_if<protocol::Beat>(&message)) {
    for (const core::JobId& job : send.attached.mandates) {
      if (mandates_.contains(job)) beat->mandates.push_back(share_of(job, now));
    }
  } else if (auto* grant = std::get_if<protocol::Grant>(&message)) {
    fill(*grant, send, now);
  } else if (auto* orphan = std::get_if<protocol::Orphan>(&message)) {
    orphan->mandate = share_of(orphan->loop.job, now);
  } else if (auto* adopt = std::get_if<protocol::Adopt>(&message)) {
    adopt->mandate = share_of(adopt->loop.job, now);
  } else if (auto* report = std::get_if<protocol::Report>(&message)) {
    Batch own{.executor = self_.node};
    for (const core::TaskId task : send.attached.results) {
      const OwnResult& result = results_.at(task);
      assert(own.results.empty() || own.loop == result.loop);
      own.loop = result.loop;
      own.results.push_back(result.fact);
    }
    if (!own.results.empty()) report->batches.push_back(can(own));
    for (const core::BatchId batch : send.attached.batches) report->batches.push_back(batches_.at(batch));
  } else if (auto* shuffle = std::get_if<protocol::Shuffle>(&message)) {
    shuffle->records = records();
  } else if (auto* shuffled = std::get_if<protocol::Shuffled>(&message)) {
    shuffled->records = records();
  } else if (auto* walk = std::get_if<protocol::Walk>(&message)) {
    if (const std::vector<Bytes> all = records(); !all.empty()) walk->record = all.front();
  } else if (auto* ended = std::get_if<protocol::Ended>(&message)) {
    ended->statement = can(ended->job);
  }
}

void LinkLayer::fill(protocol::Grant& grant, const core::Send& send, Instant now) {
  const core::JobId& job = grant.loop.job;
  grant.manifest_id = manifest_digest(job);
  if (links_[send.to].manifests_sent.insert(job).second) grant.manifest = manifests_.at(job);
  for (const core::LoopTerms& loop : send.attached.loops)
    grant.statements.push_back(statements_.at({{.job = job, .path = loop.path}, loop.opener, loop.instance}));
  grant.mandate = share_of(job, now);
}

void LinkLayer::note_sent(const core::NodeId& to, const core::Message& message, Instant now) {
  PeerState& peer = peers_[to];
  if (const auto* grant = std::get_if<protocol::Grant>(&message)) peer.granted.insert(grant->branch);
  if (const auto* adopt = std::get_if<protocol::Adopt>(&message)) peer.granted.insert(adopt->branch);
  if (std::holds_alternative<protocol::Shuffle>(message)) peer.shuffling = true;
  if (std::holds_alternative<protocol::Probe>(message) || std::holds_alternative<protocol::Ask>(message)) {
    std::erase_if(peer.open, [&](const auto& each) { return now - each.second > question_life; });
    peer.open[*request_of(message)] = now;
  }
}

std::optional<core::MessageReceived> LinkLayer::open(const core::NodeId& from, std::span<const std::byte> bytes,
                                                     Instant now) {
  auto envelope = protocol::decode(bytes);
  if (!envelope) return std::nullopt;
  core::MessageReceived received{
      .from = from, .sequence = envelope->sequence, .heard = envelope->heard, .message = std::move(envelope->message)};
  if (standing_ == Standing::checked && !stands(from, received.message, now)) {
    ++dropped_[received.message.index()];
    return std::nullopt;
  }
  note_received(from, received.message);
  if (!take(received.message, received.proofs, now)) return std::nullopt;
  return received;
}

bool LinkLayer::stands(const core::NodeId& from, const core::Message& message, Instant now) const {
  using protocol::Standing;
  static const PeerState stranger;
  const auto at = peers_.find(from);
  const PeerState& peer = at == peers_.end() ? stranger : at->second;
  const auto names = [&](const std::set<core::BranchId>& branches) {
    const auto branch = branch_of(message);
    return branch && branches.contains(*branch);
  };
  switch (protocol::check_of(protocol::kind_of(message)).standing) {
    case Standing::any:
    case Standing::loop_granter:  // every node here holds `run`
    case Standing::job_root:
    case Standing::job_deputy: return true;
    case Standing::asked: {
      if (std::holds_alternative<protocol::Shuffled>(message)) return peer.shuffling;
      const auto request = request_of(message);
      const auto question = request ? peer.open.find(*request) : peer.open.end();
      return question != peer.open.end() && now - question->second <= question_life;
    }
    case Standing::branch_end: {
      const auto* holds = std::get_if<protocol::Holds>(&message);
      assert(holds != nullptr);
      return names(holds->branch.sender_is == protocol::Side::helper ? peer.granted : peer.held);
    }
    case Standing::branch_helper: return names(peer.granted);
    case Standing::branch_master: return names(peer.held);
    case Standing::loop_master: {
      if (const auto* settled = std::get_if<protocol::Settled>(&message)) return peer.loops.contains(settled->loop);
      return peer.loops.contains(std::get<protocol::Resend>(message).loop);
    }
    case Standing::loop_ancestor: {
      const auto refuges = refuges_.find(std::get<protocol::Adopt>(message).loop);
      return refuges != refuges_.end() && refuges->second.contains(from);
    }
  }
  assert(false);
  return false;
}

void LinkLayer::note_received(const core::NodeId& from, const core::Message& message) {
  const auto hold = [&](core::BranchId branch, const core::LoopId& loop, const std::vector<protocol::Refuge>& refuges) {
    PeerState& peer = peers_[from];
    peer.held.insert(branch);
    peer.loops.insert(loop);
    std::set<core::NodeId>& known = refuges_[loop];
    known.insert(from);
    for (const protocol::Refuge& refuge : refuges) known.insert(refuge.node);
  };
  if (const auto* grant = std::get_if<protocol::Grant>(&message)) hold(grant->branch, grant->loop, grant->refuges);
  if (const auto* adopt = std::get_if<protocol::Adopt>(&message)) hold(adopt->branch, adopt->loop, adopt->refuges);
  const auto* refuse = std::get_if<protocol::Refuse>(&message);
  if (refuse != nullptr && refuse->why == protocol::RefuseReason::content_missing) links_[from].manifests_sent.clear();
}

bool LinkLayer::take(core::Message& message, core::Proofs& proofs, Instant now) {
  if (auto* beat = std::get_if<protocol::Beat>(&message)) {
    for (protocol::MandateShare& share : beat->mandates) {
      if (!take(share, proofs, now)) return false;
    }
    beat->mandates.clear();
  } else if (auto* grant = std::get_if<protocol::Grant>(&message)) {
    return take(*grant, proofs, now);
  } else if (auto* orphan = std::get_if<protocol::Orphan>(&message)) {
    return orphan->mandate.mandate.empty() || take(orphan->mandate, proofs, now);
  } else if (auto* adopt = std::get_if<protocol::Adopt>(&message)) {
    return adopt->mandate.mandate.empty() || take(adopt->mandate, proofs, now);
  } else if (auto* report = std::get_if<protocol::Report>(&message)) {
    return take(*report, proofs);
  } else if (auto* shuffle = std::get_if<protocol::Shuffle>(&message)) {
    return take(shuffle->records, proofs);
  } else if (auto* shuffled = std::get_if<protocol::Shuffled>(&message)) {
    return take(shuffled->records, proofs);
  } else if (auto* walk = std::get_if<protocol::Walk>(&message)) {
    std::vector<Bytes> one{std::exchange(walk->record, {})};
    return take(one, proofs);
  } else if (auto* ended = std::get_if<protocol::Ended>(&message)) {
    return open_job(std::exchange(ended->statement, {})) == ended->job;
  }
  return true;
}

bool LinkLayer::take(protocol::Grant& grant, core::Proofs& proofs, Instant now) {
  const core::JobId& job = grant.loop.job;
  if (grant.manifest_id != manifest_digest(job)) return false;
  if (!grant.manifest.empty()) manifests_[job] = std::exchange(grant.manifest, {});
  const auto manifest = manifests_.find(job);
  // It overtook the one that brought it, or that one is lost: the agent refuses it.
  if (manifest == manifests_.end()) {
    grant.statements.clear();
    grant.mandate = {};
    return standing_ == Standing::checked;
  }
  proofs.terms = open_terms(manifest->second);
  if (!proofs.terms || proofs.terms->job != job || grant.statements.size() != grant.loop.path.size()) return false;
  for (const Bytes& statement : grant.statements) {
    const std::optional<core::LoopTerms> loop = open_loop(statement);
    if (!loop) return false;
    statements_[{{.job = job, .path = loop->path}, loop->opener, loop->instance}] = statement;
    proofs.loops.push_back(*loop);
  }
  grant.statements.clear();
  return take(grant.mandate, proofs, now);
}

bool LinkLayer::take(protocol::Report& report, core::Proofs& proofs) {
  std::vector<core::BatchFact> facts;
  for (const Bytes& bytes : report.batches) {
    const std::optional<Batch> batch = open_batch(bytes);
    if (!batch) return false;
    facts.push_back({.executor = batch->executor, .size_bytes = bytes.size(), .results = batch->results});
  }
  for (std::size_t i = 0; i < facts.size(); ++i) {
    facts[i].batch = core::BatchId(next_batch_++);
    batches_.emplace(facts[i].batch, std::move(report.batches[i]));
  }
  proofs.batches = std::move(facts);
  report.batches.clear();
  return true;
}

bool LinkLayer::take(protocol::MandateShare& share, core::Proofs& proofs, Instant now) {
  std::optional<core::MandateFact> fact = open_mandate(share.mandate);
  if (!fact) return false;
  fact->age = Duration(static_cast<std::int64_t>(share.age_ns));
  see(*fact, now);
  proofs.mandates.push_back(*fact);
  share = {};
  return true;
}

bool LinkLayer::take(std::vector<Bytes>& records, core::Proofs& proofs) {
  for (const Bytes& bytes : records) {
    const std::optional<core::Peer> peer = open_peer(bytes);
    if (!peer) return false;
    records_[peer->node] = bytes;
    proofs.records.push_back(*peer);
  }
  records.clear();
  return true;
}

}  // namespace agent::sim
