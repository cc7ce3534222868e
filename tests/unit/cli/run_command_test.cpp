#include "agent/cli/run_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "agent/shell/system.h"
#include "tests/unit/cli/run_fixture.h"

namespace agent::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(RunTest, AListRunsOnAPrivateAgentAndLeavesNothing) {
  EXPECT_EQ(run({"echo got"}, {"a", "b c"}), exit_ok);
  EXPECT_THAT(lines(out), testing::UnorderedElementsAre("got a", "got b c"));
  EXPECT_THAT(err, AllOf(HasSubstr("gibbon: 2 ok, 0 failed in "), HasSubstr(" on 1 node (2 slots)")));
  EXPECT_THAT(root.entries(), IsEmpty());
}

TEST_F(RunTest, OutputGoesWhereItBelongsAndIsQuietIfAsked) {
  context.verbosity = Verbosity::quiet;
  EXPECT_EQ(run({"echo out {}; echo err {} >&2"}, {"x"}), exit_ok);
  EXPECT_EQ(out, "out x\n");
  EXPECT_EQ(err, "err x\n");
}

TEST_F(RunTest, KeptOrderTagsAndLargeOutputsComeThrough) {
  options.keep_order = true;
  options.tag = true;
  EXPECT_EQ(run({"sleep 0.{}; seq 20000"}, {"2", "1", "0"}), exit_ok);
  std::string expected;
  for (const char* item : {"2", "1", "0"}) {
    for (int i = 1; i <= 20'000; ++i) expected += std::string(item) + "\t" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(out, expected);
}

TEST_F(RunTest, FailedTasksAreCountedAndNamed) {
  EXPECT_EQ(run({"echo why {} >&2; exit {}"}, {"0", "3", "7"}), 2);
  EXPECT_THAT(err, AllOf(HasSubstr("1 ok, 2 failed"), HasSubstr("why 3"), HasSubstr("why 7")));
  EXPECT_EQ(run({"exit 1 #"}, std::vector<std::string>(120, "x")), exit_many_failed);
}

TEST_F(RunTest, HaltingPassesTheCodeOfWhatFailed) {
  options.halt = *parse_halt("now,fail=1");
  EXPECT_EQ(run({"test {} = 0 || exit 9; sleep 60"}, {"0", "1", "2"}), 9);
  options.halt = *parse_halt("now,success=1");
  EXPECT_EQ(run({"test {} = 0 || exit 9"}, {"1", "0"}), exit_ok);
  options.halt = *parse_halt("now,fail=1");
  EXPECT_EQ(run({"kill -9 $PPID #"}, {"x"}), exit_gibbon) << "lost, with no code of its own";
}

TEST_F(RunTest, ASingleCommandsCodeIsPassedOn) {
  options.mode = RunMode::single;
  EXPECT_EQ(run({"true"}), exit_ok);
  EXPECT_EQ(err, "");
  EXPECT_EQ(run({"exit 42"}), 42);
  EXPECT_EQ(run({"kill -SEGV $$"}), 128 + 11);
  EXPECT_EQ(run({"kill -9 $PPID"}), exit_gibbon);
  EXPECT_THAT(err, HasSubstr("its launcher died"));
  options.timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(run({"sleep 60"}), exit_time_limit);
  EXPECT_THAT(err, HasSubstr("timed out"));
}

TEST_F(RunTest, AMissingProgramIsSaidBeforeAnythingStarts) {
  EXPECT_EQ(run({"no-such-program", "{}"}, {"a"}), exit_not_found);
  EXPECT_EQ(err, "gibbon: no-such-program: command not found\ngibbon: nothing was started\n");
  EXPECT_THAT(root.entries(), IsEmpty());
}

TEST_F(RunTest, ARangeIsSearched) {
  options.mode = RunMode::range;
  options.range = *parse_range("0..1000");
  options.found_code = 5;
  options.grain = std::chrono::milliseconds(1);
  options.keep_order = true;
  EXPECT_EQ(run({"for i in $(seq {lo} $(({hi}-1))); do test $i = 777 && echo $i && exit 5; done; true"}), exit_ok);
  EXPECT_EQ(out, "777\n");
  options.range = *parse_range("0..700");
  EXPECT_EQ(run({"test {lo} -gt 10000 && exit 5; true"}), exit_failed);
  EXPECT_EQ(run({"exit 1 # {lo}"}), exit_many_failed);
}

TEST_F(RunTest, AnEmptyListAndAnEmptyRangeAreFine) {
  options.sources = {{.kind = Source::Kind::file, .path = "/dev/null"}};
  EXPECT_EQ(run({"echo"}), exit_ok);
  EXPECT_EQ(out, "");
  options.sources.clear();
  options.mode = RunMode::range;
  options.range = *parse_range("5..5");
  EXPECT_EQ(run({"echo {lo}"}), exit_ok);
  EXPECT_EQ(out, "");
}

TEST_F(RunTest, ItemsAreReadFromAPipeAsTheyCome) {
  Pipe list;
  const Redirected input(STDIN_FILENO, list.reading.get());
  // The second item is only said when the first task has run.
  std::thread producer([&] {
    list.say("first\n");
    while (!std::filesystem::exists(root.file("first"))) (void)usleep(1'000);
    list.say("second\n");
    list.writing.close();
  });
  options.sources = {{.kind = Source::Kind::standard_input}};
  context.private_parent = parent.path();
  EXPECT_EQ(run({"touch " + root.path() + "/{}"}), exit_ok);
  producer.join();
  EXPECT_THAT(root.entries(), testing::ElementsAre("first", "second"));
}

TEST_F(RunTest, AListThatBreaksEndsTheRun) {
  shell::write_file(root.file("list"), std::string("a\nb\0c\n", 6));
  options.sources = {{.kind = Source::Kind::file, .path = root.file("list")}};
  context.private_parent = parent.path();
  EXPECT_EQ(run({"sleep 0.1; echo"}), exit_gibbon);
  EXPECT_THAT(err, HasSubstr("NUL"));
  EXPECT_THAT(parent.entries(), IsEmpty());
  options.sources = {{.kind = Source::Kind::file, .path = root.file("missing")}};
  EXPECT_EQ(run({"echo"}), exit_gibbon);
  EXPECT_THAT(err, AllOf(HasSubstr("cannot read"), Not(HasSubstr(" ok, "))));
  options.sources = {{.kind = Source::Kind::file, .path = root.path()}};
  EXPECT_EQ(run({"echo"}), exit_gibbon);
  EXPECT_EQ(lines(err).size(), 1U) << err;
}

TEST_F(RunTest, AVariableThatIsNotSetIsNamed) {
  options.environment_names = {"_", "GIBBON_TEST_NO_SUCH", "PATH"};
  EXPECT_EQ(run({"echo"}, {"a"}), exit_ok);
  EXPECT_EQ(lines(err).at(0), "gibbon: --env GIBBON_TEST_NO_SUCH: no such variable is exported here");
  EXPECT_EQ(lines(err).size(), 2U) << err;
  context.verbosity = Verbosity::quiet;
  EXPECT_EQ(run({"echo"}, {"a"}), exit_ok);
  EXPECT_EQ(err, "");
}

TEST_F(RunTest, AHaltOnSuccessIsSuccess) {
  options.tasks_at_once = *parse_tasks_at_once("1");
  options.halt = *parse_halt("now,success=2");
  EXPECT_EQ(run({"exit {}"}, {"3", "0", "0", "5"}), exit_ok);
  EXPECT_EQ(run({"exit {}"}, {"3", "0", "4", "5"}), 3) << "it never came to that: the number of failed tasks";
  options.halt = *parse_halt("now,fail=1");
  EXPECT_EQ(run({"exit {}"}, {"0", "7", "4"}), 7);
  options.halt = *parse_halt("now,fail=2");
  EXPECT_EQ(run({"exit {}"}, {"0", "7", "4", "5"}), 2);
}

TEST_F(RunTest, JsonIsOneValueAndJsonlOneLineEach) {
  options.format = OutputFormat::json;
  EXPECT_EQ(run({"echo"}, {"a", "b"}), exit_ok);
  EXPECT_TRUE(out.starts_with("{")) << out;
  EXPECT_TRUE(out.ends_with("}\n")) << out;
  EXPECT_THAT(out, AllOf(HasSubstr("\"stdout\":\"a\\n\""), HasSubstr("\"verdict\"")));
  EXPECT_EQ(run({"no-such-program"}, {"a", "b"}), exit_not_found);
  EXPECT_THAT(out, HasSubstr("{\"v\":1,\"error\":{\"code\":\"run\",\"message\":\"no-such-program: "));
  EXPECT_EQ(err, "");
  options.format = OutputFormat::jsonl;
  EXPECT_EQ(run({"echo"}, {"a", "b"}), exit_ok);
  EXPECT_EQ(lines(out).size(), 3U);
  EXPECT_THAT(lines(out).back(), HasSubstr("\"verdict\""));
}

TEST_F(RunTest, AReaderThatGoesAwayEndsTheRun) {
  Pipe output;
  output.reading.close();
  options.sources = {arguments(std::vector<std::string>(100, "x"))};
  options.command = {"echo {}; sleep 1"};
  int code = 0;
  testing::internal::CaptureStderr();
  {
    const Redirected as_out(STDOUT_FILENO, output.writing.get());
    code = RunCommand(options, context).execute();
  }
  err = testing::internal::GetCapturedStderr();
  EXPECT_EQ(code, exit_broken_pipe);
  EXPECT_THAT(root.entries(), IsEmpty());
}

class RunSignalTest : public RunTest, public testing::WithParamInterface<std::tuple<int, int>> {};

TEST_P(RunSignalTest, EndsPolitelyWithItsCode) {
  const auto [signal, code] = GetParam();
  context.private_parent = parent.path();
  std::thread interrupter([&, number = signal] {
    while (!std::filesystem::exists(root.file("running"))) (void)usleep(1'000);
    kill(getpid(), number);
  });
  EXPECT_EQ(run({"trap 'touch " + root.path() + "/asked; exit 1' TERM; touch " + root.path() +
                 "/running; while :; do sleep 0.05; done #"},
                {"x", "y", "z"}),
            code);
  interrupter.join();
  EXPECT_TRUE(std::filesystem::exists(root.file("asked")));
  EXPECT_THAT(err, HasSubstr("gibbon: cancelled: 0 ok, "));
  EXPECT_THAT(parent.entries(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Each, RunSignalTest,
                         testing::Values(std::tuple(SIGINT, exit_interrupted), std::tuple(SIGTERM, exit_terminated),
                                         std::tuple(SIGHUP, exit_terminated)));

TEST_F(RunTest, ASecondInterruptKills) {
  context.private_parent = parent.path();
  std::thread interrupter([&] {
    while (!std::filesystem::exists(root.file("running"))) (void)usleep(1'000);
    kill(getpid(), SIGINT);
    while (!std::filesystem::exists(root.file("asked"))) (void)usleep(1'000);
    kill(getpid(), SIGINT);
  });
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(run({"trap 'touch " + root.path() + "/asked' TERM; touch " + root.path() +
                 "/running; while :; do sleep 0.1; done #"},
                {"x"}),
            exit_interrupted);
  interrupter.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4)) << "not after the 5 s of politeness";
  EXPECT_THAT(err, AllOf(HasSubstr("press Ctrl-C again"), HasSubstr("gibbon: killing\n")));
}

}  // namespace
}  // namespace agent::cli
