#pragma once
// What a run says to people, on standard error: its progress, the tasks that failed, the summary at the end.
//
// It sees every result once, before it is written, and keeps of them only what the end needs: the first failures, the
// first hit, and how a single command ended. The bar is taken off the terminal before anything else is printed.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/exit_code.h"
#include "agent/cli/options.h"
#include "agent/cli/present.h"
#include "protocol/client.h"

namespace agent::cli {

// A task that failed with neither a code nor a signal was lost, or its output was: that is our failure, not success.
[[nodiscard]] TaskEnd task_end_of(int exit, int signal, protocol::client::Outcome outcome);

class RunReport {
 public:
  RunReport(const RunOptions& options, Verbosity verbosity);

  void note(const protocol::client::Result& result);
  void say(const std::string& text);
  void show_progress(const protocol::client::Progress& progress);
  void hide_progress();
  void summarise(const protocol::client::Verdict& verdict, std::uint32_t slots, bool private_agent);

  // bar, plain or none.
  [[nodiscard]] ProgressStyle progress_style() const;
  // How the task of a single command ended, once it has.
  [[nodiscard]] const std::optional<TaskEnd>& single() const { return single_; }

 private:
  void explain_single();
  void note_line_end(const protocol::client::Output& output);

  const RunOptions& options_;
  const Verbosity verbosity_;
  const bool on_terminal_;
  const std::chrono::steady_clock::time_point began_;
  bool bar_shown_ = false;
  bool line_open_ = false;  // what was written last to the terminal has no newline at its end
  std::vector<FailedTask> failed_;
  std::optional<std::string> found_;
  std::optional<TaskEnd> single_;
};

}  // namespace agent::cli
