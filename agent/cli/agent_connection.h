#pragma once
// Finding the agent that a command talks to.

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/exec/descriptor.h"
#include "agent/shell/problem.h"
#include "agent/shell/state_dir.h"

namespace agent::cli {

// A connected socket of the agent that lives in `state_directory`; nothing if no agent runs there (the directory may be
// missing, or hold the socket of a dead one). The problem is a directory that must not be trusted, or an agent that can
// not be reached.
[[nodiscard]] tl::expected<std::optional<exec::Descriptor>, shell::Problem> connect_to_agent(
    const std::string& state_directory);

}  // namespace agent::cli
