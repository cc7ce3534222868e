#include "agent/cli/dry_run.h"

#include <uv.h>

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "agent/cli/exit_code.h"
#include "agent/cli/item_feeder.h"
#include "agent/cli/present.h"
#include "agent/exec/command.h"
#include "agent/shell/root_job.h"
#include "agent/shell/system.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

std::string shell_of(const LaunchSurroundings& surroundings) {
  const std::string shell = surroundings.environment("GIBBON_SHELL").value_or("");
  return shell.empty() ? "/bin/sh" : shell;
}

// Goes on over an item that would fail, as the run would; ends where a source can not be read or nobody reads us.
class DryRun {
 public:
  DryRun(const RunOptions& options, const LaunchSurroundings& surroundings)
      : options_(options), shell_(shell_of(surroundings)), node_(shell::node_name()) {
    const exec::BodyKind body = body_kind(options.mode);
    const auto parsed = exec::parse_template(options.command, body, exec::choose_form(options.command, body, shell_));
    assert(parsed);  // the options were checked with it
    command_ = *parsed;
  }

  void list() {
    uv_loop_t loop;
    uv_loop_init(&loop);
    {
      ItemFeeder feeder(&loop, options_,
                        {.on_chunk = [this](client::Items chunk) { show_chunk(chunk); },
                         .on_problem =
                             [this](const std::string& problem) {
                               complain(problem);
                               over_ = true;
                             }});
      feeder_ = &feeder;
      if (feeder.open_sources()) {
        feeder.start({});
        uv_run(&loop, UV_RUN_DEFAULT);
        // What the agent would acknowledge.
        while (!over_) {
          feeder.stored(latest_chunk_);
          uv_run(&loop, UV_RUN_DEFAULT);
        }
      }
      feeder_ = nullptr;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    const int closed = uv_loop_close(&loop);
    assert(closed == 0);
  }

  void range(const crypto::Manifest& manifest) {
    if (!manifest.range) return;
    const shell::PieceValues values = shell::values_of(*manifest.range, {.begin = 0, .end = options_.range->count});
    show({.node = node_, .low = values.low, .high = values.high, .shell = shell_});
  }

  void single() { show({.node = node_, .shell = shell_}); }

  // The exit code.
  [[nodiscard]] int end() {
    if (!output_failed_ && std::fflush(stdout) != 0) give_up_output();
    return exit_code_;
  }

 private:
  void show_chunk(const client::Items& chunk) {
    latest_chunk_ = chunk.chunk;
    over_ = over_ || chunk.last;
    std::uint64_t sequence = chunk.first;
    for (const client::Item& item : chunk.items) {
      if (output_failed_) return;
      ++sequence;
      const auto* text = std::get_if<protocol::Bytes>(&item);
      if (text == nullptr) {
        complain("item " + std::to_string(sequence) + " is too long for a command line");
        continue;
      }
      show({.item = {reinterpret_cast<const char*>(text->data()), text->size()},
            .sequence = sequence,
            .node = node_,
            .shell = shell_});
    }
    if (!output_failed_ && std::fflush(stdout) != 0) give_up_output();
  }

  void show(const exec::Bindings& bindings) {
    const auto line = exec::command_line(command_, bindings);
    if (!line)
      return complain("item " + std::to_string(bindings.sequence) + ": " + std::string(to_string(line.error())));
    if (std::fwrite(line->data(), 1, line->size(), stdout) != line->size() || std::fputc('\n', stdout) == EOF)
      give_up_output();
  }

  void give_up_output() {
    if (std::exchange(output_failed_, true)) return;
    over_ = true;
    exit_code_ = exit_broken_pipe;
    if (errno != EPIPE) complain(std::string("cannot write: ") + std::strerror(errno));
    if (feeder_ != nullptr) feeder_->stop();
  }

  void complain(const std::string& problem) {
    exit_code_ = exit_gibbon;
    (void)std::fputs(error_text(problem, "").c_str(), stderr);
  }

  const RunOptions& options_;
  const std::string shell_;
  const std::string node_;
  exec::Template command_;
  ItemFeeder* feeder_ = nullptr;
  std::uint64_t latest_chunk_ = 0;
  bool over_ = false;
  bool output_failed_ = false;
  int exit_code_ = exit_ok;
};

}  // namespace

int dry_run(const RunOptions& options, const LaunchSurroundings& surroundings) {
  const auto manifest = manifest_for(options, surroundings);
  if (!manifest) {
    (void)std::fputs(error_text(manifest.error().problem.message, manifest.error().problem.hint).c_str(), stderr);
    return manifest.error().exit_code;
  }
  DryRun dry(options, surroundings);
  switch (options.mode) {
    case RunMode::list: dry.list(); break;
    case RunMode::range: dry.range(*manifest); break;
    case RunMode::single: dry.single(); break;
  }
  return dry.end();
}

}  // namespace agent::cli
