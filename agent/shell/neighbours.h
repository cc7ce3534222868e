#pragma once
// What the core says to other agents and hears of them: between its actions and events, and sockets.
//
//   core --Send, Dial, HangUp--> exchange (fills in what is signed) --> sockets
//   core <--LinkUp, LinkDown, DialFailed, MessageReceived-- exchange (checks) <-- sockets
//
// Whoever says what fails its role or its proof is no honest peer of this version: it is hung up on. What is stale is
// dropped. The core hears of a link only while it is up, and of nothing else of it.
//
// What is said to the log about strangers is bounded (seldom.h), and that nobody answers at some address is said once
// in `failure_period`.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/link/exchange.h"
#include "agent/shell/peer_links.h"
#include "agent/shell/seldom.h"

namespace agent::shell {

class Neighbours {
 public:
  static constexpr core::Duration failure_period = std::chrono::minutes(10);
  static constexpr std::size_t failures_max = 256;

  struct Callbacks {
    std::function<void(core::Event)> post;
    std::function<void(const std::string&)> warn;       // for the log
    std::function<void(const PeerLinks::Met&)> on_met;  // a member: before LinkUp
    JoinDesk joins{};
    std::function<void(const protocol::NodeId&, const protocol::Refuse&)> on_refuse{};  // of a grant of ours
  };
  // `credentials` and `notary` outlive it.
  Neighbours(uv_loop_t* loop, const link::Credentials& credentials, const protocol::NodeId& self, protocol::Hello hello,
             link::Notary& notary, Callbacks callbacks);

  // As PeerLinks::listen.
  [[nodiscard]] tl::expected<protocol::Address, Problem> listen(const protocol::Address& address) {
    return links_.listen(address);
  }
  void carry_out(const core::Send& order);
  void carry_out(const core::Dial& order) { links_.dial(order.address, order.peer); }
  void carry_out(const core::HangUp& order) { links_.hang_up(order.peer, {.why = order.why, .reason = {}}); }
  // Revocations have come.
  void judge_again() { links_.judge_again(); }
  // As PeerLinks::part.
  void part() { links_.part({.why = protocol::ByeReason::leaving, .reason = {}}); }

  [[nodiscard]] link::Exchange& exchange() { return exchange_; }
  [[nodiscard]] const PeerLinks& links() const { return links_; }

 private:
  void on_up(const PeerLinks::Met& met);
  void on_down(const protocol::NodeId& node, const link::Closing& why);
  void on_message(const protocol::NodeId& from, protocol::Envelope envelope);
  void on_dial_failed(const protocol::Address& address, const std::string& why);

  Callbacks callbacks_;
  Seldom refusals_;
  std::map<protocol::Address, core::Instant> failures_;  // that were said, when
  link::Exchange exchange_;
  PeerLinks links_;
};

}  // namespace agent::shell
