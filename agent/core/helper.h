#pragma once
// A helper of ours on one branch, as its master sees it.
//
//   granted --accept--> live --silence or closed link--> silent --lease ended--> (forgotten)
//      |                  ^                                 |
//      +--refuse, or none in 2 s--> (forgotten)             +--heard, and `holds` agreed--> live
//
// `held` is what it was lent and has neither reported, returned nor lost to a cancel: unstarted, running or lent on
// there. It stays held while the helper is silent, except for what we took back to do it again; that it may still do,
// and its result is welcome. Counted against the branch number until it is forgotten or holds nothing and owes nothing.
//
// What it says is a peer's word: results and claims of what it was never granted are nothing.
//
// Invariants: `held` lies in `granted`; `started` and `lent_on` may be old news, but lie in `held`; `unsettled` does
// not overlap `held`.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "agent/core/interval_set.h"
#include "agent/core/names.h"
#include "agent/core/partition.h"
#include "agent/core/power.h"
#include "agent/core/results.h"
#include "agent/core/time.h"

namespace agent::core {

struct Helper {
  enum class State { granted, live, silent };

  struct Started {
    Interval interval;
    Instant since;  // when we first heard of it
  };

  // What it told in `holds`, part by part.
  struct There {
    IntervalSet unstarted;
    std::vector<Interval> started;
    IntervalSet lent_on;
    IntervalSet finished;
  };

  NodeId node;
  BranchId id;  // our name of this branch to it
  State state = State::granted;
  Attempt attempt;      // the highest issued to it
  IntervalSet granted;  // all that it ever was: only of this it may speak
  IntervalSet held;
  std::map<std::uint64_t, Started> started;  // pieces running there, by begin, as last reported
  IntervalSet lent_on;                       // of `held`: with helpers of its own, as last reported
  IntervalSet unsettled;                     // it reported these, and was not told that they are settled
  Instant settled_told;                      // last time
  std::uint64_t reports_stored = 0;          // its reports below this number have come ...
  std::uint64_t reports_told = 0;            // ... as it knows, from a beat or from `received`
  Results::Credit credit_used;               // by those that it does not know of
  std::optional<IntervalSet> unanswered;     // the grant that it has not accepted yet ...
  Instant granted_at;                        // ... sent then ...
  std::uint64_t granted_as = 0;              // ... under that sequence of the link
  std::optional<Instant> silent_since;       // since then nothing is heard
  bool lent_taken_back = false;              // in this silence, also what it had lent on is todo again
  std::optional<There> there;                // the parts of `holds` so far
  bool reconciling = false;                  // `holds` is under way: nothing is granted meanwhile ...
  Instant asked_at;                          // ... and was asked for then, last
  bool surplus = false;                // came with what it holds when its loop had all its helpers: no more for it
  Instant progress_at;                 // a result of it, or its word that something runs, or its first grant
  Instant result_at;                   // a result of it, or the first grant of what it holds
  std::optional<Instant> recalled_at;  // a recall that was not answered yet
  bool nothing_to_return = false;      // it answered so, and nothing has come of it since
  bool may_explain = false;            // ... so it was asked where it is: the answer counts as progress, once
  bool recalled_all = false;           // it knows that nothing more is to begin
  bool gives_back = false;             // it returned some, and no result of it has come since
  std::uint64_t wanted = 0;            // iterations that it could take now
  bool filled_ahead = false;           // it got some more for results that are still to come
  std::uint64_t remaining = 0;         // that it has not finished, by its latest report
  std::uint32_t digests_differed = 0;  // times running
  PowerMeter power;

  // What it holds and has not begun, by its latest report.
  [[nodiscard]] IntervalSet unstarted() const {
    IntervalSet rest = held;
    rest.erase(lent_on);
    for (const auto& [begin, piece] : started) rest.erase(piece.interval);
    return rest;
  }
  // Further down others may have begun the same again, under attempts of their own; but so often nobody does.
  [[nodiscard]] Attempt attempt_believed_max() const { return Attempt(attempt.value() + 1'000); }
  void told_stored() {
    reports_told = reports_stored;
    credit_used = {};
  }
  // All that it was lent has come, and it knows: only the word that its results are settled is still due.
  [[nodiscard]] bool at_rest() const {
    return state == State::live && held.empty() && !unanswered && reports_told == reports_stored && !reconciling;
  }
  // Nothing of it is awaited, nothing need be told to it.
  [[nodiscard]] bool over() const { return !counts() && unsettled.empty() && !unanswered; }
  // It counts against the branch number: also one that is silent, until it is dead.
  [[nodiscard]] bool counts() const { return !held.empty() || state == State::silent; }
};

}  // namespace agent::core
