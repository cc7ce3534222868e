#pragma once
// What can happen between an agent and its peers, as values.
//
// The shell owns the sockets; the link layer has opened every seal, checked signatures, roles and digests
// (protocol/README.md lists the check of every message), and tells the core what it found beside the message
// (`Proofs`). Opaque bytes of a message (manifest, mandate, batches, chunks, records) stay with the shell, under the
// names given here; the core sees their fields empty.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/names.h"
#include "agent/core/terms.h"
#include "agent/core/time.h"

namespace agent::core {

// Where somebody may be reached; from a signed record, whose signature is good, or from a hello.
struct Peer {
  NodeId node;
  InstanceKey instance;
  Address address;
  bool operator==(const Peer&) const = default;
};

struct MandateFact {
  JobId job;
  Epoch epoch;
  std::uint64_t sequence = 0;
  Duration time_to_live{};
  Duration age{};  // that the message says it spent on the way
  bool operator==(const MandateFact&) const = default;
};

// One result of a batch.
struct ResultFact {
  Interval piece;
  Attempt attempt;
  Outcome outcome = Outcome::ok;
  Duration ran{};
  bool operator==(const ResultFact&) const = default;
};

// A batch whose signature is that of `executor`, a member with the role to run.
struct BatchFact {
  BatchId batch;
  NodeId executor;
  std::uint64_t size_bytes = 0;
  std::vector<ResultFact> results;
  bool operator==(const BatchFact&) const = default;
};

// Why this machine does not run anything of a job, which is no decision of the core's: the owner's rules, the user's
// certificate, a program that is not here.
struct Veto {
  protocol::RefuseReason why = protocol::RefuseReason::not_permitted;
  std::string reason;  // for the job's user
  bool operator==(const Veto&) const = default;
};

struct Proofs {
  std::vector<MandateFact> mandates;  // of beat, grant, orphan, adopt
  std::vector<BatchFact> batches;     // of report
  std::vector<Peer> records;          // of shuffle, shuffled, walk
  std::optional<JobTerms> terms;      // of grant: what the manifest says
  std::vector<LoopTerms> loops;       // of grant: what the statements along the path say, outermost first
  std::optional<Veto> veto;           // of grant
};

// A link to a peer is up: both sides have said hello. There is at most one per node; a newer one replaces it, and the
// shell tells that as LinkDown and LinkUp.
struct LinkUp {
  Peer peer;
  bool dialled = false;  // by us
  std::uint32_t roles = 0;
  std::uint32_t slots = 0;
  Duration round_trip{};
};

// The link is gone; what was sent and not echoed may or may not have been seen.
struct LinkDown {
  NodeId peer;
};

// Nobody answered there, or nobody that we may talk to. `peer`: whom we wanted.
struct DialFailed {
  Address address;
  std::optional<NodeId> peer;
};

// A control message came on the link of `from`. `sequence` and `heard` are those of its envelope.
struct MessageReceived {
  NodeId from;
  std::uint64_t sequence = 0;
  std::uint64_t heard = 0;
  Message message;
  Proofs proofs;
};

}  // namespace agent::core
