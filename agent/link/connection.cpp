#include "agent/link/connection.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "agent/link/first_word.h"
#include "protocol/codec.h"
#include "protocol/kind.h"

namespace agent::link {

namespace {

constexpr protocol::LengthPrefix frame_prefix = protocol::LengthPrefix::two_bytes;

void append_frame(Bytes& stream, std::span<const std::byte> frame) {
  protocol::append_framed(stream, frame, frame_prefix);
}

bool speaks_with(const protocol::Hello& theirs) {
  return theirs.version_least <= protocol::link_version && theirs.version >= protocol::Hello{}.version_least;
}

}  // namespace

protocol::NodeId node_of(const crypto::Membership& member) {
  return protocol::NodeId(member.holder.bytes);
}

Connection::Connection(Setup setup, Moment now)
    : setup_(std::move(setup)),
      greeting_(std::in_place, setup_.credentials, setup_.side, setup_.make_secret),
      frames_(greeting_->message_bytes_max(), frame_prefix),
      until_(now.at + greeting_patience) {
  if (setup_.side == crypto::HandshakeSide::responder) {
    word_left_ = link_word.size();
    return;
  }
  asked_at_ = now.at;
  sealed_ = write_link_word();
  append_frame(sealed_, greeting_->begin());
  frames_.allow(greeting_->message_bytes_max());
}

std::optional<core::Instant> Connection::deadline() const {
  return closed() ? std::nullopt : std::optional(until_);
}

void Connection::on_time(Moment now, std::vector<News>& news) {
  if (closed() || now.at < until_) return;
  if (!open()) return fail(CloseReason::timed_out, news);
  say_bye(protocol::ByeReason::idle, "a new handshake is due");
  fail(CloseReason::worn_out, news);
}

void Connection::on_end(std::vector<News>& news) {
  sealed_.clear();
  if (!closed()) fail(CloseReason::lost, news);
}

void Connection::receive(std::span<const std::byte> bytes, Moment now, std::vector<News>& news) {
  if (closed()) return;
  if (state_ == State::greeting) {
    strangers_bytes_ += bytes.size();
    if (strangers_bytes_ > stranger_bytes_max) return fail(CloseReason::too_long, news);
  }
  if (!take_word(bytes)) return fail(CloseReason::stranger, news);
  frames_.feed(bytes);
  while (!closed()) {
    const auto frame = frames_.next();
    if (!frame) {
      const bool long_one = frame.error() == protocol::FramingError::message_too_long;
      return fail(long_one ? CloseReason::too_long : CloseReason::malformed, news);
    }
    if (!*frame) return;
    on_frame(**frame, now, news);
  }
}

// Takes from the front what is still to come of the word; whether it is that.
bool Connection::take_word(std::span<const std::byte>& bytes) {
  const std::size_t count = std::min(word_left_, bytes.size());
  const auto word = std::as_bytes(std::span(link_word)).last(word_left_).first(count);
  if (!std::ranges::equal(bytes.first(count), word)) return false;
  word_left_ -= count;
  bytes = bytes.subspan(count);
  return true;
}

void Connection::on_frame(std::span<const std::byte> frame, Moment now, std::vector<News>& news) {
  if (state_ == State::greeting) return greet(frame, now, news);
  const auto plain = channel_->open(frame);
  if (!plain) return fail(CloseReason::malformed, news);
  const auto messages = inbox_.take(*plain);
  if (!messages) return fail(messages.error(), news);
  for (const Bytes& message : *messages) {
    if (closed()) return;
    on_message(message, now, news);
  }
}

void Connection::greet(std::span<const std::byte> message, Moment now, std::vector<News>& news) {
  const auto answer = greeting_->on_message(message, now.wall_ms);
  if (!answer) return close(answer.error(), news);
  // A responder's first one answers nothing; its second one does.
  const bool answers = setup_.side == crypto::HandshakeSide::initiator || answered_;
  if (answers) round_trip_ = now.at - asked_at_;
  answered_ = true;
  asked_at_ = now.at;
  if (!answer->empty()) append_frame(sealed_, *answer);
  frames_.allow(greeting_->message_bytes_max());
  if (greeting_->finished()) begin_session(now, news);
}

void Connection::begin_session(Moment now, std::vector<News>& news) {
  Greeting::Met met = greeting_->take();
  greeting_.reset();
  channel_.emplace(std::move(met.session));
  frames_.allow(crypto::frame_bytes_max);
  state_ = State::introducing;
  if (!met.member) {
    const Closing why = met.member.error();
    const bool revoked = why.certificate == crypto::CertificateError::revoked;
    say_bye(revoked ? protocol::ByeReason::revoked : protocol::ByeReason::certificate, to_text(why));
    return close(why, news);
  }
  member_ = *std::move(met.member);
  if (setup_.side == crypto::HandshakeSide::responder) say_hello(now);
}

void Connection::on_message(const Bytes& message, Moment now, std::vector<News>& news) {
  auto envelope = protocol::decode(message);
  if (!envelope) {
    // A later version may say what we do not know; it harms nothing.
    if (envelope.error() == protocol::DecodeError::unknown_kind && open()) return;
    say_bye(protocol::ByeReason::malformed, std::string(to_string(envelope.error())));
    return fail(CloseReason::malformed, news);
  }
  if (auto* bye = std::get_if<protocol::Bye>(&envelope->message))
    return close({.why = CloseReason::bye, .said = std::move(*bye)}, news);
  const auto* hello = std::get_if<protocol::Hello>(&envelope->message);
  if (hello != nullptr && !open()) return on_hello(*hello, now, news);
  if (hello != nullptr || !open()) return fail(CloseReason::malformed, news);
  news.emplace_back(Arrived{.envelope = *std::move(envelope)});
}

void Connection::on_hello(const protocol::Hello& hello, Moment now, std::vector<News>& news) {
  if (!speaks_with(hello)) {
    say_bye(protocol::ByeReason::version, "this agent is " + setup_.hello.program_version);
    return fail(CloseReason::version, news);
  }
  if (setup_.side == crypto::HandshakeSide::initiator) say_hello(now);
  state_ = State::open;
  until_ = now.at + session_life;
  const protocol::NodeId node = node_of(*member_);
  news.emplace_back(
      Opened{.node = node, .member = *std::exchange(member_, std::nullopt), .hello = hello, .round_trip = round_trip_});
}

void Connection::say_hello(Moment now) {
  protocol::Hello hello = setup_.hello;
  hello.wall_time_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.wall_ms));
  say(std::move(hello));
}

void Connection::say_bye(protocol::ByeReason why, std::string reason) {
  say(protocol::Bye{.why = why, .reason = std::move(reason)});
}

void Connection::say(const protocol::Message& message) {
  outbox_.push(protocol::Queue::control, protocol::encode({.sequence = 0, .heard = 0, .message = message}));
}

void Connection::send(protocol::Queue queue, std::span<const std::byte> message, std::vector<News>& news) {
  if (!open()) return;
  if (waiting_bytes() + message.size() > waiting_bytes_max) return fail(CloseReason::too_slow, news);
  outbox_.push(queue, message);
}

void Connection::hang_up(const protocol::Bye& bye, std::vector<News>& news) {
  if (closed()) return;
  if (channel_) say(bye);
  close({.why = CloseReason::ours, .said = bye}, news);
}

void Connection::close(const Closing& why, std::vector<News>& news) {
  assert(!closed());
  state_ = State::closed;
  greeting_.reset();
  news.emplace_back(Closed{.why = why});
}

Bytes Connection::take_output() {
  Bytes output = std::exchange(sealed_, {});
  while (channel_ && !outbox_.empty() && output.size() < output_bytes_enough) {
    const auto frame = channel_->seal(outbox_.next_frame());
    if (!frame) {
      // The channel died of what came: nothing more can be said.
      outbox_ = Outbox(crypto::frame_plain_bytes_max);
      break;
    }
    append_frame(output, *frame);
  }
  return output;
}

}  // namespace agent::link
