#include "crypto/noise.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace crypto {

namespace {

constexpr std::size_t key_bytes = 32;

void append(std::vector<std::byte>& message, std::span<const std::byte> bytes) {
  message.insert(message.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::string_view to_string(HandshakeError error) {
  switch (error) {
    case HandshakeError::truncated: return "handshake message too short";
    case HandshakeError::too_long: return "handshake message too long";
    case HandshakeError::bad_tag: return "other keys or another prologue, or changed on the way";
    case HandshakeError::low_order_key: return "a key of low order";
  }
  assert(false);
  return {};
}

Handshake::Handshake(const Setup& setup, Secret<32> ephemeral)
    : suite_(setup.suite),
      side_(setup.side),
      state_(setup.suite.hash, protocol_name(setup.suite)),
      static_(setup.own.secret().bytes()),
      static_public_(setup.own.public_key()),
      ephemeral_seed_(std::move(ephemeral)),
      remote_static_(setup.remote) {
  assert(setup.psks.size() == row().psks && row().psks <= noise_psks_max);
  assert(setup.remote.has_value() == (row().knows_responder && initiator()));
  for (std::size_t i = 0; i < setup.psks.size(); ++i) psks_[i] = Secret<32>(setup.psks[i].bytes());
  state_.mix_hash(setup.prologue);
  if (row().knows_responder) state_.mix_hash(initiator() ? remote_static_->bytes : static_public_.bytes);
}

bool Handshake::finished() const {
  return !error_ && message_ == row().message_count;
}

bool Handshake::to_write() const {
  return !error_ && !finished() && (message_ % 2 == 0) == initiator();
}

std::size_t Handshake::message_bytes_max() const {
  return message_ == 0 ? first_handshake_message_bytes_max : handshake_message_bytes_max;
}

std::size_t Handshake::payload_bytes_max() const {
  assert(to_write());
  std::size_t overhead = 0;
  bool key = state_.has_key();
  for (const NoiseStep step : row().messages[message_]) {
    if (step == NoiseStep::end) break;
    if (step == NoiseStep::e || step == NoiseStep::s) overhead += key_bytes;
    if (step == NoiseStep::s && key) overhead += seal_bytes;
    key = key || (step != NoiseStep::e && step != NoiseStep::s) || (step == NoiseStep::e && row().psks > 0);
  }
  if (key) overhead += seal_bytes;
  return message_bytes_max() - overhead;
}

// With a pre-shared key an ephemeral one is mixed into the keys as well, so that two messages never share a key.
void Handshake::mix_ephemeral(const ExchangeKey& key) {
  state_.mix_hash(key.bytes);
  if (row().psks > 0) state_.mix_key(key.bytes);
}

Handshake::Fault Handshake::mix_shared(const Secret<32>& ours, const std::optional<ExchangeKey>& theirs) {
  assert(theirs);
  const auto shared = exchange(ours, *theirs);
  if (!shared) return HandshakeError::low_order_key;
  state_.mix_key(shared->bytes());
  return std::nullopt;
}

Handshake::Fault Handshake::mix_step(NoiseStep step) {
  switch (step) {
    case NoiseStep::ee: return mix_shared(ephemeral_->secret(), remote_ephemeral_);
    case NoiseStep::ss: return mix_shared(static_, remote_static_);
    case NoiseStep::es:
      return initiator() ? mix_shared(ephemeral_->secret(), remote_static_) : mix_shared(static_, remote_ephemeral_);
    case NoiseStep::se:
      return initiator() ? mix_shared(static_, remote_ephemeral_) : mix_shared(ephemeral_->secret(), remote_static_);
    case NoiseStep::psk: {
      Secret<32> psk = std::move(psks_[psks_used_++]);
      state_.mix_key_and_hash(psk.bytes());
      return std::nullopt;
    }
    case NoiseStep::end:
    case NoiseStep::e:
    case NoiseStep::s: break;
  }
  assert(false);
  return std::nullopt;
}

Handshake::Fault Handshake::write_step(NoiseStep step, std::vector<std::byte>& message) {
  if (step == NoiseStep::e) {
    ephemeral_.emplace(std::move(ephemeral_seed_));
    append(message, ephemeral_->public_key().bytes);
    mix_ephemeral(ephemeral_->public_key());
    return std::nullopt;
  }
  if (step != NoiseStep::s) return mix_step(step);
  const auto wire = state_.encrypt_and_hash(static_public_.bytes);
  assert(wire);  // counters of a handshake are small
  append(message, *wire);
  return std::nullopt;
}

Handshake::Fault Handshake::read_step(NoiseStep step, std::span<const std::byte>& left) {
  if (step != NoiseStep::e && step != NoiseStep::s) return mix_step(step);
  const bool sealed = step == NoiseStep::s && state_.has_key();
  const std::size_t wanted = key_bytes + (sealed ? seal_bytes : 0);
  if (left.size() < wanted) return HandshakeError::truncated;
  const std::span<const std::byte> wire = left.first(wanted);
  left = left.subspan(wanted);
  ExchangeKey key;
  if (step == NoiseStep::e) {
    std::ranges::copy(wire, key.bytes.begin());
    remote_ephemeral_ = key;
    mix_ephemeral(key);
    return std::nullopt;
  }
  const auto plain = state_.decrypt_and_hash(wire);
  if (!plain) return HandshakeError::bad_tag;
  std::ranges::copy(*plain, key.bytes.begin());
  remote_static_ = key;
  return std::nullopt;
}

tl::expected<std::vector<std::byte>, HandshakeError> Handshake::write(std::span<const std::byte> payload) {
  if (error_) return tl::unexpected(*error_);
  assert(to_write());
  if (payload.size() > payload_bytes_max()) return tl::unexpected(fail(HandshakeError::too_long));
  std::vector<std::byte> message;
  for (const NoiseStep step : row().messages[message_]) {
    if (step == NoiseStep::end) break;
    if (const Fault fault = write_step(step, message)) return tl::unexpected(fail(*fault));
  }
  const auto wire = state_.encrypt_and_hash(payload);
  assert(wire);
  append(message, *wire);
  assert(message.size() <= message_bytes_max());
  ++message_;
  if (finished()) forget_keys();
  return message;
}

tl::expected<std::vector<std::byte>, HandshakeError> Handshake::read(std::span<const std::byte> message) {
  if (error_) return tl::unexpected(*error_);
  assert(!to_write() && !finished());
  if (message.size() > message_bytes_max()) return tl::unexpected(fail(HandshakeError::too_long));
  std::span<const std::byte> left = message;
  for (const NoiseStep step : row().messages[message_]) {
    if (step == NoiseStep::end) break;
    if (const Fault fault = read_step(step, left)) return tl::unexpected(fail(*fault));
  }
  if (state_.has_key() && left.size() < seal_bytes) return tl::unexpected(fail(HandshakeError::truncated));
  auto payload = state_.decrypt_and_hash(left);
  if (!payload) return tl::unexpected(fail(HandshakeError::bad_tag));
  ++message_;
  if (finished()) forget_keys();
  return *std::move(payload);
}

Session Handshake::take_session() {
  assert(finished() && !taken_);
  taken_ = true;
  NoiseState::Split split = state_.split();
  const auto hash = state_.hash();
  Session session{.send = std::move(initiator() ? split.from_initiator : split.from_responder),
                  .receive = std::move(initiator() ? split.from_responder : split.from_initiator),
                  .hash = {hash.begin(), hash.end()},
                  .remote = *remote_static_};
  return session;
}

HandshakeError Handshake::fail(HandshakeError error) {
  error_ = error;
  forget_keys();
  state_.forget();
  return error;
}

void Handshake::forget_keys() {
  static_.clear();
  ephemeral_seed_.clear();
  ephemeral_.reset();
  for (Secret<32>& psk : psks_) psk.clear();
}

}  // namespace crypto
