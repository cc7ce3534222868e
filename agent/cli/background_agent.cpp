#include "agent/cli/background_agent.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "agent/cli/agent_connection.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/present.h"
#include "agent/shell/state_dir.h"

extern char** environ;

namespace agent::cli {

namespace {

constexpr auto start_patience = std::chrono::seconds(10);
constexpr auto successor_patience = std::chrono::milliseconds(200);

void say(const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

int complain(const shell::Problem& problem) {
  say(error_text(problem.message, problem.hint));
  return exit_failed;
}

struct Started {
  pid_t pid = -1;
  std::string log;
  std::int64_t log_begin = 0;  // where its own words begin
};

tl::expected<Started, shell::Problem> start_in_background(const AgentOptions& options, const AgentContext& context) {
  auto state = shell::StateDir::open(context.state_directory);
  if (!state) return tl::unexpected(state.error());
  Started started{.log = state->file("agent.log")};
  const int log = open(started.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (log < 0)
    return tl::unexpected(
        shell::Problem{.message = "cannot write " + started.log + ": " + std::strerror(errno), .hint = ""});
  struct stat status {};
  if (fstat(log, &status) == 0) started.log_begin = status.st_size;
  std::vector<std::string> words{context.program, "--state", context.state_directory, "agent"};
  if (options.slots) words.insert(words.end(), {"--slots", std::to_string(*options.slots)});
  for (const shell::Endpoint& endpoint : options.listen) words.insert(words.end(), {"--listen", text_of(endpoint)});
  for (const shell::Endpoint& endpoint : options.seeds) words.insert(words.end(), {"--seed", text_of(endpoint)});
  if (options.event_file) words.insert(words.end(), {"--events", *options.event_file});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  const int error =
      posix_spawn(&started.pid, context.program.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(log);
  if (error != 0)
    return tl::unexpected(
        shell::Problem{.message = "cannot start " + context.program + ": " + std::strerror(error), .hint = ""});
  return started;
}

// The end of what the agent wrote to its log, as lines that begin with two blanks.
std::string last_words(const Started& started) {
  constexpr std::int64_t bytes_max = 2'048;
  constexpr std::size_t line_bytes_max = 400;
  std::ifstream log(started.log, std::ios::binary | std::ios::ate);
  const std::int64_t size = log ? static_cast<std::int64_t>(log.tellg()) : 0;
  log.seekg(std::max(started.log_begin, size - bytes_max));
  std::string text;
  for (std::string line; std::getline(log, line);) {
    constexpr std::string_view own = "gibbon: ";
    text +=
        "  " + printable(std::string_view(line).substr(line.starts_with(own) ? own.size() : 0), line_bytes_max) + "\n";
  }
  return text;
}

bool is_ours(const Conversation& conversation, const Started& started) {
  return conversation.welcome().pid == static_cast<std::uint64_t>(started.pid);
}

bool is_held(const AgentContext& context) {
  const auto state = shell::StateDir::open_existing(context.state_directory);
  return state && state->holder();
}

// Until an agent answers: the one we started, or one that was quicker. Then ours is waited for too, as it may not have
// looked at the directory yet: once this command has returned, nothing of it comes up any more behind a later `down`.
std::optional<Conversation> await_agent(const Started& started, const AgentContext& context) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + start_patience;
  bool ended = false;
  auto ours_or_held = Clock::now();  // when there was last one that may come to answer
  while (Clock::now() < until) {
    ended = ended || waitpid(started.pid, nullptr, WNOHANG) != 0;
    auto socket = connect_to_agent(context.state_directory);
    if (socket && *socket) {
      auto conversation = Conversation::open(*std::move(*socket), context.version);
      if (conversation && (ended || is_ours(*conversation, started))) return *std::move(conversation);
    }
    if (!ended || is_held(context)) ours_or_held = Clock::now();
    if (Clock::now() - ours_or_held > successor_patience) return std::nullopt;
    (void)poll(nullptr, 0, 10);
  }
  if (!ended) kill(started.pid, SIGTERM);
  return std::nullopt;
}

}  // namespace

tl::expected<RunningAgent, int> agent_in_background(const AgentOptions& options, const AgentContext& context) {
  auto running = connect_to_agent(context.state_directory);
  if (!running) return tl::unexpected(complain(running.error()));
  if (*running) {
    auto conversation = Conversation::open(*std::move(*running), context.version);
    if (!conversation) return tl::unexpected(complain(conversation.error()));
    return RunningAgent{.conversation = *std::move(conversation), .started = false, .log = {}};
  }
  auto started = start_in_background(options, context);
  if (!started) return tl::unexpected(complain(started.error()));
  auto conversation = await_agent(*started, context);
  if (!conversation) {
    const std::string words = last_words(*started);
    say(words.empty() ? "gibbon: the agent did not start\n" : "gibbon: the agent did not start; it said:\n" + words);
    say("gibbon: its log is " + started->log + "\n");
    return tl::unexpected(exit_failed);
  }
  const bool ours = is_ours(*conversation, *started);
  return RunningAgent{.conversation = *std::move(conversation), .started = ours, .log = started->log};
}

std::string started_text(const RunningAgent& agent) {
  const protocol::client::Welcome& welcome = agent.conversation.welcome();
  return "agent started (pid " + std::to_string(welcome.pid) + ", " + std::to_string(welcome.slots) +
         (welcome.slots == 1 ? " slot" : " slots") + "); its log is " + agent.log + "\n";
}

}  // namespace agent::cli
