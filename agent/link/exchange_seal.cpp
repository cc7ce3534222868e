// What goes out: another part of exchange.cpp.

#include <algorithm>
#include <utility>

#include "agent/link/exchange.h"
#include "protocol/codec.h"

namespace agent::link {

protocol::MandateShare Exchange::share_of(const core::JobId& job, Instant now) const {
  const auto at = mandates_.find(job);
  if (at == mandates_.end()) return {};
  const Duration age = at->second.fact.age + (now - at->second.seen);
  return {.mandate = at->second.bytes, .age_ns = static_cast<std::uint64_t>(std::max(age, Duration{}).count())};
}

Bytes Exchange::seal(const core::Send& send, Instant now) {
  protocol::Envelope envelope{.sequence = send.sequence, .heard = send.heard, .message = send.message};
  fill(envelope.message, send, now);
  note_sent(send.to, envelope.message, now);
  return protocol::encode(envelope);
}

void Exchange::fill(core::Message& message, const core::Send& send, Instant now) {
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
    if (!send.attached.results.empty()) report->batches.push_back(notary_.batch_of(send.attached.results));
    for (const core::BatchId batch : send.attached.batches) report->batches.push_back(batches_.at(batch));
  } else if (auto* shuffle = std::get_if<protocol::Shuffle>(&message)) {
    shuffle->records = records();
  } else if (auto* shuffled = std::get_if<protocol::Shuffled>(&message)) {
    shuffled->records = records();
  } else if (auto* walk = std::get_if<protocol::Walk>(&message)) {
    if (const std::vector<Bytes> all = records(); !all.empty()) walk->record = all.front();
  } else if (auto* ended = std::get_if<protocol::Ended>(&message)) {
    ended->statement = notary_.ending_of(ended->job);
  }
}

void Exchange::fill(protocol::Grant& grant, const core::Send& send, Instant now) {
  const core::JobId& job = grant.loop.job;
  const Manifest& manifest = manifests_.at(job);
  grant.manifest_id = manifest.id;
  LinkState& link = links_[send.to];
  if (link.manifests_sent.insert(job).second) grant.manifest = manifest.bytes;
  for (const core::LoopTerms& loop : send.attached.loops)
    grant.statements.push_back(statements_.at({{.job = job, .path = loop.path}, loop.opener, loop.instance}));
  grant.mandate = share_of(job, now);
  if (grant.loop.path.empty()) add_chunks(grant, link);
}

// What does not fit is only named.
void Exchange::add_chunks(protocol::Grant& grant, LinkState& link) {
  const core::JobId& job = grant.loop.job;
  std::size_t bytes = 0;
  for (const ChunkPlace& place : notary_.chunks_of(job, grant.intervals)) {
    if (link.chunks_known.contains({job, place})) continue;
    Bytes chunk = notary_.chunk(job, place);
    bytes += chunk.size();
    if (chunk.empty() || bytes > protocol::limits::grant_chunk_bytes_max ||
        grant.chunks.size() >= protocol::limits::grant_chunks_max)
      return;
    link.chunks_known.insert({job, place});
    grant.chunks.push_back(std::move(chunk));
  }
}

}  // namespace agent::link
