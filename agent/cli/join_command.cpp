#include "agent/cli/join_command.h"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <iostream>
#include <utility>

#include "agent/cli/agent_connection.h"
#include "agent/cli/background_agent.h"
#include "agent/cli/conversation.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/present.h"
#include "agent/shell/joining.h"
#include "agent/shell/known_peers.h"
#include "agent/shell/pool_files.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/state_dir.h"
#include "agent/shell/system.h"
#include "crypto/peer_record.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

constexpr auto link_patience = std::chrono::seconds(5);
constexpr auto link_look_period = std::chrono::milliseconds(50);
constexpr const char* ask_again = "gibbon invite on the other machine makes a new one";

void say(const std::string& text) {
  const std::string line = "gibbon: " + text + "\n";
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

int complain(const shell::Problem& problem, int exit_code = exit_failed) {
  const std::string text = error_text(problem.message, problem.hint);
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  return exit_code;
}

// Arguments are seen by every user of the machine; standard input is not.
std::string token_text(const JoinOptions& options) {
  std::string text = options.token;
  if (text == "-") std::getline(std::cin, text);
  return text;
}

int refuse_token(crypto::TokenError error) {
  const std::string what = "the token: " + std::string(to_string(error));
  switch (error) {
    case crypto::TokenError::expired: return complain({.message = what, .hint = ask_again}, exit_refused);
    case crypto::TokenError::other_version:
      return complain({.message = what, .hint = "use the same version of gibbon on both machines"}, exit_usage);
    case crypto::TokenError::not_a_token:
    case crypto::TokenError::bad_character:
    case crypto::TokenError::truncated:
    case crypto::TokenError::too_long:
    case crypto::TokenError::mistyped:
    case crypto::TokenError::bad_field:
      return complain({.message = what, .hint = "copy the whole line that gibbon invite printed: gibbon join gib1-..."},
                      exit_usage);
  }
  assert(false);
  return exit_usage;
}

// What to type after an inviter was met, and in vain.
std::string hint_after(const link::JoinEnding& ending) {
  using Why = link::JoinFailure;
  if (ending.refusal == link::JoinRefusal::name_taken) return "gibbon join --name OTHER-NAME TOKEN";
  if (ending.refusal == link::JoinRefusal::used || ending.refusal == link::JoinRefusal::expired) return ask_again;
  switch (ending.why) {
    case Why::not_heard: return ask_again;
    case Why::refused:
    case Why::timed_out:
    case Why::lost: return "try again with the same token; then gibbon status on the other machine";
    case Why::not_believed: return "compare the clocks: date, on both machines";
    case Why::wrong_pool: return "use a token of the machine that listens there now";
    case Why::bad_answer:
    case Why::malformed: return "use the same version of gibbon on both machines";
  }
  assert(false);
  return {};
}

int explain(const std::vector<shell::Joining::Failure>& failures) {
  for (std::size_t i = 0; i + 1 < failures.size(); ++i)
    say(printable(failures[i].where) + ": " + printable(failures[i].why, 400));
  if (failures.empty()) return complain({.message = "the token names no address", .hint = ask_again});
  const shell::Joining::Failure& last = failures.back();
  const auto spoke = std::ranges::find_if(failures.rbegin(), failures.rend(),
                                          [](const shell::Joining::Failure& each) { return each.ending.has_value(); });
  const shell::Problem problem{.message = printable(last.where) + ": " + printable(last.why, 400), .hint = {}};
  if (spoke == failures.rend()) {
    return complain({.message = problem.message,
                     .hint = "nobody was reached: is the agent up there (gibbon status), and is that port open in the "
                             "firewalls between?"},
                    exit_no_agent);
  }
  const bool refused = spoke->ending->refusal.has_value() || spoke->ending->why == link::JoinFailure::not_heard;
  return complain({.message = problem.message, .hint = hint_after(*spoke->ending)},
                  refused ? exit_refused : exit_failed);
}

// The conversation with the inviter, to its end.
shell::Joining::Outcome converse(const crypto::JoinToken& token, const shell::NodeKeys& keys, const std::string& name) {
  uv_loop_t loop{};
  const int initialised = uv_loop_init(&loop);
  assert(initialised == 0);
  std::optional<shell::Joining::Outcome> outcome;
  {
    const shell::Joining joining(
        &loop, {.token = token, .link_key = keys.link, .node_key = keys.node, .user_key = keys.user, .name = name},
        [&](shell::Joining::Outcome ended) {
          outcome.emplace(std::move(ended));
          uv_stop(&loop);
        });
    uv_run(&loop, UV_RUN_DEFAULT);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  const int closed = uv_loop_close(&loop);
  assert(closed == 0 && outcome);
  return *std::move(outcome);
}

// Where to begin: the inviter first, then whom it named.
void keep_acquaintances(const shell::StateDir& state, const shell::Joining::Joined& joined) {
  std::vector<shell::KnownPeer> peers;
  for (const auto& record : joined.membership.answer.peers) {
    const auto opened = crypto::open_peer_record(record);
    if (!opened || opened->record.addresses.empty()) continue;
    const crypto::Address& first = opened->record.addresses.front();
    put_first(peers, {.node = protocol::NodeId(opened->node.bytes), .address = {.ip = first.ip, .port = first.port}});
  }
  put_first(peers, {.node = {}, .address = joined.inviter});
  // Without them it finds the pool by the seeds in gibbon.toml.
  if (const auto kept = keep_peers(state, peers); !kept) say(kept.error().message);
}

std::optional<client::Peers> peers_of(Conversation& conversation) {
  auto answer = conversation.ask(client::ListPeers{});
  if (!answer) return std::nullopt;
  auto* peers = std::get_if<client::Peers>(&*answer);
  return peers == nullptr ? std::nullopt : std::optional(std::move(*peers));
}

void say_who_is_linked(Conversation& conversation, const protocol::Address& inviter) {
  const auto until = std::chrono::steady_clock::now() + link_patience;
  std::optional<client::Peers> peers;
  do {
    // Nothing comes by itself here: this only waits.
    if (peers && !conversation.next(link_look_period)) break;
    peers = peers_of(conversation);
  } while (peers && peers->rows.empty() && std::chrono::steady_clock::now() < until);
  if (!peers || peers->rows.empty()) {
    return say("no link yet, to " + shell::text_of(inviter) + " or anybody else; gibbon peers tells when there is one");
  }
  std::string names;
  for (const client::PeerRow& peer : peers->rows) names += (names.empty() ? "" : ", ") + printable(peer.name, 40);
  say("linked with " + names);
}

// The agent that runs, or is started, as a member.
int enter(const protocol::Address& inviter, const JoinOptions& options, const AgentContext& context) {
  const bool quiet = context.verbosity == Verbosity::quiet;
  auto socket = connect_to_agent(context.state_directory);
  if (!socket) return complain(socket.error(), exit_no_agent);
  if (!*socket && !options.start) {
    if (!quiet) say("no agent was started: gibbon up");
    return exit_ok;
  }
  *socket = std::nullopt;
  auto agent = agent_in_background({}, context);
  if (!agent) return agent.error();
  if (agent->started) {
    if (!quiet) say(started_text(*agent).substr(0, started_text(*agent).size() - 1));
  } else {
    auto answer = agent->conversation.ask(client::EnterPool{});
    if (!answer) return complain(answer.error(), exit_no_agent);
    if (const auto* refused = std::get_if<client::Refused>(&*answer)) {
      return complain({.message = "joined, but the agent that runs here does not know it yet: " + refused->message,
                       .hint = refused->hint});
    }
  }
  if (!quiet) say_who_is_linked(agent->conversation, inviter);
  return exit_ok;
}

}  // namespace

int join_pool(const JoinOptions& options, const AgentContext& context) {
  const auto token = crypto::read_token(token_text(options), shell::wall_now_ms(), crypto::clock_tolerance_ms);
  if (!token) return refuse_token(token.error());
  auto state = shell::StateDir::open(context.state_directory);
  if (!state) return complain(state.error());
  const auto before = shell::load_pool(*state);
  if (!before) return complain(before.error());
  if (*before) {
    const link::Credentials& mine = (*before)->credentials;
    return complain({.message = "this machine is in the pool of " + printable(shell::pool_name(mine.chain)) + " (" +
                                shell::short_id(mine.trust.pool) + ") already",
                     .hint = "gibbon leave, and then join again"});
  }
  const auto keys = shell::node_keys(*state);
  if (!keys) return complain(keys.error());
  const std::string name = options.name.value_or(shell::node_name().substr(0, crypto::holder_name_bytes_max));
  const auto joined = converse(*token, *keys, name);
  if (!joined) return explain(joined.error());
  const link::Joiner::Joined& membership = joined->membership;
  if (auto kept = keep_joined(*state, membership.trust, membership.answer); !kept) return complain(kept.error());
  keep_acquaintances(*state, *joined);
  if (context.verbosity != Verbosity::quiet) {
    const std::string pool = printable(shell::pool_name(membership.answer.node_chain));
    say("joined the pool of " + pool + " (" + shell::short_id(membership.trust.pool) + ") as " +
        printable(membership.member.certificate.name));
    say("jobs of the user who invited may run here now without a sandbox: they can do what you can; gibbon leave takes "
        "that back");
  }
  return enter(joined->inviter, options, context);
}

}  // namespace agent::cli
