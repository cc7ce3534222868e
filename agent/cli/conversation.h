#pragma once
// One question to an agent and its answer, for commands that have nothing else to do meanwhile.

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/exec/descriptor.h"
#include "agent/shell/problem.h"
#include "protocol/client.h"
#include "protocol/framing.h"

namespace agent::cli {

class Conversation {
 public:
  // Says hello on a connected socket and waits for the welcome.
  [[nodiscard]] static tl::expected<Conversation, shell::Problem> open(exec::Descriptor socket,
                                                                       const std::string& version);

  [[nodiscard]] const protocol::client::Welcome& welcome() const { return welcome_; }
  // Sends a question and waits for the next message.
  [[nodiscard]] tl::expected<protocol::client::ClientMessage, shell::Problem> ask(
      const protocol::client::ClientMessage& question);
  // The next message that comes by itself; nothing if none does within `patience`.
  [[nodiscard]] tl::expected<std::optional<protocol::client::ClientMessage>, shell::Problem> next(
      std::chrono::milliseconds patience);
  // Waits until the agent has hung up. False: it has not within `patience`.
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds patience);

 private:
  explicit Conversation(exec::Descriptor socket) : socket_(std::move(socket)) {}
  [[nodiscard]] tl::expected<void, shell::Problem> send(const protocol::client::ClientMessage& message);
  [[nodiscard]] tl::expected<protocol::client::ClientMessage, shell::Problem> receive();
  [[nodiscard]] tl::expected<std::optional<protocol::client::ClientMessage>, shell::Problem> receive_until(
      std::chrono::steady_clock::time_point until);
  [[nodiscard]] bool wait_for(short events, std::chrono::steady_clock::time_point until) const;

  exec::Descriptor socket_;
  protocol::MessageReader reader_;
  protocol::client::Welcome welcome_;
};

}  // namespace agent::cli
