#pragma once
// A newcomer and an inviter of the small pool, and what lies on the wire between them.

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "agent/link/join_session.h"
#include "tests/unit/link/small_pool.h"

namespace agent::link::test {

inline crypto::JoinToken sample_token(unsigned char of_secret = 0x31) {
  crypto::JoinToken token;
  token.root = crypto::root_pin(samples::root_pair().public_key());
  token.id = {samples::filled<std::array<std::byte, 8>>(0x1d)};
  token.secret = secret(of_secret);
  token.not_after_ms = wall_ms + 3'600'000;
  token.addresses = {samples::address(1)};
  return token;
}

// What a newcomer brings along: the keys of node 9, and a user's.
inline constexpr unsigned char newcomer = 9;
inline crypto::SigningPair newcomers_user() {
  return samples::pair(0x5a);
}

inline Bytes user_chain_of(const crypto::SigningPair& user) {
  crypto::Certificate it = samples::certificate();
  it.serial = samples::filled<crypto::Bytes16>(0xd1);
  it.kind = crypto::HolderKind::user;
  it.name = "somebody";
  it.sign_key = user.public_key();
  it.noise_key = std::nullopt;
  it.roles = {crypto::Role::submit};
  return chain_of(it);
}

inline crypto::JoinAnswer sample_answer() {
  crypto::JoinAnswer answer;
  answer.network_psk = secret(0x70);
  answer.node_chain = chain_of(certificate_of(newcomer));
  answer.user_chain = user_chain_of(newcomers_user());
  answer.inviter = samples::user_pair().public_key();
  answer.peers = {crypto::sign_peer_record(samples::peer_record(), samples::node_pair()).value().bytes};
  return answer;
}

// The longest that is answered: all the revocations that find room.
inline crypto::JoinAnswer long_answer() {
  crypto::JoinAnswer answer = sample_answer();
  crypto::Revocation entry = samples::revocation();
  entry.what = crypto::RevokedSigner{node_key(30).public_key()};
  for (std::size_t i = 0; i < crypto::answered_revocations_max; ++i) {
    entry.since_ms = samples::created_ms + static_cast<std::int64_t>(i);
    answer.revocations.push_back(crypto::sign_revocation(entry, samples::admin_pair()).value().bytes);
  }
  return answer;
}

class JoiningPair {
 public:
  explicit JoiningPair(crypto::JoinToken its_token = sample_token(), Credentials credentials = credentials_of(2))
      : token(std::move(its_token)), inviter(std::move(credentials)) {
    const MakeSecret make_secret = [this] { return secret(static_cast<unsigned char>(++secrets_)); };
    joiner = std::make_unique<Joiner>(Joiner::Setup{.token = token,
                                                    .link_key = link,
                                                    .node_key = node,
                                                    .user_key = user,
                                                    .name = "node 9",
                                                    .make_secret = make_secret},
                                      now);
    host = std::make_unique<JoinHost>(
        JoinHost::Setup{.credentials = inviter,
                        .find_secret = [this](const crypto::TokenId& id) { return find(id); },
                        .make_secret = make_secret},
        now);
  }

  // Until nothing is on the way any more, or the inviter has to decide.
  void run() {
    for (bool moved = true; moved;) {
      moved = pass(joiner->take_output(), [this](std::span<const std::byte> part) { host->receive(part, now); });
      moved |= pass(host->take_output(), [this](std::span<const std::byte> part) { joiner->receive(part, now); });
      if (auto request = host->take_request()) asked = *std::move(request);
    }
    // As a socket would: who has ended hangs up.
    if (host->ended()) joiner->on_end();
    if (joiner->ended()) host->on_end();
  }

  Moment now{.at = core::Instant(1'000s), .wall_ms = wall_ms};
  std::size_t cut = 65'536;
  crypto::JoinToken token;
  crypto::ExchangePair link = link_key(newcomer);
  crypto::SigningPair node = node_key(newcomer);
  crypto::SigningPair user = newcomers_user();
  Credentials inviter;
  unsigned char known_secret = 0x31;
  bool known = true;
  std::unique_ptr<Joiner> joiner;
  std::unique_ptr<JoinHost> host;
  std::optional<JoinHost::Asked> asked;

 private:
  std::optional<crypto::Secret<32>> find(const crypto::TokenId& id) const {
    if (!known || id != sample_token().id) return std::nullopt;
    return secret(known_secret);
  }
  template <class Receive>
  bool pass(const Bytes& out, Receive receive) const {
    for (std::size_t at = 0; at < out.size(); at += cut)
      receive(std::span(out).subspan(at, std::min(cut, out.size() - at)));
    return !out.empty();
  }

  unsigned secrets_ = 0;
};

}  // namespace agent::link::test
