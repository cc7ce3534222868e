#include "agent/cli/dry_run.h"

#include <uv.h>

#include <cassert>
#include <cstdio>
#include <string>

#include "agent/cli/exit_code.h"
#include "agent/cli/item_feeder.h"
#include "agent/cli/present.h"
#include "agent/exec/command.h"
#include "agent/shell/root_job.h"
#include "agent/shell/system.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

class DryRun {
 public:
  DryRun(const RunOptions& options, const LaunchSurroundings& surroundings)
      : options_(options),
        shell_(surroundings.environment("GIBBON_SHELL").value_or("/bin/sh")),
        node_(shell::node_name()) {
    const exec::BodyKind body = body_kind(options.mode);
    const auto parsed = exec::parse_template(options.command, body, exec::choose_form(options.command, body, shell_));
    assert(parsed);  // the options were checked with it
    command_ = *parsed;
  }

  int list() {
    uv_loop_t loop;
    uv_loop_init(&loop);
    {
      ItemFeeder feeder(&loop, options_,
                        {.on_chunk = [this](client::Items chunk) { show_chunk(chunk); },
                         .on_problem = [this](const std::string& problem) { complain(problem); }});
      if (feeder.open_sources()) {
        feeder.start({});
        uv_run(&loop, UV_RUN_DEFAULT);
        // What the agent would acknowledge.
        while (!ended_ && exit_code_ == exit_ok) {
          feeder.stored(latest_chunk_);
          uv_run(&loop, UV_RUN_DEFAULT);
        }
      }
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    const int closed = uv_loop_close(&loop);
    assert(closed == 0);
    return exit_code_;
  }

  int range(const crypto::Manifest& manifest) {
    if (!manifest.range) return exit_ok;
    const shell::PieceValues values = shell::values_of(*manifest.range, {.begin = 0, .end = options_.range->count});
    show({.node = node_, .low = values.low, .high = values.high, .shell = shell_});
    return exit_code_;
  }

  int single() {
    show({.node = node_, .shell = shell_});
    return exit_code_;
  }

 private:
  void show_chunk(const client::Items& chunk) {
    latest_chunk_ = chunk.chunk;
    ended_ = chunk.last;
    std::uint64_t sequence = chunk.first;
    for (const client::Item& item : chunk.items) {
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
  }

  void show(const exec::Bindings& bindings) {
    const auto line = exec::command_line(command_, bindings);
    if (!line)
      return complain("item " + std::to_string(bindings.sequence) + ": " + std::string(to_string(line.error())));
    (void)std::fwrite(line->data(), 1, line->size(), stdout);
    (void)std::fputc('\n', stdout);
  }

  void complain(const std::string& problem) {
    exit_code_ = exit_gibbon;
    (void)std::fputs(error_text(problem, "").c_str(), stderr);
  }

  const RunOptions& options_;
  const std::string shell_;
  const std::string node_;
  exec::Template command_;
  std::uint64_t latest_chunk_ = 0;
  bool ended_ = false;
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
  int exit_code = exit_ok;
  switch (options.mode) {
    case RunMode::list: exit_code = dry.list(); break;
    case RunMode::range: exit_code = dry.range(*manifest); break;
    case RunMode::single: exit_code = dry.single(); break;
  }
  return std::fflush(stdout) == 0 ? exit_code : exit_gibbon;
}

}  // namespace agent::cli
