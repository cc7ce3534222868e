#include "agent/shell/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace agent::shell {
namespace {

// A log that was opened stays open: quiet for whoever comes next.
class LogTest : public testing::Test {
 protected:
  static void TearDownTestSuite() {
    unsetenv("JOURNAL_STREAM");
    open_log(LogLevel::error);
  }
};

std::string printed(void (*act)()) {
  testing::internal::CaptureStderr();
  act();
  return testing::internal::GetCapturedStderr();
}

// In a process of its own, where no other test has opened it.
TEST_F(LogTest, NothingIsLoggedBeforeItIsOpened) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto say_it = [] {
    log(LogLevel::error, "nobody sees this");
    std::_Exit(0);
  };
  EXPECT_EXIT(say_it(), testing::ExitedWithCode(0), testing::StrEq(""));
}

TEST_F(LogTest, LinesCarryTimeAndLevelAndOnlyTheWantedLevels) {
  unsetenv("JOURNAL_STREAM");
  const std::string text = printed([] {
    open_log(LogLevel::info);
    log(LogLevel::debug, "hidden");
    log(LogLevel::info, "job=1 {} accepted");
    log(LogLevel::error, "second");
  });
  const std::string time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}[+-][0-9]{2}:[0-9]{2}";
  EXPECT_THAT(text, testing::MatchesRegex(time + " info job=1 [{][}] accepted\n" + time + " error second\n"));
}

TEST_F(LogTest, UnderSystemdLinesCarryAPriorityAndNoTime) {
  setenv("JOURNAL_STREAM", "8:1", 1);
  EXPECT_EQ(printed([] {
              open_log(LogLevel::debug);
              log(LogLevel::debug, "a");
              log(LogLevel::info, "b");
              log(LogLevel::warning, "c");
              log(LogLevel::error, "d");
            }),
            "<7>a\n<6>b\n<4>c\n<3>d\n");
  unsetenv("JOURNAL_STREAM");
}

TEST_F(LogTest, OneEventIsOneLineWhateverItsNameIs) {
  setenv("JOURNAL_STREAM", "8:1", 1);
  EXPECT_EQ(printed([] {
              open_log(LogLevel::info);
              log(LogLevel::info, "job accepted: a\n<3>forged\r\x1b[2J\x7f caf\xc3\xa9");
            }),
            "<6>job accepted: a?<3>forged??[2J? caf\xc3\xa9\n");
  unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace agent::shell
