#pragma once
// `gibbon agent` (foreground), `gibbon up` (background) and `gibbon down`.

#include <cstdint>
#include <string>

#include "agent/cli/options.h"

namespace agent::cli {

struct AgentContext {
  std::string state_directory;
  std::string program;  // path of this program
  std::string version;
  std::uint32_t cores = 1;
  Verbosity verbosity = Verbosity::normal;
};

// Each returns the exit code, having said on standard error what went wrong.
[[nodiscard]] int run_agent(const AgentOptions& options, const AgentContext& context);
// Returns when the agent answers.
[[nodiscard]] int bring_up(const UpOptions& options, const AgentContext& context);
// Returns when the agent is gone.
[[nodiscard]] int take_down(const DownOptions& options, const AgentContext& context);

}  // namespace agent::cli
