#include "agent/cli/run_report.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace agent::cli {

namespace client = protocol::client;

namespace {

std::string_view text_of(const protocol::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint32_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

TaskEnd task_end_of(int exit, int signal, client::Outcome outcome) {
  TaskEnd end{.exit = exit, .signal = signal};
  const bool well = outcome == client::Outcome::ok || outcome == client::Outcome::hit;
  if (!well && exit == 0 && signal == 0) end.start = TaskEnd::Start::failed;
  return end;
}

RunReport::RunReport(const RunOptions& options, Verbosity verbosity)
    : options_(options),
      verbosity_(verbosity),
      on_terminal_(isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 1),
      began_(std::chrono::steady_clock::now()) {}

ProgressStyle RunReport::progress_style() const {
  if (verbosity_ == Verbosity::quiet) return ProgressStyle::none;
  if (options_.progress != ProgressStyle::automatic) return options_.progress;
  return isatty(STDERR_FILENO) == 1 ? ProgressStyle::bar : ProgressStyle::plain;
}

// A text without a newline at its end must be neither erased by the bar nor continued by a message.
void RunReport::note_line_end(const client::Output& output) {
  const auto* bytes = std::get_if<protocol::Bytes>(&output);
  if (bytes != nullptr && !bytes->empty()) line_open_ = on_terminal_ && bytes->back() != std::byte{'\n'};
}

void RunReport::note(const client::Result& result) {
  note_line_end(result.out);
  note_line_end(result.err);
  if (options_.mode == RunMode::single) {
    single_ = task_end_of(result.exit, result.signal, result.outcome);
    if (result.reason == "timed out") single_->limit = TaskEnd::Limit::time_limit;
  }
  if (result.outcome == client::Outcome::hit && !found_)
    found_ = result.low.empty() ? std::string(text_of(result.label)) : result.low + " " + result.high;
  if (result.outcome == client::Outcome::ok || result.outcome == client::Outcome::hit ||
      failed_.size() >= failed_shown_max)
    return;
  FailedTask failed{.sequence = result.covers.begin + 1,
                    .item = std::string(text_of(result.label)),
                    .exit = result.exit,
                    .signal = result.signal,
                    .reason = result.reason};
  if (!result.low.empty()) failed.item = result.low + " " + result.high;
  if (const auto* err = std::get_if<protocol::Bytes>(&result.err)) failed.last_error_line = last_line(text_of(*err));
  failed_.push_back(std::move(failed));
}

void RunReport::summarise(const client::Verdict& verdict, std::uint32_t slots, bool private_agent) {
  if (verbosity_ == Verbosity::quiet) return;
  if (options_.mode == RunMode::single && verdict.ending == client::Ending::done) return explain_single();
  RunSummary summary;
  const client::Counts& counts = verdict.counts;
  summary.ok = counts.ok + counts.hits;
  summary.failed = counts.failed;
  summary.lost = counts.lost;
  summary.mode = options_.mode;
  if (options_.mode != RunMode::range && counts.total) summary.skipped = *counts.total - counts.committed;
  summary.found = found_;
  if (options_.found_code) summary.search = found_ ? RunSummary::Search::hit : RunSummary::Search::not_found;
  if (verdict.ending == client::Ending::stopped) summary.ending = RunSummary::Ending::halted;
  if (verdict.ending == client::Ending::cancelled) summary.ending = RunSummary::Ending::cancelled;
  summary.wall = std::chrono::steady_clock::now() - began_;
  summary.nodes = verdict.nodes;
  summary.slots = slots;
  summary.private_agent = private_agent;
  summary.first_failed = failed_;
  say(end_summary(summary));
}

// The exit code says it all, unless the command was killed or never ran.
void RunReport::explain_single() {
  if (failed_.empty() || (failed_.front().signal == 0 && failed_.front().reason.empty())) return;
  const FailedTask& failed = failed_.front();
  say("gibbon: " + printable(failed.reason.empty() ? "killed by " + signal_name(failed.signal) : failed.reason) + "\n");
}

void RunReport::show_progress(const client::Progress& progress) {
  const ProgressState state{.counts = progress.counts,
                            .mode = options_.mode,
                            .elapsed = std::chrono::steady_clock::now() - began_,
                            .helpers = progress.helpers};
  if (progress_style() != ProgressStyle::bar) return say(progress_line(state));
  if (line_open_) return;
  const std::string line = "\r" + progress_bar(state, terminal_columns() - 1) + "\033[K";
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
  (void)std::fflush(stderr);
  bar_shown_ = true;
}

void RunReport::hide_progress() {
  if (!std::exchange(bar_shown_, false)) return;
  (void)std::fputs("\r\033[K", stderr);
  (void)std::fflush(stderr);
}

void RunReport::say(const std::string& text) {
  hide_progress();
  if (std::exchange(line_open_, false)) (void)std::fputc('\n', stderr);
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  (void)std::fflush(stderr);
}

}  // namespace agent::cli
