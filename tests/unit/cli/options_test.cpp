#include "agent/cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace agent::cli {
namespace {

using Words = std::vector<std::string>;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const Surroundings at_terminal{.standard_input = Surroundings::StandardInput::terminal};

Invocation invocation(const Words& words) {
  const auto parsed = parse(words, at_terminal);
  if (const auto* error = std::get_if<UsageError>(&parsed)) ADD_FAILURE() << error->message;
  const auto* found = std::get_if<Invocation>(&parsed);
  return found != nullptr ? *found : Invocation{};
}

template <class Command>
Command command(const Words& words) {
  return std::get<Command>(invocation(words).command);
}

// "message | hint | exit code"
std::string refusal(const Words& words) {
  const auto parsed = parse(words, at_terminal);
  const auto* error = std::get_if<UsageError>(&parsed);
  if (error == nullptr) return "none";
  return error->message + " | " + error->hint + " | " + std::to_string(error->exit_code);
}

std::string help(const Words& words) {
  const auto parsed = parse(words, at_terminal);
  const auto* text = std::get_if<HelpText>(&parsed);
  return text == nullptr ? "none" : text->text;
}

TEST(CommandLine, KnowsTheCommands) {
  EXPECT_EQ(command<AgentOptions>({"agent", "--slots", "4"}).slots, 4U);
  EXPECT_EQ(command<AgentOptions>({"agent"}).slots, std::nullopt);
  EXPECT_EQ(command<UpOptions>({"up", "--slots=65536"}).agent.slots, 65536U);
  EXPECT_FALSE(command<DownOptions>({"down"}).now);
  EXPECT_TRUE(command<DownOptions>({"down", "--now"}).now);
  EXPECT_EQ(command<StatusOptions>({"status", "--json"}).format, OutputFormat::json);
  EXPECT_TRUE(command<PsOptions>({"ps", "-a"}).all);
  EXPECT_EQ(command<PsOptions>({"ps", "--json"}).format, OutputFormat::json);
  EXPECT_EQ(command<CancelOptions>({"cancel", "%3", "--now"}).selector, "%3");
  EXPECT_TRUE(command<CancelOptions>({"cancel", "--now", "--", "last"}).now);
  EXPECT_EQ(command<VersionOptions>({"version"}).format, OutputFormat::text);
  EXPECT_EQ(command<VersionOptions>({"--version"}).format, OutputFormat::text);
  EXPECT_EQ(command<CompletionOptions>({"completion", "fish"}).shell, Shell::fish);
}

TEST(CommandLine, AnAgentListensAndLooksWhereItIsTold) {
  const auto agent =
      command<UpOptions>({"up", "--listen", "*:0", "--listen=[::1]", "--seed", "alpha:7", "--seed", "10.0.0.1"});
  ASSERT_EQ(agent.agent.listen.size(), 2U);
  EXPECT_EQ(text_of(agent.agent.listen[0]), "*:0");
  EXPECT_EQ(text_of(agent.agent.listen[1]), "[::1]:4422");
  ASSERT_EQ(agent.agent.seeds.size(), 2U);
  EXPECT_EQ(text_of(agent.agent.seeds[1]), "10.0.0.1:4422");
  EXPECT_TRUE(command<AgentOptions>({"agent"}).listen.empty());
  EXPECT_EQ(refusal({"agent", "--listen", "alpha:x"}),
            "--listen \"alpha:x\": the port is no number from 0 to 65535 | write it as HOST:PORT, as in --listen "
            "alpha.example.org:4422 | 2");
  EXPECT_EQ(
      refusal({"agent", "--seed", "*"}),
      "--seed \"*\": nobody in particular is there | write it as HOST:PORT, as in --seed alpha.example.org:4422 | 2");
}

TEST(CommandLine, InvitesJoinsAndLeaves) {
  const auto invite = command<InviteOptions>({"invite", "--ttl", "2h", "--uses", "20", "--name", "alpha"});
  EXPECT_EQ(invite.life, std::chrono::hours(2));
  EXPECT_EQ(invite.uses, 20U);
  EXPECT_EQ(invite.name, "alpha");
  EXPECT_EQ(command<InviteOptions>({"invite"}).life, std::chrono::hours(1));
  EXPECT_EQ(command<InviteOptions>({"invite"}).uses, 1U);
  EXPECT_EQ(command<JoinOptions>({"join", "-"}).token, "-");
  EXPECT_TRUE(command<JoinOptions>({"join", "gib1-x"}).start);
  EXPECT_FALSE(command<JoinOptions>({"join", "gib1-x", "--no-start"}).start);
  EXPECT_EQ(command<JoinOptions>({"join", "--name", "beta", "gib1-x"}).name, "beta");
  EXPECT_TRUE(command<LeaveOptions>({"leave", "--now"}).now);
  EXPECT_TRUE(command<PeersOptions>({"peers", "--porcelain"}).porcelain);
  EXPECT_EQ(refusal({"join"}), "gibbon join needs a token | gibbon join [OPTIONS] TOKEN|- | 2");
  EXPECT_EQ(refusal({"invite", "--ttl", "59s"}), "--ttl takes a time from 1m to 30d, not \"59s\" | as in --ttl 2h | 2");
  EXPECT_EQ(refusal({"invite", "--uses", "65"}), "--uses takes a whole number from 1 to 64, not \"65\" |  | 2");
  EXPECT_EQ(refusal({"join", "--name", "a\nb", "x"}),
            "--name \"a\\nb\" is no name for a machine | 1 to 64 bytes without control characters | 2");
  EXPECT_EQ(refusal({"peers", "--json", "--porcelain"}), "--json and --porcelain exclude each other |  | 2");
}

TEST(CommandLine, TakesGlobalOptionsOnBothSidesOfTheCommand) {
  const auto before = invocation({"--state", "/a", "-q", "--color=never", "ps"}).global;
  EXPECT_EQ(before.state_directory, "/a");
  EXPECT_EQ(before.verbosity, Verbosity::quiet);
  EXPECT_EQ(before.color, ColorChoice::never);
  const auto behind = invocation({"--state", "/a", "--color", "never", "ps", "--state=/b", "-v"}).global;
  EXPECT_EQ(behind.state_directory, "/b");
  EXPECT_EQ(behind.verbosity, Verbosity::verbose);
  EXPECT_EQ(behind.color, ColorChoice::never);
}

TEST(CommandLine, RefusesWithANameAndAHint) {
  EXPECT_EQ(refusal({}), "no command given | for the commands: gibbon help | 2");
  EXPECT_EQ(refusal({"runn"}), "unknown command runn | did you mean gibbon run? | 2");
  EXPECT_EQ(refusal({"stauts"}), "unknown command stauts | did you mean gibbon status? | 2");
  EXPECT_EQ(refusal({"xyzzy"}), "unknown command xyzzy | for the commands: gibbon help | 2");
  EXPECT_EQ(refusal({"stop"}), "unknown command stop | did you mean gibbon down? | 2");
  EXPECT_EQ(refusal({"kill", "%1"}), "unknown command kill | did you mean gibbon cancel? | 2");
  EXPECT_EQ(refusal({"list"}), "unknown command list | did you mean gibbon ps? | 2");
  EXPECT_EQ(refusal({"start"}), "unknown command start | did you mean gibbon up? | 2");
  EXPECT_EQ(refusal({""}), "unknown command  | for the commands: gibbon help | 2");
  EXPECT_EQ(refusal({"--stat", "x", "ps"}), "unknown option --stat | did you mean --state? | 2");
  EXPECT_EQ(refusal({"ps", "--al"}), "unknown option --al | did you mean --all? | 2");
  EXPECT_EQ(refusal({"ps", "-x"}), "unknown option -x | for the options: gibbon help ps | 2");
  EXPECT_EQ(refusal({"ps", "\x1b[2J"}), "gibbon ps cannot make anything of \"\\e[2J\" | gibbon ps [OPTIONS] | 2");
  EXPECT_EQ(refusal({"cancel"}), "gibbon cancel needs a job | gibbon cancel [OPTIONS] JOB | 2");
  EXPECT_EQ(refusal({"cancel", ""}), "gibbon cancel needs a job | gibbon cancel [OPTIONS] JOB | 2");
  EXPECT_EQ(refusal({"cancel", "1", "2"}),
            "gibbon cancel cannot make anything of \"2\" | gibbon cancel [OPTIONS] JOB | 2");
  EXPECT_EQ(refusal({"completion", "tcsh"}),
            "there is no completion for \"tcsh\" | gibbon completion bash, zsh or fish | 2");
  EXPECT_EQ(refusal({"up", "--slots", "0"}), "--slots takes a whole number from 1 to 65536, not \"0\" |  | 2");
  EXPECT_EQ(refusal({"up", "--slots"}), "--slots needs a value: --slots N |  | 2");
  EXPECT_EQ(refusal({"down", "--now=yes"}), "--now takes no value |  | 2");
  EXPECT_EQ(refusal({"--color", "blue", "ps"}), "--color takes one of auto, always, never, not \"blue\" |  | 2");
  EXPECT_EQ(refusal({"-q", "-v", "ps"}), "--quiet and --verbose exclude each other |  | 2");
  EXPECT_EQ(refusal({"ps", "--state", ""}), "--state needs a directory |  | 2");
}

TEST(CommandLine, SaysHowErrorsAreToBeWritten) {
  const auto parsed = parse({"ps", "--json", "--nonsense"}, at_terminal);
  EXPECT_EQ(std::get<UsageError>(parsed).format, OutputFormat::json);
}

TEST(Help, IsThereForEveryCommand) {
  for (const std::string name : {"run", "agent", "up", "down", "status", "ps", "cancel", "invite", "join", "leave",
                                 "peers", "simulate", "version", "completion", "help"}) {
    EXPECT_THAT(help({"help", name}), AllOf(HasSubstr("Usage: gibbon " + name), HasSubstr("Examples:"))) << name;
    EXPECT_EQ(help({name, "--help"}), help({"help", name}));
    EXPECT_THAT(help({name, "-h"}), AllOf(HasSubstr("Usage: gibbon " + name), Not(HasSubstr("Examples:")))) << name;
    EXPECT_THAT(help({"--help"}), HasSubstr("  " + name)) << name;
  }
  EXPECT_EQ(help({"help"}), help({"--help"}));
  EXPECT_EQ(refusal({"help", "rnu"}), "unknown command rnu | did you mean gibbon run? | 2");
  EXPECT_EQ(refusal({"help", "run", "ps"}), "gibbon help takes one command at most | gibbon help [COMMAND] | 2");
}

TEST(Help, OfRunSaysWhatScriptsRelyOn) {
  for (const char* word : {"--halt WHEN,EVENT=N", "1 is soon,fail=1", "KILL", "$XDG_STATE_HOME/gibbon", "the last try",
                           "the job is cancelled", "gibbon run ::: 'echo a'", "total and done", "1 to 100", "101",
                           "124", "125", "126, 127", "130, 143"})
    EXPECT_THAT(help({"help", "run"}), HasSubstr(word));
  EXPECT_THAT(help({"help", "cancel"}), AllOf(HasSubstr("name of a job"), HasSubstr("never a number")));
}

TEST(Help, OfATasksCommandIsTheTasks) {
  EXPECT_EQ(command<RunOptions>({"run", "gzip", "--help", ":::", "a"}).command, (Words{"gzip", "--help"}));
}

TEST(StateDirectory, ComesFromTheFirstThatIsSet) {
  std::map<std::string, std::string, std::less<>> variables;
  const auto resolve_with = [&](std::optional<std::string> option) {
    return resolve_state_directory({.state_directory = std::move(option)}, [&](std::string_view name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  };
  EXPECT_EQ(resolve_with(std::nullopt), std::nullopt);
  variables["HOME"] = "/home/a";
  EXPECT_EQ(resolve_with(std::nullopt), "/home/a/.local/state/gibbon");
  variables["XDG_STATE_HOME"] = "relative";
  EXPECT_EQ(resolve_with(std::nullopt), "/home/a/.local/state/gibbon");
  variables["XDG_STATE_HOME"] = "/xdg";
  EXPECT_EQ(resolve_with(std::nullopt), "/xdg/gibbon");
  variables["GIBBON_STATE"] = "";
  EXPECT_EQ(resolve_with(std::nullopt), "/xdg/gibbon");
  variables["GIBBON_STATE"] = "/state";
  EXPECT_EQ(resolve_with(std::nullopt), "/state");
  EXPECT_EQ(resolve_with("/option"), "/option");
}

TEST(Color, FollowsOptionThenEnvironmentThenStream) {
  std::map<std::string, std::string, std::less<>> variables;
  const auto colored = [&](ColorChoice choice, StreamKind stream) {
    return wants_color(choice, stream, [&](std::string_view name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  };
  EXPECT_TRUE(colored(ColorChoice::automatic, StreamKind::terminal));
  EXPECT_FALSE(colored(ColorChoice::automatic, StreamKind::other));
  variables["TERM"] = "dumb";
  EXPECT_FALSE(colored(ColorChoice::automatic, StreamKind::terminal));
  variables["CLICOLOR_FORCE"] = "0";
  EXPECT_FALSE(colored(ColorChoice::automatic, StreamKind::other));
  variables["CLICOLOR_FORCE"] = "1";
  EXPECT_TRUE(colored(ColorChoice::automatic, StreamKind::other));
  variables["NO_COLOR"] = "";
  EXPECT_TRUE(colored(ColorChoice::automatic, StreamKind::other));
  variables["NO_COLOR"] = "1";
  EXPECT_FALSE(colored(ColorChoice::automatic, StreamKind::terminal));
  EXPECT_TRUE(colored(ColorChoice::always, StreamKind::other));
  EXPECT_FALSE(colored(ColorChoice::never, StreamKind::terminal));
}

}  // namespace
}  // namespace agent::cli
