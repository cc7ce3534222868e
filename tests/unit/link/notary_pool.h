#pragma once
// A user of the small pool, his job, and the notaries of its nodes.

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "agent/link/signed_notary.h"
#include "tests/unit/link/small_pool.h"

namespace agent::link::test {

inline const core::JobId job{samples::job};
inline constexpr std::uint64_t job_size = 334;

inline protocol::NodeId node_id(unsigned char number) {
  return protocol::NodeId(crypto::key_id(crypto::node_domain, node_key(number).public_key()).bytes);
}

inline crypto::Certificate user_certificate(const crypto::SigningPair& user) {
  crypto::Certificate it = samples::certificate();
  it.kind = crypto::HolderKind::user;
  it.serial = samples::filled<crypto::Bytes16>(0xe1);
  it.name = "ursula";
  it.sign_key = user.public_key();
  it.noise_key.reset();
  it.roles = {crypto::Role::submit};
  return it;
}

inline crypto::Manifest job_manifest() {
  crypto::Manifest it = samples::manifest();
  it.pool = samples::pool();
  it.user_certificate = chain_of(user_certificate(samples::user_pair()));
  it.not_after_ms = samples::created_ms + 20 * crypto::day_ms;
  it.redundancy = 1;
  return it;
}
inline Bytes signed_manifest(const crypto::Manifest& manifest = job_manifest(),
                             const crypto::SigningPair& user = samples::user_pair()) {
  return crypto::sign_manifest(manifest, user).value().bytes;
}

inline crypto::Revocation revocation_of(const crypto::Revoked& what) {
  crypto::Revocation it = samples::revocation();
  it.what = what;
  return it;
}

class KeptResults : public OwnResults {
 public:
  [[nodiscard]] Result own_result(core::TaskId task) const override { return results.at(task); }
  std::map<core::TaskId, Result> results{};
};

class KeptItems : public ItemChunks {
 public:
  [[nodiscard]] std::vector<ChunkPlace> chunks_of(const core::JobId&, const protocol::Intervals&) override {
    std::vector<ChunkPlace> places;
    for (const auto& [place, bytes] : chunks) places.push_back(place);
    return places;
  }
  [[nodiscard]] Bytes chunk(const core::JobId&, const ChunkPlace& place) override { return chunks.at(place); }
  void keep_chunk(const crypto::Manifest&, const crypto::OpenedChunk& opened,
                  std::span<const std::byte> bytes) override {
    chunks[{.number = opened.chunk.number, .first_index = opened.chunk.first_index}] = Bytes(bytes.begin(), bytes.end());
  }
  std::map<ChunkPlace, Bytes> chunks{};
};

// What a notary needs, and it.
struct NotaryEnd {
  explicit NotaryEnd(unsigned char number)
      : credentials(credentials_of(number)),
        key(node_key(number)),
        notary({.credentials = credentials,
                .node_key = key,
                .results = results,
                .items = items,
                .wall_ms = [this] { return wall; },
                .veto = [this](const crypto::OpenedManifest&) { return owners_veto; }}) {}

  void revoke(const crypto::Revoked& what) {
    const auto bytes = crypto::sign_revocation(revocation_of(what), samples::admin_pair()).value().bytes;
    (void)credentials.revoked.add(crypto::open_revocation(bytes, samples::pool()).value());
  }
  void meet(const crypto::Certificate& certificate) {
    notary.on_member(
        crypto::judge(chain_of(certificate), credentials.trust, wall, {}, crypto::Purpose::membership).value());
  }

  std::int64_t wall = wall_ms;
  Credentials credentials;
  crypto::SigningPair key;
  KeptResults results;
  KeptItems items;
  std::optional<core::Veto> owners_veto{};
  SignedNotary notary;
};

inline tl::expected<core::JobTerms, ManifestRefusal> judged(NotaryEnd& end, const crypto::Manifest& manifest) {
  return end.notary.judge_manifest(signed_manifest(manifest));
}

inline core::MandateFact mandate_fact(std::uint64_t sequence) {
  return {.job = job, .epoch = {.number = 3, .root = node_id(0)}, .sequence = sequence, .time_to_live = 60s, .age = {}};
}
inline core::LoopTerms opening(unsigned char opener) {
  return {.path = {{.iteration = 5, .ordinal = 1}},
          .size = 12,
          .branch_number = 4,
          .opener = node_id(opener),
          .instance = 0x0102030405060708};
}

inline crypto::Result result_of(std::uint64_t begin, std::uint64_t end) {
  crypto::Result it = samples::result();
  it.covers = {{begin, end}};
  return it;
}
inline crypto::ResultBatch batch_by(unsigned char executor) {
  return {.job = samples::job,
          .manifest = crypto::sign_manifest(job_manifest(), samples::user_pair()).value().id,
          .path = {},
          .results = {result_of(3, 4), result_of(7, 20)},
          .executor = node_key(executor).public_key()};
}
inline Bytes signed_batch(const crypto::ResultBatch& batch, unsigned char executor) {
  return crypto::sign_batch(batch, node_key(executor)).value().bytes;
}

// One good statement of each kind, by the nodes and the user of the pool.
struct SignedSamples {
  SignedSamples() {
    NotaryEnd root(0);
    manifest = signed_manifest();
    mandate = SignedNotary::sign_mandate(mandate_fact(1), samples::job_pair());
    statement = root.notary.sign_statement(job, opening(0), {}, {});
    batch = signed_batch(batch_by(0), 0);
    record = root.notary.sign_record(link_key(0).public_key(), {}, {samples::address(1), samples::address(2)});
    root.notary.sign_ending(job, mandate_fact(1).epoch, core::Verdict::done, samples::job_pair());
    ending = root.notary.ending_of(job);
  }
  Bytes manifest, mandate, statement, batch, record, ending;
};

}  // namespace agent::link::test
