#pragma once
// Reading below /proc, where files have no size and processes vanish at any moment: what is gone is empty, not an
// error.

#include <sys/types.h>

#include <string>
#include <vector>

namespace agent::exec {

// The whole file; empty if it cannot be read.
[[nodiscard]] std::string read_proc_file(const std::string& path);

// The entries of a directory whose names are numbers, as in /proc and /proc/PID/task.
[[nodiscard]] std::vector<pid_t> numbered_entries(const std::string& directory);

}  // namespace agent::exec
