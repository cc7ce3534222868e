#pragma once
// Names for processes that no later process takes over, as their numbers are.

#include <sys/types.h>

#include <string>

namespace agent::shell {

// One line: its number, when it was started, and in which life of the machine. Empty if it is dead, be it as a zombie.
[[nodiscard]] std::string process_identity(pid_t pid);

}  // namespace agent::shell
