#pragma once
// What stands between the core and its links: it fills the opaque fields of what goes out, opens those of what comes
// in, and keeps the bytes under the core's names for them. The notary makes and opens what is signed; so the same
// exchange works in a real agent and in the simulator.
//
// It also makes the checks of the protocol's table (protocol/kind.h). What fails its standing is stale: it is dropped
// and counted, and no error. What fails its role or its proof is no honest peer's: the link is to be closed. With
// `Checks::off` everything comes through that decodes, for tests with hostile peers.
//
// What peers make us remember is bounded: of each so many names, of those without a link so many peers. What is kept of
// jobs and of peers' records goes when `retain` is told that the core knows them no more.
//
// Invariants: a batch is kept from its arrival until it is dropped; a manifest is sent once over a link; the mandate
// kept of a job is the one of the highest (epoch, sequence) that was seen.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <tuple>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/link/notary.h"
#include "agent/link/recent.h"
#include "protocol/kind.h"

namespace agent::link {

using core::Duration;
using core::Instant;

// Why the core is told nothing of a message, and what is to be done about it.
enum class Refusal : std::uint8_t {
  malformed,     // hang up
  unknown_kind,  // of a later version, perhaps: nothing
  stale,         // nothing
  role,          // hang up
  proof,         // hang up
};
[[nodiscard]] std::string_view to_string(Refusal refusal);

class Exchange {
 public:
  enum class Checks { on, off };
  static constexpr std::size_t unlinked_peers_max = 1'024;
  static constexpr std::size_t names_per_peer_max = 4'096;  // of branches either way, and of loops
  static constexpr std::size_t questions_per_peer_max = 256;

  // `notary` outlives the exchange.
  Exchange(const core::NodeId& self, Notary& notary, Checks checks);

  // --- what is ours
  void set_own_record(Bytes record);
  void on_submitted(const core::JobId& job, Bytes manifest);
  void on_forked(const core::JobId& job, const core::LoopTerms& loop, Bytes statement);
  // As root: seen at `now`.
  void on_signed(const core::MandateFact& fact, Bytes mandate, Instant now);

  // --- links; `roles` are the bits of the peer's certificate (protocol::Role)
  void on_link_up(const core::NodeId& peer, std::uint32_t roles);
  void on_link_down(const core::NodeId& peer);

  // The message with its opaque fields filled, encoded. What is named in `attached` must be there.
  [[nodiscard]] Bytes seal(const core::Send& send, Instant now);
  // What the core is told of it.
  [[nodiscard]] tl::expected<core::MessageReceived, Refusal> open(const core::NodeId& from,
                                                                  std::span<const std::byte> bytes, Instant now);
  // The same of one that is decoded already.
  [[nodiscard]] tl::expected<core::MessageReceived, Refusal> open(const core::NodeId& from, protocol::Envelope envelope,
                                                                  Instant now);

  // --- what is kept
  [[nodiscard]] const Bytes* batch(core::BatchId batch) const;
  // Signed ones of the nodes that the core knows, our own among them.
  [[nodiscard]] const std::map<core::NodeId, Bytes>& records() const { return records_; }
  [[nodiscard]] bool forget_batch(core::BatchId batch);
  [[nodiscard]] std::size_t batch_count() const { return batches_.size(); }
  // Everything of other jobs and the records of other nodes is forgotten.
  void retain(const std::function<bool(const core::JobId&)>& job,
              const std::function<bool(const core::NodeId&)>& record);
  // Stale messages, by kind.
  [[nodiscard]] const std::array<std::uint64_t, protocol::kind_count>& stale() const { return stale_; }

 private:
  struct Manifest {
    protocol::Digest id;
    Bytes bytes;
    core::JobTerms terms;
  };
  struct Mandate {
    core::MandateFact fact;  // its age is that at `seen`
    Bytes bytes;
    Instant seen;
  };
  // What this link's two ends know of each other.
  struct LinkState {
    std::uint32_t roles = 0;
    std::set<core::JobId> manifests_sent;
    Recent<std::pair<core::JobId, ChunkPlace>> chunks_known{names_per_peer_max};  // sent, or got from there
  };
  // What was said to or by a peer; outlives the link.
  struct PeerState {
    RecentMap<core::BranchId, core::LoopId> granted{names_per_peer_max};  // by us: it is the helper
    Recent<core::BranchId> held{names_per_peer_max};                      // by it: it is the master
    Recent<core::LoopId> loops{names_per_peer_max};                       // it is or was our master there
    std::map<std::uint64_t, Instant> open;                                // questions of ours
    bool shuffling = false;
    std::uint64_t left = 0;  // its link went as the `left`-th; 0: it has one
  };

  void fill(core::Message& message, const core::Send& send, Instant now);
  void fill(protocol::Grant& grant, const core::Send& send, Instant now);
  void add_chunks(protocol::Grant& grant, LinkState& link);
  [[nodiscard]] protocol::MandateShare share_of(const core::JobId& job, Instant now) const;
  void note_sent(const core::NodeId& to, const core::Message& message, Instant now);
  [[nodiscard]] bool has_role(const core::NodeId& from, const core::Message& message) const;
  [[nodiscard]] bool stands(const core::NodeId& from, const core::Message& message, Instant now) const;
  [[nodiscard]] bool take(const core::NodeId& from, core::Message& message, core::Proofs& proofs, Instant now);
  [[nodiscard]] bool take(const core::NodeId& from, protocol::Grant& grant, core::Proofs& proofs, Instant now);
  [[nodiscard]] bool take_manifest(const core::JobId& job, Bytes bytes, core::Proofs& proofs);
  [[nodiscard]] bool take(const core::NodeId& from, protocol::Report& report, core::Proofs& proofs);
  [[nodiscard]] bool take(protocol::MandateShare& share, core::Proofs& proofs, Instant now);
  [[nodiscard]] bool take(std::vector<Bytes>& records, core::Proofs& proofs);
  void note_received(const core::NodeId& from, const core::Message& message);
  void see(const core::MandateFact& fact, Bytes bytes, Instant now);
  void forget_strangers();

  core::NodeId self_;
  Notary& notary_;
  Checks checks_;
  std::map<core::NodeId, LinkState> links_;
  std::map<core::NodeId, PeerState> peers_;
  std::map<core::NodeId, Bytes> records_;
  std::map<core::JobId, Manifest> manifests_;
  std::map<core::JobId, Mandate> mandates_;
  // A loop's opening: by whom, and the random number that tells it from others.
  using Opening = std::tuple<core::LoopId, core::NodeId, std::uint64_t>;
  std::map<Opening, Bytes> statements_;
  std::map<core::LoopId, std::set<core::NodeId>> refuges_;
  std::map<core::BatchId, Bytes> batches_;
  std::uint64_t next_batch_ = 1;
  std::uint64_t links_gone_ = 0;
  std::array<std::uint64_t, protocol::kind_count> stale_{};
};

}  // namespace agent::link
