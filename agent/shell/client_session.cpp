#include "agent/shell/client_session.h"

#include <utility>

#include "agent/shell/agent.h"
#include "agent/shell/log.h"

namespace agent::shell {

namespace client = protocol::client;
using client::RefusalCode;

ClientSession::ClientSession(Agent& agent, core::ClientId id, uv_loop_t* loop, int socket)
    : agent_(agent), id_(id), stream_(loop, socket, callbacks()) {}

ClientSession::ClientSession(Agent& agent, core::ClientId id, UvHandle<uv_pipe_t> pipe)
    : agent_(agent), id_(id), stream_(std::move(pipe), callbacks()) {}

MessageStream::Callbacks ClientSession::callbacks() {
  return {.on_message = [this](client::ClientMessage message) { received(std::move(message)); },
          .on_closed =
              [this](const std::string& why) {
                if (!why.empty()) log(LogLevel::warning, "client " + std::to_string(id_.value()) + ": hung up: " + why);
                agent_.client_left(*this);
              }};
}

void ClientSession::received(client::ClientMessage message) {
  if (ended_) return;
  if (!greeted_ && !std::holds_alternative<client::Hello>(message)) return refuse_and_end("hello comes first");
  std::visit([this](auto&& said) { on(std::forward<decltype(said)>(said)); }, std::move(message));
}

void ClientSession::on(const client::Hello& message) {
  if (message.version != client::socket_version) {
    refuse(RefusalCode::version,
           "this agent is gibbon " + agent_.welcome().program_version + ", the command is " + message.program_version,
           "stop the agent (gibbon down) and start it with the same program");
    ended_ = true;
    return stream_.finish();
  }
  greeted_ = true;
  send(agent_.welcome());
}

void ClientSession::on(const client::Submit& message) {
  auto accepted = agent_.submit(*this, message);
  if (!accepted) {
    const Refusal& refusal = accepted.error();
    refuse(refusal.code, refusal.problem.message, refusal.problem.hint);
  }
}

void ClientSession::on(client::Items message) {
  const protocol::JobId job = message.job;
  auto kept = agent_.append_items(*this, std::move(message));
  if (!kept) refuse(kept.error().code, kept.error().problem.message, kept.error().problem.hint, job);
}

void ClientSession::on(const client::Shown& message) {
  if (!agent_.shown(*this, message)) refuse_and_end("results were acknowledged that were never sent");
}

void ClientSession::on(const client::CancelJob& message) {
  const auto how = message.how == client::Haste::now ? core::StopHow::kill : core::StopHow::terminate;
  answer(agent_.cancel(message.selector, how));
}

void ClientSession::on(const client::GetProgress& message) {
  if (const auto progress = agent_.progress(message.job)) send(*progress);
}

void ClientSession::on(const client::GetStatus&) {
  send(agent_.status());
}

void ClientSession::on(const client::ListJobs& message) {
  send(agent_.jobs(message.all));
}

void ClientSession::on(const client::StopAgent& message) {
  auto stopping = agent_.stop(*this, message.how);
  if (stopping) return;
  refuse(stopping.error().code, stopping.error().problem.message, stopping.error().problem.hint);
}

void ClientSession::on(const client::Invite& message) {
  auto invitation = agent_.invite(*this, message);
  if (invitation) return send(*invitation);
  refuse(invitation.error().code, invitation.error().problem.message, invitation.error().problem.hint);
}

void ClientSession::on(const client::EnterPool&) {
  answer(agent_.enter_pool());
}

void ClientSession::on(const client::LeavePool& message) {
  answer(agent_.leave_pool(message.how));
}

void ClientSession::on(const client::ListPeers&) {
  send(agent_.peers());
}

void ClientSession::answer(const tl::expected<std::string, Refusal>& done) {
  if (done) return send(client::Done{.text = *done});
  refuse(done.error().code, done.error().problem.message, done.error().problem.hint);
}

void ClientSession::refuse(RefusalCode code, const std::string& message, const std::string& hint,
                           std::optional<protocol::JobId> job) {
  send(client::Refused{.code = code, .message = message, .hint = hint, .job = job});
}

void ClientSession::refuse_and_end(const std::string& why) {
  log(LogLevel::warning, "client " + std::to_string(id_.value()) + ": turned away: " + why);
  refuse(RefusalCode::bad_message, why, "");
  ended_ = true;
  stream_.finish();
}

}  // namespace agent::shell
