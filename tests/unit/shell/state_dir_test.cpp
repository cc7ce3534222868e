#include "agent/shell/state_dir.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

std::ptrdiff_t entry_count(const std::string& directory) {
  return std::distance(std::filesystem::directory_iterator(directory), {});
}

std::string message_of(const tl::expected<StateDir, Problem>& state) {
  return state ? "" : state.error().message;
}

TEST(StateDirTest, IsMadeWithItsParentsAndPrivate) {
  const TemporaryDirectory root;
  const mode_t mask = umask(0);
  const auto state = StateDir::open(root.file("a/b/state"));
  umask(mask);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->path(), root.file("a/b/state"));
  EXPECT_EQ(mode_of(state->path()), 0700U);
}

TEST(StateDirTest, PathsAreMadeAbsoluteAndPlain) {
  const TemporaryDirectory root;
  ASSERT_EQ(chdir(root.path().c_str()), 0);
  for (const char* path : {"state", "./state/", "x/../state", "state/."}) {
    const auto state = StateDir::open(path);
    ASSERT_TRUE(state) << path;
    EXPECT_EQ(state->path(), root.file("state")) << path;
    EXPECT_EQ(state->file("lock"), root.file("state/lock"));
  }
  ASSERT_EQ(chdir("/"), 0);
}

TEST(StateDirTest, OneThatOthersMayEnterIsRefused) {
  const TemporaryDirectory root;
  for (mode_t mode : {0750U, 0701U, 0777U, 0720U}) {
    ASSERT_EQ(chmod(root.path().c_str(), mode), 0);
    const auto state = StateDir::open(root.path());
    ASSERT_FALSE(state) << mode;
    EXPECT_THAT(state.error().message, HasSubstr("can be entered or read by others (mode 07"));
    EXPECT_EQ(state.error().hint, "chmod 700 " + root.path());
  }
  ASSERT_EQ(chmod(root.path().c_str(), 0700), 0);
}

TEST(StateDirTest, OneOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const TemporaryDirectory root;
  ASSERT_EQ(chown(root.path().c_str(), 12'345, 12'345), 0);
  EXPECT_EQ(message_of(StateDir::open(root.path())), root.path() + " belongs to user 12345, not to you (0)");
}

TEST(StateDirTest, AFileInItsPlaceIsRefused) {
  const TemporaryDirectory root;
  write_file(root.file("state"), "");
  EXPECT_EQ(message_of(StateDir::open(root.file("state"))),
            "cannot open the state directory " + root.file("state") + ": Not a directory");
  EXPECT_THAT(message_of(StateDir::open(root.file("state/below"))), HasSubstr("cannot make"));
}

TEST(StateDirTest, AnExistingOneIsOpenedOnlyIfItIsThereAndNoLink) {
  const TemporaryDirectory root;
  EXPECT_FALSE(StateDir::open_existing(root.file("state")));
  EXPECT_FALSE(exists(root.file("state")));
  ASSERT_TRUE(StateDir::open(root.file("state")));
  EXPECT_TRUE(StateDir::open_existing(root.file("state")));
  ASSERT_EQ(symlink("state", root.file("link").c_str()), 0);
  EXPECT_FALSE(StateDir::open_existing(root.file("link")));
  EXPECT_TRUE(StateDir::open(root.file("link")));
}

TEST(StateDirTest, ASecretIsMadeOnceAndPrivate) {
  const TemporaryDirectory root;
  const mode_t mask = umask(0);
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state);
  const auto first = state->secret("user.key");
  umask(mask);
  ASSERT_TRUE(first);
  EXPECT_EQ(mode_of(state->file("user.key")), 0600U);
  EXPECT_EQ(read_file(state->file("user.key")).size(), 32U);
  EXPECT_TRUE(first->same(*state->secret("user.key")));
  EXPECT_FALSE(first->same(*state->secret("node.key")));
  EXPECT_TRUE(first->same(*StateDir::open(root.file("state"))->secret("user.key")));
}

TEST(StateDirTest, ADamagedOrPublicOrForeignSecretIsRefused) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state && state->secret("key"));
  const std::string path = state->file("key");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(state->secret("key").error(),
            (Problem{.message = path + " can be entered or read by others (mode 0640)", .hint = "chmod 600 " + path}));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  const std::string good = read_file(path);
  for (const std::string& content : {good.substr(1), good + "x", std::string()}) {
    write_file(path, content);
    EXPECT_EQ(state->secret("key").error().message, path + " is damaged: a key has 32 bytes");
  }
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(symlink("/etc/passwd", path.c_str()), 0);
  EXPECT_THAT(state->secret("key").error().message, HasSubstr("cannot open " + path));
}

TEST(StateDirTest, AFullDiskLeavesNoHalfSecret) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state);
  {
    const FileSizeLimit limit(16);
    EXPECT_FALSE(state->secret("user.key"));
    EXPECT_FALSE(state->write_mark("a mark that is longer than what fits"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(state->path()));
}

// Runs `act` in `count` processes that begin together; each writes what it returns, 32 bytes, to the pipe.
std::vector<std::string> in_processes(int count, const std::function<std::string()>& act) {
  std::array<int, 2> start{};
  std::array<int, 2> answers{};
  EXPECT_EQ(pipe2(start.data(), O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(answers.data(), O_CLOEXEC), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      close(start[1]);
      char byte = 0;
      (void)!read(start[0], &byte, 1);
      std::string answer = act();
      answer.resize(32);
      _exit(write(answers[1], answer.data(), answer.size()) == 32 ? 0 : 1);
    }
    children.push_back(child);
  }
  close(start[0]);
  close(start[1]);
  close(answers[1]);
  std::vector<std::string> got;
  std::string answer(32, '\0');
  while (read(answers[0], answer.data(), answer.size()) == 32) got.push_back(answer);
  close(answers[0]);
  for (pid_t child : children) waitpid(child, nullptr, 0);
  return got;
}

TEST(StateDirTest, ManyProcessesThatMakeASecretAtOnceGetTheSame) {
  for (int round = 0; round < 4; ++round) {
    const TemporaryDirectory root;
    const auto keys = in_processes(8, [&]() -> std::string {
      const auto state = StateDir::open(root.file("state"));
      const auto seed = state ? state->secret("user.key") : tl::unexpected(state.error());
      if (!seed) return "";
      return {reinterpret_cast<const char*>(seed->bytes().data()), 32};
    });
    ASSERT_EQ(keys.size(), 8U);
    EXPECT_NE(keys.front(), std::string(32, '\0'));
    EXPECT_TRUE(std::ranges::all_of(keys, [&](const std::string& key) { return key == keys.front(); }));
    EXPECT_EQ(entry_count(root.file("state")), 1);
  }
}

TEST(StateDirTest, TheLockIsExclusiveAmongProcesses) {
  const TemporaryDirectory root;
  std::array<int, 2> hold{};
  ASSERT_EQ(pipe2(hold.data(), O_CLOEXEC), 0);
  const pid_t winner = fork();
  if (winner == 0) {
    auto state = StateDir::open(root.file("state"));
    const bool locked = state && state->lock();
    (void)!write(hold[1], locked ? "y" : "n", 1);
    pause();
    _exit(0);
  }
  char locked = 0;
  ASSERT_EQ(read(hold[0], &locked, 1), 1);
  EXPECT_EQ(locked, 'y');
  auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->holder(), winner);
  const auto refused = state->lock();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "an agent (pid " + std::to_string(winner) + ") already uses the state directory " + root.file("state"));
  kill(winner, SIGKILL);
  waitpid(winner, nullptr, 0);
  EXPECT_FALSE(state->holder());
  EXPECT_TRUE(state->lock());
  EXPECT_EQ(read_file(state->file("lock")), std::to_string(getpid()) + "\n");
  close(hold[0]);
  close(hold[1]);
}

TEST(StateDirTest, OnlyOneOfManyGetsTheLock) {
  const TemporaryDirectory root;
  auto winner = StateDir::open(root.file("state"));
  ASSERT_TRUE(winner && winner->lock());
  for (const std::string& answer : in_processes(8, [&]() -> std::string {
         auto state = StateDir::open(root.file("state"));
         return state && state->lock() ? "locked" : "refused";
       })) {
    EXPECT_STREQ(answer.c_str(), "refused");
  }
}

TEST(StateDirTest, JobsAreNotedAndForgotten) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->noted_jobs().empty());
  const std::string one(32, 'a');
  const std::string two(32, '2');
  ASSERT_TRUE(state->note_job({.id = one, .name = "first\nof two"}));
  ASSERT_TRUE(state->note_job({.id = two, .name = ""}));
  write_file(state->file("jobs/not-an-id"), "x");
  write_file(state->file("jobs/" + one + ".1234"), "left by a crash");
  auto jobs = state->noted_jobs();
  std::ranges::sort(jobs, {}, &JobNote::id);
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].id, two);
  EXPECT_EQ(jobs[1].name, "first\nof two");
  EXPECT_EQ(mode_of(state->file("jobs")), 0700U);
  EXPECT_EQ(mode_of(state->file("jobs/" + one)), 0600U);
  state->forget_job(one);
  state->forget_job(one);
  ASSERT_EQ(state->noted_jobs().size(), 1U);
  EXPECT_EQ(state->noted_jobs()[0].id, two);
}

TEST(StateDirTest, ALongNameOfAJobIsCutWhenItIsRead) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state && state->note_job({.id = std::string(32, '0'), .name = std::string(1'000'000, 'n')}));
  ASSERT_EQ(state->noted_jobs().size(), 1U);
  EXPECT_EQ(state->noted_jobs()[0].name, std::string(65'536, 'n'));
}

TEST(StateDirTest, TheMarkRemains) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state);
  EXPECT_FALSE(state->read_mark());
  ASSERT_TRUE(state->write_mark("first"));
  ASSERT_TRUE(state->write_mark("second"));
  EXPECT_EQ(StateDir::open(root.file("state"))->read_mark(), "second");
  EXPECT_EQ(entry_count(state->path()), 1);
}

TEST(StateDirTest, SubdirectoriesAreMadeCheckedAndCleared) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file("state"));
  ASSERT_TRUE(state && state->make_subdirectory("output") && state->make_subdirectory("output"));
  EXPECT_EQ(mode_of(state->file("output")), 0700U);
  std::filesystem::create_directories(state->file("output/a/b"));
  write_file(root.file("precious"), "kept");
  ASSERT_EQ(symlink(root.file("precious").c_str(), state->file("output/a/link").c_str()), 0);
  state->clear_subdirectory("output");
  EXPECT_TRUE(std::filesystem::is_empty(state->file("output")));
  EXPECT_EQ(read_file(root.file("precious")), "kept");
  ASSERT_EQ(chmod(state->file("output").c_str(), 0755), 0);
  EXPECT_FALSE(state->make_subdirectory("output"));
  ASSERT_EQ(symlink("/tmp", state->file("scratch").c_str()), 0);
  EXPECT_FALSE(state->make_subdirectory("scratch"));
}

TEST(StateDirTest, APrivateOneIsLockedAndRemovedWhole) {
  const TemporaryDirectory root;
  auto state = StateDir::make_private(root.path(), "");
  ASSERT_TRUE(state);
  EXPECT_THAT(root.entries(), ElementsAre(testing::StartsWith(StateDir::private_prefix())));
  EXPECT_EQ(mode_of(state->path()), 0700U);
  EXPECT_FALSE(StateDir::open_existing(state->path())->lock());
  ASSERT_TRUE(state->secret("user.key") && state->make_subdirectory("scratch"));
  state->remove_all();
  EXPECT_TRUE(root.entries().empty());
  const auto refused = StateDir::make_private(root.file("missing"), "go elsewhere");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().hint, "go elsewhere");
}

TEST(StateDirTest, RemovingFollowsNoLinkAndOpensLockedFolders) {
  const TemporaryDirectory root;
  std::filesystem::create_directories(root.file("outside"));
  write_file(root.file("outside/precious"), "kept");
  auto state = StateDir::make_private(root.path(), "");
  ASSERT_TRUE(state && state->make_subdirectory("scratch"));
  ASSERT_EQ(symlink(root.file("outside").c_str(), state->file("scratch/out").c_str()), 0);
  ASSERT_EQ(symlink("..", state->file("scratch/up").c_str()), 0);
  std::filesystem::create_directories(state->file("scratch/closed/inner"));
  ASSERT_EQ(chmod(state->file("scratch/closed").c_str(), 0), 0);
  state->remove_all();
  EXPECT_THAT(root.entries(), ElementsAre("outside"));
  EXPECT_EQ(read_file(root.file("outside/precious")), "kept");
}

TEST(StateDirTest, RemovingAVeryDeepTreeTakesNeitherStackNorDescriptors) {
  const TemporaryDirectory root("/dev/shm");
  auto state = StateDir::make_private(root.path(), "");
  ASSERT_TRUE(state);
  const int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(chdir(state->path().c_str()), 0);
  for (int depth = 0; depth < 5'000; ++depth) {
    ASSERT_EQ(mkdir("d", 0700), 0);
    ASSERT_EQ(chdir("d"), 0);
  }
  ASSERT_EQ(fchdir(here), 0);
  close(here);
  state->remove_all();
  EXPECT_TRUE(root.entries().empty());
}

TEST(StateDirTest, TheSocketCanBeReachedHoweverLongThePathIs) {
  const TemporaryDirectory root;
  const auto state = StateDir::open(root.file(std::string(200, 'x') + "/" + std::string(200, 'y')));
  ASSERT_TRUE(state);
  ASSERT_GT(state->file("agent.sock").size(), sizeof(sockaddr_un{}.sun_path));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(state->socket_path().size(), sizeof(address.sun_path));
  std::strcpy(address.sun_path, state->socket_path().c_str());
  const exec::Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  EXPECT_TRUE(exists(state->file("agent.sock")));
  const auto other = StateDir::open_existing(state->path());
  ASSERT_TRUE(other);
  std::strcpy(address.sun_path, other->socket_path().c_str());
  const exec::Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
}

TEST(StateDirTest, NoDescriptorIsLeft) {
  const TemporaryDirectory root;
  const std::size_t before = open_descriptor_count();
  for (int i = 0; i < 20; ++i) {
    auto state = StateDir::make_private(root.path(), "");
    ASSERT_TRUE(state && state->secret("k") && state->note_job({.id = std::string(32, '1'), .name = ""}));
    EXPECT_EQ(state->noted_jobs().size(), 1U);
    EXPECT_TRUE(state->holder());
    state->clear_subdirectory("jobs");
    EXPECT_FALSE(StateDir::open_existing(root.file("none")));
    state->remove_all();
  }
  EXPECT_EQ(open_descriptor_count(), before);
}

}  // namespace
}  // namespace agent::shell
