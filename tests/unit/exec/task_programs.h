#pragma once
// What the test program does as a task: run as `PROGRAM --task NAME`.

#include <optional>
#include <string>

namespace agent::exec {

// The exit code, or nothing if this is not a call for a task.
std::optional<int> run_task_program(int argc, char** argv);

// Path of the test program itself.
std::string own_program();

}  // namespace agent::exec
