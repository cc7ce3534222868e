#pragma once
// The agent that `gibbon run` brings along where none runs: a whole one, in this process and on this loop, with a
// directory of its own that is gone afterwards, no listener, and a user key that nobody else ever sees.

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "agent/shell/agent.h"
#include "agent/shell/problem.h"
#include "agent/shell/state_dir.h"
#include "crypto/keys.h"

namespace agent::cli {

struct PrivateAgentOptions {
  std::string parent;       // directory in which its own is made
  std::string parent_hint;  // what to do where that can not be
  std::uint32_t slots = 1;
  std::string program;
  std::string version;
  std::function<void()> on_ended;
};

class PrivateAgent {
 public:
  // Also removes what private agents that died in `parent` left behind.
  [[nodiscard]] static tl::expected<std::unique_ptr<PrivateAgent>, shell::Problem> start(
      uv_loop_t* loop, const PrivateAgentOptions& options);
  ~PrivateAgent();
  PrivateAgent(const PrivateAgent&) = delete;
  PrivateAgent& operator=(const PrivateAgent&) = delete;

  [[nodiscard]] const crypto::SigningPair& user() const { return user_; }
  // A socket to talk to it.
  [[nodiscard]] tl::expected<int, shell::Problem> connect();
  // For who leaves at once: the launchers see our sockets close and end what is below them, and a process that stays
  // behind for that moment removes the directory.
  void abandon() const;
  void shut_down(core::StopHow how) { agent_->shut_down(how); }

 private:
  PrivateAgent(shell::StateDir state, crypto::SigningPair user) : state_(std::move(state)), user_(std::move(user)) {}

  shell::StateDir state_;
  crypto::SigningPair user_;
  std::unique_ptr<shell::Agent> agent_;
};

}  // namespace agent::cli
