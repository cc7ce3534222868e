#pragma once
// `gibbon join TOKEN`: this machine becomes a member of a pool, and its agent enters it.

#include "agent/cli/agent_command.h"
#include "agent/cli/options.h"

namespace agent::cli {

// Returns the exit code, having said on standard error what went wrong.
[[nodiscard]] int join_pool(const JoinOptions& options, const AgentContext& context);

}  // namespace agent::cli
