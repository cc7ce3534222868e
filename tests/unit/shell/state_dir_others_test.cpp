// A state directory that somebody has copied, or put things into, or taken things from.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "agent/shell/state_dir.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

TEST(StateDirTest, TheMarkDoesNotHoldInACopy) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state->write_mark("first"));
  std::filesystem::copy(root.file("state"), root.file("copy"));
  const auto copy = StateDir::open_existing(root.file("copy"));
  ASSERT_TRUE(copy);
  EXPECT_EQ(read_file(root.file("copy/mark")), read_file(root.file("state/mark")));
  EXPECT_FALSE(copy->read_mark());
  ASSERT_TRUE(copy->write_mark("second"));
  EXPECT_EQ(copy->read_mark(), "second");
  std::filesystem::rename(root.file("state"), root.file("moved"));
  EXPECT_EQ(StateDir::open_existing(root.file("moved"))->read_mark(), "first");
}

TEST(StateDirTest, RemovingTheLockDoesNotFreeTheDirectoryOfALivingAgent) {
  const TemporaryDirectory root;
  auto state = StateDir::open(root.file("state"));
  const pid_t other = fork();
  if (other == 0) {
    auto theirs = StateDir::open(root.file("state"));
    const bool good = theirs && theirs->lock() && theirs->write_mark("theirs");
    std::filesystem::remove(root.file("state/lock"));
    raise(good ? SIGSTOP : SIGKILL);
    pause();
  }
  int status = 0;
  ASSERT_EQ(waitpid(other, &status, WUNTRACED), other);
  ASSERT_TRUE(WIFSTOPPED(status));
  const auto refused = state->lock();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("pid " + std::to_string(other)));
  EXPECT_THAT(refused.error().message, testing::HasSubstr("removed"));
  kill(other, SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(other), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(state->lock()) << "a zombie is no agent";
  EXPECT_EQ(waitpid(other, nullptr, 0), other);
}

TEST(StateDirTest, AFifoIsNotWaitedFor) {
  const TemporaryDirectory root;
  auto state = StateDir::open(root.file("state"));
  const std::string id(32, 'a');
  std::filesystem::create_directory(root.file("state/jobs"));
  for (const char* name : {"user.key", "mark", "lock"}) ASSERT_EQ(mkfifo(state->file(name).c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(state->file("jobs/" + id).c_str(), 0600), 0);
  EXPECT_EQ(state->secret("user.key").error().message, state->file("user.key") + " is not a regular file");
  EXPECT_EQ(state->lock().error().message, state->file("lock") + " is not a regular file");
  EXPECT_FALSE(state->holder());
  EXPECT_FALSE(state->read_mark());
  ASSERT_TRUE(state->write_mark("new"));
  EXPECT_EQ(state->read_mark(), "new");
  const auto jobs = state->noted_jobs();
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs.front().name, "");
}

}  // namespace
}  // namespace agent::shell
