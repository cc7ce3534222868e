#include "agent/cli/agent_command.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "agent/cli/agent_connection.h"
#include "agent/cli/background_agent.h"
#include "agent/cli/conversation.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/present.h"
#include "agent/shell/agent.h"
#include "agent/shell/config.h"
#include "agent/shell/host_lookup.h"
#include "agent/shell/log.h"
#include "agent/shell/state_dir.h"
#include "agent/shell/uv_handle.h"

namespace agent::cli {

namespace {

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
    if (auto entered = agent_->take_up_membership(); !entered) return entered;
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

// The addresses that these hosts have now, where the agent is to listen.
tl::expected<std::vector<shell::Endpoint>, shell::Problem> resolved(const std::vector<shell::Endpoint>& endpoints) {
  std::vector<std::string> hosts;
  for (const shell::Endpoint& endpoint : endpoints)
    if (!endpoint.address && endpoint.host != "*") hosts.push_back(endpoint.host);
  if (hosts.empty()) return endpoints;
  uv_loop_t loop{};
  const int initialised = uv_loop_init(&loop);
  assert(initialised == 0);
  shell::HostLookup::Answers answers;
  {
    const shell::HostLookup lookup(&loop, hosts, [&](shell::HostLookup::Answers found) {
      answers = std::move(found);
      uv_stop(&loop);
    });
    uv_run(&loop, UV_RUN_DEFAULT);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  const int closed = uv_loop_close(&loop);
  assert(closed == 0);
  std::vector<shell::Endpoint> all;
  for (const shell::Endpoint& endpoint : endpoints) {
    const auto answer = answers.find(endpoint.host);
    if (answer == answers.end()) {
      all.push_back(endpoint);
      continue;
    }
    if (answer->second.addresses.empty()) {
      return tl::unexpected(shell::Problem{
          .message = "cannot listen at " + text_of(endpoint) + ": " + answer->second.why_none,
          .hint =
              "name an address of this machine, or all of them: --listen '*:" + std::to_string(endpoint.port) + "'"});
    }
    for (protocol::Address address : answer->second.addresses) {
      address.port = endpoint.port;
      all.push_back({.host = endpoint.host, .port = endpoint.port, .address = address});
    }
  }
  return all;
}

// What is typed counts more than what is settled.
tl::expected<shell::PoolMember::Places, shell::Problem> places_of(const AgentOptions& options,
                                                                  const shell::Config& config) {
  shell::PoolMember::Places places{.listen = std::nullopt,
                                   .seeds = options.seeds.empty() ? config.seeds : options.seeds};
  const auto& listen = options.listen.empty() ? config.listen : options.listen;
  if (listen.empty()) return places;
  auto found = resolved(listen);
  if (!found) return tl::unexpected(found.error());
  places.listen = *std::move(found);
  return places;
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

namespace {

// The event record of all that the agent does, behind what is there.
tl::expected<void, shell::Problem> open_events(const std::optional<std::string>& path, std::ofstream& events) {
  if (!path) return {};
  errno = 0;
  events.open(*path, std::ios::binary | std::ios::app);
  if (events) return {};
  return tl::unexpected(
      shell::Problem{.message = "cannot write the event record " + printable(*path) + ": " + std::strerror(errno),
                     .hint = "name a file in a directory that you can write to: --events FILE"});
}

std::function<void(const std::string&)> writer_of(std::ofstream& events) {
  if (!events.is_open()) return {};
  return [&events](const std::string& line) { events << line << '\n' << std::flush; };
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
  auto places = places_of(options, *config);
  if (!places) return complain(places.error());
  std::ofstream events;
  if (auto opened = open_events(options.event_file, events); !opened) return complain(opened.error());
  Foreground foreground;
  auto started = foreground.start(*state, {.slots = slots,
                                           .program = context.program,
                                           .version = context.version,
                                           .trusted_user = crypto::SigningPair(*seed).public_key(),
                                           .note_jobs = true,
                                           .allow_weak_sandbox = config->allow_weak_sandbox,
                                           .places = *std::move(places),
                                           .on_event = writer_of(events)});
  if (!started) return complain(started.error());
  shell::log(shell::LogLevel::info, "gibbon " + context.version + " lends " + std::to_string(slots) +
                                        (slots == 1 ? " slot" : " slots") + ", state in " + state->path());
  foreground.run();
  shell::log(shell::LogLevel::info, "stopped");
  return exit_ok;
}

int bring_up(const UpOptions& options, const AgentContext& context) {
  auto running = agent_in_background(options.agent, context);
  if (!running) return running.error();
  const protocol::client::Welcome& welcome = running->conversation.welcome();
  if (!running->started) {
    say("gibbon: an agent runs already (pid " + std::to_string(welcome.pid) + ")\n");
    return exit_ok;
  }
  say("gibbon: " + started_text(*running));
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
