#include "agent/shell/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace agent::shell {

namespace {

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> only;
  return only;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// sd-daemon(3): the priority in front of a line.
const char* journal_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "<7>";
    case LogLevel::info: return "<6>";
    case LogLevel::warning: return "<4>";
    case LogLevel::error: return "<3>";
  }
  return "<3>";
}

bool under_systemd() {
  return std::getenv("JOURNAL_STREAM") != nullptr;
}

}  // namespace

void open_log(LogLevel least) {
  logger() = std::make_shared<spdlog::logger>("gibbon", std::make_shared<spdlog::sinks::stderr_sink_st>());
  logger()->set_level(level_of(least));
  logger()->set_pattern(under_systemd() ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger()->flush_on(spdlog::level::debug);
}

void log(LogLevel level, const std::string& text) {
  if (!logger()) return;
  std::string line = text;
  // Names of jobs and words of clients come in here: one event stays one line.
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (under_systemd()) {
    logger()->log(level_of(level), "{}{}", journal_prefix(level), line);
  } else {
    logger()->log(level_of(level), "{}", line);
  }
}

}  // namespace agent::shell
