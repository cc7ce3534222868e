#pragma once
// `gibbon run` inside the test program: options and surroundings are given, output and exit code are caught.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/cli/run_command.h"
#include "agent/shell/system.h"
#include "tests/unit/cli/redirected.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {

class RunTest : public testing::Test {
 protected:
  RunTest() {
    context.private_parent = root.path();
    context.program = "/opt/gibbon";
    context.version = "9.9";
    context.surroundings.environment = [](std::string_view name) -> std::optional<std::string> {
      const char* value = std::getenv(std::string(name).c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    context.surroundings.directory = "/";
    context.surroundings.cores = 2;
    context.surroundings.now_wall_ms = shell::wall_now_ms();
    options.progress = ProgressStyle::none;
  }

  static Source arguments(std::vector<std::string> words) {
    return {.kind = Source::Kind::arguments, .arguments = std::move(words)};
  }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> found;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) found.push_back(line);
    return found;
  }
  // Runs it to the end: the exit code; what it wrote is in `out` and `err`.
  int run(std::vector<std::string> command, std::vector<std::string> items = {}) {
    options.command = std::move(command);
    if (!items.empty()) options.sources = {arguments(std::move(items))};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunCommand(options, context).execute();
    err = testing::internal::GetCapturedStderr();
    out = testing::internal::GetCapturedStdout();
    return code;
  }

  shell::TemporaryDirectory root;
  shell::TemporaryDirectory parent;
  RunOptions options;
  RunContext context;
  std::string out;
  std::string err;
};

}  // namespace agent::cli
