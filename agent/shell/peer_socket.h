#pragma once
// One TCP connection to another agent: it moves bytes between a socket and a link::Connection, and nothing else.
//
// Everything that the connection tells is handed on in order, one piece at a time; the last of it is Closed, after
// which the owner lets go of the socket when `over` (a `bye` may still have to be written: that is waited for no longer
// than `farewell_patience`). The owner may destroy it at any time but inside of a callback of its own.

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/link/connection.h"
#include "agent/shell/uv_handle.h"

namespace agent::shell {

class PeerSocket {
 public:
  static constexpr core::Duration farewell_patience = std::chrono::seconds(1);

  struct Callbacks {
    std::function<void(link::Connection::News)> on_news;
    std::function<void()> on_change;  // its deadline, or that it is over
  };

  // Takes a socket that is connected, since then.
  PeerSocket(UvHandle<uv_tcp_t> tcp, link::Connection::Setup setup, Callbacks callbacks, link::Moment since);
  ~PeerSocket();
  PeerSocket(const PeerSocket&) = delete;
  PeerSocket& operator=(const PeerSocket&) = delete;

  void send(protocol::Queue queue, std::span<const std::byte> message);
  void hang_up(const protocol::Bye& bye);
  void on_time();
  // What had come before it got the socket.
  void receive(std::span<const std::byte> bytes);

  [[nodiscard]] std::optional<core::Instant> deadline() const;
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] const link::Connection& connection() const { return connection_; }

 private:
  void ended();
  void tell(std::vector<link::Connection::News> news);
  void write_more();
  void written(int status);
  void finish();

  UvHandle<uv_tcp_t> tcp_;
  Callbacks callbacks_;
  link::Connection connection_;
  bool writing_ = false;
  bool over_ = false;
  std::optional<core::Instant> leaves_at_;  // closed, with a last word under way
};

// Now, by both clocks.
[[nodiscard]] link::Moment moment_now();

}  // namespace agent::shell
