#pragma once
// `gibbon invite` and `gibbon leave`: the pool of this machine, by way of its agent.

#include "agent/cli/agent_command.h"
#include "agent/cli/options.h"

namespace agent::cli {

// Each returns the exit code, having said on standard error what went wrong. The line to type on the other machine goes
// to standard output, everything else to standard error; on a terminal it waits until the others have joined.
[[nodiscard]] int invite_others(const InviteOptions& options, const AgentContext& context);
[[nodiscard]] int leave_pool(const LeaveOptions& options, const AgentContext& context);

}  // namespace agent::cli
