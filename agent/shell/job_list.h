#pragma once
// The jobs of this agent as people see them: numbers, names, states; the running ones and the latest ended ones.
//
// Numbers count up from 1 for the life of the agent. An ended job's id is remembered after its row is forgotten, so
// that a manifest can not be launched twice. Both memories are bounded.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "agent/shell/problem.h"
#include "protocol/client.h"

namespace agent::shell {

class JobList {
 public:
  static constexpr std::size_t ended_rows_max = 256;
  static constexpr std::size_t ended_ids_max = 16'384;

  // Adds a running job; returns its number. REQUIRES: !knows(job).
  std::uint64_t add(protocol::JobId job, const std::string& name, std::int64_t start_wall_ms);
  void end(protocol::JobId job, protocol::client::Ending ending, const protocol::client::Counts& counts,
           std::uint64_t elapsed_ns);
  [[nodiscard]] bool knows(protocol::JobId job) const { return running_.contains(job) || ended_ids_.contains(job); }
  [[nodiscard]] std::size_t running_count() const { return running_.size(); }

  // Running jobs (the caller fills in counts and times) and, if wanted, ended ones; newest first.
  [[nodiscard]] std::vector<protocol::client::JobRow> running() const;
  [[nodiscard]] const std::deque<protocol::client::JobRow>& ended() const { return ended_; }

  enum class SelectError { nothing_such, ambiguous, has_ended };
  // Running jobs by `%N` or N (number), a prefix of the id in hexadecimal, `last` (the newest) or `all`.
  [[nodiscard]] tl::expected<std::vector<protocol::JobId>, SelectError> select(std::string_view selector) const;

 private:
  std::map<protocol::JobId, protocol::client::JobRow> running_;
  std::deque<protocol::client::JobRow> ended_;  // newest first
  std::set<protocol::JobId> ended_ids_;
  std::deque<protocol::JobId> ended_order_;  // oldest first
  std::uint64_t next_number_ = 1;
};

}  // namespace agent::shell
