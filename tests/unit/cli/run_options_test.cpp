#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli/options.h"

namespace agent::cli {
namespace {

using Words = std::vector<std::string>;
using std::string_literals::operator""s;
using Kind = Source::Kind;
using Input = Surroundings::StandardInput;

Parsed parse_run(Words words, Input input) {
  words.insert(words.begin(), "run");
  return parse(words, {.standard_input = input});
}

RunOptions run(const Words& words, Input input = Input::terminal) {
  const auto parsed = parse_run(words, input);
  if (const auto* error = std::get_if<UsageError>(&parsed)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<RunOptions>(std::get<Invocation>(parsed).command);
}

// "message | hint"; the exit code is always 125.
std::string refusal(const Words& words, Input input = Input::terminal) {
  const auto parsed = parse_run(words, input);
  const auto* error = std::get_if<UsageError>(&parsed);
  if (error == nullptr) return "none";
  EXPECT_EQ(error->exit_code, 125);
  return error->message + " | " + error->hint;
}

Source arguments(Words words, Tie tie = Tie::product) {
  return {.kind = Kind::arguments, .tie = tie, .arguments = std::move(words)};
}
Source file(std::string path, Tie tie = Tie::product) {
  return {.kind = Kind::file, .tie = tie, .path = std::move(path)};
}
Source input_source(Tie tie = Tie::product) {
  return {.kind = Kind::standard_input, .tie = tie};
}

TEST(RunBranches, AreEightOrSaid) {
  EXPECT_EQ(run({"x", ":::", "a"}).branch_number, 8U);
  EXPECT_EQ(run({"-b", "3", "x", ":::", "a"}).branch_number, 3U);
  EXPECT_EQ(run({"--branches=0", "x", ":::", "a"}).branch_number, 0U);
  EXPECT_EQ(run({"--local", "x", ":::", "a"}).branch_number, 0U);
  EXPECT_EQ(refusal({"--local", "-b", "0", "x", ":::", "a"}), "--local and -b exclude each other | --local is -b 0");
  EXPECT_EQ(refusal({"-b", "auto", "x", ":::", "a"}),
            "--branches takes a whole number from 0 to 65535, not \"auto\" | ");
}

TEST(RunMode, IsAListWithASource) {
  const auto options = run({"gzip", "-9", "{}", ":::", "a", "-b"});
  EXPECT_EQ(options.mode, RunMode::list);
  EXPECT_EQ(options.command, (Words{"gzip", "-9", "{}"}));
  EXPECT_EQ(options.sources, std::vector{arguments({"a", "-b"})});
  EXPECT_EQ(run({"--", "gzip", ":::", "a"}, Input::other).mode, RunMode::list);
  EXPECT_EQ(run({"-a", "f", "gzip"}, Input::other).sources, std::vector{file("f")});
}

TEST(RunMode, IsAListOfStandardInputThatIsNoTerminal) {
  EXPECT_EQ(run({"gzip"}, Input::other).sources, std::vector{input_source()});
  EXPECT_EQ(run({}, Input::other).command, Words{});
  EXPECT_EQ(run({"-k"}, Input::other).sources, std::vector{input_source()});
}

TEST(RunMode, IsASingleCommandBehindDashesOnly) {
  for (const auto input : {Input::terminal, Input::other}) {
    const auto options = run({"-v", "--", "sh", "-c", "exit 7"}, input);
    EXPECT_EQ(options.mode, RunMode::single);
    EXPECT_EQ(options.command, (Words{"sh", "-c", "exit 7"}));
    EXPECT_TRUE(options.sources.empty());
  }
}

TEST(RunMode, IsARangeWithRange) {
  for (const auto input : {Input::terminal, Input::other}) {
    const auto options = run({"--range", "0..1e9", "--grain=2m", "--found", "3", "--", "s", "{lo}", "{hi}"}, input);
    EXPECT_EQ(options.mode, RunMode::range);
    EXPECT_EQ(options.range, (Range{.low = 0, .step = 1, .count = 1'000'000'000}));
    EXPECT_EQ(options.grain, std::chrono::minutes(2));
    EXPECT_EQ(options.found_code, 3);
    EXPECT_TRUE(options.sources.empty());
  }
  EXPECT_EQ(run({"--range", "0..0", "s", "{lo}"}).range->count, 0U);
  EXPECT_EQ(run({"--range", "0..1", "s", "{lo}"}).grain, std::chrono::seconds(10));
}

TEST(RunMode, IsExplainedWhereNothingTells) {
  EXPECT_EQ(
      refusal({"gzip"}),
      "no items: there is no :::, no file, and standard input is a terminal | gibbon run COMMAND ::: ITEM...   or, "
      "to run it once:   gibbon run -- COMMAND");
  EXPECT_EQ(refusal({}), "nothing to run | gibbon run COMMAND ::: ITEM...");
  EXPECT_EQ(refusal({"--"}, Input::other), "nothing to run | gibbon run COMMAND ::: ITEM...");
}

TEST(RunOptionsEnd, AtTheFirstWordThatIsNone) {
  const auto options = run({"-j", "3", "-k", "gzip", "-b", "7", "--tag", "--", "-k", ":::", "x"});
  EXPECT_EQ(options.command, (Words{"gzip", "-b", "7", "--tag", "--", "-k"}));
  EXPECT_TRUE(options.keep_order);
  EXPECT_FALSE(options.tag);
  EXPECT_EQ(run({"-j", "3", "--", "-odd", "-k", ":::", "x"}).command, (Words{"-odd", "-k"}));
  EXPECT_EQ(run({"-", ":::", "x"}).command, Words{"-"});
  EXPECT_EQ(run({":::", "echo a", "echo b"}).command, Words{});
}

TEST(RunSources, AreTakenInTheirOrder) {
  EXPECT_EQ(
      run({"-a", "f", "--arg-file=-", "x", ":::", "a", "b", ":::+", "1", "2", "::::", "g", "h", "::::+", "i"}).sources,
      (std::vector{file("f"), input_source(), arguments({"a", "b"}), arguments({"1", "2"}, Tie::linked), file("g"),
                   file("h"), file("i", Tie::linked)}));
  EXPECT_EQ(run({"x", "::::", "-"}).sources, std::vector{input_source()});
}

TEST(RunSources, AreRefusedWhereTheyMakeNoSense) {
  EXPECT_EQ(refusal({"x", ":::"}),
            "nothing follows ::: | give at least one item behind it, or none at all: gibbon run COMMAND </dev/null");
  EXPECT_EQ(refusal({"x", ":::", ":::", "a"}),
            "nothing follows ::: | give at least one item behind it, or none at all: gibbon run COMMAND </dev/null");
  EXPECT_EQ(refusal({"x", "::::"}), "nothing follows :::: | name at least one file behind it, - for standard input");
  EXPECT_EQ(refusal({"x", ":::+", "a"}), ":::+ has no source before it to go along with | the first source is :::");
  EXPECT_EQ(refusal({"x", "::::+", "a"}), "::::+ has no source before it to go along with | the first source is ::::");
  EXPECT_EQ(refusal({"x", "::::", ""}), "a file behind :::: has an empty name | ");
  EXPECT_EQ(refusal({"-a", "-", "x", "::::", "-"}),
            "standard input is named as a source twice, but can be read once only | ");
}

TEST(RunItems, AreSplitAsAsked) {
  EXPECT_EQ(run({"-0", "x"}, Input::other).delimiter, "\0"s);
  EXPECT_EQ(run({"-d", "\\t", "x"}, Input::other).delimiter, "\t");
  EXPECT_EQ(run({"-d,", "x"}, Input::other).delimiter, ",");
  EXPECT_EQ(run({"x"}, Input::other).delimiter, "\n");
  EXPECT_EQ(run({"--colsep", "[,;]", "x"}, Input::other).column_separator, *ColumnSeparator::parse("[,;]"));
  EXPECT_EQ(run({"-N", "3", "x"}, Input::other).rows_per_item, 3U);
  EXPECT_EQ(run({"-N2", "x"}, Input::other).rows_per_item, 2U);
  EXPECT_EQ(refusal({"-0", "-d", ",", "x"}, Input::other), "-0 and -d exclude each other | ");
  EXPECT_EQ(refusal({"-d", "", "x"}, Input::other), "--delimiter \"\": a delimiter cannot be empty | ");
  EXPECT_EQ(refusal({"-N", "0", "x"}, Input::other),
            "--max-replace-args takes a whole number from 1 to 65536, not \"0\" | ");
  EXPECT_EQ(refusal({"-0", "--", "x"}), "--null is for lists of items only | ");
}

TEST(RunTasks, AreLimitedAsAsked) {
  const auto options =
      run({"-j", "-1", "--timeout", "1.5m", "--halt", "now,fail=1", "--retries", "3", "--dry-run", "x", ":::", "a"});
  EXPECT_EQ(options.tasks_at_once, (TasksAtOnce{TasksAtOnce::Kind::fewer_than_cores, 1}));
  EXPECT_EQ(options.timeout, std::chrono::seconds(90));
  EXPECT_EQ(options.halt, (Halt{HaltWhen::now, HaltEvent::fail, 1, Halt::Unit::tasks}));
  EXPECT_EQ(options.retries, 3U);
  EXPECT_TRUE(options.dry_run);
  EXPECT_FALSE(options.start_at_most_once);
  EXPECT_TRUE(run({"--no-reexec", "--retries", "0", "x", ":::", "a"}).start_at_most_once);
  EXPECT_EQ(run({"-j50%", "x", ":::", "a"}).tasks_at_once, (TasksAtOnce{TasksAtOnce::Kind::percent, 50}));
  EXPECT_EQ(run({"-kj4", "x", ":::", "a"}).tasks_at_once, (TasksAtOnce{TasksAtOnce::Kind::count, 4}));
  for (const Words& synonym : {Words{"-P4"}, Words{"-P", "4"}, Words{"--max-procs=4"}, Words{"--jobs", "4"}}) {
    Words words = synonym;
    words.insert(words.end(), {"x", ":::", "a"});
    EXPECT_EQ(run(words).tasks_at_once, (TasksAtOnce{TasksAtOnce::Kind::count, 4})) << synonym.front();
  }
  EXPECT_EQ(refusal({"-j", "65537", "x", ":::", "a"}), "--jobs \"65537\": -j takes at most 65536 | ");
  EXPECT_EQ(refusal({"--halt", "now,fail", "x", ":::", "a"}),
            "--halt \"now,fail\": =N is missing: how many tasks, as in now,fail=1, or per cent, as in now,fail=10% | ");
  EXPECT_EQ(run({"-j1", "-j2", "x", ":::", "a"}).tasks_at_once, (TasksAtOnce{TasksAtOnce::Kind::count, 2}));
}

TEST(RunPlace, IsAsAsked) {
  const auto options =
      run({"--env", "A", "--env=B_2", "--cwd", "/tmp", "--name", "my job", "--slots", "2", "x", ":::", "a"});
  EXPECT_EQ(options.environment_names, (Words{"A", "B_2"}));
  EXPECT_EQ(options.directory, "/tmp");
  EXPECT_EQ(options.name, "my job");
  EXPECT_EQ(options.slots, 2U);
  EXPECT_EQ(refusal({"--env", "A=1", "x", ":::", "a"}),
            "--env takes the name of a variable, not \"A=1\" | set it before: NAME=value gibbon run --env NAME ...");
  EXPECT_EQ(refusal({"--cwd=", "x", ":::", "a"}), "--cwd needs a directory | ");
}

TEST(RunOutput, IsAsAsked) {
  const auto options = run({"-k", "--tag", "--jsonl", "x", ":::", "a"});
  EXPECT_TRUE(options.keep_order && options.tag);
  EXPECT_EQ(options.format, OutputFormat::jsonl);
  EXPECT_EQ(run({"--json", "x", ":::", "a"}).format, OutputFormat::json);
  EXPECT_EQ(run({"--bar", "x", ":::", "a"}).progress, ProgressStyle::bar);
  EXPECT_EQ(run({"--eta", "x", ":::", "a"}).progress, ProgressStyle::bar);
  EXPECT_EQ(run({"--progress=plain", "x", ":::", "a"}).progress, ProgressStyle::plain);
  EXPECT_EQ(run({"--progress", "x", ":::", "a"}).command, Words{"x"});
  EXPECT_EQ(run({"--progress", "x", ":::", "a"}).progress, ProgressStyle::automatic);
  EXPECT_EQ(run({"--progress", "--", "none", ":::", "a"}).command, Words{"none"});
  for (const std::string style : {"auto", "bar", "plain", "none"}) {
    EXPECT_EQ(refusal({"--progress", style, "x", ":::", "a"}),
              "--progress takes its value behind an = | did you mean --progress=" + style + "?");
  }
  for (const std::string format : {"json", "jsonl"}) {
    EXPECT_EQ(refusal({"--dry-run", "--" + format, "x", ":::", "a"}),
              "--dry-run and --" + format +
                  " exclude each other | --dry-run prints the command lines as they are, one after the other");
  }
  EXPECT_EQ(refusal({"--tag", "--", "x"}),
            "--tag is for items and ranges: a single command has nothing to be told apart from | ");
  EXPECT_TRUE(run({"--tag", "--", "x", ":::", "a"}).tag);
  EXPECT_EQ(refusal({"--json", "--jsonl", "x", ":::", "a"}), "--json and --jsonl exclude each other | ");
  EXPECT_EQ(refusal({"--progress=fast", "x"}), "--progress takes one of auto, bar, plain, none, not \"fast\" | ");
}

TEST(RunRange, IsRefusedWhereItMakesNoSense) {
  EXPECT_EQ(refusal({"--range", "0..5", "s"}),
            "the command of a range must name its bounds, {lo} and {hi} | gibbon run --range LO..HI COMMAND {lo} {hi}");
  EXPECT_EQ(refusal({"--range", "0..5", "s", "{lo}", "{}"}),
            "a range has no items: its command takes {lo} and {hi} instead of {} or {1} | ");
  EXPECT_EQ(refusal({"--range", "0..5"}), "there is no command to run | gibbon run --range LO..HI COMMAND {lo} {hi}");
  EXPECT_EQ(
      refusal({"s", "{lo}", ":::", "a"}),
      "{lo} and {hi} are the bounds of a range; a list has items, {} | gibbon run --range LO..HI COMMAND {lo} {hi}");
  EXPECT_EQ(refusal({"--range", "0..5", "s", "{lo}", ":::", "a"}),
            "a run has either a range or a list of items, not both | leave out --range, or what follows :::");
  EXPECT_EQ(refusal({"--range", "0..5", "-a", "f", "s", "{lo}"}),
            "a run has either a range or a list of items, not both | leave out --range, or -a");
  EXPECT_EQ(refusal({"--range", "0..5", "--range=1..2", "s", "{lo}"}),
            "--range is given twice, but a run has one range | ");
  EXPECT_EQ(refusal({"--range", "0..=18446744073709551615", "s", "{lo}"}),
            "--range \"0..=18446744073709551615\": 0..=18446744073709551615 is one value too many: a range has at most "
            "18446744073709551615 values, as 0..18446744073709551615 has | ");
  EXPECT_EQ(refusal({"--found", "1", "s", ":::", "a"}), "--found is for ranges only | add --range LO..HI");
  EXPECT_EQ(refusal({"--grain", "1s", "--", "s"}), "--grain is for ranges only | add --range LO..HI");
  EXPECT_EQ(refusal({"--range", "0..5", "--grain", "0", "s", "{lo}"}), "--grain must be longer than nothing | ");
  EXPECT_EQ(refusal({"--range", "0..5", "--found", "256", "s", "{lo}"}),
            "--found takes a whole number from 0 to 255, not \"256\" | ");
  EXPECT_EQ(refusal({"--range", "0..5", "-k0", "s", "{lo}"}), "--null is for lists of items only | ");
}

TEST(RunCommand, MustHaveSomethingInIt) {
  for (const Words& command : {Words{""}, Words{" "}, Words{"", ""}}) {
    Words words = command;
    words.insert(words.end(), {":::", "a"});
    EXPECT_EQ(refusal(words), "there is no command to run | to run the items themselves: gibbon run ::: COMMAND...");
  }
  EXPECT_EQ(refusal({""}, Input::other),
            "there is no command to run | to run the items themselves: gibbon run ::: COMMAND...");
  EXPECT_EQ(refusal({"--", ""}), "there is no command to run | ");
}

TEST(RunMistakes, OfOneWhoKnowsParallelAreAnswered) {
  EXPECT_EQ(refusal({"--link", "echo", ":::", "a", ":::", "b"}),
            "option --link of GNU parallel is not supported | sources that go item by item: ::: a b :::+ 1 2");
  for (const std::string option : {"-n", "-n2", "-kn2", "-X", "-m", "-L1", "--max-args=2"})
    EXPECT_THAT(refusal({option, "x", ":::", "a"}), testing::HasSubstr("| several items for each task: -N 3"))
        << option;
  for (const std::string option : {"--joblog", "--joblog=f", "--results=d"})
    EXPECT_THAT(refusal({option, "x", ":::", "a"}), testing::HasSubstr("--jsonl")) << option;
  for (const std::string option : {"-I", "-I{}", "--pipe", "-S", "-Shost", "--sshlogin=host", "--header", "--delay=1",
                                   "--shuf", "-u", "-t", "--line-buffer", "--tagstring"})
    EXPECT_THAT(refusal({option, "x", ":::", "a"}), testing::HasSubstr("of GNU parallel is not supported | "))
        << option;
  EXPECT_EQ(run({"-N2", "x", "-X", "--pipe", ":::", "a", "b"}).command, (Words{"x", "-X", "--pipe"}));
}

TEST(RunMistakes, ThatBeginAnOptionMeanIt) {
  EXPECT_EQ(refusal({"--keep", "x"}), "unknown option --keep | did you mean --keep-order?");
  EXPECT_EQ(refusal({"--time", "x"}), "unknown option --time | did you mean --timeout?");
  EXPECT_EQ(refusal({"--dry", "x"}), "unknown option --dry | did you mean --dry-run?");
}

TEST(RunMistakes, AreNamed) {
  EXPECT_EQ(refusal({"--keep-oder", "x"}), "unknown option --keep-oder | did you mean --keep-order?");
  EXPECT_EQ(refusal({"-keep-order", "x"}), "unknown option -e | for the options: gibbon help run");
  EXPECT_EQ(refusal({"-tag", "x"}), "unknown option -tag | did you mean --tag?");
  EXPECT_EQ(refusal({"--relays=3", "x"}), "unknown option --relays | for the options: gibbon help run");
  EXPECT_EQ(refusal({"--timeout"}), "--timeout needs a value: --timeout DURATION | ");
  EXPECT_EQ(refusal({"-j"}), "-j needs a value: -j N | ");
  EXPECT_EQ(
      refusal({"--timeout", "5x", "x", ":::", "a"}),
      "--timeout \"5x\": a duration is a number with ms, s, m, h or d behind it, as in 500ms, 10s or 1.5h; without "
      "one it counts seconds | ");
  EXPECT_EQ(refusal({"--timeout", "0", "x", ":::", "a"}), "--timeout must be longer than nothing | ");
  EXPECT_EQ(refusal({"--no-reexec", "--retries", "1", "x", ":::", "a"}),
            "--no-reexec and --retries exclude each other | a retry starts a task again");
  EXPECT_EQ(refusal({"--retries", "1001", "x", ":::", "a"}),
            "--retries takes a whole number from 0 to 1000, not \"1001\" | ");
  EXPECT_EQ(refusal({"--retries=-1", "x", ":::", "a"}), "--retries takes a whole number from 0 to 1000, not \"-1\" | ");
  EXPECT_EQ(
      refusal({"echo", "{= $_ =}", ":::", "a"}),
      "Perl expressions {= =} are not supported | compute it in the command itself, as in: echo $(basename {} .c)");
}

TEST(RunValues, AreTakenAsTheyAre) {
  for (const std::string value : {"{}", "[a,b]", "%%", "--", "-1", "-k", "[]", "\"q\"", "--name=x", "", " ", "a=b"}) {
    EXPECT_EQ(run({"--name", value, "x", ":::", "a"}).name, value);
    EXPECT_EQ(run({"--name=" + value, "x", ":::", "a"}).name, value);
  }
}

}  // namespace
}  // namespace agent::cli
