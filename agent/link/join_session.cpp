#include "agent/link/join_session.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "agent/link/first_word.h"

namespace agent::link {

namespace {

constexpr protocol::LengthPrefix frame_prefix = protocol::LengthPrefix::two_bytes;
constexpr std::size_t head_bytes = 5;

crypto::Handshake newcomers_handshake(const Joiner::Setup& setup) {
  const std::array<crypto::Secret<32>, 1> psks{crypto::joining_psk(setup.token)};
  const Bytes prologue = crypto::joining_prologue(setup.token.id);
  return crypto::Handshake({.suite = crypto::link_suite,
                            .side = crypto::HandshakeSide::initiator,
                            .prologue = prologue,
                            .own = setup.link_key,
                            .psks = psks,
                            .remote = std::nullopt},
                           setup.make_secret());
}

// It is shown in a terminal, and who said it may be anybody.
std::string printable(std::span<const std::byte> text) {
  std::string shown;
  for (const std::byte byte : text) {
    const char c = static_cast<char>(byte);
    shown.push_back(' ' <= c && c <= '~' ? c : '?');
  }
  return shown;
}

JoinEnding refusal_of(std::span<const std::byte> content) {
  const auto why = std::to_integer<std::uint8_t>(content.front());
  const bool known = why <= static_cast<std::uint8_t>(last_join_refusal);
  return {.why = JoinFailure::refused,
          .refusal = known ? static_cast<JoinRefusal>(why) : JoinRefusal::unavailable,
          .said = printable(content.subspan(1))};
}

std::string_view text_of(JoinRefusal refusal) {
  switch (refusal) {
    case JoinRefusal::used: return "the token has been used: ask for another one";
    case JoinRefusal::expired: return "the token has expired: ask for another one";
    case JoinRefusal::name_taken: return "a node of that pool has this name already: join under another one";
    case JoinRefusal::unavailable: return "it cannot let anybody in now";
  }
  assert(false);
  return {};
}

std::string_view text_of(JoinFailure why) {
  switch (why) {
    case JoinFailure::not_heard:
      return "it hung up without a word: it does not know this token (expired, taken back, or another machine's)";
    case JoinFailure::wrong_pool: return "it speaks for another pool than the one that made the token";
    case JoinFailure::not_believed: return "its certificates do not hold";
    case JoinFailure::refused: return "it refused";
    case JoinFailure::bad_answer: return "what it answered makes this machine no member";
    case JoinFailure::malformed: return "it said something that makes no sense";
    case JoinFailure::timed_out: return "it did not answer in time";
    case JoinFailure::lost: return "the connection ended in the middle: the same token can be tried again from here";
  }
  assert(false);
  return {};
}

bool is_about_clocks(const JoinEnding& ending) {
  return ending.certificate == crypto::CertificateError::expired ||
         ending.certificate == crypto::CertificateError::not_yet_valid;
}

}  // namespace

std::string to_text(const JoinEnding& ending) {
  std::string text(ending.refusal ? text_of(*ending.refusal) : text_of(ending.why));
  if (ending.certificate) text += ": " + std::string(crypto::to_string(*ending.certificate));
  if (is_about_clocks(ending)) text += " (is the clock of this machine right?)";
  if (!ending.said.empty()) text += ": " + ending.said;
  return text;
}

bool JoinReply::take(std::span<const std::byte> plain) {
  if (!content_) {
    if (plain.size() < head_bytes || std::to_integer<unsigned>(plain[0]) > 1) return false;
    is_answer_ = plain[0] == std::byte{0};
    std::size_t length = 0;
    for (const std::byte byte : plain.subspan(1, 4)) length = length << 8U | std::to_integer<std::size_t>(byte);
    if (length == 0 || length > (is_answer_ ? crypto::join_answer_bytes_max : 1 + refusal_text_bytes_max)) return false;
    content_.emplace(length);
    plain = plain.subspan(head_bytes);
  }
  const auto room = content_->writable().subspan(filled_);
  if (plain.empty() || plain.size() > room.size()) return false;
  std::ranges::copy(plain, room.begin());
  filled_ += plain.size();
  return true;
}

Joiner::Joiner(Setup setup, Moment now)
    : setup_(std::move(setup)),
      handshake_(newcomers_handshake(setup_)),
      frames_(crypto::handshake_message_bytes_max, frame_prefix),
      output_(write_join_word(setup_.token.id)),
      until_(now.at + Connection::greeting_patience) {
  assert(setup_.name.size() <= crypto::holder_name_bytes_max && crypto::sensible_holder_name(setup_.name));
  protocol::append_framed(output_, handshake_->write({}).value(), frame_prefix);
}

std::optional<core::Instant> Joiner::deadline() const {
  return ended_ ? std::nullopt : std::optional(until_);
}

void Joiner::on_time(Moment now) {
  if (!ended_ && now.at >= until_) fail(JoinFailure::timed_out);
}

void Joiner::on_end() {
  output_.clear();
  if (!ended_) fail(handshake_ && strangers_bytes_ == 0 ? JoinFailure::not_heard : JoinFailure::lost);
}

Bytes Joiner::take_output() {
  return std::exchange(output_, {});
}

Joiner::Outcome Joiner::take_outcome() {
  assert(ended_ && outcome_);
  Outcome outcome = *std::move(outcome_);
  outcome_.reset();
  return outcome;
}

void Joiner::end(Outcome outcome) {
  assert(!ended_);
  ended_ = true;
  outcome_.emplace(std::move(outcome));
  handshake_.reset();
  channel_.reset();
  reply_.reset();
}

void Joiner::receive(std::span<const std::byte> bytes, Moment now) {
  if (ended_) return;
  if (handshake_) {
    strangers_bytes_ += bytes.size();
    if (strangers_bytes_ > Connection::stranger_bytes_max) return fail(JoinFailure::malformed);
  }
  frames_.feed(bytes);
  while (!ended_) {
    const auto frame = frames_.next();
    if (!frame) return fail(JoinFailure::malformed);
    if (!*frame) return;
    on_frame(**frame, now);
  }
}

void Joiner::on_frame(std::span<const std::byte> frame, Moment now) {
  if (handshake_) return greet(frame, now);
  auto plain = channel_->open(frame);
  if (!plain) return fail(JoinFailure::malformed);
  const bool sense = reply_->take(*plain);
  crypto::wipe(*plain);
  if (!sense) return fail(JoinFailure::malformed);
  if (reply_->complete()) on_reply(now);
}

void Joiner::greet(std::span<const std::byte> message, Moment now) {
  const auto payload = handshake_->read(message);
  if (!payload) return fail(JoinFailure::malformed);
  if (auto ending = check_greeting(*payload, now.wall_ms)) return end(tl::unexpected(*std::move(ending)));
  const auto last = handshake_->write({});
  if (!last) return fail(JoinFailure::malformed);
  protocol::append_framed(output_, *last, frame_prefix);
  ask();
  until_ = now.at + answer_patience;
}

// Nothing: the pool is the one that the token is for, and who answered is a node of it.
std::optional<JoinEnding> Joiner::check_greeting(std::span<const std::byte> payload, std::int64_t wall_ms) {
  auto greeting = crypto::decode_greeting(payload);
  if (!greeting) return JoinEnding{.why = JoinFailure::malformed};
  const auto root = crypto::pinned_root(greeting->trust, setup_.token.root);
  if (!root) return JoinEnding{.why = JoinFailure::wrong_pool};
  const auto inviter =
      crypto::judge(greeting->chain, {greeting->trust.pool, {*root}}, wall_ms, {}, crypto::Purpose::membership);
  if (!inviter) return JoinEnding{.why = JoinFailure::not_believed, .certificate = inviter.error()};
  if (inviter->certificate.kind != crypto::HolderKind::node || inviter->certificate.noise_key != handshake_->remote())
    return JoinEnding{.why = JoinFailure::not_believed};
  trust_ = std::move(greeting->trust);
  return std::nullopt;
}

void Joiner::ask() {
  channel_.emplace(handshake_->take_session());
  handshake_.reset();
  frames_.allow(crypto::frame_bytes_max);
  reply_.emplace();
  crypto::Bytes64 session{};
  assert(channel_->session_hash().size() == session.size());
  std::ranges::copy(channel_->session_hash(), session.begin());
  const auto request = crypto::sign_join_request(session, setup_.name, setup_.node_key, setup_.user_key);
  assert(request);
  protocol::append_framed(output_, channel_->seal(request->bytes).value(), frame_prefix);
}

void Joiner::on_reply(Moment now) {
  if (!reply_->is_answer()) return end(tl::unexpected(refusal_of(reply_->content())));
  end(judge_answer(now.wall_ms));
}

Joiner::Outcome Joiner::judge_answer(std::int64_t wall_ms) {
  const auto bad = [](std::optional<crypto::CertificateError> certificate = {}) {
    return tl::unexpected(JoinEnding{.why = JoinFailure::bad_answer, .certificate = certificate});
  };
  auto answer = crypto::decode_answer(reply_->content());
  if (!answer) return bad();
  crypto::RevocationSet revoked;
  for (const Bytes& one : answer->revocations) {
    auto entry = crypto::open_revocation(one, trust_.pool);
    if (!entry) return bad();
    (void)revoked.add(*std::move(entry));
  }
  auto node = crypto::judge(answer->node_chain, trust_, wall_ms, revoked, crypto::Purpose::membership);
  const auto user = crypto::judge(answer->user_chain, trust_, wall_ms, revoked, crypto::Purpose::membership);
  if (!node) return bad(node.error());
  if (!user) return bad(user.error());
  const crypto::Certificate& of_node = node->certificate;
  if (of_node.kind != crypto::HolderKind::node || of_node.noise_key != setup_.link_key.public_key() ||
      of_node.sign_key != setup_.node_key.public_key())
    return bad();
  if (user->certificate.kind != crypto::HolderKind::user || user->certificate.sign_key != setup_.user_key.public_key())
    return bad();
  return Joined{.trust = std::move(trust_), .answer = *std::move(answer), .member = *std::move(node)};
}

}  // namespace agent::link
