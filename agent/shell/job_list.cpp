#include "agent/shell/job_list.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "agent/shell/system.h"

namespace agent::shell {

namespace client = protocol::client;
using protocol::JobId;

namespace {

bool is_id_of(std::string_view selector, const client::JobRow& row) {
  return to_hex(row.job.value()) == selector;
}

// A beginning of its id, or its name.
bool is_meant(std::string_view selector, const client::JobRow& row) {
  return !selector.empty() && (to_hex(row.job.value()).starts_with(selector) || row.name == selector);
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

std::uint64_t JobList::add(JobId job, const std::string& name, std::int64_t start_wall_ms) {
  assert(!knows(job));
  client::JobRow row;
  row.job = job;
  row.number = next_number_++;
  row.name = name;
  row.state = client::JobState::running;
  row.start_wall_ms = start_wall_ms;
  running_.emplace(job, row);
  return row.number;
}

void JobList::end(JobId job, client::Ending ending, const client::Counts& counts, std::uint64_t elapsed_ns) {
  const auto at = running_.find(job);
  assert(at != running_.end());
  client::JobRow row = at->second;
  running_.erase(at);
  row.state = client::JobState::ended;
  row.ending = ending;
  row.counts = counts;
  row.elapsed_ns = elapsed_ns;
  ended_.push_front(std::move(row));
  if (ended_.size() > ended_rows_max) ended_.pop_back();
  ended_ids_.insert(job);
  ended_order_.push_back(job);
  if (ended_order_.size() > ended_ids_max) {
    ended_ids_.erase(ended_order_.front());
    ended_order_.pop_front();
  }
}

std::vector<client::JobRow> JobList::running() const {
  std::vector<client::JobRow> rows;
  for (const auto& [job, row] : running_) rows.push_back(row);
  std::ranges::sort(rows, std::ranges::greater{}, &client::JobRow::number);
  return rows;
}

tl::expected<std::vector<JobId>, JobList::SelectError> JobList::select(std::string_view selector) const {
  const std::vector<client::JobRow> rows = running();
  std::vector<JobId> found;
  if (selector == "all") {
    for (const client::JobRow& row : rows) found.push_back(row.job);
    return found;
  }
  if (selector == "last") return select_number(next_number_ - 1);
  if (selector.starts_with('%')) return select_number(number_of(selector.substr(1)));

  for (const client::JobRow& row : rows) {
    if (is_id_of(selector, row)) return std::vector{row.job};
    if (is_meant(selector, row)) found.push_back(row.job);
  }
  const auto number = number_of(selector);
  if (found.empty()) {
    if (number && select_number(number)) return tl::unexpected(SelectError::number_without_percent);
    const bool ended = (number && was_given(*number)) ||
                       std::ranges::any_of(ended_, [&](const auto& row) { return is_meant(selector, row); });
    return tl::unexpected(ended ? SelectError::has_ended : SelectError::nothing_such);
  }
  const bool also_a_number = number && was_given(*number) && running_.at(found.front()).number != *number;
  if (found.size() > 1 || also_a_number) return tl::unexpected(SelectError::ambiguous);
  return found;
}

JobList::Found JobList::select_number(std::optional<std::uint64_t> number) const {
  if (!number || !was_given(*number)) return tl::unexpected(SelectError::nothing_such);
  for (const auto& [job, row] : running_)
    if (row.number == *number) return std::vector{job};
  return tl::unexpected(SelectError::has_ended);
}

std::vector<client::JobRow> JobList::candidates(std::string_view selector) const {
  const auto number = number_of(selector);
  std::vector<client::JobRow> rows;
  for (client::JobRow& row : running())
    if (is_meant(selector, row) || row.number == number) rows.push_back(std::move(row));
  for (const client::JobRow& row : ended_)
    if (row.number == number) rows.push_back(row);
  return rows;
}

}  // namespace agent::shell
