#pragma once
// The agent that a command needs: the one that runs, or one that is started and left running.

#include <string>
#include <tl/expected.hpp>

#include "agent/cli/agent_command.h"
#include "agent/cli/conversation.h"

namespace agent::cli {

struct RunningAgent {
  Conversation conversation;
  bool started = false;  // by us
  std::string log;       // then its file
};

// Returns when it answers; or the exit code, having said on standard error what went wrong.
[[nodiscard]] tl::expected<RunningAgent, int> agent_in_background(const AgentOptions& options,
                                                                  const AgentContext& context);

// "agent started (pid 12, 4 slots); its log is FILE\n". REQUIRES: it was.
[[nodiscard]] std::string started_text(const RunningAgent& agent);

}  // namespace agent::cli
