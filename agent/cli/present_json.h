#pragma once
// Machine output: --json and --jsonl. Every object carries "v":1. Times are ISO 8601 in UTC, durations are seconds.
//
// JSON holds Unicode only. A text that is not valid UTF-8 is written with U+FFFD in the place of what is not, and once
// more, whole, in base64 under the same name with `_base64` behind it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/present.h"

namespace agent::cli {

// The output of a task: what was sent along, or where the rest lies.
struct JsonOutput {
  std::string text;
  std::optional<std::string> path;  // a file, where it was too large
  std::uint64_t size_bytes = 0;
};

struct JsonResult {
  std::uint64_t sequence = 0;            // {#}
  std::optional<std::string> item;       // a list: columns joined by NUL
  std::optional<std::string> low, high;  // a range: the bounds of the piece
  std::string outcome;                   // ok, hit, failed, killed, lost, skipped
  std::optional<int> exit, signal;
  std::string reason;
  std::uint32_t attempt = 0;
  std::int64_t start_wall_ms = 0;
  std::chrono::nanoseconds duration{}, user{}, system{};
  std::uint64_t peak_kib = 0;
  JsonOutput out, err;
};

// One result on one line, with its newline (--jsonl).
[[nodiscard]] std::string json_result(const JsonResult& result);

struct JsonVerdict {
  std::string job;      // full id
  std::string verdict;  // done, hit, not_found, stopped, cancelled, failed
  std::string reason;
  std::optional<std::uint64_t> total;
  std::uint64_t ok = 0, failed = 0, lost = 0, hits = 0;
  std::chrono::nanoseconds wall{}, task_time{};
  int exit_code = 0;
};

// The last line of --jsonl: {"v":1,"verdict":...}.
[[nodiscard]] std::string json_verdict(const JsonVerdict& verdict);

// --json of a run is one value, written as it comes: opening, results with a comma between, closing.
[[nodiscard]] std::string json_run_opening();
[[nodiscard]] std::string json_run_result(const JsonResult& result, std::uint64_t results_before);
[[nodiscard]] std::string json_run_closing(const JsonVerdict& verdict);

[[nodiscard]] std::string json_jobs(const std::vector<JobLine>& jobs);
[[nodiscard]] std::string json_status(const StatusLines& status);
[[nodiscard]] std::string json_version(std::string_view version);
// {"v":1,"error":{"code":...,"message":...,"hint":...}}; `code` is a short word such as usage, no_agent, refused.
[[nodiscard]] std::string json_error(std::string_view code, std::string_view message, std::string_view hint);

}  // namespace agent::cli
