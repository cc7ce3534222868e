#include "agent/cli/exit_code.h"

#include <gtest/gtest.h>

namespace agent::cli {
namespace {

TEST(ExitCode, OfAListIsTheNumberOfFailedTasks) {
  EXPECT_EQ(exit_code_of(RunEnd{}), 0);
  EXPECT_EQ(exit_code_of(RunEnd{.failed = 1}), 1);
  EXPECT_EQ(exit_code_of(RunEnd{.failed = 100}), 100);
  EXPECT_EQ(exit_code_of(RunEnd{.failed = 101}), 101);
  EXPECT_EQ(exit_code_of(RunEnd{.failed = 18446744073709551615U}), 101);
}

TEST(ExitCode, OfASingleCommandIsItsOwn) {
  const auto code = [](TaskEnd task) { return exit_code_of(RunEnd{.failed = 1, .single = task}); };
  EXPECT_EQ(code({.exit = 0}), 0);
  EXPECT_EQ(code({.exit = 7}), 7);
  EXPECT_EQ(code({.exit = 255}), 255);
  EXPECT_EQ(code({.signal = 9}), 137);
  EXPECT_EQ(code({.start = TaskEnd::Start::not_executable}), 126);
  EXPECT_EQ(code({.start = TaskEnd::Start::not_found}), 127);
  EXPECT_EQ(code({.start = TaskEnd::Start::failed}), 125);
  EXPECT_EQ(code({.signal = 15, .limit = TaskEnd::Limit::time_limit}), 124);
}

TEST(ExitCode, OfAHaltedRunIsThatOfTheTaskThatDecided) {
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::halted, .failed = 3, .decisive = TaskEnd{.exit = 42}}), 42);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::halted, .failed = 3, .decisive = TaskEnd{.exit = 0}}), 0);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::halted, .failed = 3, .decisive = TaskEnd{.signal = 9}}), 137);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::halted, .failed = 3}), 3);
}

TEST(ExitCode, OfASearch) {
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::hit, .failed = 5}), 0);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::not_found}), 1);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::not_found, .failed = 1}), 101);
}

TEST(ExitCode, OfAnEndFromOutside) {
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::interrupted, .failed = 2}), 130);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::terminated}), 143);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::time_limit, .failed = 2}), 124);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::own_failure}), 125);
  EXPECT_EQ(exit_code_of(RunEnd{.ending = RunEnding::interrupted, .single = TaskEnd{.signal = 2}}), 130);
}

}  // namespace
}  // namespace agent::cli
