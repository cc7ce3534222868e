#pragma once
// `gibbon simulate`: a pool of simulated machines runs one job, and a summary says how that went.

#include <string>
#include <tl/expected.hpp>

#include "agent/cli/option_scan.h"
#include "agent/cli/option_tree.h"
#include "agent/cli/options.h"
#include "agent/sim/summary.h"

namespace agent::cli {

[[nodiscard]] tl::expected<SimulateOptions, ScanError> simulate_options(const RawOptions& raw);

// For people, and as one JSON value; both with their newline.
[[nodiscard]] std::string present_simulation(const sim::Summary& summary);
[[nodiscard]] std::string json_simulation(const sim::Summary& summary);

// Returns the exit code: 0 if the job ended with all results, 1 if not.
[[nodiscard]] int simulate(const SimulateOptions& options, Verbosity verbosity);

}  // namespace agent::cli
