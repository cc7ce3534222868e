#include "agent/link/greeting.h"

#include <cassert>
#include <utility>

namespace agent::link {

namespace {

std::span<const std::byte> prologue() {
  return std::as_bytes(std::span(crypto::link_prologue));
}

crypto::Handshake handshake_with(const Credentials& credentials, std::size_t key, crypto::HandshakeSide side,
                                 const MakeSecret& make_secret) {
  return crypto::Handshake({.suite = crypto::link_suite,
                            .side = side,
                            .prologue = prologue(),
                            .own = credentials.link_key,
                            .psks = std::span(credentials.network_keys).subspan(key, 1),
                            .remote = std::nullopt},
                           make_secret());
}

}  // namespace

Greeting::Greeting(const Credentials& credentials, crypto::HandshakeSide side, const MakeSecret& make_secret)
    : credentials_(credentials), initiator_(side == crypto::HandshakeSide::initiator) {
  assert(!credentials.network_keys.empty());
  const std::size_t keys = initiator_ ? 1 : credentials.network_keys.size();
  for (std::size_t key = 0; key < keys; ++key)
    handshakes_.push_back(handshake_with(credentials, key, side, make_secret));
}

Bytes Greeting::begin() {
  assert(initiator_ && messages_ == 0);
  ++messages_;
  return handshakes_.front().write({}).value();
}

std::size_t Greeting::message_bytes_max() const {
  return messages_ == 0 ? crypto::first_handshake_message_bytes_max : crypto::handshake_message_bytes_max;
}

tl::expected<Bytes, Closing> Greeting::read(std::span<const std::byte> message) {
  ++messages_;
  while (true) {
    if (auto payload = handshakes_.front().read(message)) {
      handshakes_.erase(handshakes_.begin() + 1, handshakes_.end());
      return *std::move(payload);
    }
    if (handshakes_.size() == 1) return tl::unexpected(Closing{.why = CloseReason::stranger});
    handshakes_.erase(handshakes_.begin());
  }
}

tl::expected<Bytes, Closing> Greeting::on_message(std::span<const std::byte> message, std::int64_t wall_ms) {
  assert(!finished());
  if (message.size() > message_bytes_max()) return tl::unexpected(Closing{.why = CloseReason::too_long});
  const bool first = messages_ == 0;
  const auto payload = read(message);
  if (!payload) return tl::unexpected(payload.error());
  crypto::Handshake& handshake = handshakes_.front();
  if (!first) {
    member_ = judge(*payload, wall_ms);
    if (initiator_ && !*member_) return tl::unexpected(member_->error());
  }
  if (handshake.finished()) return Bytes{};
  ++messages_;
  return handshake.write(credentials_.chain).value();
}

tl::expected<crypto::Membership, Closing> Greeting::judge(std::span<const std::byte> chain,
                                                          std::int64_t wall_ms) const {
  auto member = crypto::judge(chain, credentials_.trust, wall_ms, credentials_.revoked, crypto::Purpose::membership);
  if (!member) return tl::unexpected(Closing{.why = CloseReason::certificate, .certificate = member.error()});
  if (member->certificate.kind != crypto::HolderKind::node)
    return tl::unexpected(Closing{.why = CloseReason::not_a_node});
  const auto& proved = handshakes_.front().remote();
  if (member->certificate.noise_key != proved) return tl::unexpected(Closing{.why = CloseReason::not_its_key});
  if (proved == credentials_.link_key.public_key()) return tl::unexpected(Closing{.why = CloseReason::ourselves});
  return *std::move(member);
}

Greeting::Met Greeting::take() {
  assert(finished() && member_);
  return {.session = handshakes_.front().take_session(), .member = *std::move(member_)};
}

}  // namespace agent::link
