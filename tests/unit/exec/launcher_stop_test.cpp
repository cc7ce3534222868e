// How a task is brought to its end: by request, by its time limit, by the dead-man's deadline; and that all of it ends.

#include <signal.h>
#include <unistd.h>

#include "agent/exec/clock.h"
#include "agent/exec/launcher.h"
#include "tests/unit/exec/launcher_fixture.h"

namespace agent::exec {

namespace {

using ::testing::ElementsAre;

class LauncherStopTest : public LauncherTest {
 protected:
  // Nobody of the task lives: the launcher alone carries the mark.
  void expect_alone() { EXPECT_THAT(processes_marked(marker_), ElementsAre(launcher_->pid())); }
};

constexpr std::int64_t millisecond_ns = 1'000'000;

TEST_F(LauncherStopTest, polite_stop_lets_the_task_clean_up) {
  start_and_await_output(shell("trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.01; done"), 6);
  launcher_->stop_task(last_task_, StopHow::terminate);
  const Finished finished = wait_for_end();
  EXPECT_EQ(finished.exited.reason, EndReason::stopped);
  EXPECT_EQ(finished.exited.status, (ExitStatus{.code = 9, .signal = 0}));
  EXPECT_EQ(finished.output, "ready\nbye\n");
  expect_alone();
}

TEST_F(LauncherStopTest, children_have_the_grace_too_when_their_parent_dies_first) {
  start_and_await_output(
      shell("(trap 'sleep 0.05; echo saved; exit' TERM; echo ready; while :; do sleep 0.01; done) & wait"), 6);
  launcher_->stop_task(last_task_, StopHow::terminate);
  const Finished finished = wait_for_end();
  EXPECT_EQ(finished.exited.status.signal, SIGTERM);
  EXPECT_EQ(finished.output, "ready\nsaved\n");
  EXPECT_FALSE(finished.exited.survivors_killed);
}

TEST_F(LauncherStopTest, deaf_task_is_killed_after_the_grace) {
  start_and_await_output(shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"), 6);
  const std::int64_t begun_ns = boot_now_ns();
  launcher_->stop_task(last_task_, StopHow::terminate);
  const Finished finished = wait_for_end();
  EXPECT_EQ(finished.exited.reason, EndReason::stopped);
  EXPECT_EQ(finished.exited.status.signal, SIGKILL);
  EXPECT_GE(boot_now_ns() - begun_ns, options().grace_ns);
  expect_alone();
}

TEST_F(LauncherStopTest, kill_waits_for_nothing) {
  start_and_await_output(own_task("stay_with_survivors"), 6);
  const std::int64_t begun_ns = boot_now_ns();
  launcher_->stop_task(last_task_, StopHow::kill);
  const Finished finished = wait_for_end();
  EXPECT_EQ(finished.exited.reason, EndReason::stopped);
  EXPECT_EQ(finished.exited.status.signal, SIGKILL);
  EXPECT_LT(boot_now_ns() - begun_ns, options().grace_ns);
  expect_alone();
}

TEST_F(LauncherStopTest, kill_overtakes_a_polite_stop) {
  start_and_await_output(shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"), 6);
  const std::int64_t begun_ns = boot_now_ns();
  launcher_->stop_task(last_task_, StopHow::terminate);
  launcher_->stop_task(last_task_, StopHow::kill);
  EXPECT_EQ(wait_for_end().exited.status.signal, SIGKILL);
  EXPECT_LT(boot_now_ns() - begun_ns, options().grace_ns);
}

TEST_F(LauncherStopTest, escaped_descendants_hear_the_polite_stop) {
  start_and_await_output(
      shell("setsid sh -c 'trap \"echo escaped; exit\" TERM; echo ready; while :; do sleep 0.01; done' & "
            "trap 'sleep 0.1; exit' TERM; wait"),
      6);
  launcher_->stop_task(last_task_, StopHow::terminate);
  EXPECT_EQ(wait_for_end().output, "ready\nescaped\n");
  expect_alone();
}

TEST_F(LauncherStopTest, task_that_stopped_itself_is_reached) {
  for (StopHow how : {StopHow::terminate, StopHow::kill}) {
    start_and_await_output(shell("echo ready; kill -STOP $$; echo woken"), 6);
    launcher_->stop_task(last_task_, how);
    const Finished finished = wait_for_end();
    EXPECT_EQ(finished.exited.reason, EndReason::stopped);
    EXPECT_EQ(finished.exited.status.signal, how == StopHow::kill ? SIGKILL : SIGTERM);
  }
}

TEST_F(LauncherStopTest, words_about_another_task_are_ignored) {
  ASSERT_TRUE(launcher().start_task(shell("sleep 0.1; exit 4")));
  launcher_->stop_task(last_task_ + 1, StopHow::kill);
  launcher_->stop_task(last_task_ - 1, StopHow::kill);
  const Finished finished = wait_for_end();
  EXPECT_EQ(finished.exited.reason, EndReason::ended);
  EXPECT_EQ(finished.exited.status.code, 4);
}

TEST_F(LauncherStopTest, stop_that_comes_too_late_does_not_hit_the_next_task) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(launcher().start_task(order({"true"})));
    launcher_->stop_task(last_task_, StopHow::kill);
    const Finished finished = wait_for_end();
    const bool ended = finished.exited.reason == EndReason::ended && finished.exited.status.signal == 0;
    const bool stopped = finished.exited.reason == EndReason::stopped;
    ASSERT_TRUE(ended || stopped);
    launcher_->stop_task(last_task_, StopHow::kill);
    ASSERT_EQ(run(shell("exit 5")).exited.status.code, 5);
  }
}

TEST_F(LauncherStopTest, time_limit_ends_a_task) {
  TaskOrder task = order({"sleep", "100"});
  task.time_limit_ns = 50 * millisecond_ns;
  const Finished finished = run(task);
  EXPECT_EQ(finished.exited.reason, EndReason::timed_out);
  EXPECT_EQ(finished.exited.status.signal, SIGTERM);
  EXPECT_GE(finished.exited.duration_ns, task.time_limit_ns);
  EXPECT_LT(finished.exited.duration_ns, 100 * ns_per_second);
}

TEST_F(LauncherStopTest, time_limit_ends_a_deaf_task_after_the_grace) {
  TaskOrder task = own_task("stay_with_survivors");
  task.time_limit_ns = 50 * millisecond_ns;
  const Finished finished = run(task);
  EXPECT_EQ(finished.exited.reason, EndReason::timed_out);
  EXPECT_EQ(finished.exited.status.signal, SIGKILL);
  EXPECT_GE(finished.exited.duration_ns, task.time_limit_ns + options().grace_ns);
  expect_alone();
}

TEST_F(LauncherStopTest, limits_of_one_task_do_not_reach_another) {
  TaskOrder brief = order({"true"});
  brief.time_limit_ns = 100 * millisecond_ns;
  EXPECT_EQ(run(brief).exited.reason, EndReason::ended);
  EXPECT_EQ(run(order({"sleep", "0.3"})).exited.reason, EndReason::ended);
  // A timer that was set for a later instant must come earlier when a task needs it.
  TaskOrder patient = order({"true"});
  patient.time_limit_ns = 1000 * ns_per_second;
  EXPECT_EQ(run(patient).exited.reason, EndReason::ended);
  TaskOrder late = order({"sleep", "100"});
  late.time_limit_ns = 50 * millisecond_ns;
  EXPECT_EQ(run(late).exited.reason, EndReason::timed_out);
  TaskOrder endless = order({"true"});
  endless.time_limit_ns = INT64_MAX;
  EXPECT_EQ(run(endless).exited.reason, EndReason::ended);
}

TEST_F(LauncherStopTest, deadline_kills_at_once_while_the_agent_is_silent) {
  TaskOrder task = own_task("stay_with_survivors");
  task.deadline_ns = boot_now_ns() + 100 * millisecond_ns;
  ASSERT_TRUE(launcher().start_task(task));
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 4; }));
  EXPECT_TRUE(eventually([&] { return processes_marked(marker_).size() == 1; }));
  EXPECT_GE(boot_now_ns(), task.deadline_ns);
  const Finished finished = wait_for_end();
  EXPECT_EQ(finished.exited.reason, EndReason::deadline_passed);
  EXPECT_EQ(finished.exited.status.signal, SIGKILL);
  EXPECT_LT(finished.exited.duration_ns, options().grace_ns);
}

TEST_F(LauncherStopTest, deadline_that_is_moved_on_in_time_does_not_kill) {
  TaskOrder task = order({"sleep", "0.4"});
  task.deadline_ns = boot_now_ns() + 200 * millisecond_ns;
  ASSERT_TRUE(launcher().start_task(task));
  launcher_->extend_deadline(last_task_, task.deadline_ns + 20 * ns_per_second);
  launcher_->extend_deadline(last_task_, 1);  // never back
  EXPECT_EQ(wait_for_end().exited.reason, EndReason::ended);
}

TEST_F(LauncherStopTest, deadline_of_another_task_is_not_this_ones) {
  TaskOrder task = order({"sleep", "100"});
  task.deadline_ns = boot_now_ns() + 100 * millisecond_ns;
  ASSERT_TRUE(launcher().start_task(task));
  launcher_->extend_deadline(last_task_ + 1, task.deadline_ns + 20 * ns_per_second);
  EXPECT_EQ(wait_for_end().exited.reason, EndReason::deadline_passed);
  // Nor is a deadline given to a task that has none.
  ASSERT_TRUE(launcher().start_task(order({"sleep", "0.1"})));
  launcher_->extend_deadline(last_task_, 1);
  EXPECT_EQ(wait_for_end().exited.reason, EndReason::ended);
}

TEST_F(LauncherStopTest, deadline_moved_on_kills_when_it_comes) {
  TaskOrder task = order({"sleep", "100"});
  task.deadline_ns = boot_now_ns() + 50 * millisecond_ns;
  ASSERT_TRUE(launcher().start_task(task));
  const std::int64_t later_ns = task.deadline_ns + 100 * millisecond_ns;
  launcher_->extend_deadline(last_task_, later_ns);
  EXPECT_EQ(wait_for_end().exited.reason, EndReason::deadline_passed);
  EXPECT_GE(boot_now_ns(), later_ns);
}

TEST_F(LauncherStopTest, nothing_starts_after_its_deadline) {
  TaskOrder task = shell("touch " + place_.path() + "/started");
  task.deadline_ns = boot_now_ns();
  const Finished finished = run(task);
  EXPECT_EQ(finished.exited.reason, EndReason::deadline_passed);
  EXPECT_EQ(finished.started, std::nullopt);
  EXPECT_TRUE(place_.entries().empty());
  EXPECT_EQ(run(order({"true"})).exited.reason, EndReason::ended);
}

TEST_F(LauncherStopTest, survivors_end_with_the_main_process) {
  const Finished finished = run(own_task("leave_survivors"));
  EXPECT_EQ(finished.exited.reason, EndReason::ended);
  EXPECT_EQ(finished.exited.status.code, 3);
  EXPECT_TRUE(finished.exited.survivors_killed);
  expect_alone();
  EXPECT_EQ(child_count(), 1U);
}

TEST_F(LauncherStopTest, zombies_of_a_task_go_with_it) {
  const Finished finished = run(own_task("leave_zombies"));
  EXPECT_EQ(finished.exited.status.code, 0);
  EXPECT_TRUE(finished.exited.survivors_killed);
  EXPECT_EQ(child_count(), 1U);
}

TEST_F(LauncherStopTest, fork_bomb_is_defused) {
  const Finished finished = run(own_task("fork_bomb"));
  EXPECT_EQ(finished.exited.reason, EndReason::ended);
  EXPECT_TRUE(finished.exited.survivors_killed);
  expect_alone();
  EXPECT_EQ(child_count(), 1U);
  EXPECT_EQ(run(shell("exit 6")).exited.status.code, 6);
}

}  // namespace

}  // namespace agent::exec
