#include "agent/shell/job_list.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "agent/shell/system.h"

namespace agent::shell {

namespace client = protocol::client;
using protocol::JobId;

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
  std::vector<client::JobRow> rows = running();
  std::vector<JobId> found;
  if (selector == "all" || (selector == "last" && !rows.empty())) {
    if (selector == "last") rows.resize(1);
    for (const client::JobRow& row : rows) found.push_back(row.job);
    return found;
  }
  const bool marked = selector.starts_with('%');
  const std::string_view digits = marked ? selector.substr(1) : selector;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = error == std::errc{} && end == digits.data() + digits.size();
  auto matches = [&](const client::JobRow& row) {
    return !marked && !selector.empty() && to_hex(row.job.value()).starts_with(selector);
  };
  auto has_number = [&](const client::JobRow& row) { return is_number && row.number == number; };
  // A number means the job of that number, also if it has ended and digits of another one's id happen to fit.
  if (const auto at = std::ranges::find_if(rows, has_number); at != rows.end()) return std::vector{at->job};
  if (std::ranges::any_of(ended_, has_number)) return tl::unexpected(SelectError::has_ended);
  for (const client::JobRow& row : rows) {
    if (matches(row)) found.push_back(row.job);
  }
  if (found.size() > 1) return tl::unexpected(SelectError::ambiguous);
  if (found.empty()) {
    return tl::unexpected(std::ranges::any_of(ended_, matches) ? SelectError::has_ended : SelectError::nothing_such);
  }
  return found;
}

}  // namespace agent::shell
