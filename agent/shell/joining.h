#pragma once
// A machine that wants to join a pool, at its sockets: it tries the addresses of its token one after the other until
// somebody there answers what is to become of it.
//
//   names --looked up--> addresses --connected--> Joiner (agent/link/join_session.h) --ended--> on_done
//            nobody there, nobody who knows the token, not the right pool: the next address
//
// A refusal and an answer that makes no sense end it: who gave it knows the token. `on_done` comes once, from the loop;
// it may not destroy this object.

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/link/join_session.h"
#include "agent/shell/byte_socket.h"
#include "agent/shell/host_lookup.h"

namespace agent::shell {

class Joining {
 public:
  static constexpr core::Duration dial_patience = std::chrono::seconds(5);

  struct Setup {
    const crypto::JoinToken& token;  // these four outlive it
    const crypto::ExchangePair& link_key;
    const crypto::SigningPair& node_key;
    const crypto::SigningPair& user_key;
    std::string name;  // as link::Joiner::Setup has it
  };
  // What was tried in vain: at which address or host, and why; and whether anybody answered there.
  struct Failure {
    std::string where;
    std::string why;
    std::optional<link::JoinEnding> ending;  // nothing: nobody was reached
  };
  struct Joined {
    link::Joiner::Joined membership;
    protocol::Address inviter;
  };
  using Outcome = tl::expected<Joined, std::vector<Failure>>;  // the last failure is what ended it

  Joining(uv_loop_t* loop, Setup setup, std::function<void(Outcome)> on_done);
  ~Joining();
  Joining(const Joining&) = delete;
  Joining& operator=(const Joining&) = delete;

 private:
  void on_found(const HostLookup::Answers& answers);
  void try_next();
  void connected(int status);
  void pump();
  void fail(const std::string& why, std::optional<link::JoinEnding> ending = std::nullopt);
  void end(Outcome outcome);
  // When to look after it; nothing: at once.
  void arm_timer(std::optional<core::Instant> at);
  void on_timer();

  uv_loop_t* loop_;
  Setup setup_;
  std::function<void(Outcome)> on_done_;
  std::unique_ptr<HostLookup> lookup_;
  std::vector<protocol::Address> addresses_;  // still to be tried, the next one last
  std::vector<Failure> failures_;
  protocol::Address address_;   // that is being tried
  UvHandle<uv_tcp_t> dialled_;  // until it is connected
  std::unique_ptr<ByteSocket> socket_;
  std::unique_ptr<link::Joiner> joiner_;
  bool ended_ = false;  // the attempt: the next turn of the loop goes on
  core::Instant dial_until_;
  UvHandle<uv_timer_t> timer_;
};

}  // namespace agent::shell
