#pragma once
// The meaning of `gibbon run`'s command line: from options as text and operands to RunOptions.

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/cli/option_scan.h"
#include "agent/cli/options.h"

namespace agent::cli {

[[nodiscard]] tl::expected<RunOptions, ScanError> run_options(const RawOptions& raw, const Scan& scan,
                                                              const Surroundings& surroundings);

// A whole number of slots or retries between the limits, in decimal digits.
[[nodiscard]] tl::expected<std::uint32_t, ScanError> bounded_number(const std::string& option, const std::string& text,
                                                                    std::uint32_t lowest, std::uint32_t highest);

inline constexpr std::uint32_t slots_max = 65'536;
inline constexpr std::uint32_t retries_max = 1'000;
inline constexpr std::uint32_t branches_max = 65'535;
inline constexpr std::uint32_t rows_per_item_max = 65'536;

}  // namespace agent::cli
