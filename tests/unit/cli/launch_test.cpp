#include "agent/cli/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/shell/system.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {
namespace {

using shell::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class LaunchTest : public testing::Test {
 protected:
  LaunchTest() {
    surroundings.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto at = variables.find(std::string(name));
      return at == variables.end() ? std::nullopt : std::optional(at->second);
    };
    surroundings.directory = "/some/where";
    surroundings.umask = 027;
    surroundings.cores = 8;
    surroundings.now_wall_ms = 1'800'000'000'000;
    options.command = {"gzip", "-9", "{}"};
  }
  [[nodiscard]] crypto::Manifest manifest() {
    for (const auto& [name, value] : variables) surroundings.environment_names.push_back(name);
    auto made = manifest_for(options, surroundings);
    if (!made) ADD_FAILURE() << made.error().problem.message;
    return made ? *made : crypto::Manifest{};
  }

  std::map<std::string, std::string> variables{{"PATH", "/usr/bin:/bin"}, {"HOME", "/home/me"}, {"SECRET", "s"}};
  LaunchSurroundings surroundings;
  RunOptions options;
};

TEST_F(LaunchTest, AListIsAnOpenLoopOfTheCommand) {
  const crypto::Manifest made = manifest();
  EXPECT_EQ(made.created_ms, 1'800'000'000'000);
  EXPECT_EQ(made.not_after_ms, made.created_ms + crypto::manifest_life_ms_max);
  EXPECT_THAT(made.command, ElementsAre("gzip", "-9", "{}"));
  EXPECT_FALSE(made.through_shell);
  EXPECT_EQ(made.space, crypto::Space(crypto::OpenSpace{}));
  EXPECT_FALSE(made.range);
  EXPECT_EQ(made.body, crypto::BodyKind::command_per_iteration);
  EXPECT_EQ(made.directory, "/some/where");
  EXPECT_EQ(made.umask, 027U);
  EXPECT_EQ(made.limits.time_ns, 0U);
  EXPECT_EQ(made.policy.name, "gzip -9 {}");
  EXPECT_EQ(made.policy.slots_max, 0U);
}

TEST_F(LaunchTest, OnlyTheNamedVariablesTravel) {
  EXPECT_THAT(manifest().environment, ElementsAre(Pair("HOME", "/home/me"), Pair("PATH", "/usr/bin:/bin")));
  variables["LANG"] = "C";
  variables["GIBBON_SHELL"] = "/bin/dash";
  options.environment_names = {"SECRET", "MISSING", "A=B", ""};
  EXPECT_THAT(manifest().environment,
              ElementsAre(Pair("GIBBON_SHELL", "/bin/dash"), Pair("HOME", "/home/me"), Pair("LANG", "C"),
                          Pair("PATH", "/usr/bin:/bin"), Pair("SECRET", "s")));
  variables["GIBBON_AGENT"] = "mark";
  variables["GIBBON_SCRATCH"] = "/s";
  options.environment_names = {"_"};
  const auto all = manifest().environment;
  EXPECT_TRUE(all.contains("SECRET"));
  EXPECT_FALSE(all.contains("GIBBON_AGENT"));
  EXPECT_FALSE(all.contains("GIBBON_SCRATCH"));
}

TEST_F(LaunchTest, ARangeIsABoundedLoopOfPieces) {
  options.mode = RunMode::range;
  options.command = {"search", "{lo}", "{hi}"};
  options.range = *parse_range("10..=95:10");
  options.found_code = 3;
  options.grain = std::chrono::seconds(2);
  const crypto::Manifest made = manifest();
  EXPECT_EQ(made.space, crypto::Space(crypto::BoundedSpace{.count = 9}));
  EXPECT_EQ(made.range, (crypto::ValueRange{.low = 10, .step = 10, .high = 90}));
  EXPECT_EQ(made.body, crypto::BodyKind::command_per_piece);
  EXPECT_EQ(made.policy.found, 3);
  EXPECT_EQ(made.policy.grain_ns, 2'000'000'000U);
}

TEST_F(LaunchTest, RangesUpToTheTopAndEmptyOnesCanBeSigned) {
  options.mode = RunMode::range;
  options.command = {"search", "{lo}", "{hi}"};
  const crypto::SigningPair user(shell::random_seed());
  surroundings.now_wall_ms = shell::wall_now_ms();
  for (const char* text : {"18446744073709551600..=18446744073709551615", "0..18446744073709551615", "5..5",
                           "1..=18446744073709551615:3"}) {
    options.range = *parse_range(text);
    auto submission = sign_submission(manifest(), options, user);
    ASSERT_TRUE(submission) << text;
    EXPECT_TRUE(crypto::open_manifest(submission->manifest, shell::wall_now_ms(), 0)) << text;
  }
}

TEST_F(LaunchTest, PolicyFollowsTheOptions) {
  options.tasks_at_once = *parse_tasks_at_once("50%");
  options.retries = 2;
  options.start_at_most_once = true;
  options.timeout = std::chrono::seconds(3);
  options.halt = *parse_halt("now,fail=10%");
  options.name = "mine";
  const crypto::Manifest made = manifest();
  EXPECT_EQ(made.policy.slots_max, 4U);
  EXPECT_EQ(made.policy.retries, 2U);
  EXPECT_TRUE(made.policy.started_at_most_once);
  EXPECT_EQ(made.limits.time_ns, 3'000'000'000U);
  EXPECT_EQ(made.policy.halt,
            (crypto::Halt{crypto::HaltWhen::now, crypto::HaltWhat::fail, 10, crypto::HaltUnit::percent}));
  EXPECT_EQ(made.policy.name, "mine");
  options.halt = {.when = HaltWhen::soon, .event = HaltEvent::done, .threshold = ~std::uint64_t{0}};
  EXPECT_EQ(manifest().policy.halt.amount, UINT32_MAX);
  options.tasks_at_once = *parse_tasks_at_once("-8");
  const auto none = manifest_for(options, surroundings);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().exit_code, 125);
}

TEST_F(LaunchTest, NamesAndProgramsAreCut) {
  options.command = {std::string(1'000, 'n')};
  EXPECT_EQ(manifest().policy.name.size(), crypto::job_name_bytes_max);
  options.command.clear();
  EXPECT_EQ(manifest().policy.name, "command lines");
  EXPECT_TRUE(manifest().through_shell);
}

TEST_F(LaunchTest, TwoLaunchesOfTheSameAreTwoJobsWithKeysOfTheirOwn) {
  surroundings.now_wall_ms = shell::wall_now_ms();
  const crypto::SigningPair user(shell::random_seed());
  const auto one = sign_submission(manifest(), options, user);
  const auto two = sign_submission(manifest(), options, user);
  ASSERT_TRUE(one && two);
  const auto first = crypto::open_manifest(one->manifest, surroundings.now_wall_ms, 0);
  const auto second = crypto::open_manifest(two->manifest, surroundings.now_wall_ms, 0);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->manifest.job, second->manifest.job);
  EXPECT_NE(one->job_secret_seed, two->job_secret_seed);
  EXPECT_EQ(first->manifest.user_key, user.public_key());
  EXPECT_EQ(first->manifest.job_key, crypto::SigningPair(crypto::Seed(one->job_secret_seed)).public_key());
  EXPECT_TRUE(one->want_items);
}

TEST_F(LaunchTest, WhatDoesNotFitIntoAManifestSaysWhatToDo) {
  surroundings.now_wall_ms = shell::wall_now_ms();
  options.environment_names = {"BIG", "BIG2", "BIG3"};
  for (const std::string& name : options.environment_names) variables[name] = std::string(100'000, 'x');
  const auto refused = sign_submission(manifest(), options, crypto::SigningPair(shell::random_seed()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code, 125);
  EXPECT_THAT(refused.error().problem.message, HasSubstr("256 KiB"));
}

TEST_F(LaunchTest, EveryBoundOfAManifestHasItsOwnReason) {
  surroundings.now_wall_ms = shell::wall_now_ms();
  const auto reason = [&] {
    const auto refused = sign_submission(manifest(), options, crypto::SigningPair(shell::random_seed()));
    return refused ? "" : refused.error().problem.message;
  };
  EXPECT_EQ(reason(), "");
  options.command = {"", "echo"};
  EXPECT_EQ(reason(), "") << "a blank in front of a command";
  options.command = {std::string(140'000, 'x')};
  EXPECT_EQ(reason(), "a word of the command is longer than the 128 KiB that the system passes to a program");
  options.command = std::vector<std::string>(9'000, "x");
  EXPECT_EQ(reason(), "the command has 9000 words; a job takes at most 8192");
  options.command = {"echo"};
  options.environment_names = {"BIG"};
  variables["BIG"] = std::string(140'000, 'x');
  EXPECT_EQ(reason(), "the variable BIG is longer than the 128 KiB that the system passes to a program");
  options.environment_names = {"_"};
  variables.erase("BIG");
  for (int i = 0; i < 5'000; ++i) variables["V" + std::to_string(i)] = "x";
  EXPECT_EQ(reason(), "5003 variables are exported; a job takes at most 4096");
  options.environment_names.clear();
  options.name = std::string(300, 'n');
  EXPECT_EQ(reason(), "the name of the job is longer than 256 bytes");
  options.name.reset();
  surroundings.directory = "/" + std::string(5'000, 'd');
  EXPECT_EQ(reason(), "the path of the tasks' directory is longer than 4 KiB");
}

// "CODE MESSAGE" of what is missing, or "".
std::string missing(const crypto::Manifest& manifest) {
  const auto problem = missing_program(manifest);
  return problem ? std::to_string(problem->exit_code) + " " + problem->problem.message : "";
}

class MissingProgramTest : public LaunchTest {
 protected:
  [[nodiscard]] std::string missing_of(std::vector<std::string> command, RunMode mode = RunMode::list) {
    options.command = std::move(command);
    options.mode = mode;
    surroundings.directory = directory.path();
    return missing(manifest());
  }
  TemporaryDirectory directory;
};

TEST_F(MissingProgramTest, ProgramsAreLookedForOnThePath) {
  EXPECT_EQ(missing_of({"sort", "{}"}), "");
  EXPECT_EQ(missing_of({"no-such-program", "{}"}), "127 no-such-program: command not found");
  variables["PATH"] = directory.path();
  EXPECT_EQ(missing_of({"sort", "{}"}), "127 sort: command not found");
  shell::write_file(directory.file("sort"), "");
  EXPECT_EQ(missing_of({"sort", "{}"}), "126 sort: found on PATH, but it cannot be executed");
  ASSERT_EQ(chmod(directory.file("sort").c_str(), 0700), 0);
  EXPECT_EQ(missing_of({"sort", "{}"}), "");
  variables.erase("PATH");
  EXPECT_EQ(missing_of({"sort", "{}"}), "") << "the system's default";
}

TEST_F(MissingProgramTest, PathsAreTakenFromTheDirectoryOfTheTask) {
  EXPECT_EQ(missing_of({"./prog", "{}"}), "127 ./prog: no such file");
  EXPECT_EQ(missing_of({"/no/such/prog", "{}"}), "127 /no/such/prog: no such file");
  shell::write_file(directory.file("prog"), "#!/bin/sh\n");
  EXPECT_EQ(missing_of({"./prog", "{}"}), "126 ./prog: cannot be executed: Permission denied");
  ASSERT_EQ(chmod(directory.file("prog").c_str(), 0700), 0);
  EXPECT_EQ(missing_of({"./prog", "{}"}), "");
  EXPECT_EQ(missing_of({"./prog/x", "{}"}), "127 ./prog/x: no such file");
  EXPECT_EQ(missing_of({"/tmp", "{}"}), "126 /tmp: is a directory");
}

TEST_F(MissingProgramTest, AQuotedCommandIsTakenApartAsItWillBe) {
  EXPECT_EQ(missing_of({"sort -u", "{}"}), "");
  EXPECT_EQ(missing_of({" sort\t-u {}"}), "");
  EXPECT_EQ(missing_of({"nosuch -u", "{}"}), "127 nosuch: command not found");
  EXPECT_EQ(missing_of({"sort -u", "x"}, RunMode::single), "127 sort -u: command not found") << "one word is one word";
  EXPECT_EQ(missing_of({"sort -u"}, RunMode::single), "");
}

TEST_F(MissingProgramTest, TheShellIsLookedForWhereOneIsNeeded) {
  variables["GIBBON_SHELL"] = "/nope";
  EXPECT_EQ(missing_of({"echo", "{}"}), "127 GIBBON_SHELL=/nope: no such file");
  shell::write_file(directory.file("shell"), "");
  variables["GIBBON_SHELL"] = directory.file("shell");
  EXPECT_EQ(missing_of({"a | b"}),
            "126 GIBBON_SHELL=" + directory.file("shell") + ": cannot be executed: Permission denied");
  variables["GIBBON_SHELL"] = "bash";
  EXPECT_EQ(missing_of({"a | b"}), "") << "looked for on the path";
  variables["GIBBON_SHELL"] = "/nope/sh";
  EXPECT_EQ(missing_of({"sort", "{}"}), "") << "no shell is needed";
  variables["GIBBON_SHELL"] = "";
  EXPECT_EQ(missing_of({"a | b"}), "");
}

TEST_F(MissingProgramTest, TheDirectoryOfTheTasksMustBeThere) {
  options.command = {"a | b"};
  surroundings.directory = directory.file("nowhere");
  EXPECT_EQ(missing(manifest()), "126 cannot enter " + directory.file("nowhere") + ": No such file or directory");
  shell::write_file(directory.file("file"), "");
  surroundings.directory = directory.file("file");
  EXPECT_EQ(missing(manifest()), "126 cannot enter " + directory.file("file") + ": Not a directory");
}

TEST_F(MissingProgramTest, WhatAShellWillJudgeIsLeftToIt) {
  EXPECT_EQ(missing_of({"nosuch | cat", "{}"}), "");
  EXPECT_EQ(missing_of({"cd", "{}"}), "");
  EXPECT_EQ(missing_of({"{}", "-x"}), "");
  EXPECT_EQ(missing_of({}), "");
}

}  // namespace
}  // namespace agent::cli
