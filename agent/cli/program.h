#pragma once
// The program `gibbon`: from its command line to its exit code.

namespace agent::cli {

[[nodiscard]] int run_program(int argc, char** argv);

}  // namespace agent::cli
