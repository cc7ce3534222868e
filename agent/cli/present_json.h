#pragma once
// Machine output: --json and --jsonl. Every object carries "v":1. Times are ISO 8601 in UTC, durations are seconds.
//
// JSON holds Unicode only. A text that is not valid UTF-8 is written with U+FFFD in the place of what is not, and once
// more, whole, in base64 under the same name with `_base64` behind it.

//
// Counts: `total` and `done` are iterations (items, or values of a range), and a job is complete when they are equal;
// `ok`, `failed`, `lost`, `hits` and `running` count results, which are of pieces in a range.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/options.h"
#include "protocol/client.h"

namespace agent::cli {

// One result on one line, with its newline (--jsonl). `seq` is that of {#}: of a piece, its first index and one.
// `node` is the machine that ran it.
// `stdout` and `stderr` are texts, or {"path","size"} where the output lies in a file, without a path if in none that
// stays.
[[nodiscard]] std::string json_result(const protocol::client::Result& result, RunMode mode);

// The last line of --jsonl: {"v":1,"verdict":...}.
[[nodiscard]] std::string json_verdict(const protocol::client::Verdict& verdict, int exit_code);

// --json of a run is one value, written as it comes: opening, results with a comma between, closing.
[[nodiscard]] std::string json_run_opening();
[[nodiscard]] std::string json_run_result(const protocol::client::Result& result, RunMode mode,
                                          std::uint64_t results_before);
[[nodiscard]] std::string json_run_closing(const protocol::client::Verdict& verdict, int exit_code);

[[nodiscard]] std::string json_jobs(const std::vector<protocol::client::JobRow>& jobs);
[[nodiscard]] std::string json_status(const protocol::client::Status& status, std::uint64_t pid);
[[nodiscard]] std::string json_peers(const protocol::client::Peers& peers);
[[nodiscard]] std::string json_version(std::string_view version);
// {"v":1,"error":{"code":...,"message":...,"hint":...}}; `code` is a short word such as usage, no_agent, refused.
[[nodiscard]] std::string json_error(std::string_view code, std::string_view message, std::string_view hint);

}  // namespace agent::cli
