#include "agent/cli/dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli/exit_code.h"
#include "agent/shell/system.h"
#include "tests/unit/cli/redirected.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {
namespace {

using testing::HasSubstr;

class DryRunTest : public testing::Test {
 protected:
  DryRunTest() {
    surroundings.environment = [this](std::string_view name) -> std::optional<std::string> {
      if (name == "GIBBON_SHELL") return shell;
      return std::nullopt;
    };
    surroundings.directory = "/";
    options.command = {"echo", "{}"};
    options.dry_run = true;
  }
  // The exit code; what was printed is in `out` and `err`.
  int run(std::vector<Source> sources) {
    options.sources = std::move(sources);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = dry_run(options, surroundings);
    err = testing::internal::GetCapturedStderr();
    out = testing::internal::GetCapturedStdout();
    return code;
  }
  static Source arguments(std::vector<std::string> words) {
    return {.kind = Source::Kind::arguments, .arguments = std::move(words)};
  }
  static Source file(const std::string& path) { return {.kind = Source::Kind::file, .path = path}; }

  std::optional<std::string> shell;
  LaunchSurroundings surroundings;
  RunOptions options;
  std::string out;
  std::string err;
};

TEST_F(DryRunTest, PrintsTheLinesInOrder) {
  EXPECT_EQ(run({arguments({"a", "b c", "it's"}), arguments({"1", "2"})}), exit_ok);
  EXPECT_EQ(out, "echo a 1\necho a 2\necho 'b c' 1\necho 'b c' 2\necho 'it'\"'\"'s' 1\necho 'it'\"'\"'s' 2\n");
  EXPECT_EQ(err, "");
}

TEST_F(DryRunTest, NumbersAndSlotsAreFilledIn) {
  options.command = {"p", "{#}", "{%}", "{node}", "{.}"};
  EXPECT_EQ(run({arguments({"x.png", "y.png"})}), exit_ok);
  EXPECT_EQ(out, "p 1 1 " + shell::node_name() + " x\np 2 1 " + shell::node_name() + " y\n");
}

TEST_F(DryRunTest, AMillionLinesOfAFileArePrinted) {
  const shell::TemporaryDirectory directory;
  std::string content;
  for (int i = 0; i < 1'000'000; ++i) content += std::to_string(i) + "\n";
  shell::write_file(directory.file("list"), content);
  EXPECT_EQ(run({file(directory.file("list"))}), exit_ok);
  EXPECT_EQ(std::ranges::count(out, '\n'), 1'000'000);
  EXPECT_TRUE(out.starts_with("echo 0\necho 1\n"));
  EXPECT_TRUE(out.ends_with("\necho 999999\n"));
}

TEST_F(DryRunTest, AnEmptyListPrintsNothing) {
  EXPECT_EQ(run({file("/dev/null")}), exit_ok);
  EXPECT_EQ(out, "");
}

TEST_F(DryRunTest, ItemsThatWouldFailAreNamedAndTheOthersPrinted) {
  EXPECT_EQ(run({arguments({"a", std::string(131'072, 'x'), "b", std::string(131'070, 'y'), "c"})}), exit_gibbon);
  EXPECT_EQ(out, "echo a\necho b\necho c\n");
  EXPECT_THAT(err, HasSubstr("item 2 is too long for a command line"));
  EXPECT_THAT(err, HasSubstr("item 4: "));
}

TEST_F(DryRunTest, AListThatCannotBeReadIsAFailure) {
  const shell::TemporaryDirectory directory;
  EXPECT_EQ(run({file(directory.file("missing"))}), exit_gibbon);
  EXPECT_THAT(err, HasSubstr("cannot read " + directory.file("missing")));
  shell::write_file(directory.file("binary"), std::string("a\nb\0c\nd\n", 8));
  EXPECT_EQ(run({file(directory.file("binary"))}), exit_gibbon);
  EXPECT_THAT(err, HasSubstr("NUL"));
}

TEST_F(DryRunTest, ARangeIsShownWhole) {
  options.mode = RunMode::range;
  options.command = {"search", "{lo}", "{hi}"};
  options.range = *parse_range("18446744073709551600..=18446744073709551615");
  EXPECT_EQ(run({}), exit_ok);
  EXPECT_EQ(out, "search 18446744073709551600 18446744073709551616\n");
  options.range = *parse_range("5..5");
  EXPECT_EQ(run({}), exit_ok);
  EXPECT_EQ(out, "");
}

TEST_F(DryRunTest, ASingleCommandIsOneLine) {
  options.mode = RunMode::single;
  options.command = {"prog", "a b", "{}"};
  EXPECT_EQ(run({}), exit_ok);
  EXPECT_EQ(out, "prog 'a b' '{}'\n");
}

TEST_F(DryRunTest, AnEmptyShellIsNone) {
  shell = "";
  options.command = {"cd {} && ls"};
  EXPECT_EQ(run({arguments({"a"})}), exit_ok);
  EXPECT_EQ(out, "cd a && ls\n");
}

TEST_F(DryRunTest, EndsWhenNobodyReadsHoweverLongTheListIs) {
  Pipe output;
  output.reading.close();
  const exec::Descriptor endless(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  options.delimiter = std::string("\0", 1);
  options.sources = {{.kind = Source::Kind::standard_input}};
  int code = 0;
  {
    const Redirected input(STDIN_FILENO, endless.get());
    const Redirected as_out(STDOUT_FILENO, output.writing.get());
    code = dry_run(options, surroundings);
  }
  EXPECT_EQ(code, exit_broken_pipe);
}

TEST_F(DryRunTest, AFullDiskIsAFailureThatIsNamed) {
  const exec::Descriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  options.sources = {arguments({"a"})};
  int code = 0;
  testing::internal::CaptureStderr();
  {
    const Redirected as_out(STDOUT_FILENO, full.get());
    code = dry_run(options, surroundings);
  }
  EXPECT_EQ(code, exit_gibbon);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("cannot write: No space left on device"));
}

}  // namespace
}  // namespace agent::cli
