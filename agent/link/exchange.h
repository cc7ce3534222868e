#pragma once
// What stands between the core of one node and its links: it fills the opaque fields of what goes out, opens those of
// what comes in, and keeps the bytes under the core's names for them. It does what the shell and the link layer of a
// real agent do, with facts instead of signatures (canned.h).
//
// It also makes the checks of the protocol's table: a message that fails its standing is dropped and counted. In
// `Standing::unchecked` it lets everything through that decodes, for messages of hostile peers.
//
// Invariants: a batch is kept from its arrival until DropBatch; a link's manifests are sent once; the mandate kept of a
// job is the one of the highest (epoch, sequence) that was seen.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/sim/canned.h"
#include "agent/sim/clock.h"
#include "agent/sim/names.h"
#include "protocol/kind.h"

namespace agent::sim {

// A result of a task of this node, until it is committed or dropped.
struct OwnResult {
  core::LoopId loop;
  core::ResultFact fact;
};

class LinkLayer {
 public:
  enum class Standing { checked, unchecked };

  LinkLayer(const core::Peer& self, Standing standing);

  void on_link_up(const core::NodeId& peer);
  void on_link_down(const core::NodeId& peer);

  void on_submitted(const core::JobTerms& terms);
  void on_forked(const core::JobId& job, const core::LoopTerms& loop);
  // The root signed one: as if it had come from itself.
  void on_signed(const core::SignMandate& order, Instant now);

  void keep_result(core::TaskId task, const OwnResult& result);
  // False: there is none.
  [[nodiscard]] bool forget_result(core::TaskId task);
  [[nodiscard]] bool forget_batch(core::BatchId batch);
  // Nothing: there is no such batch or no such result in it.
  [[nodiscard]] std::optional<core::ResultFact> result_of(core::BatchId batch, std::uint32_t index) const;

  // The message with its opaque fields filled, encoded. What is named in `attached` must be there.
  [[nodiscard]] Bytes seal(const core::Send& send, Instant now);

  // What the core is told of it; nothing if it is refused or dropped.
  [[nodiscard]] std::optional<core::MessageReceived> open(const core::NodeId& from, std::span<const std::byte> bytes,
                                                          Instant now);

  [[nodiscard]] std::size_t batch_count() const { return batches_.size(); }
  [[nodiscard]] std::size_t result_count() const { return results_.size(); }
  // Messages dropped for their standing, by kind.
  [[nodiscard]] const std::array<std::uint64_t, protocol::kind_count>& dropped() const { return dropped_; }

 private:
  struct Mandate {
    core::MandateFact fact;  // its age is that at `seen`
    Instant seen;
  };
  // What this link's two ends know of each other.
  struct LinkState {
    std::set<core::JobId> manifests_sent;
  };
  // What was said to or by a peer; outlives the link.
  struct PeerState {
    std::set<core::BranchId> granted;       // by us: it is the helper
    std::set<core::BranchId> held;          // by it: it is the master
    std::set<core::LoopId> loops;           // it is or was our master there
    std::map<std::uint64_t, Instant> open;  // questions of ours
    bool shuffling = false;
  };

  void fill(core::Message& message, const core::Send& send, Instant now);
  void fill(protocol::Grant& grant, const core::Send& send, Instant now);
  [[nodiscard]] protocol::MandateShare share_of(const core::JobId& job, Instant now) const;
  void note_sent(const core::NodeId& to, const core::Message& message, Instant now);
  [[nodiscard]] bool stands(const core::NodeId& from, const core::Message& message, Instant now) const;
  [[nodiscard]] bool take(core::Message& message, core::Proofs& proofs, Instant now);
  [[nodiscard]] bool take(protocol::Grant& grant, core::Proofs& proofs, Instant now);
  [[nodiscard]] bool take(protocol::Report& report, core::Proofs& proofs);
  [[nodiscard]] bool take(protocol::MandateShare& share, core::Proofs& proofs, Instant now);
  [[nodiscard]] bool take(std::vector<Bytes>& records, core::Proofs& proofs);
  void note_received(const core::NodeId& from, const core::Message& message);
  void see(const core::MandateFact& fact, Instant now);

  core::Peer self_;
  Standing standing_;
  std::map<core::NodeId, LinkState> links_;
  std::map<core::NodeId, PeerState> peers_;
  std::map<core::NodeId, Bytes> records_;
  std::map<core::JobId, Bytes> manifests_;
  std::map<core::JobId, Mandate> mandates_;
  // A loop's opening: by whom, and the random number that tells it from others.
  using Opening = std::tuple<core::LoopId, core::NodeId, std::uint64_t>;
  std::map<Opening, Bytes> statements_;
  std::map<core::LoopId, std::set<core::NodeId>> refuges_;
  std::map<core::BatchId, Bytes> batches_;
  std::map<core::TaskId, OwnResult> results_;
  std::uint64_t next_batch_ = 1;
  std::array<std::uint64_t, protocol::kind_count> dropped_{};
};

}  // namespace agent::sim
