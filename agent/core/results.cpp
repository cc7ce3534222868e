#include "agent/core/results.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "protocol/limits.h"

namespace agent::core {

namespace {

constexpr std::uint64_t own_bytes_max = protocol::limits::batch_bytes_max - protocol::limits::signature_overhead_bytes;
constexpr std::uint64_t result_overhead_bytes = 128;

bool urgent(const KeptResult& result) {
  return result.outcome != Outcome::ok;
}

}  // namespace

void Results::keep(const KeptResult& result) {
  const bool added = kept_.emplace(result.piece.begin, Entry{.result = result, .report = {}, .stored = false}).second;
  assert(added);
  if (result.source.own()) {
    kept_bytes_ += result.size_bytes;
  } else {
    Batch& batch = batches_[result.source.batch];
    if (batch.kept++ == 0) kept_bytes_ += batch.bytes = result.size_bytes;
  }
  unsent_.insert(result.piece.begin);
  if (urgent(result)) ++urgent_;
}

void Results::arrived(Entry& entry) {
  if (!entry.report) return;
  sent_.erase({*entry.report, entry.result.piece.begin});
  auto report = reports_.find(*std::exchange(entry.report, std::nullopt));
  if (--report->second.results > 0) return;
  sent_bytes_ -= report->second.bytes;
  reports_.erase(report);
}

void Results::drop(Entry& entry, std::vector<Action>& actions) {
  const ResultSource& source = entry.result.source;
  const std::uint64_t begin = entry.result.piece.begin;
  if (unsent_.erase(begin) > 0 && urgent(entry.result)) --urgent_;
  arrived(entry);
  if (source.own()) {
    kept_bytes_ -= entry.result.size_bytes;
    actions.emplace_back(DropResult{.task = source.task});
    return;
  }
  auto batch = batches_.find(source.batch);
  assert(batch != batches_.end());
  if (--batch->second.kept > 0) return;
  kept_bytes_ -= batch->second.bytes;
  actions.emplace_back(DropBatch{.batch = source.batch});
  batches_.erase(batch);
}

std::map<std::uint64_t, Results::Entry>::iterator Results::first_touching(Interval interval) {
  auto at = kept_.lower_bound(interval.begin);
  if (at != kept_.begin() && std::prev(at)->second.result.piece.end > interval.begin) --at;
  return at;
}

void Results::let_go(const IntervalSet& what, const IntervalSet& needed, std::vector<Action>& actions) {
  for (Interval interval : what.intervals()) {
    auto at = first_touching(interval);
    while (at != kept_.end() && at->first < interval.end) {
      auto here = at++;
      if (needed.intersects(here->second.result.piece)) continue;
      drop(here->second, actions);
      kept_.erase(here);
    }
  }
}

void Results::let_go_all(std::vector<Action>& actions) {
  for (auto& [begin, entry] : kept_) drop(entry, actions);
  kept_.clear();
}

void Results::mark_unsent(Entry& entry) {
  const std::uint64_t begin = entry.result.piece.begin;
  arrived(entry);
  entry.stored = false;
  if (unsent_.insert(begin).second && urgent(entry.result)) ++urgent_;
}

Results::Outgoing Results::send(std::uint64_t number, std::size_t results_max) {
  Outgoing out;
  std::set<BatchId> batches;
  std::vector<std::uint64_t> chosen;
  std::uint64_t own_bytes = 0, all_bytes = 0;
  if (!has_credit()) return out;
  results_max = std::min<std::size_t>(results_max, protocol::limits::credit_results_max - sent_.size());
  auto fits = [&](const KeptResult& result) {
    const bool own = result.source.own();
    if (!own && batches.contains(result.source.batch)) return true;
    const std::uint64_t bytes = result.size_bytes + (own ? result_overhead_bytes : 0);
    if (!chosen.empty() && all_bytes + bytes > protocol::limits::report_batch_bytes_max) return false;
    if (own && own_bytes > 0 && own_bytes + bytes > own_bytes_max) return false;
    if (!own && batches.size() + 1 == protocol::limits::batches_per_report_max) return false;
    all_bytes += bytes;
    if (own) own_bytes += bytes;
    if (!own) batches.insert(result.source.batch);
    return true;
  };
  auto choose = [&](bool wanted_urgent) {
    for (std::uint64_t begin : unsent_) {
      const KeptResult& result = kept_.at(begin).result;
      if (urgent(result) != wanted_urgent) continue;
      if (chosen.size() == results_max || !fits(result)) return;
      chosen.push_back(begin);
    }
  };
  if (urgent_ > 0) choose(true);
  choose(false);
  for (std::uint64_t begin : chosen) {
    Entry& entry = kept_.at(begin);
    const ResultSource& source = entry.result.source;
    if (source.own()) {
      out.results.push_back(source.task);
    } else if (batches.erase(source.batch) > 0) {
      out.batches.push_back(source.batch);
    }
    out.covers.insert(entry.result.piece);
    unsent_.erase(begin);
    if (urgent(entry.result)) --urgent_;
    entry.report = number;
    sent_.emplace(number, begin);
  }
  if (!chosen.empty()) reports_[number] = {.results = static_cast<std::uint32_t>(chosen.size()), .bytes = all_bytes};
  if (!chosen.empty()) sent_bytes_ += all_bytes;
  return out;
}

bool Results::on_stored(std::uint64_t below) {
  bool any = false;
  while (!sent_.empty() && sent_.begin()->first < below) {
    Entry& entry = kept_.at(sent_.begin()->second);
    arrived(entry);
    entry.stored = true;
    any = true;
  }
  return any;
}

void Results::unsend() {
  while (!sent_.empty()) mark_unsent(kept_.at(sent_.begin()->second));
}

void Results::resend(const IntervalSet& what) {
  for (Interval interval : what.intervals()) {
    for (auto at = first_touching(interval); at != kept_.end() && at->first < interval.end; ++at)
      mark_unsent(at->second);
  }
}

IntervalSet Results::kept() const {
  IntervalSet all;
  for (const auto& [begin, entry] : kept_) all.insert(entry.result.piece);
  return all;
}

IntervalSet Results::unsent() const {
  IntervalSet all;
  for (std::uint64_t begin : unsent_) all.insert(kept_.at(begin).result.piece);
  return all;
}

void Results::check_invariants() const {
  std::map<BatchId, Batch> batches;
  std::map<std::uint64_t, std::uint32_t> under_way;
  std::uint64_t end = 0, urgent_seen = 0, sent = 0, bytes = 0;
  for (const auto& [begin, entry] : kept_) {
    assert(begin == entry.result.piece.begin && begin >= end);
    end = entry.result.piece.end;
    const ResultSource& source = entry.result.source;
    Batch* batch = source.own() ? nullptr : &batches[source.batch];
    if (batch == nullptr || batch->kept++ == 0) bytes += entry.result.size_bytes;
    if (batch != nullptr && batch->kept == 1) batch->bytes = entry.result.size_bytes;
    const bool unsent = unsent_.contains(begin);
    assert(int{unsent} + int{entry.report.has_value()} + int{entry.stored} == 1);
    if (unsent && urgent(entry.result)) ++urgent_seen;
    if (entry.report) {
      assert(sent_.contains({*entry.report, begin}));
      ++under_way[*entry.report];
      ++sent;
    }
  }
  assert(batches == batches_ && bytes == kept_bytes_ && urgent_seen == urgent_ && sent == sent_.size());
  assert(under_way.size() == reports_.size());
  std::uint64_t sent_bytes = 0;
  for (const auto& [number, report] : reports_) {
    assert(under_way[number] == report.results);
    sent_bytes += report.bytes;
  }
  assert(sent_bytes == sent_bytes_);
}

}  // namespace agent::core
