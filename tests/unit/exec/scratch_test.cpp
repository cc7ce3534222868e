// Scratch directories: private, empty for each task, kept while untouched, and removed whatever a task has put there.

#include "agent/exec/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/exec/remove_tree.h"
#include "tests/unit/exec/launcher_fixture.h"

namespace agent::exec {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

std::uint64_t inode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// Scratch directories are also of use without a launcher.
class ScratchTest : public LauncherTest {
 protected:
  ScratchTest() : path_(scratch_parent_.path() + "/" + scratch_prefix + "test"), scratch_(path_) {}
  std::string path_;
  Scratch scratch_;
};

TEST_F(ScratchTest, task_starts_in_its_private_empty_scratch) {
  const std::string script = "pwd; stat -c %a .; ls -A; [ \"$PWD\" = \"$GIBBON_SCRATCH\" ] && echo same";
  EXPECT_EQ(run(shell(script)).output, launcher().scratch() + "\n700\nsame\n");
  EXPECT_TRUE(fs::path(launcher().scratch()).is_absolute());
  EXPECT_EQ(fs::path(launcher().scratch()).parent_path(), scratch_parent_.path());
}

TEST_F(ScratchTest, directory_of_the_order_comes_before_scratch) {
  TaskOrder task = shell("pwd; cd $GIBBON_SCRATCH && pwd");
  task.directory = place_.path();
  EXPECT_EQ(run(task).output, place_.path() + "\n" + launcher().scratch() + "\n");
}

TEST_F(ScratchTest, nothing_of_a_task_is_seen_by_the_next) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(run(shell("ls -A; touch left; mkdir -p deep/er; echo x > deep/er/file")).output, "");
    ASSERT_EQ(run(shell("ls -A; chmod 777 .")).output, "");
    ASSERT_EQ(run(shell("stat -c %a .")).output, "700\n");
  }
}

TEST_F(ScratchTest, what_a_task_left_is_removed_after_it) {
  EXPECT_EQ(run(shell("mkdir a; touch b")).output, "");
  EXPECT_TRUE(eventually([&] { return scratch_parent_.entries().empty(); }));
}

TEST_F(ScratchTest, untouched_directory_is_kept) {
  const std::string script = "stat -c %i .";
  const std::string inode = run(shell(script)).output;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(run(shell(script)).output, inode);
}

TEST_F(ScratchTest, directory_that_a_task_emptied_itself_is_kept) {
  ASSERT_EQ(scratch_.make_ready(), 0);
  const std::uint64_t inode = inode_of(path_);
  std::ofstream(path_ + "/file") << "x";
  fs::remove(path_ + "/file");
  scratch_.clean();
  EXPECT_EQ(inode_of(path_), inode);
}

TEST_F(ScratchTest, change_within_the_same_tick_is_seen) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(scratch_.make_ready(), 0);
    fs::create_symlink("/", path_ + "/link");
    scratch_.clean();
    ASSERT_FALSE(fs::exists(fs::symlink_status(path_)));
  }
}

TEST_F(ScratchTest, task_may_remove_or_replace_its_scratch) {
  EXPECT_EQ(run(shell("rmdir $GIBBON_SCRATCH")).exited.status.code, 0);
  EXPECT_EQ(run(shell("ls -A; stat -c %a .")).output, "700\n");
  place_.make_file("precious", "x", 0600);
  EXPECT_EQ(run(shell("rmdir $GIBBON_SCRATCH; ln -s " + place_.path() + " $GIBBON_SCRATCH")).exited.status.code, 0);
  EXPECT_EQ(run(shell("ls -A; stat -c %a .; pwd -P")).output, "700\n" + launcher().scratch() + "\n");
  EXPECT_THAT(place_.entries(), ElementsAre("precious"));
  const std::string away = place_.path() + "/away";
  const std::string replaced = "mv $GIBBON_SCRATCH " + away + "; mkdir -m 777 $GIBBON_SCRATCH; touch $GIBBON_SCRATCH/x";
  EXPECT_EQ(run(shell(replaced)).exited.status.code, 0);
  EXPECT_EQ(run(shell("ls -A; stat -c %a .")).output, "700\n");
}

TEST_F(ScratchTest, what_a_task_moved_away_is_its_own) {
  const std::string kept = place_.path() + "/kept";
  EXPECT_EQ(run(shell("echo x > result; mv $GIBBON_SCRATCH " + kept)).exited.status.code, 0);
  EXPECT_EQ(run(shell("ls -A")).output, "");
  EXPECT_TRUE(fs::exists(kept + "/result"));
}

TEST_F(ScratchTest, links_are_removed_and_never_followed) {
  place_.make_file("precious", "x", 0600);
  fs::create_directory(place_.path() + "/directory");
  place_.make_file("directory/inside", "x", 0600);
  ASSERT_EQ(scratch_.make_ready(), 0);
  fs::create_directories(path_ + "/a/b");
  for (const char* name : {"/link", "/a/link", "/a/b/link"}) fs::create_directory_symlink(place_.path(), path_ + name);
  fs::create_directory_symlink(place_.path() + "/directory", path_ + "/a/b/directory");
  fs::create_hard_link(place_.path() + "/precious", path_ + "/a/hard");
  ASSERT_EQ(::mkfifo((path_ + "/a/fifo").c_str(), 0), 0);
  scratch_.clean();
  EXPECT_THAT(scratch_parent_.entries(), IsEmpty());
  EXPECT_TRUE(fs::exists(place_.path() + "/precious"));
  EXPECT_TRUE(fs::exists(place_.path() + "/directory/inside"));
}

TEST_F(ScratchTest, removal_copes_with_depth_permissions_and_hostile_names) {
  ASSERT_EQ(scratch_.make_ready(), 0);
  fs::create_directories(path_ + "/moved-0/full/er");
  fs::create_directories(path_ + "/x/y/z");
  std::ofstream(path_ + "/moved-1") << "x";
  std::ofstream(path_ + "/x/y/-rf *\n") << "x";
  const fs::path here = fs::current_path();
  fs::current_path(path_);
  // Deeper than a path can be long.
  const std::string level(100, 'd');
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(::mkdir(level.c_str(), 0700), 0);
    ASSERT_EQ(::chdir(level.c_str()), 0);
  }
  fs::current_path(here);
  ASSERT_EQ(::chmod((path_ + "/" + level + "/" + level).c_str(), 0), 0);
  for (const char* name : {"/x/y/z", "/x/y", "/x", ""}) ASSERT_EQ(::chmod((path_ + name).c_str(), 0), 0);
  scratch_.clean();
  EXPECT_THAT(scratch_parent_.entries(), IsEmpty());
}

// Removal must not rest on being root.
TEST_F(ScratchTest, removal_needs_no_privilege) {
  if (::getuid() == 0) {
    ASSERT_EQ(::chown(place_.path().c_str(), 65534, 65534), 0);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
    const std::string top = place_.path() + "/top";
    fs::create_directories(top + "/a/b/c");
    fs::create_directories(top + "/e/f");
    std::ofstream(top + "/a/b/c/file") << "x";
    for (const char* name : {"/a/b/c", "/a/b", "/a", "/e/f", "/e", ""}) ::chmod((top + name).c_str(), 0);
    const int parent = ::open(place_.path().c_str(), O_PATH | O_DIRECTORY);
    ::_exit(remove_tree(parent, "top") == 0 && !fs::exists(fs::symlink_status(top)) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(ScratchTest, removal_of_nothing_and_of_a_file) {
  const int parent = ::open(place_.path().c_str(), O_PATH | O_DIRECTORY);
  EXPECT_EQ(remove_tree(parent, "nothing"), 0);
  place_.make_file("file", "x", 0);
  EXPECT_EQ(remove_tree(parent, "file"), 0);
  EXPECT_THAT(place_.entries(), IsEmpty());
  ::close(parent);
}

// The task has a working directory of its own, so that it could be started without the scratch directory.
TEST_F(ScratchTest, task_is_not_started_without_scratch_though_it_was_there_before) {
  TaskOrder task = order({"true"});
  task.directory = "/";
  ASSERT_EQ(run(task).exited.reason, EndReason::ended);
  const std::string moved = scratch_parent_.path() + "-moved";
  std::filesystem::rename(scratch_parent_.path(), moved);
  task.task = ++last_task_;
  Finished finished = run(task);
  ASSERT_TRUE(finished.exited.failure);
  EXPECT_EQ(finished.exited.failure->step, SetUpStep::scratch);
  EXPECT_EQ(finished.exited.failure->error_number, ENOENT);
  EXPECT_TRUE(std::filesystem::is_empty(moved));
  std::filesystem::remove_all(moved);
  task.task = ++last_task_;
  finished = run(task);
  ASSERT_TRUE(finished.exited.failure);
  EXPECT_EQ(finished.exited.failure->step, SetUpStep::scratch);
  EXPECT_EQ(finished.exited.failure->error_number, ENOENT);
  std::filesystem::create_directory(scratch_parent_.path());
}

TEST_F(ScratchTest, scratch_that_cannot_be_made_fails_the_task) {
  launcher();
  fs::remove_all(scratch_parent_.path());
  const Finished finished = run(order({"true"}));
  ASSERT_TRUE(finished.exited.failure);
  EXPECT_EQ(finished.exited.failure->kind, StartFailureKind::set_up_failed);
  EXPECT_EQ(finished.exited.failure->step, SetUpStep::scratch);
}

}  // namespace

}  // namespace agent::exec
