#pragma once
// The agent's side of one local client: who may say what, in what order.
//
// A client says hello first; then it may ask, launch jobs, feed them and take their results. A message that only agents
// send, or one out of order, is answered by `refused` and the end of the conversation. The jobs of a client end with
// it.

#include <uv.h>

#include <memory>
#include <string>

#include "agent/core/event.h"
#include "agent/shell/message_stream.h"
#include "agent/shell/root_job.h"
#include "protocol/client.h"

namespace agent::shell {

class Agent;

class ClientSession {
 public:
  ClientSession(Agent& agent, core::ClientId id, uv_loop_t* loop, int socket);
  ClientSession(Agent& agent, core::ClientId id, UvHandle<uv_pipe_t> pipe);

  [[nodiscard]] core::ClientId id() const { return id_; }
  void send(const protocol::client::ClientMessage& message) { stream_.send(message); }
  void finish() { stream_.finish(); }
  // It reads more slowly than things happen.
  [[nodiscard]] bool is_behind() const { return stream_.queued_bytes() > MessageStream::queue_bytes_max / 4; }

 private:
  MessageStream::Callbacks callbacks();
  void received(protocol::client::ClientMessage message);
  void on(const protocol::client::Hello& message);
  void on(const protocol::client::Submit& message);
  void on(protocol::client::Items message);
  void on(const protocol::client::Shown& message);
  void on(const protocol::client::CancelJob& message);
  void on(const protocol::client::GetProgress& message);
  void on(const protocol::client::GetStatus& message);
  void on(const protocol::client::ListJobs& message);
  void on(const protocol::client::StopAgent& message);
  void on(const protocol::client::Invite& message);
  void on(const protocol::client::EnterPool& message);
  void on(const protocol::client::LeavePool& message);
  void on(const protocol::client::ListPeers& message);
  // Everything that only an agent says.
  template <class Other>
  void on(const Other&) {
    refuse_and_end("only an agent says that");
  }
  // The answer to a request that has no other one.
  void answer(const tl::expected<std::string, Refusal>& done);
  void refuse(protocol::client::RefusalCode code, const std::string& message, const std::string& hint,
              std::optional<protocol::JobId> job = std::nullopt);
  void refuse_and_end(const std::string& why);

  Agent& agent_;
  const core::ClientId id_;
  bool greeted_ = false;
  bool ended_ = false;
  MessageStream stream_;
};

}  // namespace agent::shell
