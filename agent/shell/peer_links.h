#pragma once
// The sockets to other agents: dialling, whoever came in by the front door, and one link to each member that was met.
//
//   FrontDoor --on_link--> stranger --certificates, hello--> link of a node --closed--> gone
//   dial --connected------^   \--nobody, or nobody we may talk to--> on_dial_failed
//
// Nothing is decided here: whom to dial and whom to hang up on, the core says; who may come in and which of two links
// to one node stays, agent/link does. At most one link of each node is told of at a time: one that replaces another is
// told as down and up.
//
// Links to whoever is revoked are closed by `judge_again`.
//
// Callbacks come from the loop and from `send`, `hang_up`, `part` and `judge_again`; in them anything but destroying
// this object is allowed.

#include <uv.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/shell/front_door.h"
#include "agent/shell/peer_socket.h"
#include "agent/shell/problem.h"

namespace agent::shell {

class PeerLinks {
 public:
  static constexpr core::Duration dial_patience = std::chrono::seconds(5);  // for the connection alone
  static constexpr std::size_t dials_max = 64;                              // at once

  struct Met {
    protocol::NodeId node;
    crypto::Membership member;
    protocol::Hello hello;
    protocol::Address address;  // where it can be dialled; port 0: nowhere
    bool dialled = false;
    core::Duration round_trip;
  };
  struct Callbacks {
    std::function<void(const Met&)> on_up;
    std::function<void(const protocol::NodeId&, protocol::Envelope)> on_message;
    std::function<void(const protocol::NodeId&, const link::Closing&)> on_down;
    std::function<void(const protocol::Address&, const std::optional<protocol::NodeId>&, const std::string& why)>
        on_dial_failed;
    // Somebody who came to us was not let in, or knocked in vain.
    std::function<void(const protocol::Address&, const std::string& why)> on_refused;
    JoinDesk joins{};
  };

  // `credentials` outlives it. `hello` is ours, but for wall time and revocations.
  PeerLinks(uv_loop_t* loop, const link::Credentials& credentials, const protocol::NodeId& self, protocol::Hello hello,
            Callbacks callbacks);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

  // One more address to listen at; port 0: any. Returns the address with its port, which `hello` tells from now on if
  // it is the first.
  [[nodiscard]] tl::expected<protocol::Address, Problem> listen(const protocol::Address& address);
  // The end is told by on_up or on_dial_failed.
  void dial(const protocol::Address& address, const std::optional<protocol::NodeId>& wanted);
  // An encoded message. No effect without a link.
  void send(const protocol::NodeId& node, protocol::Queue queue, std::span<const std::byte> message);
  void hang_up(const protocol::NodeId& node, const protocol::Bye& bye);
  // Revocations have come: links to members that do not count any more are closed.
  void judge_again();
  // The node goes: nobody comes in, nobody is dialled any more, and everybody is told. No link is up afterwards; until
  // `socket_count` is 0, at most PeerSocket::farewell_patience, last words are on their way.
  void part(const protocol::Bye& bye);

  // Nothing: there is no link to it.
  [[nodiscard]] const crypto::Membership* member(const protocol::NodeId& node) const;
  struct Linked {
    Met met;
    core::Instant since;
  };
  // By node.
  [[nodiscard]] std::vector<Linked> linked() const;
  [[nodiscard]] std::size_t link_count() const { return links_.size(); }
  [[nodiscard]] std::size_t socket_count() const { return sockets_.size() + door_.visitor_count(); }

 private:
  struct Peer {
    std::unique_ptr<PeerSocket> socket;
    protocol::Address address;  // of the other end
    std::optional<protocol::NodeId> wanted;
    bool dialled = false;
    bool counts_as_stranger = false;
    std::optional<Met> met;
    bool is_link = false;  // or was: it was met, and not in vain
    link::Rival rival;
  };
  struct Dial;
  using PeerAt = std::list<Peer>::iterator;

  void come_in(FrontDoor::Arrival arrival);
  void connected(Dial& dial, int status);
  [[nodiscard]] PeerAt add(UvHandle<uv_tcp_t> tcp, Peer begun, link::Moment since);
  void on_news(PeerAt peer, link::Connection::News news);
  void on_opened(PeerAt peer, const link::Connection::Opened& opened);
  void on_closed(PeerAt peer, const link::Closing& why);
  void no_stranger_any_more(Peer& peer);
  void on_change();
  void on_timer();
  [[nodiscard]] bool has_descriptors() const;

  uv_loop_t* loop_;
  const link::Credentials& credentials_;
  protocol::NodeId self_;
  protocol::Hello hello_;
  Callbacks callbacks_;
  bool parted_ = false;
  FrontDoor door_;
  std::list<Peer> sockets_;
  std::map<protocol::NodeId, PeerAt> links_;
  std::list<std::unique_ptr<Dial>> dials_;
  UvHandle<uv_timer_t> timer_;
};

}  // namespace agent::shell
