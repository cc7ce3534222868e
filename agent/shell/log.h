#pragma once
// The agent's log: one line per event, to standard error.

#include <string>

namespace agent::shell {

enum class LogLevel { debug, info, warning, error };

// Until it is opened, nothing is logged: a private agent inside `gibbon run` says what matters through its client.
// Under systemd (JOURNAL_STREAM) lines carry a priority and no time. Control characters are written as `?`.
void open_log(LogLevel least);
void log(LogLevel level, const std::string& text);

}  // namespace agent::shell
