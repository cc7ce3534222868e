#pragma once
// Completion scripts for interactive shells, made from the same tree of options that the parser uses.

#include <string>

#include "agent/cli/options.h"

namespace agent::cli {

// The script that `gibbon completion SHELL` prints.
[[nodiscard]] std::string completion_script(Shell shell);

}  // namespace agent::cli
