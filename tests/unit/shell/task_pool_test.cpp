#include "agent/shell/task_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "agent/exec/orphans.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

using core::TaskId;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class TaskPoolTest : public testing::Test {
 protected:
  TaskPoolTest() {
    exec::become_subreaper();
    std::filesystem::create_directory(directory.file("scratch"));
    std::filesystem::create_directory(directory.file("output"));
    remake_pool(TaskPool::answer_patience_ns_usual);
  }
  void remake_pool(std::int64_t answer_patience_ns) {
    pool = std::make_unique<TaskPool>(
        loop.get(),
        exec::LauncherOptions{.scratch_parent = directory.file("scratch"),
                              .output_directory = directory.file("output"),
                              .marker = "pool-test"},
        TaskPool::Callbacks{
            .on_started = [this](TaskId task, const exec::TaskStarted& started) { pids[task] = started.pid; },
            .on_exited =
                [this](TaskId task, const exec::TaskExited& event, exec::Launcher& launcher) {
                  exited.emplace(task, event);
                  auto outputs = launcher.take_outputs();
                  if (outputs)
                    output[task] = std::string(reinterpret_cast<const char*>(outputs->standard_output.bytes.data()),
                                               outputs->standard_output.bytes.size());
                  if (on_exited) on_exited(task);
                },
            .on_lost = [this](TaskId task) { lost.push_back(task); },
            .on_finished = [this] { ++finished; }},
        answer_patience_ns);
  }
  ~TaskPoolTest() override {
    pool.reset();
    (void)loop.run_until([] { return exec::reap_orphans({}).left == 0; });
  }

  [[nodiscard]] static exec::TaskOrder order(TaskId task, const std::string& line) {
    exec::TaskOrder order;
    order.task = task.value();
    order.argv = {"/bin/sh", "-c", line};
    order.environment = {"PATH=/usr/bin:/bin", "GIBBON_AGENT=pool-test"};
    return order;
  }
  // Starts it on the next idle launcher; that one's pid.
  pid_t start(TaskId task, const std::string& line) {
    auto launcher = pool->idle_launcher();
    if (!launcher) {
      ADD_FAILURE() << to_string(launcher.error());
      return -1;
    }
    EXPECT_TRUE(pool->start(**launcher, task, order(task, line)));
    return (*launcher)->pid();
  }
  [[nodiscard]] bool wait_for(std::function<bool()> condition) { return loop.run_until(std::move(condition)); }
  [[nodiscard]] bool finish() {
    pool->finish();
    return wait_for([this] { return finished > 0; });
  }

  TemporaryDirectory directory;
  EventLoop loop;
  std::map<TaskId, pid_t> pids;
  std::map<TaskId, exec::TaskExited> exited;
  std::map<TaskId, std::string> output;
  std::vector<TaskId> lost;
  int finished = 0;
  std::function<void(TaskId)> on_exited;
  std::unique_ptr<TaskPool> pool;
};

TEST_F(TaskPoolTest, ALauncherIsKeptForTheNextTask) {
  const pid_t first = start(TaskId(1), "echo one");
  ASSERT_TRUE(wait_for([this] { return exited.size() == 1; }));
  EXPECT_EQ(start(TaskId(2), "echo two; exit 5"), first);
  ASSERT_TRUE(wait_for([this] { return exited.size() == 2; }));
  EXPECT_EQ(output.at(TaskId(1)), "one\n");
  EXPECT_EQ(output.at(TaskId(2)), "two\n");
  EXPECT_EQ(exited.at(TaskId(2)).status, (exec::ExitStatus{.code = 5}));
  EXPECT_TRUE(finish());
  EXPECT_THAT(lost, IsEmpty());
}

TEST_F(TaskPoolTest, TasksAtOnceHaveLaunchersOfTheirOwn) {
  const pid_t first = start(TaskId(1), "sleep 60");
  const pid_t second = start(TaskId(2), "sleep 60");
  EXPECT_NE(first, second);
  pool->stop(TaskId(2), exec::StopHow::kill);
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(2)); }));
  EXPECT_EQ(exited.at(TaskId(2)).reason, exec::EndReason::stopped);
  EXPECT_FALSE(exited.contains(TaskId(1)));
  pool->stop(TaskId(2), exec::StopHow::kill);
  pool->stop(TaskId(99), exec::StopHow::kill);
  pool->stop(TaskId(1), exec::StopHow::terminate);
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(1)); }));
}

TEST_F(TaskPoolTest, ANewTaskMayBeStartedWhenOneIsReported) {
  std::uint64_t next = 1;
  on_exited = [&](TaskId) {
    if (next < 50) start(TaskId(++next), "exit 0");
  };
  const pid_t first = start(TaskId(next), "exit 0");
  ASSERT_TRUE(wait_for([this] { return exited.size() == 50; }));
  on_exited = nullptr;
  EXPECT_EQ(start(TaskId(100), "true"), first) << "one launcher served all";
  ASSERT_TRUE(wait_for([this] { return exited.size() == 51; }));
}

TEST_F(TaskPoolTest, ADeadLaunchersTaskIsLostOnceAndNothingOfItIsLeft) {
  const pid_t launcher = start(TaskId(1), "setsid sleep 61 & sleep 61");
  ASSERT_TRUE(wait_for([this] { return pids.contains(TaskId(1)); }));
  start(TaskId(2), "sleep 60");
  kill(launcher, SIGKILL);
  ASSERT_TRUE(wait_for([this] { return !lost.empty(); }));
  EXPECT_THAT(lost, ElementsAre(TaskId(1)));
  EXPECT_TRUE(wait_for([this] {
    pool->reap_orphans();
    return !pool->orphans_left();
  }));
  EXPECT_EQ(kill(pids.at(TaskId(1)), 0), -1);
  EXPECT_TRUE(wait_for([this] {
    return std::distance(std::filesystem::directory_iterator(directory.file("scratch")), {}) <= 1;
  })) << "its scratch directory is removed, the other one's stays";
  EXPECT_NE(start(TaskId(3), "true"), launcher);
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(3)); }));
  EXPECT_THAT(lost, SizeIs(1));
  EXPECT_FALSE(exited.contains(TaskId(2)));
}

TEST_F(TaskPoolTest, AStoppedLauncherIsTakenForDeadAtOnce) {
  const pid_t launcher = start(TaskId(1), "setsid sleep 63 & sleep 63");
  ASSERT_TRUE(wait_for([this] { return pids.contains(TaskId(1)); }));
  kill(launcher, SIGSTOP);
  ASSERT_TRUE(wait_for([this] { return !lost.empty(); }));
  EXPECT_THAT(lost, ElementsAre(TaskId(1)));
  EXPECT_EQ(kill(launcher, 0), -1);
  EXPECT_TRUE(wait_for([this] {
    pool->reap_orphans();
    return !pool->orphans_left();
  }));
  EXPECT_EQ(kill(pids.at(TaskId(1)), 0), -1);
  EXPECT_TRUE(wait_for([this] { return std::filesystem::is_empty(directory.file("scratch")); }));
}

// Whatever the reason: a debugger, a frozen control group.
TEST_F(TaskPoolTest, ALauncherThatDoesNotAnswerIsTakenForDead) {
  remake_pool(/*answer_patience_ns=*/100'000'000);
  const pid_t launcher = start(TaskId(1), "sleep 64");
  start(TaskId(2), "sleep 64");
  ASSERT_TRUE(wait_for([this] { return pids.size() == 2; }));
  // That it is stopped shall not be told.
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child, nullptr);
  kill(launcher, SIGSTOP);
  pool->extend_deadline(TaskId(2), core::Instant::max());
  pool->stop(TaskId(1), exec::StopHow::kill);
  EXPECT_TRUE(wait_for([this] { return !lost.empty(); }));
  pthread_sigmask(SIG_UNBLOCK, &child, nullptr);
  EXPECT_THAT(lost, ElementsAre(TaskId(1)));
  pool->stop(TaskId(2), exec::StopHow::kill);
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(2)); })) << "who answered lives";
}

TEST_F(TaskPoolTest, ALauncherThatDiedIdleIsNotOfferedAgain) {
  const pid_t dead = start(TaskId(1), "true");
  ASSERT_TRUE(wait_for([this] { return exited.size() == 1; }));
  kill(dead, SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(dead), &ended, WEXITED | WNOWAIT), 0);
  // The loop has not run: the pool can not know before it tries.
  auto launcher = pool->idle_launcher();
  ASSERT_TRUE(launcher);
  const auto refused = pool->start(**launcher, TaskId(2), order(TaskId(2), "true"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), exec::OrderError::gone);
  EXPECT_NE(start(TaskId(2), "true"), dead);
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(2)); }));
  EXPECT_THAT(lost, IsEmpty());
}

TEST_F(TaskPoolTest, ALauncherThatCannotSetItselfUpIsReplaced) {
  const pid_t broken = start(TaskId(1), "true");
  ASSERT_TRUE(wait_for([this] { return exited.size() == 1; }));
  // Its scratch directory can not be made again where a file stands.
  std::filesystem::remove_all(directory.file("scratch"));
  write_file(directory.file("scratch"), "");
  start(TaskId(2), "true");
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(2)); }));
  ASSERT_TRUE(exited.at(TaskId(2)).failure);
  EXPECT_TRUE(is_launchers_fault(*exited.at(TaskId(2)).failure));
  EXPECT_FALSE(pool->idle_launcher()) << "there is no place for another one";
  std::filesystem::remove(directory.file("scratch"));
  std::filesystem::create_directory(directory.file("scratch"));
  EXPECT_NE(start(TaskId(3), "true"), broken);
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(3)); }));
  EXPECT_EQ(exited.at(TaskId(3)).reason, exec::EndReason::ended);
}

TEST_F(TaskPoolTest, FinishingEndsAllTasksAndIsToldOnce) {
  for (std::uint64_t task = 1; task <= 3; ++task) start(TaskId(task), "trap '' TERM; sleep 60");
  ASSERT_TRUE(wait_for([this] { return pids.size() == 3; }));
  ASSERT_TRUE(finish());
  loop.settle();
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(lost.size() + exited.size(), 3U);
  for (const auto& [task, pid] : pids) EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_TRUE(std::filesystem::is_empty(directory.file("scratch")));
}

TEST_F(TaskPoolTest, FinishingWithoutLaunchersIsOverAtOnce) {
  pool->finish();
  EXPECT_EQ(finished, 1);
}

TEST_F(TaskPoolTest, AStoppedLauncherDoesNotHoldUpTheEnd) {
  const pid_t stopped = start(TaskId(1), "sleep 62");
  ASSERT_TRUE(wait_for([this] { return pids.contains(TaskId(1)); }));
  kill(stopped, SIGSTOP);
  ASSERT_TRUE(finish());
  EXPECT_THAT(lost, ElementsAre(TaskId(1)));
  EXPECT_TRUE(wait_for([this] { return exec::reap_orphans({}).left == 0 && kill(pids.at(TaskId(1)), 0) != 0; }));
}

TEST_F(TaskPoolTest, TheDeadlineCanBeMovedOn) {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  const std::int64_t now = std::int64_t{boot.tv_sec} * 1'000'000'000 + boot.tv_nsec;
  auto launcher = pool->idle_launcher();
  ASSERT_TRUE(launcher);
  exec::TaskOrder brief = order(TaskId(1), "sleep 2; echo through");
  brief.deadline_ns = now + 1'000'000'000;
  ASSERT_TRUE(pool->start(**launcher, TaskId(1), brief));
  pool->extend_deadline(TaskId(1), core::Instant(core::Duration(now + 600'000'000'000)));
  ASSERT_TRUE(wait_for([this] { return exited.contains(TaskId(1)); }));
  EXPECT_EQ(exited.at(TaskId(1)).reason, exec::EndReason::ended);
  EXPECT_EQ(output.at(TaskId(1)), "through\n");
}

TEST_F(TaskPoolTest, NoDescriptorIsLeft) {
  const std::size_t before = open_descriptor_count();
  for (std::uint64_t task = 1; task <= 20; ++task) start(TaskId(task), task % 3 == 0 ? "kill -9 $PPID" : "true");
  ASSERT_TRUE(wait_for([this] { return exited.size() + lost.size() == 20; }));
  EXPECT_EQ(lost.size(), 6U);
  ASSERT_TRUE(finish());
  pool.reset();
  // What dead launchers left is removed by another thread.
  EXPECT_TRUE(wait_for([before] { return open_descriptor_count() == before; }));
}

}  // namespace
}  // namespace agent::shell
