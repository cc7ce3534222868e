#pragma once
// A machine joins a pool: both ends of the one conversation that needs no certificate, without a socket.
//
//   newcomer                                         inviter
//     first word, with the name of the token          knows that token, or hangs up without a word
//     1: -                                     -->    fails here whose secret is another one
//                                              <--    2: JoinGreeting
//     3: -                                     -->
//     JoinRequest                              -->    its owner decides
//                                              <--    JoinAnswer, or why not
//
// The handshake is Noise XXpsk0 under the secret of the token, as for links with another prologue (crypto/token.h).
// Frames have two bytes of length in front; an answer takes as many as it needs. What a frame of the inviter says is
// a stretch of: one byte, 0 for an answer and 1 for a refusal; four bytes of length, big-endian; the JoinAnswer, or one
// byte of JoinRefusal and a text.
//
// A newcomer sends nothing that tells who it is before the inviter has shown certificates that hold under the root key
// in the token. It believes no answer whose certificates do not name its own keys.
//
// Of somebody who has not made a good request no more than Connection::stranger_bytes_max are read, and it has
// Connection::greeting_patience for it; after that both ends wait `answer_patience` for the rest.
//
// The owner: hands over what comes, takes what is to be written, tells the end of the stream, calls `on_time` at the
// `deadline`. An ended inviter's socket is let go when all is `over` and written. Secrets are zeros afterwards.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "agent/link/connection.h"
#include "crypto/channel.h"
#include "crypto/join.h"
#include "crypto/secret_bytes.h"

namespace agent::link {

inline constexpr core::Duration answer_patience = std::chrono::seconds(30);
inline constexpr std::size_t refusal_text_bytes_max = 200;

// What an inviter says when it does not let somebody in who has the secret. The numbers are those on the wire.
enum class JoinRefusal : std::uint8_t {
  used = 0,         // the token has let in as many machines as it may
  expired = 1,      // the token has
  name_taken = 2,   // a node of the pool has that name
  unavailable = 3,  // not now, or not by this inviter: the text says why
};
inline constexpr JoinRefusal last_join_refusal = JoinRefusal::unavailable;

// Why a newcomer is not in.
enum class JoinFailure : std::uint8_t {
  not_heard,     // it hung up before it said anything: it does not know this token, or is no agent
  wrong_pool,    // it speaks for another pool than the one that made the token
  not_believed,  // its certificates do not hold: `certificate` says why, if it is that
  refused,       // it said so: `refusal`, and its text
  bad_answer,    // what it answered makes nobody a member of that pool
  malformed,     // what it says makes no sense
  timed_out,
  lost,  // the stream ended in the middle
};

struct JoinEnding {
  JoinFailure why = JoinFailure::lost;
  std::optional<crypto::CertificateError> certificate{};
  std::optional<JoinRefusal> refusal{};
  std::string said{};  // by the inviter, printable
  bool operator==(const JoinEnding&) const = default;
};
// One sentence for who waits at the terminal: what happened and, where there is something, what to do.
[[nodiscard]] std::string to_text(const JoinEnding& ending);

// The stretches of an inviter's say, put together. What is collected is wiped with it.
class JoinReply {
 public:
  // What the next frame says. False: it makes no sense.
  [[nodiscard]] bool take(std::span<const std::byte> plain);
  [[nodiscard]] bool complete() const { return content_ && filled_ == content_->bytes().size(); }
  // REQUIRES: complete.
  [[nodiscard]] bool is_answer() const { return is_answer_; }
  [[nodiscard]] std::span<const std::byte> content() const { return content_->bytes(); }

 private:
  bool is_answer_ = false;
  std::optional<crypto::SecretBytes> content_;  // as long as was promised, within the bounds of its kind
  std::size_t filled_ = 0;
};

// The newcomer's end.
class Joiner {
 public:
  struct Setup {
    const crypto::JoinToken& token;  // these four outlive it
    const crypto::ExchangePair& link_key;
    const crypto::SigningPair& node_key;
    const crypto::SigningPair& user_key;
    std::string name;  // REQUIRES: 1 .. holder_name_bytes_max, sensible_holder_name
    MakeSecret make_secret;
  };
  struct Joined {
    crypto::Trust trust;
    crypto::JoinAnswer answer;
    crypto::Membership member;  // this node's, under that trust
  };
  using Outcome = tl::expected<Joined, JoinEnding>;

  Joiner(Setup setup, Moment now);

  void receive(std::span<const std::byte> bytes, Moment now);
  void on_end();
  void on_time(Moment now);
  [[nodiscard]] std::optional<core::Instant> deadline() const;
  [[nodiscard]] Bytes take_output();

  [[nodiscard]] bool ended() const { return ended_; }
  // Once. REQUIRES: ended.
  [[nodiscard]] Outcome take_outcome();

 private:
  void on_frame(std::span<const std::byte> frame, Moment now);
  void greet(std::span<const std::byte> message, Moment now);
  void ask();
  void on_reply(Moment now);
  [[nodiscard]] std::optional<JoinEnding> check_greeting(std::span<const std::byte> payload, std::int64_t wall_ms);
  [[nodiscard]] Outcome judge_answer(std::int64_t wall_ms);
  void end(Outcome outcome);
  void fail(JoinFailure why) { end(tl::unexpected(JoinEnding{.why = why})); }

  Setup setup_;
  std::optional<crypto::Handshake> handshake_;
  std::optional<crypto::Channel> channel_;
  protocol::MessageReader frames_;
  std::size_t strangers_bytes_ = 0;
  crypto::Trust trust_;
  std::optional<JoinReply> reply_;
  Bytes output_;
  core::Instant until_;
  bool ended_ = false;
  std::optional<Outcome> outcome_;
};

// The inviter's end.
class JoinHost {
 public:
  // The secret of a token of that name; nothing if there is none, or none any more.
  using FindSecret = std::function<std::optional<crypto::Secret<32>>(const crypto::TokenId&)>;
  struct Setup {
    const Credentials& credentials;  // outlives it
    FindSecret find_secret;
    MakeSecret make_secret;
  };
  struct Asked {
    crypto::TokenId token;
    crypto::ExchangeKey link_key;  // which it has proved to hold
    crypto::JoinRequest request;   // whose keys it has proved to hold
  };
  enum class End : std::uint8_t {
    answered,
    refused,
    no_joining,     // it said something else first
    unknown_token,  // of that name
    wrong_secret,   // of the token of that name: a wrong try
    malformed,      // something that makes no sense
    too_long,       // more than a newcomer has to say
    bad_request,    // not signed with the keys that it names, or not for this handshake
    timed_out,
    lost,
  };

  JoinHost(Setup setup, Moment now);

  void receive(std::span<const std::byte> bytes, Moment now);
  void on_end();
  void on_time(Moment now);
  [[nodiscard]] std::optional<core::Instant> deadline() const;
  [[nodiscard]] Bytes take_output();

  // What somebody with the secret asks for, once. After that one of the two below, unless it has ended meanwhile, when
  // they have no effect.
  [[nodiscard]] std::optional<Asked> take_request();
  // REQUIRES: `answer` can be encoded.
  void answer(const crypto::JoinAnswer& answer);
  void refuse(JoinRefusal why, std::string_view text);

  // The token that it was about, as far as it came to that.
  [[nodiscard]] const std::optional<crypto::TokenId>& token() const { return token_; }
  [[nodiscard]] std::optional<End> ended() const { return end_; }
  [[nodiscard]] bool over() const { return end_.has_value() && output_.empty(); }

 private:
  enum class State : std::uint8_t { greeting, asking, deciding };

  [[nodiscard]] bool take_word(std::span<const std::byte> bytes);
  void begin(const crypto::TokenId& token);
  void on_frame(std::span<const std::byte> frame, Moment now);
  void greet(std::span<const std::byte> message);
  void on_request(std::span<const std::byte> frame, Moment now);
  void say(std::byte kind, std::span<const std::byte> content);
  void finish(End end);

  Setup setup_;
  State state_ = State::greeting;
  Bytes word_;  // until it is whole
  std::optional<crypto::TokenId> token_;
  std::optional<crypto::Handshake> handshake_;
  bool first_ = true;  // message of the handshake
  std::optional<crypto::Channel> channel_;
  protocol::MessageReader frames_;
  std::size_t strangers_bytes_ = 0;
  std::optional<Asked> asked_;
  Bytes output_;
  core::Instant until_;
  std::optional<End> end_;
};
[[nodiscard]] std::string_view to_string(JoinHost::End end);

}  // namespace agent::link
