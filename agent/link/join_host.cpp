#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "agent/link/first_word.h"
#include "agent/link/join_session.h"

namespace agent::link {

namespace {

constexpr protocol::LengthPrefix frame_prefix = protocol::LengthPrefix::two_bytes;
constexpr std::size_t head_bytes = 5;
constexpr std::byte answer_kind{0};
constexpr std::byte refusal_kind{1};

crypto::JoinGreeting greeting_of(const Credentials& credentials) {
  crypto::JoinGreeting greeting{.trust = credentials.trust, .chain = credentials.chain};
  std::ranges::sort(greeting.trust.roots);
  return greeting;
}

}  // namespace

JoinHost::JoinHost(Setup setup, Moment now)
    : setup_(std::move(setup)),
      frames_(crypto::first_handshake_message_bytes_max, frame_prefix),
      until_(now.at + Connection::greeting_patience) {}

std::optional<core::Instant> JoinHost::deadline() const {
  return end_ ? std::nullopt : std::optional(until_);
}

void JoinHost::on_time(Moment now) {
  if (!end_ && now.at >= until_) finish(End::timed_out);
}

void JoinHost::on_end() {
  output_.clear();
  if (!end_) finish(End::lost);
}

void JoinHost::receive(std::span<const std::byte> bytes, Moment now) {
  if (end_) return;
  strangers_bytes_ += bytes.size();
  if (strangers_bytes_ > Connection::stranger_bytes_max) return finish(End::too_long);
  if (token_) {
    frames_.feed(bytes);
  } else if (!take_word(bytes)) {
    return;
  }
  while (!end_) {
    const auto frame = frames_.next();
    if (!frame) {
      const bool long_one = frame.error() == protocol::FramingError::message_too_long;
      return finish(long_one ? End::too_long : End::malformed);
    }
    if (!*frame) return;
    on_frame(**frame, now);
  }
}

// Whether it is known by now which token is meant; what follows the word is in `frames_` then.
bool JoinHost::take_word(std::span<const std::byte> bytes) {
  const auto part = bytes.first(std::min(bytes.size(), join_word_bytes - word_.size()));
  word_.insert(word_.end(), part.begin(), part.end());
  const FirstWord word = read_first_word(word_);
  if (std::holds_alternative<MoreNeeded>(word)) return false;
  const auto* joins = std::get_if<JoinComes>(&word);
  if (joins == nullptr) {
    finish(End::no_joining);
    return false;
  }
  begin(joins->token);
  frames_.feed(bytes.subspan(part.size()));
  return true;
}

void JoinHost::begin(const crypto::TokenId& token) {
  token_ = token;
  auto secret = setup_.find_secret(token);
  if (!secret) return finish(End::unknown_token);
  crypto::JoinToken known;
  known.id = token;
  known.secret = *std::move(secret);
  const std::array<crypto::Secret<32>, 1> psks{crypto::joining_psk(known)};
  const Bytes prologue = crypto::joining_prologue(token);
  handshake_.emplace(crypto::Handshake::Setup{.suite = crypto::link_suite,
                                              .side = crypto::HandshakeSide::responder,
                                              .prologue = prologue,
                                              .own = setup_.credentials.link_key,
                                              .psks = psks,
                                              .remote = std::nullopt},
                     setup_.make_secret());
}

void JoinHost::on_frame(std::span<const std::byte> frame, Moment now) {
  switch (state_) {
    case State::greeting: return greet(frame);
    case State::asking: return on_request(frame, now);
    case State::deciding: return finish(End::malformed);
  }
  assert(false);
}

void JoinHost::greet(std::span<const std::byte> message) {
  const bool first = std::exchange(first_, false);
  const auto payload = handshake_->read(message);
  if (!payload) return finish(first ? End::wrong_secret : End::malformed);
  if (!handshake_->finished()) {
    const auto greeting = crypto::encode_greeting(greeting_of(setup_.credentials));
    assert(greeting);
    const auto answer = handshake_->write(*greeting);
    // A newcomer may have sent a key that makes every shared secret known.
    if (!answer) return finish(End::malformed);
    protocol::append_framed(output_, *answer, frame_prefix);
    frames_.allow(crypto::handshake_message_bytes_max);
    return;
  }
  channel_.emplace(handshake_->take_session());
  handshake_.reset();
  frames_.allow(crypto::join_request_signed_bytes_max + crypto::seal_bytes);
  state_ = State::asking;
}

void JoinHost::on_request(std::span<const std::byte> frame, Moment now) {
  const auto plain = channel_->open(frame);
  if (!plain) return finish(End::malformed);
  crypto::Bytes64 session{};
  assert(channel_->session_hash().size() == session.size());
  std::ranges::copy(channel_->session_hash(), session.begin());
  auto request = crypto::open_join_request(*plain, session);
  if (!request) return finish(End::bad_request);
  asked_ = Asked{.token = *token_, .link_key = channel_->remote(), .request = *std::move(request)};
  state_ = State::deciding;
  until_ = now.at + answer_patience;
}

std::optional<JoinHost::Asked> JoinHost::take_request() {
  return std::exchange(asked_, std::nullopt);
}

void JoinHost::answer(const crypto::JoinAnswer& answer) {
  if (end_) return;
  assert(state_ == State::deciding);
  const auto content = crypto::encode_answer(answer);
  assert(content);
  say(answer_kind, content->bytes());
  finish(End::answered);
}

void JoinHost::refuse(JoinRefusal why, std::string_view text) {
  if (end_) return;
  assert(state_ == State::deciding);
  Bytes content{static_cast<std::byte>(why)};
  const auto said = std::as_bytes(std::span(text.substr(0, refusal_text_bytes_max)));
  content.insert(content.end(), said.begin(), said.end());
  say(refusal_kind, content);
  finish(End::refused);
}

Bytes JoinHost::take_output() {
  return std::exchange(output_, {});
}

void JoinHost::say(std::byte kind, std::span<const std::byte> content) {
  crypto::SecretBytes whole(head_bytes + content.size());
  whole.writable()[0] = kind;
  for (std::size_t i = 0; i < 4; ++i)
    whole.writable()[1 + i] = static_cast<std::byte>(content.size() >> (8 * (3 - i)) & 0xffU);
  std::ranges::copy(content, whole.writable().begin() + head_bytes);
  for (auto left = whole.bytes(); !left.empty();) {
    const auto part = left.first(std::min(left.size(), crypto::frame_plain_bytes_max));
    protocol::append_framed(output_, channel_->seal(part).value(), frame_prefix);
    left = left.subspan(part.size());
  }
}

void JoinHost::finish(End end) {
  assert(!end_);
  end_ = end;
  handshake_.reset();
  channel_.reset();
  asked_.reset();
}

std::string_view to_string(JoinHost::End end) {
  switch (end) {
    case JoinHost::End::answered: return "it was let in";
    case JoinHost::End::refused: return "it was told why not";
    case JoinHost::End::no_joining: return "it did not want to join";
    case JoinHost::End::unknown_token: return "its token is unknown here";
    case JoinHost::End::wrong_secret: return "it does not know the secret of its token";
    case JoinHost::End::malformed: return "it said something that makes no sense";
    case JoinHost::End::too_long: return "it said more than a newcomer has to say";
    case JoinHost::End::bad_request: return "its request is not signed as it must be";
    case JoinHost::End::timed_out: return "it took too long";
    case JoinHost::End::lost: return "the connection ended without a word";
  }
  assert(false);
  return {};
}

}  // namespace agent::link
