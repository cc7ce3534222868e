#include "agent/link/exchange.h"

#include <algorithm>
#include <cassert>
#include <type_traits>
#include <utility>

#include "protocol/codec.h"

namespace agent::link {

namespace {

// A kept request may be called back so long after the question.
constexpr Duration question_life = std::chrono::seconds(60);

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

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::malformed: return "a message that means nothing";
    case Refusal::unknown_kind: return "a kind of message that is not known here";
    case Refusal::stale: return "a message about what is over";
    case Refusal::role: return "a message that its certificate does not permit";
    case Refusal::proof: return "a message with something in it that is not signed as it must be";
  }
  assert(false);
  return {};
}

Exchange::Exchange(const core::NodeId& self, Notary& notary, Checks checks)
    : self_(self), notary_(notary), checks_(checks) {}

void Exchange::set_own_record(Bytes record) {
  records_[self_] = std::move(record);
}

void Exchange::on_link_up(const core::NodeId& peer, std::uint32_t roles) {
  links_[peer] = LinkState{.roles = roles, .manifests_sent = {}};
  peers_[peer].left = 0;
}

void Exchange::on_link_down(const core::NodeId& peer) {
  links_.erase(peer);
  peers_[peer].left = ++links_gone_;
  forget_strangers();
}

// Those whose links went first.
void Exchange::forget_strangers() {
  while (peers_.size() > links_.size() + unlinked_peers_max) {
    auto first = peers_.end();
    for (auto at = peers_.begin(); at != peers_.end(); ++at) {
      if (at->second.left > 0 && (first == peers_.end() || at->second.left < first->second.left)) first = at;
    }
    assert(first != peers_.end());
    peers_.erase(first);
  }
}

void Exchange::on_submitted(const core::JobId& job, Bytes manifest) {
  const auto terms = notary_.open_manifest(manifest);
  assert(terms && terms->job == job);  // it is our own
  const protocol::Digest id = notary_.manifest_id(manifest);
  manifests_.insert_or_assign(job, Manifest{.id = id, .bytes = std::move(manifest), .terms = *terms});
}

void Exchange::on_forked(const core::JobId& job, const core::LoopTerms& loop, Bytes statement) {
  statements_[{{.job = job, .path = loop.path}, loop.opener, loop.instance}] = std::move(statement);
}

void Exchange::on_signed(const core::MandateFact& fact, Bytes mandate, Instant now) {
  see(fact, std::move(mandate), now);
}

void Exchange::see(const core::MandateFact& fact, Bytes bytes, Instant now) {
  const auto at = mandates_.find(fact.job);
  const auto rank = [](const core::MandateFact& of) { return std::pair(of.epoch, of.sequence); };
  if (at != mandates_.end() && rank(fact) <= rank(at->second.fact)) return;
  mandates_.insert_or_assign(fact.job, Mandate{.fact = fact, .bytes = std::move(bytes), .seen = now});
}

const Bytes* Exchange::batch(core::BatchId batch) const {
  const auto at = batches_.find(batch);
  return at == batches_.end() ? nullptr : &at->second;
}

bool Exchange::forget_batch(core::BatchId batch) {
  return batches_.erase(batch) == 1;
}

void Exchange::retain(const std::function<bool(const core::JobId&)>& job,
                      const std::function<bool(const core::NodeId&)>& record) {
  std::erase_if(manifests_, [&](const auto& each) { return !job(each.first); });
  std::erase_if(mandates_, [&](const auto& each) { return !job(each.first); });
  std::erase_if(statements_, [&](const auto& each) { return !job(std::get<core::LoopId>(each.first).job); });
  std::erase_if(refuges_, [&](const auto& each) { return !job(each.first.job); });
  std::erase_if(records_, [&](const auto& each) { return each.first != self_ && !record(each.first); });
  for (auto& [node, link] : links_) std::erase_if(link.manifests_sent, [&](const auto& each) { return !job(each); });
}

void Exchange::note_sent(const core::NodeId& to, const core::Message& message, Instant now) {
  PeerState& peer = peers_[to];
  if (const auto* grant = std::get_if<protocol::Grant>(&message)) peer.granted.insert(grant->branch, grant->loop);
  if (const auto* adopt = std::get_if<protocol::Adopt>(&message)) peer.granted.insert(adopt->branch, adopt->loop);
  if (std::holds_alternative<protocol::Shuffle>(message)) peer.shuffling = true;
  if (std::holds_alternative<protocol::Probe>(message) || std::holds_alternative<protocol::Ask>(message)) {
    std::erase_if(peer.open, [&](const auto& each) { return now - each.second > question_life; });
    peer.open[*request_of(message)] = now;
    if (peer.open.size() > questions_per_peer_max) peer.open.erase(peer.open.begin());
  }
}

// --- what comes in ---------------------------------------------------------------------------------------------------

tl::expected<core::MessageReceived, Refusal> Exchange::open(const core::NodeId& from, std::span<const std::byte> bytes,
                                                            Instant now) {
  auto envelope = protocol::decode(bytes);
  if (!envelope) {
    const bool unknown = envelope.error() == protocol::DecodeError::unknown_kind;
    return tl::unexpected(unknown ? Refusal::unknown_kind : Refusal::malformed);
  }
  return open(from, *std::move(envelope), now);
}

tl::expected<core::MessageReceived, Refusal> Exchange::open(const core::NodeId& from, protocol::Envelope envelope,
                                                            Instant now) {
  core::MessageReceived received{
      .from = from, .sequence = envelope.sequence, .heard = envelope.heard, .message = std::move(envelope.message)};
  if (checks_ == Checks::on) {
    if (!has_role(from, received.message)) return tl::unexpected(Refusal::role);
    if (!stands(from, received.message, now)) {
      ++stale_[received.message.index()];
      return tl::unexpected(Refusal::stale);
    }
  }
  // Its sender has forgotten how the job ended.
  const auto* ended = std::get_if<protocol::Ended>(&received.message);
  if (ended != nullptr && ended->statement.empty()) return tl::unexpected(Refusal::stale);
  note_received(from, received.message);
  if (!take(from, received.message, received.proofs, now)) return tl::unexpected(Refusal::proof);
  return received;
}

bool Exchange::has_role(const core::NodeId& from, const core::Message& message) const {
  const protocol::Role role = protocol::check_of(protocol::kind_of(message)).role;
  if (role == protocol::Role::member) return true;
  const auto link = links_.find(from);
  return link != links_.end() && (link->second.roles >> static_cast<unsigned>(role) & 1U) != 0;
}

bool Exchange::stands(const core::NodeId& from, const core::Message& message, Instant now) const {
  using protocol::Standing;
  static const PeerState stranger;
  const auto at = peers_.find(from);
  const PeerState& peer = at == peers_.end() ? stranger : at->second;
  const auto names = [&](const auto& branches) {
    const auto branch = branch_of(message);
    return branch && branches.contains(*branch);
  };
  switch (protocol::check_of(protocol::kind_of(message)).standing) {
    case Standing::any:
    case Standing::loop_granter:
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
      // The grant may be lost: that nothing is held is an answer, too.
      return holds->branch.sender_is == protocol::Side::master || names(peer.granted);
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

void Exchange::note_received(const core::NodeId& from, const core::Message& message) {
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
  if (refuse != nullptr && refuse->why == protocol::RefuseReason::content_missing) {
    links_[from].manifests_sent.clear();
    links_[from].chunks_known.clear();
  }
}

bool Exchange::take(const core::NodeId& from, core::Message& message, core::Proofs& proofs, Instant now) {
  if (auto* beat = std::get_if<protocol::Beat>(&message)) {
    for (protocol::MandateShare& share : beat->mandates) {
      if (!take(share, proofs, now)) return false;
    }
    beat->mandates.clear();
  } else if (auto* grant = std::get_if<protocol::Grant>(&message)) {
    return take(from, *grant, proofs, now);
  } else if (auto* orphan = std::get_if<protocol::Orphan>(&message)) {
    return orphan->mandate.mandate.empty() || take(orphan->mandate, proofs, now);
  } else if (auto* adopt = std::get_if<protocol::Adopt>(&message)) {
    return adopt->mandate.mandate.empty() || take(adopt->mandate, proofs, now);
  } else if (auto* report = std::get_if<protocol::Report>(&message)) {
    return take(from, *report, proofs);
  } else if (auto* shuffle = std::get_if<protocol::Shuffle>(&message)) {
    return take(shuffle->records, proofs);
  } else if (auto* shuffled = std::get_if<protocol::Shuffled>(&message)) {
    return take(shuffled->records, proofs);
  } else if (auto* walk = std::get_if<protocol::Walk>(&message)) {
    std::vector<Bytes> one{std::exchange(walk->record, {})};
    return take(one, proofs);
  } else if (auto* ended = std::get_if<protocol::Ended>(&message)) {
    return notary_.open_ending(ended->job, std::exchange(ended->statement, {}));
  }
  return true;
}

bool Exchange::take(const core::NodeId& from, protocol::Grant& grant, core::Proofs& proofs, Instant now) {
  const core::JobId& job = grant.loop.job;
  Bytes bytes = std::exchange(grant.manifest, {});
  if (!bytes.empty() && !manifests_.contains(job) && !take_manifest(job, std::move(bytes), proofs)) return false;
  const std::vector<Bytes> statements = std::exchange(grant.statements, {});
  const std::vector<Bytes> chunks = std::exchange(grant.chunks, {});
  const auto manifest = manifests_.find(job);
  // It overtook the one that brought it, or that one is lost or does not hold here: the agent refuses it.
  if (manifest == manifests_.end()) {
    grant.mandate = {};
    return checks_ == Checks::on;
  }
  // One job has one manifest.
  if (manifest->second.id != grant.manifest_id || statements.size() != grant.loop.path.size()) return false;
  proofs.terms = manifest->second.terms;
  proofs.veto = notary_.veto(job);
  for (const Bytes& statement : statements) {
    const std::optional<core::LoopTerms> loop = notary_.open_statement(job, statement);
    if (!loop) return false;
    statements_[{{.job = job, .path = loop->path}, loop->opener, loop->instance}] = statement;
    proofs.loops.push_back(*loop);
  }
  for (const Bytes& chunk : chunks) {
    const std::optional<ChunkPlace> place = notary_.take_chunk(job, chunk);
    if (!place) return false;
    links_[from].chunks_known.insert({job, *place});
  }
  return take(grant.mandate, proofs, now);
}

bool Exchange::take_manifest(const core::JobId& job, Bytes bytes, core::Proofs& proofs) {
  const auto terms = notary_.open_manifest(bytes);
  if (!terms) {
    proofs.veto = core::Veto{.why = protocol::RefuseReason::not_permitted, .reason = terms.error().text};
    return !terms.error().forged;
  }
  if (terms->job != job) return false;
  const protocol::Digest id = notary_.manifest_id(bytes);
  manifests_.emplace(job, Manifest{.id = id, .bytes = std::move(bytes), .terms = *terms});
  return true;
}

// A batch speaks of one loop: it is nothing about the branches of another one, whoever signed it.
bool Exchange::take(const core::NodeId& from, protocol::Report& report, core::Proofs& proofs) {
  const auto peer = peers_.find(from);
  const core::LoopId* loop = peer == peers_.end() ? nullptr : peer->second.granted.find(report.branch);
  for (const Bytes& bytes : report.batches) {
    std::optional<OpenedBatch> batch = notary_.open_batch(bytes);
    if (!batch || (loop != nullptr && batch->loop != *loop)) return false;
    proofs.batches.push_back(
        {.batch = {}, .executor = batch->executor, .size_bytes = bytes.size(), .results = std::move(batch->results)});
  }
  for (std::size_t i = 0; i < report.batches.size(); ++i) {
    proofs.batches[i].batch = core::BatchId(next_batch_++);
    batches_.emplace(proofs.batches[i].batch, std::move(report.batches[i]));
  }
  report.batches.clear();
  return true;
}

// Of a job that is not known here it says nothing, and it is no fault.
bool Exchange::take(protocol::MandateShare& share, core::Proofs& proofs, Instant now) {
  const Bytes bytes = std::exchange(share.mandate, {});
  auto fact = notary_.open_mandate(bytes);
  if (!fact) return fact.error() == MandateFault::unknown_job;
  fact->age = Duration(static_cast<std::int64_t>(
      std::min<std::uint64_t>(share.age_ns, static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count()))));
  share = {};
  see(*fact, bytes, now);
  proofs.mandates.push_back(*fact);
  return true;
}

bool Exchange::take(std::vector<Bytes>& records, core::Proofs& proofs) {
  for (const Bytes& bytes : records) {
    const std::optional<core::Peer> peer = notary_.open_record(bytes);
    if (!peer) return false;
    // Ours we know best, and of others an old one replaces no new one.
    const auto known = records_.find(peer->node);
    if (peer->node == self_ || (known != records_.end() && !notary_.is_newer(bytes, known->second))) continue;
    records_[peer->node] = bytes;
    proofs.records.push_back(*peer);
  }
  records.clear();
  return true;
}

}  // namespace agent::link
