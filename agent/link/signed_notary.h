#pragma once
// The notary of a real agent, over crypto/.
//
// Manifests: signed by a user of this pool, whose certificates in it permit `submit`, in their time, nothing of it
// revoked. All else about a job is judged by its manifest, so only while that is known: mandates and endings are signed
// with the job's key, batches name the manifest, loop statements need its `nesting` (what kind of body an inner loop
// has is not in the statement: `same_program` and `any_command` both let it pass).
//
// Executors and openers sign with their nodes' keys, and that these are members' with `run` is known only of nodes that
// were met, since no message brings the certificates of others. One that was met and may not run, or whose key is
// revoked, is refused. One that was not met passes, and is counted: the peer that handed the batch on is a member with
// `run` and answers for it, as it could have signed the results itself; what is lost is only that the name of such an
// executor means nothing. Peers' records pass whoever they are of; who dials them sees their certificates.
//
// What is not known here, or not any more, is no fault of the sender's, who could not know: a mandate says so, an
// ending is passed over, a batch has no results. So does a mandate of a job that was revoked or whose user was: its
// tasks stop within the life of the last one.
//
// The wall time and what is revoked are asked for at every judgement; nothing that was once opened is judged again but
// for what is revoked, as what expires ends no job that runs.
//
// Bounds: those of KnownJobs; `endings_max`, `members_max`, the oldest being forgotten first. Endings outlive their
// jobs, for those who come later. `retain` is to be called with what the exchange is told.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/tombstones.h"
#include "agent/link/credentials.h"
#include "agent/link/known_jobs.h"
#include "agent/link/notary.h"
#include "crypto/batch.h"
#include "crypto/chunk.h"
#include "crypto/keys.h"
#include "crypto/loop_statement.h"
#include "crypto/mandate.h"
#include "crypto/peer_record.h"

namespace agent::link {

// What tasks of this node brought, until it is committed or dropped.
class OwnResults {
 public:
  struct Result {
    core::LoopId loop;
    crypto::Result result;  // covers the one interval of its piece
  };
  OwnResults() = default;
  virtual ~OwnResults() = default;
  OwnResults(const OwnResults&) = delete;
  OwnResults& operator=(const OwnResults&) = delete;
  // REQUIRES: it is there.
  [[nodiscard]] virtual Result own_result(core::TaskId task) const = 0;
};

// The items of open loops: those launched here, and what came with grants of others' jobs.
class ItemChunks {
 public:
  ItemChunks() = default;
  virtual ~ItemChunks() = default;
  ItemChunks(const ItemChunks&) = delete;
  ItemChunks& operator=(const ItemChunks&) = delete;
  // As Notary has them.
  [[nodiscard]] virtual std::vector<ChunkPlace> chunks_of(const core::JobId& job,
                                                          const protocol::Intervals& intervals) = 0;
  [[nodiscard]] virtual Bytes chunk(const core::JobId& job, const ChunkPlace& place) = 0;
  // A good one of that job.
  virtual void keep_chunk(const crypto::Manifest& manifest, const crypto::OpenedChunk& chunk,
                          std::span<const std::byte> bytes) = 0;
};

enum class ManifestFault : std::uint8_t {
  statement,       // for the reason that crypto gives
  other_pool,      // of another pool, or of none
  certificate,     // of its user, for the reason that crypto gives
  not_a_user,      // the certificate is a node's or an issuer's
  not_its_key,     // the certificate is another user's
  may_not_submit,  // no such role
  job_revoked,
  terms,         // something that this version cannot do as it is said
  another,       // one job has one manifest, and there is one
  no_more_room,  // there are too many jobs
};
struct ManifestRefusal {
  ManifestFault why = ManifestFault::statement;
  crypto::ManifestError statement{};       // of `statement`
  crypto::CertificateError certificate{};  // of `certificate`
  bool operator==(const ManifestRefusal&) const = default;
};
[[nodiscard]] std::string_view to_string(const ManifestRefusal& refusal);
// Whether no honest member of this version sends such a manifest.
[[nodiscard]] bool is_forged(const ManifestRefusal& refusal);

class SignedNotary : public Notary {
 public:
  static constexpr std::size_t endings_max = core::Tombstones::count_max;
  static constexpr std::size_t members_max = 4'096;

  struct Setup {
    const Credentials& credentials;       // these four outlive it
    const crypto::SigningPair& node_key;  // whose name this node has
    const OwnResults& results;
    ItemChunks& items;
    std::function<std::int64_t()> wall_ms;  // now, as crypto/wall_time.h has it
    // What the owner of this machine says of a job whose manifest is good.
    std::function<std::optional<core::Veto>(const crypto::OpenedManifest&)> veto;
  };
  explicit SignedNotary(Setup setup);

  // A node whose certificates were judged: of a link.
  void on_member(const crypto::Membership& member);
  // Everything of other jobs is forgotten, but for their endings.
  void retain(const std::function<bool(const core::JobId&)>& job) { jobs_.retain(job); }
  [[nodiscard]] const KnownJobs& jobs() const { return jobs_; }
  // As its certificate calls it; of a node that was not met the beginning of its id.
  [[nodiscard]] std::string name_of(const crypto::PublicKey& node) const;
  // Batches that were taken although their executor was never met.
  [[nodiscard]] std::uint64_t unmet() const { return unmet_; }
  // What open_manifest does, with the reason.
  [[nodiscard]] tl::expected<core::JobTerms, ManifestRefusal> judge_manifest(std::span<const std::byte> manifest);

  // --- what is ours to sign
  // As root, with the job's key. REQUIRES: a time to live of whole milliseconds, of at most ten minutes.
  [[nodiscard]] static Bytes sign_mandate(const core::MandateFact& fact, const crypto::SigningPair& job_key);
  // As root; kept for `ending_of`.
  void sign_ending(const core::JobId& job, const core::Epoch& epoch, core::Verdict verdict,
                   const crypto::SigningPair& job_key);
  // REQUIRES: this node is the opener, and the path is not empty. `body`: what an iteration does; `arguments`: of all
  // items, zeros for a range.
  [[nodiscard]] Bytes sign_statement(const core::JobId& job, const core::LoopTerms& loop, const crypto::Digest& body,
                                     const crypto::Digest& arguments) const;
  // `certificate`: id of our own. At most crypto::addresses_max addresses, likeliest first; none: we only dial.
  [[nodiscard]] Bytes sign_record(const crypto::ExchangeKey& instance, const crypto::Digest& certificate,
                                  std::vector<crypto::Address> addresses) const;

  // Reasons, which are for people, are left out where they would make the batch too long.
  [[nodiscard]] Bytes batch_of(std::span<const core::TaskId> results) override;
  [[nodiscard]] Bytes ending_of(const core::JobId& job) override;
  [[nodiscard]] protocol::Digest manifest_id(std::span<const std::byte> manifest) override;
  [[nodiscard]] tl::expected<core::JobTerms, ManifestObjection> open_manifest(
      std::span<const std::byte> manifest) override;
  [[nodiscard]] std::optional<core::Veto> veto(const core::JobId& job) override;
  [[nodiscard]] std::vector<ChunkPlace> chunks_of(const core::JobId& job,
                                                  const protocol::Intervals& intervals) override {
    return setup_.items.chunks_of(job, intervals);
  }
  [[nodiscard]] Bytes chunk(const core::JobId& job, const ChunkPlace& place) override {
    return setup_.items.chunk(job, place);
  }
  [[nodiscard]] std::optional<ChunkPlace> take_chunk(const core::JobId& job, std::span<const std::byte> chunk) override;
  [[nodiscard]] std::optional<core::LoopTerms> open_statement(const core::JobId& job,
                                                              std::span<const std::byte> statement) override;
  [[nodiscard]] tl::expected<core::MandateFact, MandateFault> open_mandate(std::span<const std::byte> mandate) override;
  [[nodiscard]] std::optional<OpenedBatch> open_batch(std::span<const std::byte> batch) override;
  [[nodiscard]] std::optional<core::Peer> open_record(std::span<const std::byte> record) override;
  [[nodiscard]] bool is_newer(std::span<const std::byte> record, std::span<const std::byte> known) override;
  [[nodiscard]] bool open_ending(const core::JobId& job, std::span<const std::byte> ending) override;

 private:
  struct Member {
    crypto::Certificate certificate;
    crypto::Roles roles;
  };
  struct Ending {
    crypto::Epoch epoch;
    Bytes bytes;
  };
  enum class Runner : std::uint8_t { met, unmet, refused };

  [[nodiscard]] std::optional<ManifestRefusal> refusal_of(const crypto::Manifest& manifest) const;
  [[nodiscard]] bool is_revoked(const crypto::Manifest& manifest) const;
  [[nodiscard]] Runner runner(const crypto::PublicKey& node) const;
  void keep_ending(const core::JobId& job, const crypto::Epoch& epoch, Bytes bytes);

  Setup setup_;
  KnownJobs jobs_;
  std::map<crypto::PublicKey, Member> members_;
  std::deque<crypto::PublicKey> members_order_;  // the same, oldest first
  std::map<core::JobId, Ending> endings_;
  std::deque<core::JobId> endings_order_;  // the same, oldest first
  std::uint64_t unmet_ = 0;
};

}  // namespace agent::link
