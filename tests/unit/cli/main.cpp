// The test program is its own launcher, as gibbon run is: launchers execute /proc/self/exe again.

#include <gtest/gtest.h>

#include <csignal>

#include "agent/exec/launcher.h"
#include "crypto/start.h"

int main(int argc, char** argv) {
  if (agent::exec::is_launcher_invocation(argc, argv)) return agent::exec::launcher_main(argc, argv);
  (void)std::signal(SIGPIPE, SIG_IGN);
  if (!crypto::start()) return 1;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
