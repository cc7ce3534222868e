#pragma once
// Where others come in: listening sockets, and whoever has come and not said yet what it wants.
//
//   accepted --admitted--> knocking --gib1link--> handed on, a stranger until it is told to be none
//                             \------gib1join--> newcomer --answered, refused, out of time--> gone
//                              \--another word, or none in time--> hung up on without a word
//
// Everything here is done for strangers, so everything is bounded: how many they are (agent/link/admission.h), how long
// they have (`Connection::greeting_patience` until they are known, from when they came), and how much of them is read.
//
// What becomes of a newcomer its owner decides, by `JoinDesk`.
//
// Callbacks come from the loop and from `no_stranger_any_more` never; in them anything but destroying this object is
// allowed.

#include <uv.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/link/admission.h"
#include "agent/link/join_session.h"
#include "agent/shell/byte_socket.h"
#include "agent/shell/problem.h"

namespace agent::shell {

// Who answers newcomers. Without it nobody has a token here.
struct JoinDesk {
  struct No {
    link::JoinRefusal why = link::JoinRefusal::unavailable;
    std::string text;  // at most refusal_text_bytes_max
  };
  link::JoinHost::FindSecret find_secret;
  std::function<tl::expected<crypto::JoinAnswer, No>(const link::JoinHost::Asked&, const protocol::Address& from)>
      answer;
  std::function<void(const crypto::TokenId&)> on_wrong_try;
};

class FrontDoor {
 public:
  struct Arrival {
    UvHandle<uv_tcp_t> tcp;
    protocol::Address from;
    link::Bytes begun;   // what it has said
    link::Moment since;  // when it came
  };
  struct Callbacks {
    std::function<bool()> has_room;        // for one more socket
    std::function<void(Arrival)> on_link;  // it is to be told of by `no_stranger_any_more`, once
    std::function<void(const protocol::Address&, const std::string& why)> on_refused;
    JoinDesk joins;
  };

  // `credentials` outlives it.
  FrontDoor(uv_loop_t* loop, const link::Credentials& credentials, Callbacks callbacks);
  ~FrontDoor();
  FrontDoor(const FrontDoor&) = delete;
  FrontDoor& operator=(const FrontDoor&) = delete;

  // One more address; port 0: any. Returns the address with its port.
  [[nodiscard]] tl::expected<protocol::Address, Problem> listen(const protocol::Address& address);
  // Nobody comes in any more, and whoever was knocking has to go.
  void close();
  // Of one that was handed on: it is known by now, or gone.
  void no_stranger_any_more(const protocol::Address& from) { admission_.release(from); }

  [[nodiscard]] std::size_t visitor_count() const { return visitors_.size(); }

 private:
  struct Visitor {
    std::unique_ptr<ByteSocket> socket;
    protocol::Address from;
    link::Moment since;
    link::Bytes begun;                       // until it is known what it wants
    std::optional<link::JoinHost> newcomer;  // or until it has gone
    std::optional<core::Instant> leaves_at;  // with a last word under way
    bool over = false;
  };
  using VisitorAt = std::list<Visitor>::iterator;

  void accept(uv_stream_t* listener);
  void on_bytes(VisitorAt visitor, std::span<const std::byte> bytes);
  void on_word(VisitorAt visitor);
  void pump(VisitorAt visitor);
  void say_how_it_ended(const Visitor& visitor);
  void end(VisitorAt visitor);
  void refuse(const protocol::Address& from, const std::string& why);
  void arm_timer();
  void on_timer();

  uv_loop_t* loop_;
  const link::Credentials& credentials_;
  Callbacks callbacks_;
  link::Admission admission_;
  std::vector<UvHandle<uv_tcp_t>> listeners_;
  std::list<Visitor> visitors_;
  UvHandle<uv_timer_t> timer_;
};

// 32 random bytes of this machine's at each call.
[[nodiscard]] link::MakeSecret secrets_of_this_machine();

}  // namespace agent::shell
