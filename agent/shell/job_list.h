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

  enum class SelectError { nothing_such, number_without_percent, ambiguous, has_ended };
  // Running jobs: `all`; `last`, which is the one launched last and no other, also when that has ended; `%N` by number;
  // else by a prefix of the id in hexadecimal or by the whole name. Digits alone are never a number: where a job of
  // that number is or was there besides, or there are several that fit, it is ambiguous.
  [[nodiscard]] tl::expected<std::vector<protocol::JobId>, SelectError> select(std::string_view selector) const;
  // What an ambiguous selector, or a number without its percent sign, may have meant; newest first, the running ones
  // before those that have ended.
  [[nodiscard]] std::vector<protocol::client::JobRow> candidates(std::string_view selector) const;

 private:
  using Found = tl::expected<std::vector<protocol::JobId>, SelectError>;
  [[nodiscard]] Found select_number(std::optional<std::uint64_t> number) const;
  [[nodiscard]] bool was_given(std::uint64_t number) const { return number > 0 && number < next_number_; }

  std::map<protocol::JobId, protocol::client::JobRow> running_;
  std::deque<protocol::client::JobRow> ended_;  // newest first
  std::set<protocol::JobId> ended_ids_;
  std::deque<protocol::JobId> ended_order_;  // oldest first
  std::uint64_t next_number_ = 1;
};

}  // namespace agent::shell
