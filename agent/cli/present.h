#pragma once
// Text for people: tags, summaries, progress, tables, durations. Pure functions; who prints decides where and when.
//
// Text that comes from tasks, items or other machines passes through `printable` before it reaches a terminal, except
// the tasks' own output, which is the user's.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/options.h"
#include "protocol/client.h"

namespace agent::cli {

// --- words and numbers

// Untrusted text for one line of a terminal: control characters as \n, \t, \r, \e or \xHH, a backslash doubled, invalid
// UTF-8 as \xHH, and the control and direction-changing characters of Unicode as \u{...}. At most `bytes_max` bytes of
// output, cut at a character with `...` behind it.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max = 200);

// An item for people: its columns (exec/command.h) with blanks between, printable.
[[nodiscard]] std::string printable_item(std::string_view item, std::size_t bytes_max = 200);

// "0 ms", "35 ms", "0.4 s", "59.9 s", "8m12s", "5h01m", "2d03h". REQUIRES duration >= 0.
[[nodiscard]] std::string human_duration(std::chrono::nanoseconds duration);

// "0 B", "999 B", "1.5 KiB", "64 KiB", "12 MiB": binary prefixes, one decimal below ten of a unit.
[[nodiscard]] std::string human_size(std::uint64_t bytes);

// "SIGKILL", "SIGSEGV", or "signal 64" where it has no name.
[[nodiscard]] std::string signal_name(int signal);

// --- tags

// Puts an item and a tab in front of every line (--tag). Fed with the output of one task in cuts of any size; a last
// line without a newline stays without one. Columns are separated by blanks; the item is written as it is.
class Tagger {
 public:
  explicit Tagger(std::string_view item);
  void feed(std::string_view output, std::string& text);

 private:
  std::string tag_;
  enum class Position { line_start, within } position_ = Position::line_start;
};

// --- the end of a run

struct FailedTask {
  std::uint64_t sequence = 0;  // {#}
  std::string item;            // columns joined by NUL; empty in a single command
  int exit = 0;
  int signal = 0;
  std::string reason;           // "timed out", "could not start: ..."; empty where exit or signal says it
  std::string last_error_line;  // of its standard error
};

inline constexpr std::size_t failed_shown_max = 10;

inline constexpr std::size_t nodes_shown_max = 8;
struct RunSummary {
  std::uint64_t ok = 0, failed = 0, lost = 0, skipped = 0;  // skipped: not finished, or never started
  RunMode mode = RunMode::list;                             // in a range the figures count pieces, and it is said
  std::optional<std::string> found;                         // --found: the piece that hit, "3000 4000"
  enum class Search { none, hit, not_found } search = Search::none;
  enum class Ending { complete, halted, cancelled, time_limit } ending = Ending::complete;
  std::chrono::nanoseconds wall{};
  std::vector<protocol::client::NodeShare> nodes;  // that did anything, most first; `nodes_shown_max` are shown
  std::uint32_t slots = 0;                         // of the launching node, told where it was alone
  bool private_agent = false;            // none was running, the run brought its own
  std::vector<FailedTask> first_failed;  // at most failed_shown_max are shown
};

// "gibbon: 4 ok, 0 failed in 1.0 s on 1 node (8 slots).\n", or "... on 2 nodes: beta 3, alpha 1.\n", and a line for each failed task shown, "  and N more".
[[nodiscard]] std::string end_summary(const RunSummary& summary);

// The last line of a standard error that is not blank, without its newline; empty if there is none.
[[nodiscard]] std::string_view last_line(std::string_view text);

// --- while it runs

// What is done is counted in iterations: items, or values of a range. What failed or runs is counted in results, which
// are pieces in a range and called so.
struct ProgressState {
  protocol::client::Counts counts;
  RunMode mode = RunMode::list;
  std::chrono::nanoseconds elapsed{};
  std::uint32_t helpers = 0;
};

// One line of at most `columns` columns without a newline:
// "[########------------] 615/1000 done  3 failed  41 running  ETA 4m10s". Shortened from the right where it is narrow.
[[nodiscard]] std::string progress_bar(const ProgressState& state, std::uint32_t columns);

// "gibbon: 615 of 1000 done, 3 failed, 41 running, 1m02s\n"; of a range "2 pieces failed, 8 pieces running".
[[nodiscard]] std::string progress_line(const ProgressState& state);

// --- jobs and status

// 32 hexadecimal digits.
[[nodiscard]] std::string full_id(const protocol::JobId& job);
// Of a job that has not ended; "waiting" while nothing of it runs.
[[nodiscard]] std::string_view state_of(const protocol::client::JobRow& job);
// For each job the shortest prefix of its id, from 4 digits, that none of the others has.
[[nodiscard]] std::vector<std::string> short_ids(const std::vector<protocol::client::JobRow>& jobs);

// The table of `ps` with its heading; "no jobs\n" if empty.
[[nodiscard]] std::string job_table(const std::vector<protocol::client::JobRow>& jobs);
// Short ids only, one a line (`ps -q`).
[[nodiscard]] std::string job_ids(const std::vector<protocol::client::JobRow>& jobs);

// This node in a few lines of "name  value". `pid` is the agent's. The end of its certificate is told when it is near.
[[nodiscard]] std::string status_table(const protocol::client::Status& status, std::uint64_t pid,
                                       std::int64_t now_wall_ms);

// --- the pool

// "the pool of alpha (1a2b3c4d)".
[[nodiscard]] std::string called(const protocol::client::PoolState& pool);
// Nothing if it is far: "this node's certificate ends in 12 days", "... has ended".
[[nodiscard]] std::optional<std::string> end_warning(const protocol::client::PoolState& pool, std::int64_t now_wall_ms);
// The table of `peers` with its heading; "no peers\n" if empty.
[[nodiscard]] std::string peer_table(const std::vector<protocol::client::PeerRow>& peers);
// The same for scripts: a line of eight columns for each, in this order for ever.
[[nodiscard]] std::string peer_columns(const std::vector<protocol::client::PeerRow>& peers);
// "member+run+submit".
[[nodiscard]] std::string role_names(std::uint32_t roles);

// --- errors

// "gibbon: MESSAGE\n" and, if there is one, "gibbon: HINT\n".
[[nodiscard]] std::string error_text(std::string_view message, std::string_view hint);

}  // namespace agent::cli
