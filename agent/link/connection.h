#pragma once
// One connection to another agent, without a socket: bytes in, messages out.
//
// Who dials says in clear what it wants, `link_word`, in front of everything (first_word.h).
//
//   greeting --certificates--> introducing --hello--> open --bye, fault, end of the stream--> closed
//
// The responder says `hello` first: only that tells the initiator that its last handshake message was accepted. Before
// both have said it nothing else is said, but `bye`. A member that is not let in is told why, in a `bye`; a stranger
// is told nothing.
//
// Of a stranger no more than `stranger_bytes_max` are read, and it has `greeting_patience` until it must be a member
// that has introduced itself. Of a member, what waits to be read by it is bounded by `waiting_bytes_max`.
//
// The owner: takes what is to be written when the socket has room, and hands over what comes; tells the end of the
// stream; calls `on_time` at the `deadline`; lets go of the socket when all is `over` and written. The last that it is
// told is Closed, once.
//
// Invariants: `met_` is there exactly since Opened was told; frames are sealed in the order in which they are written.

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "agent/core/time.h"
#include "agent/link/closing.h"
#include "agent/link/credentials.h"
#include "agent/link/greeting.h"
#include "agent/link/queues.h"
#include "crypto/channel.h"
#include "protocol/message.h"

namespace agent::link {

// By both clocks: the one that only goes on, and the one of the world.
struct Moment {
  core::Instant at;
  std::int64_t wall_ms = 0;
};

class Connection {
 public:
  static constexpr core::Duration greeting_patience = std::chrono::seconds(5);
  static constexpr core::Duration session_life = std::chrono::hours(24);
  static constexpr std::size_t stranger_bytes_max = 8 * protocol::limits::kib;
  static constexpr std::size_t waiting_bytes_max = 16 * protocol::limits::message_bytes_max;
  static constexpr std::size_t output_bytes_enough = 64 * protocol::limits::kib;

  struct Setup {
    const Credentials& credentials;  // outlives it
    crypto::HandshakeSide side = crypto::HandshakeSide::initiator;
    MakeSecret make_secret;
    protocol::Hello hello;  // ours, but for the wall time
  };

  struct Opened {
    protocol::NodeId node;
    crypto::Membership member;
    protocol::Hello hello;
    core::Duration round_trip;  // of the handshake, with what the other end computed meanwhile
  };
  struct Arrived {
    protocol::Envelope envelope;
  };
  struct Closed {
    Closing why;
  };
  using News = std::variant<Opened, Arrived, Closed>;

  Connection(Setup setup, Moment now);

  // What came, in parts of any size; what it brought is appended.
  void receive(std::span<const std::byte> bytes, Moment now, std::vector<News>& news);
  // Nothing more will come, or can be written.
  void on_end(std::vector<News>& news);
  void on_time(Moment now, std::vector<News>& news);
  [[nodiscard]] std::optional<core::Instant> deadline() const;

  // An encoded message. No effect unless open.
  void send(protocol::Queue queue, std::span<const std::byte> message, std::vector<News>& news);
  // Says so, if the other end can be told, and is closed.
  void hang_up(const protocol::Bye& bye, std::vector<News>& news);

  // What is to be written next: about `output_bytes_enough`, so that what is more urgent can still go before the rest.
  [[nodiscard]] Bytes take_output();

  // Nobody has shown yet that it knows the pool's network key. Of one that we dialled: until it has answered.
  [[nodiscard]] bool with_stranger() const { return state_ == State::greeting && !answered_; }
  [[nodiscard]] bool open() const { return state_ == State::open; }
  [[nodiscard]] bool closed() const { return state_ == State::closed; }
  // Closed, and what was still to be said is taken.
  [[nodiscard]] bool over() const { return closed() && sealed_.empty() && outbox_.empty(); }
  [[nodiscard]] std::size_t waiting_bytes() const { return outbox_.waiting_bytes() + sealed_.size(); }

 private:
  enum class State : std::uint8_t { greeting, introducing, open, closed };

  [[nodiscard]] bool take_word(std::span<const std::byte>& bytes);
  void on_frame(std::span<const std::byte> frame, Moment now, std::vector<News>& news);
  void greet(std::span<const std::byte> message, Moment now, std::vector<News>& news);
  void begin_session(Moment now, std::vector<News>& news);
  void on_message(const Bytes& message, Moment now, std::vector<News>& news);
  void on_hello(const protocol::Hello& hello, Moment now, std::vector<News>& news);
  void say(const protocol::Message& message);
  void say_hello(Moment now);
  void say_bye(protocol::ByeReason why, std::string reason);
  void fail(CloseReason why, std::vector<News>& news) { close({.why = why}, news); }
  void close(const Closing& why, std::vector<News>& news);

  Setup setup_;
  State state_ = State::greeting;
  std::optional<Greeting> greeting_;
  std::optional<crypto::Channel> channel_;
  std::optional<crypto::Membership> member_;  // proven, but not introduced
  std::size_t word_left_ = 0;                 // of `link_word`, a responder's to read
  protocol::MessageReader frames_;
  std::size_t strangers_bytes_ = 0;
  Inbox inbox_;
  Outbox outbox_{crypto::frame_plain_bytes_max};
  Bytes sealed_;
  core::Instant until_;     // introduced, or renewed
  bool answered_ = false;   // a handshake message came that makes sense
  core::Instant asked_at_;  // our latest handshake message
  core::Duration round_trip_{};
};

// The name of a node: the id of its signing key.
[[nodiscard]] protocol::NodeId node_of(const crypto::Membership& member);

}  // namespace agent::link
