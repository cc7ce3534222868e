#pragma once
// Results that this agent keeps for a branch until their owner has settled them.
//
//   unsent --report--> sent --beat, `received`--> stored (at the next hop) --`settled`--> gone
//     ^                 |                    |
//     +--link broken----+----resend, adoption+
//
// Bytes stay with the shell: a result of our own under its task, one of a helper's subtree inside the batch that it
// came in, which goes on whole. A batch is dropped when none of its results is kept any more. Hits and failures go at
// once; the rest waits for `report_due`.
//
// Invariants: kept results do not overlap; each is in exactly one state; `batches_` counts the kept results of each,
// `reports_` those under way.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/interval_set.h"
#include "agent/core/names.h"
#include "protocol/limits.h"

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
  // What may be under way to the next hop, sent and not known to be stored.
  struct Credit {
    std::uint64_t results = 0;
    std::uint64_t bytes = 0;
    [[nodiscard]] bool used_up() const {
      return results >= protocol::limits::credit_results_max || bytes >= protocol::limits::credit_bytes_max;
    }
    [[nodiscard]] bool above_a_quarter() const {
      return results > protocol::limits::credit_results_max / 4 || bytes > protocol::limits::credit_bytes_max / 4;
    }
  };

  // Must not overlap one that is kept.
  void keep(const KeptResult& result);
  // These are safe, or not wanted: what overlaps them is let go, unless it covers some of `needed` besides.
  void let_go(const IntervalSet& what, const IntervalSet& needed, std::vector<Action>& actions);
  void let_go_all(std::vector<Action>& actions);

  [[nodiscard]] bool has_unsent() const { return !unsent_.empty(); }
  // Some may not have reached the next hop.
  [[nodiscard]] bool has_unstored() const { return !unsent_.empty() || !sent_.empty(); }
  // More of them make no larger report.
  [[nodiscard]] bool fills_report() const { return unsent_.size() >= protocol::limits::batches_per_report_max; }
  [[nodiscard]] bool has_urgent() const { return urgent_ > 0; }
  [[nodiscard]] std::uint64_t kept_count() const { return kept_.size(); }
  [[nodiscard]] Credit credit_used() const { return {.results = sent_.size(), .bytes = sent_bytes_}; }
  [[nodiscard]] bool has_credit() const { return !credit_used().used_up(); }
  // Outputs of ours, and batches that pass through.
  [[nodiscard]] std::uint64_t kept_bytes() const { return kept_bytes_; }

  // What goes into the report of this number: at most `results_max` results, urgent ones first, no more than one
  // message carries and no more results than there is credit for; of bytes the last report may take a little more.
  struct Outgoing {
    std::vector<TaskId> results;
    std::vector<BatchId> batches;
    IntervalSet covers;
  };
  Outgoing send(std::uint64_t number, std::size_t results_max);
  // The next hop has stored the reports below this number. True if it did not know of some before.
  bool on_stored(std::uint64_t below);
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
  struct Batch {
    std::uint32_t kept = 0;  // results
    std::uint64_t bytes = 0;
    bool operator==(const Batch&) const = default;
  };
  struct UnderWay {
    std::uint32_t results = 0;
    std::uint64_t bytes = 0;  // with batches whole
  };
  void mark_unsent(Entry& entry);
  // The first one that covers some of it, or the first behind it.
  std::map<std::uint64_t, Entry>::iterator first_touching(Interval interval);
  // It is not under way any more, if it was.
  void arrived(Entry& entry);
  void drop(Entry& entry, std::vector<Action>& actions);

  std::map<std::uint64_t, Entry> kept_;                     // by begin
  std::set<std::uint64_t> unsent_;                          // begins
  std::set<std::pair<std::uint64_t, std::uint64_t>> sent_;  // (report, begin), not stored yet
  std::map<std::uint64_t, UnderWay> reports_;               // of which some is in `sent_`
  std::uint64_t sent_bytes_ = 0;                            // of all these
  std::map<BatchId, Batch> batches_;
  std::uint64_t kept_bytes_ = 0;
  std::uint64_t urgent_ = 0;  // unsent hits and failures
};

}  // namespace agent::core
