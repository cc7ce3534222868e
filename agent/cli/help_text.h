#pragma once
// The prose of the help texts.

#include <string_view>

namespace agent::cli {

// "Usage: gibbon ..." of a command, or of the program for "".
[[nodiscard]] std::string_view usage_of(std::string_view command);

// What --help says besides the list of options: rules in short, and examples.
[[nodiscard]] std::string_view examples_of(std::string_view command);

}  // namespace agent::cli
