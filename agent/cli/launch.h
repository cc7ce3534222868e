#pragma once
// From the options of `gibbon run` to a signed job.

#include <functional>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/cli/options.h"
#include "agent/exec/command.h"
#include "agent/shell/problem.h"
#include "agent/shell/state_dir.h"
#include "crypto/keys.h"
#include "crypto/manifest.h"
#include "protocol/client.h"

namespace agent::cli {

// What a launch takes from the process it is made in.
struct LaunchSurroundings {
  EnvironmentLookup environment;
  std::vector<std::string> environment_names;  // all of them, for --env _
  std::string directory;                       // the current one
  std::uint32_t umask = 022;
  std::uint32_t cores = 1;
  std::int64_t now_wall_ms = 0;
};

struct LaunchProblem {
  shell::Problem problem;
  int exit_code = 125;
};

[[nodiscard]] exec::BodyKind body_kind(RunMode mode);

// The manifest, all fields but the keys and the job's id.
[[nodiscard]] tl::expected<crypto::Manifest, LaunchProblem> manifest_for(const RunOptions& options,
                                                                         const LaunchSurroundings& surroundings);

// The tasks' directory, their shell ($GIBBON_SHELL) or a program that is named outright cannot be used here: better
// said once and before anything starts (126, 127).
[[nodiscard]] std::optional<LaunchProblem> missing_program(const crypto::Manifest& manifest);

// The job is for the pool that the agent is in: that, what proves that its user is a member, and the agent's name stand
// in the manifest. No effect where the agent is in none.
[[nodiscard]] std::optional<LaunchProblem> address_to_pool(crypto::Manifest& manifest, const shell::StateDir& state,
                                                           const protocol::client::Welcome& agent);

// Gives the manifest its keys and id, and signs it. One that passes a bound says which.
[[nodiscard]] tl::expected<protocol::client::Submit, LaunchProblem> sign_submission(crypto::Manifest manifest,
                                                                                    const RunOptions& options,
                                                                                    const crypto::SigningPair& user);

}  // namespace agent::cli
