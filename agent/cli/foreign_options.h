#pragma once
// Options of GNU parallel that gibbon does not have, so that an old command line is told what to write instead.

#include <optional>
#include <string>
#include <string_view>

namespace agent::cli {

// What to use in the place of an option of `gibbon run` that is parallel's only, by one of its names with dashes; empty
// where nothing takes its place. Absent if it is none of parallel's.
[[nodiscard]] std::optional<std::string> instead_of_foreign(std::string_view name);

}  // namespace agent::cli
