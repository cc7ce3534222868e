#pragma once
// Results that this agent keeps for a branch until their owner has settled them.
//
//   unsent --report--> sent --`received`--> stored (at the next hop) --`settled`--> gone
//     ^                 |                    |
//     +--link broken----+----resend, adoption+
//
// Bytes stay with the shell: a result of our own under its task, one of a helper's subtree inside the batch that it
// came in, which goes on whole. A batch is dropped when none of its results is kept any more. Hits and failures go at
// once; the rest waits for `report_due`.
//
// Invariants: kept results do not overlap; each is in exactly one state; `batches_` counts the kept results of each.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/interval_set.h"
#include "agent/core/names.h"

namespace agent::core {

// Where the bytes of a result are.
struct ResultSource {
  TaskId task;    // our own, unless ...
  BatchId batch;  // ... this is not 0: the `index`-th of a batch of `executor`
  std::uint32_t index = 0;
  NodeId executor;
  [[nodiscard]] bool own() const { return batch.value() == 0; }
  bool operator==(const ResultSource&) const = default;
};

struct KeptResult {
  Interval piece;
  Attempt attempt;
  Outcome outcome = Outcome::ok;
  std::uint64_t size_bytes = 0;  // of our own: its outputs inline; else of the whole batch
  ResultSource source;
  bool operator==(const KeptResult&) const = default;
};

class Results {
 public:
  // Must not overlap one that is kept.
  void keep(const KeptResult& result);
  // These are safe, or not wanted: what overlaps them is let go, unless it covers some of `needed` besides.
  void let_go(const IntervalSet& what, const IntervalSet& needed, std::vector<Action>& actions);
  void let_go_all(std::vector<Action>& actions);

  [[nodiscard]] bool has_unsent() const { return !unsent_.empty(); }
  [[nodiscard]] bool has_urgent() const { return urgent_ > 0; }
  [[nodiscard]] std::uint64_t kept_count() const { return kept_.size(); }
  [[nodiscard]] std::uint64_t sent_count() const { return sent_.size(); }

  // What goes into the report of this number: at most `results_max` results, urgent ones first, and no more than one
  // message carries.
  struct Outgoing {
    std::vector<TaskId> results;
    std::vector<BatchId> batches;
    IntervalSet covers;
  };
  Outgoing send(std::uint64_t number, std::size_t results_max);
  // The next hop has stored the report of this number, and all of lower ones that were not sent again.
  void on_received(std::uint64_t number);
  // What was sent and not received is unsent again: the link broke.
  void unsend();
  // These are unsent again, stored or not.
  void resend(const IntervalSet& what);

  [[nodiscard]] IntervalSet kept() const;
  [[nodiscard]] IntervalSet unsent() const;
  void check_invariants() const;

 private:
  struct Entry {
    KeptResult result;
    std::optional<std::uint64_t> report;  // sent in this one
    bool stored = false;
  };
  void mark_unsent(Entry& entry);
  void drop(const Entry& entry, std::vector<Action>& actions);

  std::map<std::uint64_t, Entry> kept_;                     // by begin
  std::set<std::uint64_t> unsent_;                          // begins
  std::set<std::pair<std::uint64_t, std::uint64_t>> sent_;  // (report, begin), not stored yet
  std::map<BatchId, std::uint32_t> batches_;
  std::uint64_t urgent_ = 0;  // unsent hits and failures
};

}  // namespace agent::core
