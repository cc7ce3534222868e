#include "agent/cli/agent_command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "agent/cli/agent_connection.h"
#include "agent/cli/conversation.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/present.h"
#include "agent/shell/agent.h"
#include "agent/shell/config.h"
#include "agent/shell/log.h"
#include "agent/shell/state_dir.h"
#include "agent/shell/uv_handle.h"

extern char** environ;

namespace agent::cli {

namespace {

constexpr auto start_patience = std::chrono::seconds(10);
constexpr auto successor_patience = std::chrono::milliseconds(200);
constexpr auto lost_patience = std::chrono::seconds(3);
constexpr auto stop_patience = std::chrono::seconds(20);

int complain(const shell::Problem& problem, int exit_code = exit_failed) {
  const std::string text = error_text(problem.message, problem.hint);
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  return exit_code;
}

void say(const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

// The agent in the foreground: its loop, its signals, and its end.
class Foreground {
 public:
  Foreground() {
    const int initialised = uv_loop_init(&loop_);
    assert(initialised == 0);
  }
  ~Foreground() {
    signals_.clear();
    agent_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
    const int closed = uv_loop_close(&loop_);
    assert(closed == 0);
  }
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;

  [[nodiscard]] tl::expected<void, shell::Problem> start(shell::StateDir& state, shell::AgentOptions options) {
    options.on_ended = [this] { uv_stop(&loop_); };
    auto agent = shell::Agent::start(&loop_, state, options);
    if (!agent) return tl::unexpected(agent.error());
    agent_ = *std::move(agent);
    // Before anybody can know that there is an agent to be signalled.
    for (int number : {SIGINT, SIGTERM, SIGHUP}) watch(number);
    if (auto listening = agent_->listen(); !listening) return listening;
    return {};
  }

  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  void watch(int number) {
    shell::UvHandle<uv_signal_t> handle(new uv_signal_t{});
    uv_signal_init(&loop_, handle.get());
    handle->data = this;
    auto on_signal = [](uv_signal_t* signalled, int) noexcept {
      auto* self = shell::self_of<Foreground>(signalled);
      if (self == nullptr) return;
      self->agent_->shut_down(std::exchange(self->asked_, true) ? core::StopHow::kill : core::StopHow::terminate);
    };
    uv_signal_start(handle.get(), on_signal, number);
    signals_.push_back(std::move(handle));
  }

  uv_loop_t loop_{};
  std::unique_ptr<shell::Agent> agent_;
  std::vector<shell::UvHandle<uv_signal_t>> signals_;
  bool asked_ = false;
};

struct Started {
  pid_t pid = -1;
  std::string log;
  std::int64_t log_begin = 0;  // where its own words begin
};

tl::expected<Started, shell::Problem> start_in_background(const UpOptions& options, const AgentContext& context) {
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

// The agent hangs up before it has left its directory; another one may start only then.
bool await_free_directory(const std::string& state_directory, std::chrono::milliseconds patience = stop_patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  auto state = shell::StateDir::open(state_directory);
  while (state && state->holder()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    (void)poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace

int run_agent(const AgentOptions& options, const AgentContext& context) {
  shell::open_log(context.verbosity == Verbosity::verbose ? shell::LogLevel::debug : shell::LogLevel::info);
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  (void)setrlimit(RLIMIT_CORE, &no_core);
  auto state = shell::StateDir::open(context.state_directory);
  if (!state) return complain(state.error());
  if (auto locked = state->lock(); !locked) return complain(locked.error());
  auto config = shell::read_config(state->file("gibbon.toml"));
  if (!config) return complain(config.error());
  auto seed = state->secret("user.key");
  if (!seed) return complain(seed.error());
  const std::uint32_t slots = options.slots.value_or(config->slots.value_or(context.cores));
  Foreground foreground;
  auto started = foreground.start(*state, {.slots = slots,
                                           .program = context.program,
                                           .version = context.version,
                                           .trusted_user = crypto::SigningPair(*seed).public_key(),
                                           .note_jobs = true});
  if (!started) return complain(started.error());
  shell::log(shell::LogLevel::info, "gibbon " + context.version + " lends " + std::to_string(slots) +
                                        (slots == 1 ? " slot" : " slots") + ", state in " + state->path());
  foreground.run();
  shell::log(shell::LogLevel::info, "stopped");
  return exit_ok;
}

int bring_up(const UpOptions& options, const AgentContext& context) {
  auto running = connect_to_agent(context.state_directory);
  if (!running) return complain(running.error());
  if (*running) {
    auto conversation = Conversation::open(*std::move(*running), context.version);
    if (!conversation) return complain(conversation.error());
    say("gibbon: an agent runs already (pid " + std::to_string(conversation->welcome().pid) + ")\n");
    return exit_ok;
  }
  auto started = start_in_background(options, context);
  if (!started) return complain(started.error());
  auto conversation = await_agent(*started, context);
  if (!conversation) {
    const std::string words = last_words(*started);
    say(words.empty() ? "gibbon: the agent did not start\n" : "gibbon: the agent did not start; it said:\n" + words);
    say("gibbon: its log is " + started->log + "\n");
    return exit_failed;
  }
  if (!is_ours(*conversation, *started)) {
    say("gibbon: an agent runs already (pid " + std::to_string(conversation->welcome().pid) + ")\n");
    return exit_ok;
  }
  const auto slots = conversation->welcome().slots;
  say("gibbon: agent started (pid " + std::to_string(conversation->welcome().pid) + ", " + std::to_string(slots) +
      (slots == 1 ? " slot" : " slots") + "); its log is " + started->log + "\n");
  return exit_ok;
}

int take_down(const DownOptions& options, const AgentContext& context) {
  auto socket = connect_to_agent(context.state_directory);
  if (!socket) return complain(socket.error());
  if (!*socket)
    return complain({.message = "no agent runs here (" + context.state_directory + ")", .hint = ""}, exit_no_agent);
  // Somebody else may have stopped it while we were asking.
  const auto lost = [&context](const shell::Problem& problem) {
    if (!await_free_directory(context.state_directory, lost_patience)) return complain(problem, exit_no_agent);
    say("gibbon: agent stopped\n");
    return exit_ok;
  };
  auto conversation = Conversation::open(*std::move(*socket), context.version);
  if (!conversation) return lost(conversation.error());
  using protocol::client::Haste;
  auto answer = conversation->ask(protocol::client::StopAgent{.how = options.now ? Haste::now : Haste::polite});
  if (!answer) return lost(answer.error());
  if (const auto* refused = std::get_if<protocol::client::Refused>(&*answer)) {
    return complain({.message = refused->message, .hint = refused->hint});
  }
  if (!conversation->wait_for_end(stop_patience) || !await_free_directory(context.state_directory)) {
    return complain({.message = "the agent has not stopped yet", .hint = "gibbon status tells what it does"});
  }
  say("gibbon: agent stopped\n");
  return exit_ok;
}

}  // namespace agent::cli
