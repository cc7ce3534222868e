#pragma once
// Messages by which iterations are handed over, worked off, given back and settled.
//
// A branch is named by its master's counter. From master to helper the sender is the granter; from helper to master the
// receiver is. A late or unknown branch id is no error: the message is dropped or answered (README, "Branches").
// Field order is wire order (fields_branch.h).

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/ids.h"
#include "protocol/message_peer.h"

namespace protocol {

struct LoopId {
  JobId job;
  LoopPath path;
  auto operator<=>(const LoopId&) const = default;
};

// What happened to an iteration under earlier attempts; only where something did.
struct History {
  std::uint64_t iteration = 0;
  std::uint32_t tries = 0;     // failures of its own
  std::vector<NodeId> deaths;  // distinct nodes whose agent or launcher crashed while it was reported started
  bool operator==(const History&) const = default;
};

struct ChunkName {
  std::uint64_t number = 0;
  Digest digest;
  bool operator==(const ChunkName&) const = default;
};

enum class RefugeRole : std::uint8_t { ancestor, root, deputy };
template <>
struct LastOf<RefugeRole> {
  static constexpr auto value = RefugeRole::deputy;
};

// To whom a helper turns when its master is silent, in this order.
struct Refuge {
  RefugeRole role = RefugeRole::ancestor;
  NodeId node;
  Address address;
  bool operator==(const Refuge&) const = default;
};

struct Grant {
  BranchId branch;
  std::uint64_t request = 0;  // the probe or ask that it answers; 0: none, or a further grant of a `want`
  LoopId loop;
  Digest manifest_id;
  Bytes manifest;                 // signed by the user; empty if it was sent on this link before
  std::vector<Bytes> statements;  // loop statements along the path, outermost first, signed by their openers
  MandateShare mandate;
  Intervals intervals;
  Attempt attempt;
  std::vector<History> histories;
  Intervals pieces;                    // started before: these bounds stay
  bool copies = false;                 // they may run elsewhere too: the helper lends none of them on, and copies none
  std::vector<Bytes> chunks;           // argument chunks that ride along, signed by the job key
  std::vector<ChunkName> chunk_names;  // those to fetch
  std::vector<Refuge> refuges;         // ancestors, nearest first, then root and deputies
  bool operator==(const Grant&) const = default;
};

// At once; none within 2 s and the branch is taken back.
struct Accept {
  BranchId branch;
  bool operator==(const Accept&) const = default;
};

enum class RefuseReason : std::uint8_t {
  no_slot,
  owner,
  draining,
  sandbox_level,
  program_missing,
  content_missing,
  not_permitted,
  job_ended,
  no_mandate,
  too_deep,
  malformed
};
template <>
struct LastOf<RefuseReason> {
  static constexpr auto value = RefuseReason::malformed;
};

struct Refuse {
  BranchId branch;
  RefuseReason why = RefuseReason::no_slot;
  std::string reason;
  bool operator==(const Refuse&) const = default;
};

struct Want {
  BranchId branch;
  std::uint64_t iterations = 0;  // how much more the helper could take now
  bool operator==(const Want&) const = default;
};

// How many unstarted iterations are wanted back (from the end), or which. `recall_all`: nothing more of the branch is
// to begin there or below; whatever is unstarted comes back, now and whenever it becomes so.
inline constexpr std::uint64_t recall_all = ~std::uint64_t{0};
struct Recall {
  BranchId branch;
  std::variant<std::uint64_t, Intervals> what;
  bool operator==(const Recall&) const = default;
};

// no_slot: those here are held by tasks that wait for loops of their own, and these are not below them.
enum class ReturnReason : std::uint8_t { recalled, owner, draining, asleep, adopted_elsewhere, no_slot };
template <>
struct LastOf<ReturnReason> {
  static constexpr auto value = ReturnReason::no_slot;
};

struct Returned {
  BranchId branch;
  Intervals intervals;
  ReturnReason why = ReturnReason::recalled;
  std::vector<Lent> still_lent;  // for a drain: helpers that hold the rest, for the master to adopt
  Attempt attempt;               // the least to issue them under: some may have been begun further down, and lost
  bool operator==(const Returned&) const = default;
};

// `started` is exact; `lent` may be widened (runs merged) to fit a message: it only makes the master more patient.
struct Report {
  BranchId branch;
  std::uint64_t number = 0;    // of this report, counted up from 0 per branch
  std::vector<Bytes> batches;  // results, each batch signed by its executor
  // Of the whole subtree behind the helper: iterations (or range units) done per 10^6 s.
  std::uint64_t power_per_megasecond = 0;
  std::uint64_t remaining = 0;  // iterations held and not finished
  Intervals started;            // pieces that run now, with their bounds
  std::vector<Lent> lent;
  bool operator==(const Report&) const = default;
};

// The batches are stored: their credit is free again.
struct Received {
  BranchId branch;
  std::uint64_t number = 0;
  bool operator==(const Received&) const = default;
};

struct Settled {
  LoopId loop;
  Intervals intervals;
  bool operator==(const Settled&) const = default;
};

// The uncombined results of these are wanted again.
struct Resend {
  LoopId loop;
  Intervals intervals;
  bool operator==(const Resend&) const = default;
};

enum class CancelReason : std::uint8_t { won_elsewhere, stopped, user, expired, not_accepted };
template <>
struct LastOf<CancelReason> {
  static constexpr auto value = CancelReason::not_accepted;
};

struct Cancel {
  BranchId branch;
  Intervals intervals;  // empty: the whole branch
  CancelReason why = CancelReason::won_elsewhere;
  bool operator==(const Cancel&) const = default;
};

}  // namespace protocol
