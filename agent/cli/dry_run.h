#pragma once
// `gibbon run --dry-run`: the command lines that would run, in order, and nothing else.

#include "agent/cli/launch.h"
#include "agent/cli/options.h"

namespace agent::cli {

// Returns the exit code. Of a range, whose pieces are formed as it goes, it prints the line for the whole.
[[nodiscard]] int dry_run(const RunOptions& options, const LaunchSurroundings& surroundings);

}  // namespace agent::cli
