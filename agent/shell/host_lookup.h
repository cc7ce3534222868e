#pragma once
// The addresses of some hosts, by the hosts file and the DNS, without waiting on the loop's thread.
//
// Names are looked up by c-ares and not by the C library, whose own ways load parts of the system's at run time and
// are not to be had in a static program. Each lookup reads resolv.conf anew, as a laptop has moved meanwhile.
//
// `on_done` comes once, from the loop and never from the constructor, when everything is known or `patience` is over;
// it may destroy the lookup. Destroying it before cancels it.

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/shell/uv_handle.h"
#include "protocol/message_peer.h"

struct ares_channeldata;

namespace agent::shell {

class HostLookup {
 public:
  static constexpr std::size_t addresses_max = 16;  // of one host
  static constexpr int patience_ms = 8'000;

  struct Answer {
    std::vector<protocol::Address> addresses;  // ports are 0
    std::string why_none;                      // for people, where there is none
  };
  using Answers = std::map<std::string, Answer>;  // by host

  // Names as parse_endpoint takes them.
  HostLookup(uv_loop_t* loop, const std::vector<std::string>& hosts, std::function<void(Answers)> on_done);
  ~HostLookup();
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

 private:
  struct Question;
  struct DestroyChannel {
    void operator()(ares_channeldata* channel) const;
  };

  void ask(const std::string& host);
  void watch(int socket, int events);
  void process(int readable, int writable);
  void arm_timer();
  void on_timer();

  uv_loop_t* loop_;
  std::function<void(Answers)> on_done_;
  Answers answers_;
  std::vector<std::unique_ptr<Question>> questions_;
  std::size_t open_ = 0;
  std::map<int, UvHandle<uv_poll_t>> sockets_;
  UvHandle<uv_timer_t> timer_;
  std::uint64_t until_ms_ = 0;
  std::unique_ptr<ares_channeldata, DestroyChannel> channel_;  // goes first: it tells the others
};

}  // namespace agent::shell
