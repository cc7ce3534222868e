// Wiring only: the same program is the command line, the agent, and the task launcher.

#include "agent/cli/program.h"
#include "agent/exec/launcher.h"

int main(int argc, char** argv) {
  if (agent::exec::is_launcher_invocation(argc, argv)) return agent::exec::launcher_main(argc, argv);
  return agent::cli::run_program(argc, argv);
}
