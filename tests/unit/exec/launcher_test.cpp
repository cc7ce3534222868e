// How a task ends, what of it comes back, and what it finds when it starts.

#include "agent/exec/launcher.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/exec/launcher_fixture.h"

namespace agent::exec {

namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(LauncherTest, exit_code_comes_back) {
  for (int code : {0, 1, 7, 126, 255}) {
    const Finished finished = run(shell("exit " + std::to_string(code)));
    EXPECT_EQ(finished.exited.reason, EndReason::ended);
    EXPECT_EQ(finished.exited.status, (ExitStatus{.code = code, .signal = 0}));
    EXPECT_EQ(finished.exited.failure, std::nullopt);
    EXPECT_FALSE(finished.exited.survivors_killed);
  }
}

TEST_F(LauncherTest, deadly_signal_comes_back) {
  for (int signal : {SIGSEGV, SIGKILL, SIGTERM}) {
    const Finished finished = run(shell("kill -" + std::to_string(signal) + " $$"));
    EXPECT_EQ(finished.exited.reason, EndReason::ended);
    EXPECT_EQ(finished.exited.status, (ExitStatus{.code = 0, .signal = signal}));
  }
}

TEST_F(LauncherTest, start_is_told_before_the_end_with_number_and_times) {
  const std::int64_t before_ns = boot_now_ns();
  const Finished finished = run(shell("echo $$"));
  ASSERT_TRUE(finished.started);
  EXPECT_EQ(finished.started->task, finished.exited.task);
  EXPECT_EQ(std::to_string(finished.started->pid) + "\n", finished.output);
  EXPECT_GE(finished.started->start_boot_ns, before_ns);
  EXPECT_LE(finished.started->start_boot_ns + finished.exited.duration_ns, boot_now_ns());
  EXPECT_GT(finished.exited.duration_ns, 0);
  EXPECT_EQ(finished.started->layers, layer_base);
}

TEST_F(LauncherTest, start_of_a_long_task_is_told_while_it_runs) {
  ASSERT_TRUE(launcher().start_task(order({"sleep", "100"})));
  EXPECT_TRUE(std::holds_alternative<TaskStarted>(next_event(launcher())));
  EXPECT_TRUE(launcher().busy());
  EXPECT_EQ(launcher().start_task(order({"true"})).error(), OrderError::busy);
}

TEST_F(LauncherTest, time_and_memory_of_all_processes_are_counted) {
  const Finished memory = run(own_task("touch_memory"));
  EXPECT_GE(memory.exited.peak_kib, 100 * 1024);
  const Finished time = run(shell("(i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done); :"));
  EXPECT_GT(time.exited.user_ns, 1'000'000);
  EXPECT_LT(time.exited.peak_kib, memory.exited.peak_kib);
  const Finished nothing = run(order({"true"}));
  EXPECT_LT(nothing.exited.user_ns, time.exited.user_ns);
}

struct Unstartable {
  std::vector<std::string> argv;
  StartFailureKind kind;
  SetUpStep step;
  int error_number;
};

TEST_F(LauncherTest, what_cannot_start_says_why_and_the_launcher_goes_on) {
  const std::string plain = place_.make_file("plain", "echo no\n", 0644);
  const std::string lost = place_.make_file("lost", "#!/no/such/interpreter\n", 0755);
  const std::string binary = place_.make_file("binary", std::string("\1\0\2", 3), 0755);
  const std::vector<Unstartable> cases{
      {{"/no/such/program"}, StartFailureKind::not_found, SetUpStep::execute, ENOENT},
      {{"no-such-program"}, StartFailureKind::not_found, SetUpStep::execute, ENOENT},
      {{""}, StartFailureKind::not_found, SetUpStep::execute, ENOENT},
      {{plain + "/below"}, StartFailureKind::not_found, SetUpStep::execute, ENOTDIR},
      {{std::string(5000, 'n')}, StartFailureKind::not_found, SetUpStep::execute, ENOENT},
      {{plain}, StartFailureKind::not_executable, SetUpStep::execute, EACCES},
      {{place_.path()}, StartFailureKind::not_executable, SetUpStep::execute, EACCES},
      {{binary}, StartFailureKind::not_executable, SetUpStep::execute, ENOEXEC},
      {{lost}, StartFailureKind::bad_interpreter, SetUpStep::execute, ENOENT},
      {{"lost"}, StartFailureKind::bad_interpreter, SetUpStep::execute, ENOENT},
      {{"plain"}, StartFailureKind::not_executable, SetUpStep::execute, EACCES},
  };
  for (const Unstartable& expected : cases) {
    SCOPED_TRACE(expected.argv[0].substr(0, 80));
    TaskOrder task = order(expected.argv);
    task.environment[0] = "PATH=/usr/bin:" + place_.path();
    const Finished finished = run(task);
    EXPECT_EQ(finished.started, std::nullopt);
    EXPECT_EQ(finished.exited.reason, EndReason::could_not_start);
    ASSERT_TRUE(finished.exited.failure);
    EXPECT_EQ(finished.exited.failure->kind, expected.kind) << to_string(finished.exited.failure->kind);
    EXPECT_EQ(finished.exited.failure->step, expected.step) << to_string(finished.exited.failure->step);
    EXPECT_EQ(finished.exited.failure->error_number, expected.error_number);
    EXPECT_EQ(run(order({"true"})).exited.reason, EndReason::ended);
  }
}

TEST_F(LauncherTest, directory_that_cannot_be_entered_is_told) {
  TaskOrder task = order({"true"});
  task.directory = "/no/such/directory";
  const StartFailure expected{
      .kind = StartFailureKind::bad_directory, .step = SetUpStep::directory, .error_number = ENOENT};
  EXPECT_EQ(run(task).exited.failure, expected);
}

TEST_F(LauncherTest, order_that_no_process_could_get_is_refused) {
  EXPECT_EQ(launcher().start_task(order({})).error(), OrderError::empty_command);
  EXPECT_EQ(launcher().start_task(order({"echo", std::string("a\0b", 3)})).error(), OrderError::zero_byte);
  TaskOrder task = order({"true"});
  task.environment.emplace_back("A=\0", 3);
  EXPECT_EQ(launcher().start_task(task).error(), OrderError::zero_byte);
  EXPECT_FALSE(launcher().busy());
  EXPECT_EQ(run(order({"true"})).exited.reason, EndReason::ended);
}

TEST_F(LauncherTest, program_is_searched_on_the_path_of_the_task) {
  place_.make_file("greet", "#!/bin/sh\necho found\n", 0755);
  TaskOrder task = order({"greet"});
  EXPECT_EQ(run(task).exited.failure->kind, StartFailureKind::not_found);
  task.environment[0] = "PATH=/no/such:" + place_.path();
  EXPECT_EQ(run(task).output, "found\n");
  // An empty part is the working directory.
  task.environment[0] = "PATH=/no/such:";
  task.directory = place_.path();
  EXPECT_EQ(run(task).output, "found\n");
  // No PATH at all: the usual places.
  task = order({"echo", "usual"});
  task.environment.clear();
  EXPECT_EQ(run(task).output, "usual\n");
}

TEST_F(LauncherTest, script_without_interpreter_is_run_by_the_shell) {
  const std::string script = place_.make_file("script", "echo \"$0 $1 $#\"\n", 0755);
  EXPECT_EQ(run(order({script, "one", "two"})).output, script + " one 2\n");
}

TEST_F(LauncherTest, arguments_of_any_content_arrive_as_they_are) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  const Finished finished = run(order({"printf", "<%s>", "", all, " a  b ", "\n"}));
  EXPECT_EQ(finished.output, "<><" + all + ">< a  b ><\n>");
}

TEST_F(LauncherTest, large_orders_arrive_whole) {
  for (std::size_t count : {300U, 400U, 10'000U}) {
    std::vector<std::string> argv{"/bin/sh", "-c", "echo $#; echo \"$*\" | cksum", "sh"};
    for (std::size_t i = 0; i < count; ++i) argv.emplace_back(99, static_cast<char>('a' + i % 26));
    TaskOrder task = order(argv);
    const std::string first = run(task).output;
    EXPECT_EQ(first.substr(0, first.find('\n')), std::to_string(count));
    EXPECT_EQ(run(task).output, first);
  }
  TaskOrder task = shell("echo ${#BIG}");
  for (int i = 0; i < 15; ++i) task.environment.push_back("V" + std::to_string(i) + "=" + std::string(100'000, 'v'));
  task.environment.push_back("BIG=" + std::string(100'000, 'b'));
  EXPECT_EQ(run(task).output, "100000\n");
}

TEST_F(LauncherTest, what_is_beyond_the_systems_limit_is_too_long) {
  const StartFailure expected{.kind = StartFailureKind::too_long, .step = SetUpStep::execute, .error_number = E2BIG};
  EXPECT_EQ(run(order({"true", std::string(200'000, 'a')})).exited.failure, expected);
  std::vector<std::string> many{"true"};
  for (int i = 0; i < 80; ++i) many.emplace_back(100'000, 'a');
  EXPECT_EQ(run(order(many)).exited.failure, expected);
  EXPECT_EQ(run(order({"true"})).exited.status.code, 0);
}

TEST_F(LauncherTest, standard_input_is_empty) {
  EXPECT_EQ(run(shell("wc -c; readlink /proc/self/fd/0")).output, "0\n/dev/null\n");
}

TEST_F(LauncherTest, environment_is_exactly_what_was_ordered) {
  TaskOrder task = order({"/usr/bin/env", "-0"});
  task.environment = {"B=2", "A=one two", "EMPTY=", "ODD"};
  EXPECT_EQ(run(task).output, std::string("B=2\0A=one two\0EMPTY=\0ODD\0", 25));
  task.environment.clear();
  EXPECT_EQ(run(task).output, "");
}

TEST_F(LauncherTest, nothing_but_the_three_streams_is_open) {
  const int leaked = ::dup(0);  // not close-on-exec, on purpose
  EXPECT_EQ(run(own_task("list_descriptors")).output, "0 1 2 ");
  ::close(leaked);
}

TEST_F(LauncherTest, task_leads_a_session_without_terminal) {
  EXPECT_EQ(run(own_task("tell_session")).output, "1 1 0");
}

TEST_F(LauncherTest, task_has_default_signals_and_cannot_gain_privileges) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_IGN);
  launcher();
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGCHLD, SIG_DFL);
  const std::string status = run(order({"cat", "/proc/self/status"})).output;
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1\n"));
  EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000\n"));
  // All but the two that belong to the C library, which lets nobody set them.
  EXPECT_THAT(status, ContainsRegex("SigIgn:\t0000000180000000|SigIgn:\t0000000000000000"));
  EXPECT_EQ(run(order({"cat", "/proc/self/oom_score_adj"})).output, "1000\n");
}

TEST_F(LauncherTest, umask_is_set_for_each_task) {
  TaskOrder task = shell("umask");
  EXPECT_EQ(run(task).output, "0077\n");
  task.umask = 022;
  EXPECT_EQ(run(task).output, "0022\n");
  EXPECT_EQ(run(shell("umask")).output, "0077\n");
}

TEST_F(LauncherTest, guest_is_idle_in_every_respect_and_the_next_task_is_not) {
  const std::string usual = run(own_task("tell_priority")).output;
  TaskOrder task = own_task("tell_priority");
  task.priority = Priority::guest;
  const Finished guest = run(task);
  EXPECT_EQ(guest.output, "19 5 3");
  EXPECT_EQ(guest.started->layers, layer_base | layer_guest_priority);
  EXPECT_EQ(run(own_task("tell_priority")).output, usual);
}

TEST_F(LauncherTest, limits_are_set_for_this_task_only) {
  const std::string script = "ulimit -S -t; ulimit -H -t; ulimit -v; ulimit -f; ulimit -n; ulimit -c";
  TaskOrder task = shell(script);
  task.limits = {.cpu_seconds = 10, .memory_bytes = 1 << 30, .file_bytes = 1 << 20, .open_files = 50};
  EXPECT_EQ(run(task).output, "10\n11\n1048576\n2048\n50\n0\n");
  EXPECT_THAT(run(shell(script)).output, HasSubstr("unlimited\nunlimited\nunlimited\nunlimited\n"));
}

TEST_F(LauncherTest, processor_time_is_limited) {
  TaskOrder task = shell("while :; do :; done");
  task.limits.cpu_seconds = 1;
  EXPECT_EQ(run(task).exited.status.signal, SIGXCPU);
}

TEST_F(LauncherTest, length_of_files_is_limited) {
  TaskOrder task = order({"dd", "if=/dev/zero", "bs=4096", "count=100", "status=none"});
  task.limits.file_bytes = 10'000;
  const Finished finished = run(task);
  EXPECT_EQ(finished.exited.status.signal, SIGXFSZ);
  EXPECT_EQ(finished.output.size(), 10'000U);
}

TEST_F(LauncherTest, launcher_needs_its_directories) {
  LauncherOptions wrong = options();
  wrong.scratch_parent = "/no/such";
  EXPECT_EQ(Launcher::start(wrong).error().error, LaunchError::scratch_parent_unusable);
  EXPECT_EQ(to_string(Launcher::start(wrong).error()),
            "the directory for scratch directories is unusable (/no/such: No such file or directory)");
  wrong = options();
  wrong.output_directory = "/no/such";
  EXPECT_EQ(Launcher::start(wrong).error().error, LaunchError::output_directory_unusable);
  EXPECT_EQ(to_string(Launcher::start(wrong).error()),
            "the directory for outputs is unusable (/no/such: No such file or directory)");
}

TEST_F(LauncherTest, a_thousand_tasks_leave_nothing) {
  ASSERT_EQ(run(order({"true"})).exited.status.code, 0);
  const std::size_t descriptors = open_descriptor_count();
  const std::string launchers_own = "/proc/" + std::to_string(launcher().pid()) + "/fd";
  const auto launchers_descriptors = [&] {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(launchers_own), {}));
  };
  const std::size_t before = launchers_descriptors();
  for (int i = 0; i < 1000; ++i) {
    const Finished finished = run(i % 50 == 0 ? own_task("leave_zombies") : shell("echo out; echo err >&2; exit 3"));
    ASSERT_EQ(finished.exited.reason, EndReason::ended);
  }
  EXPECT_EQ(open_descriptor_count(), descriptors);
  EXPECT_EQ(launchers_descriptors(), before);
  EXPECT_THAT(processes_marked(marker_), ::testing::ElementsAre(launcher().pid()));
  EXPECT_EQ(child_count(), 1U);
  launcher_.reset();
  EXPECT_EQ(child_count(), 0U);
  EXPECT_THAT(scratch_parent_.entries(), IsEmpty());
  EXPECT_THAT(outputs_.entries(), IsEmpty());
}

}  // namespace

}  // namespace agent::exec
