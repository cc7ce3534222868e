// The test program plays three parts: the tests, the launcher they start, and tasks that do what no shell can.

#include <gtest/gtest.h>

#include "agent/exec/launcher.h"
#include "tests/unit/exec/task_programs.h"

int main(int argc, char** argv) {
  if (agent::exec::is_launcher_invocation(argc, argv)) return agent::exec::launcher_main(argc, argv);
  if (const auto code = agent::exec::run_task_program(argc, argv)) return *code;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
