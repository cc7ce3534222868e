#pragma once
// `gibbon status`, `gibbon ps`, `gibbon peers` and `gibbon cancel`: one question to the agent, and its answer for
// people or programs.

#include <string>

#include "agent/cli/options.h"

namespace agent::cli {

struct QueryContext {
  std::string state_directory;
  std::string version;
  Verbosity verbosity = Verbosity::normal;
};

// Each returns the exit code.
[[nodiscard]] int show_status(const StatusOptions& options, const QueryContext& context);
[[nodiscard]] int list_jobs(const PsOptions& options, const QueryContext& context);
[[nodiscard]] int list_peers(const PeersOptions& options, const QueryContext& context);
[[nodiscard]] int cancel_jobs(const CancelOptions& options, const QueryContext& context);

}  // namespace agent::cli
