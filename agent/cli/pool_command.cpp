#include "agent/cli/pool_command.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <set>

#include "agent/cli/agent_connection.h"
#include "agent/cli/background_agent.h"
#include "agent/cli/conversation.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/present.h"
#include "agent/shell/endpoint.h"
#include "agent/shell/pool_files.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/state_dir.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

constexpr auto watch_slice = std::chrono::milliseconds(200);
constexpr std::size_t text_bytes_max = 1'024;

void say(const std::string& text) {
  const std::string line = "gibbon: " + text + "\n";
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

int complain(const shell::Problem& problem, int exit_code = exit_failed) {
  const std::string text = error_text(printable(problem.message, text_bytes_max), problem.hint);
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  return exit_code;
}

int went_wrong(const client::ClientMessage& answer) {
  if (const auto* refused = std::get_if<client::Refused>(&answer))
    return complain({.message = refused->message, .hint = refused->hint});
  return complain({.message = "the agent answered something else", .hint = ""});
}

std::string times(std::uint32_t uses) {
  return uses == 1 ? "works once" : "lets in " + std::to_string(uses) + " machines";
}

void say_where(const client::PoolState& pool) {
  std::string at;
  for (const protocol::Address& address : pool.reachable) at += (at.empty() ? "" : ", ") + shell::text_of(address);
  say(printable(pool.node) + " is reached at " + at);
  if (std::ranges::all_of(pool.reachable, shell::is_loopback))
    say("that is this machine alone: no other one can join (listen in gibbon.toml, or gibbon up --listen HOST:PORT)");
}

void say_what_it_means(const client::Invitation& invitation, const AgentContext& context) {
  if (!invitation.root_key.empty()) {
    say("this founded " + called(invitation.pool));
    say("whoever has its root key is its master: keep it where no machine of the pool can read it, as on a stick: mv " +
        printable(invitation.root_key, text_bytes_max) + " /media/...");
  }
  say("your jobs may run without a sandbox on machines that join so; jobs launched there run here only with "
      "allow_weak_sandbox = true in " +
      printable(context.state_directory, text_bytes_max) + "/gibbon.toml");
}

volatile std::sig_atomic_t interrupted = 0;

// Until all that were invited are linked, or Ctrl-C.
int watch(Conversation& conversation, std::uint32_t uses) {
  struct sigaction on_interrupt {};
  on_interrupt.sa_handler = [](int) { interrupted = 1; };
  (void)sigaction(SIGINT, &on_interrupt, nullptr);
  say("waiting for it (Ctrl-C stops waiting; the invitation stays good)");
  std::set<protocol::NodeId> let_in;
  while (interrupted == 0 && uses > 0) {
    auto message = conversation.next(watch_slice);
    if (!message) return complain(message.error(), exit_no_agent);
    if (!*message) continue;
    const auto* joined = std::get_if<client::Joined>(&**message);
    if (joined == nullptr) continue;
    const std::string name = printable(joined->name);
    if (!joined->slots) {
      let_in.insert(joined->node);
      say(name + " was let in");
    } else if (let_in.erase(joined->node) > 0) {
      say(name + " joined: " + std::to_string(*joined->slots) + (*joined->slots == 1 ? " slot" : " slots"));
      --uses;
    }
  }
  return exit_ok;
}

}  // namespace

int invite_others(const InviteOptions& options, const AgentContext& context) {
  const bool quiet = context.verbosity == Verbosity::quiet;
  auto agent = agent_in_background({}, context);
  if (!agent) return agent.error();
  if (agent->started && !quiet) say("an " + started_text(*agent).substr(0, started_text(*agent).size() - 1));
  const bool waits = !quiet && isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  auto answer = agent->conversation.ask(client::Invite{.life_ms = static_cast<std::uint64_t>(options.life.count()),
                                                       .uses = options.uses,
                                                       .name = options.name.value_or(""),
                                                       .watch = waits});
  if (!answer) return complain(answer.error(), exit_no_agent);
  const auto* invitation = std::get_if<client::Invitation>(&*answer);
  if (invitation == nullptr) return went_wrong(*answer);
  if (!quiet) {
    if (options.name && invitation->root_key.empty() && invitation->pool.node != *options.name)
      say("--name is for the first invitation: in its pool this machine is " + printable(invitation->pool.node));
    say_what_it_means(*invitation, context);
    say_where(invitation->pool);
    say("on the other machine, within " + human_duration(options.life) + " (" + times(options.uses) + "):");
  }
  const std::string line = (quiet ? "" : "gibbon join ") + invitation->token + "\n";
  (void)std::fwrite(line.data(), 1, line.size(), stdout);
  if (std::fflush(stdout) != 0) return exit_failed;
  return waits ? watch(agent->conversation, options.uses) : exit_ok;
}

int leave_pool(const LeaveOptions& options, const AgentContext& context) {
  const client::Haste how = options.now ? client::Haste::now : client::Haste::polite;
  auto socket = connect_to_agent(context.state_directory);
  if (!socket) return complain(socket.error(), exit_no_agent);
  if (*socket) {
    auto conversation = Conversation::open(*std::move(*socket), context.version);
    if (!conversation) return complain(conversation.error(), exit_no_agent);
    auto answer = conversation->ask(client::LeavePool{.how = how});
    if (!answer) return complain(answer.error(), exit_no_agent);
    const auto* done = std::get_if<client::Done>(&*answer);
    if (done == nullptr) return went_wrong(*answer);
    if (context.verbosity != Verbosity::quiet) say(printable(done->text));
    return exit_ok;
  }
  // Nobody lives there who would be surprised.
  auto state = shell::StateDir::open(context.state_directory);
  if (!state) return complain(state.error());
  if (auto locked = state->lock(); !locked) return complain(locked.error());
  const auto folder = shell::PoolFolder::open(*state);
  if (folder && !*folder) return complain({.message = "this machine is in no pool", .hint = ""});
  if (auto left = shell::forget_pool(*state); !left) return complain(left.error());
  if (context.verbosity != Verbosity::quiet) say("left the pool");
  return exit_ok;
}

}  // namespace agent::cli
