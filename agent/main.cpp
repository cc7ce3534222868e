// Wiring only: the same program is the command line, the agent, and the task launcher.

#include <unistd.h>

#include <csignal>

#include "agent/cli/program.h"
#include "agent/exec/launcher.h"

int main(int argc, char** argv) {
  // A launcher has nothing to flush, and leaves at once: a leak checker that stops all threads at the exit can wait for
  // ever among the signals that strike a launcher whose agent has died.
  if (agent::exec::is_launcher_invocation(argc, argv)) ::_exit(agent::exec::launcher_main(argc, argv));
  // A parent that waits for signals itself may have left them blocked, and then we would not hear them.
  sigset_t heard;
  sigemptyset(&heard);
  for (int number : {SIGHUP, SIGINT, SIGTERM, SIGCHLD}) sigaddset(&heard, number);
  (void)sigprocmask(SIG_UNBLOCK, &heard, nullptr);
  return agent::cli::run_program(argc, argv);
}
