#pragma once
// What the deciding machine (agent.h) remembers of jobs, peers and tasks, as plain records. Each is changed by the
// source whose rules it follows: contacts by agent_links.cpp, errands and kept requests by agent_recruiting.cpp, and
// so on; what is remembered of a loop is a Branch.
//
// The agent keeps these invariants:
//   - a job is known as long as there is a branch of it here; the key of a branch is never used again;
//   - of a peer there is a contact as long as its link is up or a branch is between us (then it is watched);
//   - a task is kept, with its slot, until the launcher has said how it ended;
//   - whatever a peer's word adds (errands, kept requests, orphanages, distrust) is bounded or ends by itself.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "agent/core/event.h"
#include "agent/core/helper.h"
#include "agent/core/interval_set.h"
#include "agent/core/link.h"
#include "agent/core/mandate.h"
#include "agent/core/names.h"
#include "agent/core/patience.h"
#include "agent/core/peer_event.h"
#include "agent/core/terms.h"
#include "agent/core/time.h"
#include "protocol/limits.h"

namespace agent::core {

using BranchKey = protocol::Id<struct BranchKeyTag, std::uint64_t>;

// What we know of a job that we have a branch of.
struct Job {
  JobTerms terms;
  Mandate mandate;
  std::uint64_t last_served = 0;  // when a slot was last given, as a running number
  // Who refused some of it for a reason that lasts: neither asked nor given anything of it before.
  std::map<NodeId, Instant> unwilling{};
  // At its root only: the root branch, and the mandates that we sign.
  std::optional<BranchKey> root;
  std::uint64_t mandate_sequence = 0;  // of the next one
  Instant mandate_due;
};

// A prober that holds us with its probes, and neither grants anything nor lets others have us: after some offers in a
// row that came to nothing it is told `busy` for a while, each time for longer. Honest probers release some, too: they
// take the first ones that answer.
struct Spurned {
  std::uint32_t offers = 0;  // running
  Instant until;             // no further offer before
};

// A peer that we have, or had, a link to, while it matters.
struct Contact {
  Peer peer;
  bool up = false;
  std::uint32_t slots = 0;
  Duration round_trip{};
  Link link;
  Patience patience{Patience::with_a_link};  // with its questions
  Spurned spurned;                           // our offers to it
  std::optional<Instant> silent_since;       // down or suspect, with a branch between us
  Instant dialled;                           // last time, for the sake of a branch between us
  Instant used;                              // by either side, last time
  std::optional<Instant> calls_until;        // it keeps a request of ours: until then it will call when it is free
};

// A peer with a branch between us; its contact, as long as none is added or forgotten.
struct Watched {
  NodeId node;
  Link::Pace pace = Link::Pace::brisk;
  Contact* contact = nullptr;
  bool operator==(const Watched& other) const { return node == other.node && pace == other.pace; }
};

// A task of ours, from its start until its end is known.
struct Task {
  TaskId id;
  BranchKey branch;
  Interval piece;
  std::uint32_t slot = 0;
  bool started = false;            // the launcher has reported the process
  std::optional<StopHow> stopped;  // the hardest stop that it was told
  Instant deadline;                // that its launcher was told
  // Loops that it opened and has not joined, by ordinal, with the verdict of those that have ended.
  std::map<std::uint32_t, std::optional<Verdict>> loops{};
  std::uint64_t next_ordinal = 0;          // above all that were ever forked
  std::optional<std::uint32_t> joining{};  // parked: it waits for that one
};

// Of a helper that hoarded: it is granted nothing until then.
struct Distrust {
  Instant until;
  Duration rest{};  // how long that was
};

// What is to be said to somebody as soon as a link to that address is up.
struct Errand {
  enum class Kind { probe, ask, shuffle, orphan };
  Kind kind = Kind::probe;
  LoopId loop;  // of a probe or an orphan
  std::uint8_t hops_left = protocol::limits::refer_hops_max;
  Address address;
  Instant since;
};

// A probe that came while we were busy: its sender is called back.
struct KeptRequest {
  NodeId node;
  std::uint64_t request = 0;
  std::uint8_t priority = 0;
  Duration round_trip{};
  Instant until;
};

// Whom we asked for work, and did not hear of yet.
struct Asking {
  NodeId node;
  std::uint64_t request = 0;
  Instant since;
  std::uint8_t hops_left = 0;
};

// What we hold of a branch, in the lists that `holds` and `orphan` have.
struct Holding {
  std::vector<Interval> todo;
  std::vector<Interval> started;  // piece by piece
  std::vector<Interval> lent;
  std::vector<Interval> finished;
  [[nodiscard]] bool empty() const { return todo.empty() && started.empty() && lent.empty() && finished.empty(); }
  // Moves at most `room` intervals out of one of the lists, and lessens `room` by as many.
  static std::vector<Interval> take(std::vector<Interval>& from, std::size_t& room);
};

// What an orphan has told so far, part by part.
struct Orphanage {
  BranchId former;
  Helper::There there;
};

}  // namespace agent::core
