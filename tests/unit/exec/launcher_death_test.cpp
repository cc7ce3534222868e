// Who dies when an agent or a launcher dies, and what is found of it afterwards.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "agent/exec/launcher.h"
#include "agent/exec/orphans.h"
#include "agent/exec/proc_file.h"
#include "agent/exec/process_tree.h"
#include "tests/unit/exec/launcher_fixture.h"

namespace agent::exec {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LauncherDeathTest : public LauncherTest {
 protected:
  // A process that plays an agent with one task, `order`, and waits to be killed. It never returns in that process.
  // `also` is done there when the task is ordered.
  pid_t play_agent(
      const TaskOrder& order, const std::function<void()>& also = [] {}) {
    launcher_.reset();
    const pid_t agent = ::fork();
    if (agent != 0) return agent;
    auto mine = Launcher::start(options());
    if (!mine || !(*mine)->start_task(order)) ::_exit(1);
    also();
    while (true) ::pause();
  }
  // Of the played agent.
  pid_t launcher_pid() const {
    for (pid_t pid : processes_marked(marker_)) {
      if (read_proc_file("/proc/" + std::to_string(pid) + "/cmdline").starts_with("gibbon-launcher")) return pid;
    }
    ADD_FAILURE() << "no launcher";
    return -1;
  }
  bool all_gone() {
    return eventually([&] { return processes_marked(marker_).empty(); });
  }
};

TEST_F(LauncherDeathTest, everything_dies_with_a_killed_agent) {
  const pid_t agent = play_agent(own_task("stay_with_survivors"));
  // The launcher, the task, and the two it made.
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 4; }));
  ::kill(agent, SIGKILL);
  EXPECT_EQ(::waitpid(agent, nullptr, 0), agent);
  EXPECT_TRUE(all_gone());
  EXPECT_TRUE(eventually([&] { return scratch_parent_.entries().empty(); }));
}

TEST_F(LauncherDeathTest, everything_dies_even_if_somebody_keeps_the_agents_end_open) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t agent = play_agent(own_task("stay_with_survivors"), [&] {
    if (::fork() == 0) {
      char end = 0;
      ::close(pipe[1]);
      static_cast<void>(!::read(pipe[0], &end, 1));  // until the test lets go of its end
      ::_exit(0);
    }
    ::close(pipe[1]);
  });
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 4; }));
  ::kill(agent, SIGKILL);
  EXPECT_EQ(::waitpid(agent, nullptr, 0), agent);
  EXPECT_TRUE(all_gone());
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(LauncherDeathTest, stopped_agent_cannot_keep_a_task_beyond_its_deadline) {
  TaskOrder task = own_task("stay_with_survivors");
  task.deadline_ns = boot_now_ns() + 300'000'000;
  const pid_t agent = play_agent(task);
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 4; }));
  ::kill(agent, SIGSTOP);
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 1; }));
  EXPECT_GE(boot_now_ns(), task.deadline_ns);
  ::kill(agent, SIGKILL);
  EXPECT_EQ(::waitpid(agent, nullptr, 0), agent);
  EXPECT_TRUE(all_gone());
}

TEST_F(LauncherDeathTest, everything_dies_with_a_killed_agent_although_the_launcher_is_stopped) {
  const pid_t agent = play_agent(own_task("stay_with_survivors"));
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 4; }));
  ::kill(launcher_pid(), SIGSTOP);
  ::kill(agent, SIGKILL);
  EXPECT_EQ(::waitpid(agent, nullptr, 0), agent);
  EXPECT_TRUE(all_gone());
  EXPECT_TRUE(eventually([&] { return scratch_parent_.entries().empty(); }));
}

TEST_F(LauncherDeathTest, agent_and_launcher_both_stopped_cannot_keep_a_task_beyond_its_deadline) {
  TaskOrder task = own_task("stay_with_survivors");
  task.deadline_ns = boot_now_ns() + 500'000'000;
  const pid_t agent = play_agent(task);
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 4; }));
  ::kill(agent, SIGSTOP);
  ::kill(launcher_pid(), SIGSTOP);
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 1; }));
  EXPECT_GE(boot_now_ns(), task.deadline_ns);
  ::kill(agent, SIGKILL);
  EXPECT_EQ(::waitpid(agent, nullptr, 0), agent);
  EXPECT_TRUE(all_gone());
}

TEST_F(LauncherDeathTest, being_continued_is_not_the_death_of_the_agent) {
  start_and_await_output(shell("kill -CONT $PPID; echo ready; sleep 0.1; echo through"), 6);
  EXPECT_EQ(wait_for_end().output, "ready\nthrough\n");
}

TEST_F(LauncherDeathTest, stopped_launcher_is_seen_once_and_owes_its_answer_until_it_can_give_it) {
  start_and_await_output(shell("echo ready; exec sleep 100"), 6);
  launcher_->extend_deadline(last_task_, 1);
  EXPECT_TRUE(launcher_->owes_answer());
  EXPECT_TRUE(eventually([&] { return launcher_->read_events().empty() && !launcher_->owes_answer(); }));
  EXPECT_FALSE(launcher_->is_stopped());
  ::kill(launcher_->pid(), SIGSTOP);
  EXPECT_TRUE(eventually([&] { return launcher_->is_stopped(); }));
  EXPECT_FALSE(launcher_->is_stopped());
  launcher_->stop_task(last_task_, StopHow::kill);
  EXPECT_FALSE(launcher_->is_silent_for(3'600'000'000'000));
  EXPECT_TRUE(launcher_->is_silent_for(0));
  ::kill(launcher_->pid(), SIGCONT);
  EXPECT_TRUE(eventually([&] { return !launcher_->is_silent_for(0); })) << "what is not read yet is an answer";
  EXPECT_TRUE(launcher_->owes_answer());
  EXPECT_EQ(wait_for_end().exited.reason, EndReason::stopped);
  EXPECT_FALSE(launcher_->owes_answer());
}

TEST_F(LauncherDeathTest, finish_ends_task_launcher_and_scratch) {
  start_and_await_output(own_task("stay_with_survivors"), 6);
  EXPECT_FALSE(scratch_parent_.entries().empty());
  launcher_->finish();
  EXPECT_EQ(next_event(*launcher_), Event{LauncherGone{}});
  EXPECT_THAT(launcher_->read_events(), IsEmpty());
  EXPECT_EQ(launcher_->start_task(order({"true"})).error(), OrderError::gone);
  EXPECT_THAT(scratch_parent_.entries(), IsEmpty());
  launcher_.reset();
  EXPECT_THAT(processes_marked(marker_), IsEmpty());
  EXPECT_EQ(child_count(), 0U);
}

TEST_F(LauncherDeathTest, destruction_ends_a_running_task) {
  start_and_await_output(own_task("stay_with_survivors"), 6);
  launcher_.reset();
  EXPECT_THAT(processes_marked(marker_), IsEmpty());
  EXPECT_THAT(scratch_parent_.entries(), IsEmpty());
}

TEST_F(LauncherDeathTest, termination_of_a_launcher_takes_its_task_along) {
  start_and_await_output(own_task("stay_with_survivors"), 6);
  ::kill(launcher_->pid(), SIGTERM);
  EXPECT_EQ(next_event(*launcher_), Event{LauncherGone{}});
  launcher_.reset();
  EXPECT_THAT(processes_marked(marker_), IsEmpty());
}

TEST_F(LauncherDeathTest, orphans_of_a_killed_launcher_are_killed_and_reaped_and_others_are_not) {
  become_subreaper();
  const auto other = Launcher::start(options()).value();
  ASSERT_TRUE(other->start_task(order({"sleep", "100"})));
  EXPECT_TRUE(std::holds_alternative<TaskStarted>(next_event(*other)));
  const std::uint64_t others_task = last_task_;
  start_and_await_output(own_task("stay_with_survivors"), 6);
  ::kill(launcher_->pid(), SIGKILL);
  EXPECT_EQ(next_event(*launcher_), Event{LauncherGone{}});
  launcher_.reset();
  // The task, a zombie of it, and the two it had made are ours now.
  std::size_t reaped = 0;
  EXPECT_TRUE(eventually([&] {
    const OrphanCount count = reap_orphans({other->pid()});
    reaped += count.reaped;
    return count.left == 0 && reaped >= 4;
  }));
  EXPECT_EQ(reaped, 4U);
  EXPECT_EQ(processes_marked(marker_).size(), 2U);
  EXPECT_EQ(child_count(), 2U);
  other->stop_task(others_task, StopHow::kill);
  const Event event = next_event(*other);
  ASSERT_TRUE(std::holds_alternative<TaskExited>(event));
  EXPECT_EQ(std::get<TaskExited>(event).reason, EndReason::stopped);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(LauncherDeathTest, scratch_of_a_killed_launcher_is_swept_and_a_living_ones_is_not) {
  const auto other = Launcher::start(options()).value();
  ASSERT_TRUE(other->start_task(order({"sleep", "100"})));
  EXPECT_TRUE(std::holds_alternative<TaskStarted>(next_event(*other)));
  start_and_await_output(shell("mkdir -p a/b; touch a/b/c; chmod 0 a; echo ready; exec sleep 100"), 6);
  scratch_parent_.make_file("not-ours", "x", 0600);
  ::kill(launcher_->pid(), SIGKILL);
  launcher_.reset();
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 2; }));
  EXPECT_EQ(sweep_scratch(scratch_parent_.path()), 1U);
  EXPECT_EQ(sweep_scratch(scratch_parent_.path()), 0U);
  const std::string others = other->scratch().substr(other->scratch().rfind('/') + 1);
  EXPECT_THAT(scratch_parent_.entries(), ::testing::UnorderedElementsAre("not-ours", others));
}

TEST_F(LauncherDeathTest, sweep_kills_what_carries_the_mark_and_nothing_else) {
  const auto spawn = [&](const std::string& mark) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const std::string variable = "GIBBON_AGENT=" + mark;
    ::execle("/bin/sleep", "sleep", "100", nullptr, std::array{"A=B", variable.c_str(), (const char*)nullptr}.data());
    ::_exit(127);
  };
  const std::array marked{spawn(marker_), spawn(marker_)};
  const pid_t longer = spawn(marker_ + "x");
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_ + "x").size() == 1; }));
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 2; }));
  EXPECT_GE(sweep_processes(marker_), 2U);
  for (pid_t pid : marked) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
  }
  EXPECT_EQ(sweep_processes(marker_), 0U);
  EXPECT_EQ(::waitpid(longer, nullptr, WNOHANG), 0);
  ::kill(longer, SIGKILL);
  EXPECT_EQ(::waitpid(longer, nullptr, 0), longer);
}

TEST_F(LauncherDeathTest, both_ways_of_finding_descendants_agree) {
  start_and_await_output(own_task("stay_with_survivors"), 6);
  const auto pids = [](TreeSource source) {
    std::set<pid_t> found;
    for (const Process& process : tree_below_us({}, source)) found.insert(process.pid);
    return found;
  };
  EXPECT_EQ(pids(TreeSource::process_table), pids(TreeSource::children_files));
  EXPECT_EQ(pids(TreeSource::process_table).size(), 5U);
  EXPECT_THAT(tree_below_us({launcher_->pid()}, TreeSource::process_table), IsEmpty());
}

TEST_F(LauncherDeathTest, all_below_us_are_stopped_but_the_spared_and_a_second_look_finds_nobody_new) {
  const auto state_of = [](pid_t pid) {
    const std::string status = read_proc_file("/proc/" + std::to_string(pid) + "/stat");
    return status.empty() ? '?' : status[status.rfind(')') + 2];
  };
  const auto other = Launcher::start(options()).value();
  start_and_await_output(shell("sleep 100 & (sleep 100; :) & echo ready; wait"), 6);
  // Its output does not tell whether the subshell has come to its own child already; and a shell that waits in vfork(2)
  // for a child to become another program cannot be stopped before that.
  ASSERT_TRUE(eventually([&] {
    const std::vector<Process> tree = tree_below_us({other->pid()});
    return tree.size() == 5 &&
           std::ranges::count_if(tree, [](const Process& process) {
             return read_proc_file("/proc/" + std::to_string(process.pid) + "/cmdline").starts_with("sleep");
           }) == 2;
  }));
  std::set<pid_t> stopped;
  EXPECT_TRUE(stop_tree_below_us({other->pid()}, stopped));
  while (stop_tree_below_us({other->pid()}, stopped)) {
  }
  EXPECT_EQ(stopped.size(), 5U);
  EXPECT_FALSE(stopped.contains(other->pid()));
  for (pid_t pid : stopped) {
    EXPECT_TRUE(eventually([&] { return state_of(pid) == 'T'; })) << pid;
  }
  EXPECT_NE(state_of(other->pid()), 'T');
  signal_all(tree_below_us({}), SIGCONT);
  launcher_->stop_task(last_task_, StopHow::kill);
  EXPECT_EQ(wait_for_end().exited.reason, EndReason::stopped);
}

TEST_F(LauncherDeathTest, launcher_without_its_agent_leaves_at_once) {
  // Its parent is not the agent that it is told: as if the agent had died before the launcher could watch it.
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl("/proc/self/exe", "gibbon-launcher", "1", (scratch_parent_.path() + "/x").c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace

}  // namespace agent::exec
