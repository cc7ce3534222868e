#pragma once
// The other end of a joining, led by hand as far as an input wants it: everything before what the input says is as it
// must be, with keys that are the same in every run.

#include <array>
#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/link/first_word.h"
#include "agent/link/join_session.h"
#include "tests/unit/link/join_pair.h"

namespace fuzz {

namespace pool = agent::link::test;
using agent::link::Bytes;

inline constexpr auto two_bytes = protocol::LengthPrefix::two_bytes;
inline const agent::link::Moment start{.at = agent::core::Instant(std::chrono::seconds(1'000)),
                                       .wall_ms = pool::wall_ms};

inline crypto::Handshake by_hand(crypto::HandshakeSide side, const crypto::ExchangePair& own) {
  const crypto::JoinToken token = pool::sample_token();
  const std::array<crypto::Secret<32>, 1> psks{crypto::joining_psk(token)};
  const Bytes prologue = crypto::joining_prologue(token.id);
  return crypto::Handshake({.suite = crypto::link_suite,
                            .side = side,
                            .prologue = prologue,
                            .own = own,
                            .psks = psks,
                            .remote = std::nullopt},
                           pool::secret(side == crypto::HandshakeSide::initiator ? 0x21 : 0x22));
}

inline Bytes framed(std::span<const std::byte> message) {
  Bytes stream;
  protocol::append_framed(stream, message, two_bytes);
  return stream;
}

inline Bytes next_frame(protocol::MessageReader& reader) {
  return reader.next().value().value();
}

inline agent::link::JoinHost host_of(const agent::link::Credentials& credentials) {
  return agent::link::JoinHost({.credentials = credentials,
                                .find_secret = [](const crypto::TokenId& id) -> std::optional<crypto::Secret<32>> {
                                  if (id != pool::sample_token().id) return std::nullopt;
                                  return pool::secret(0x31);
                                },
                                .make_secret = [] { return pool::secret(0x22); }},
                               start);
}

// A newcomer's handshake with that host, to its end.
inline crypto::Channel meet(agent::link::JoinHost& host) {
  const crypto::ExchangePair own = pool::link_key(pool::newcomer);
  crypto::Handshake handshake = by_hand(crypto::HandshakeSide::initiator, own);
  host.receive(agent::link::write_join_word(pool::sample_token().id), start);
  host.receive(framed(handshake.write({}).value()), start);
  protocol::MessageReader reader(crypto::frame_bytes_max, two_bytes);
  reader.feed(host.take_output());
  assert(handshake.read(next_frame(reader)));
  host.receive(framed(handshake.write({}).value()), start);
  return crypto::Channel(handshake.take_session());
}

struct Newcomer {
  crypto::JoinToken token = pool::sample_token();
  crypto::ExchangePair link = pool::link_key(pool::newcomer);
  crypto::SigningPair node = pool::node_key(pool::newcomer);
  crypto::SigningPair user = pool::newcomers_user();
  agent::link::Joiner joiner{{.token = token,
                              .link_key = link,
                              .node_key = node,
                              .user_key = user,
                              .name = "node 9",
                              .make_secret = [] { return pool::secret(0x21); }},
                             start};
};

// An inviter's handshake with that newcomer, which is greeted like this; nothing if it does not go on.
inline std::optional<crypto::Channel> meet(agent::link::Joiner& joiner, std::span<const std::byte> greeting) {
  const crypto::ExchangePair own = pool::link_key(2);
  crypto::Handshake handshake = by_hand(crypto::HandshakeSide::responder, own);
  protocol::MessageReader reader(crypto::frame_bytes_max, two_bytes);
  const Bytes first = joiner.take_output();
  reader.feed(std::span(first).subspan(agent::link::join_word_bytes));
  assert(handshake.read(next_frame(reader)));
  if (greeting.size() > handshake.payload_bytes_max()) return std::nullopt;
  joiner.receive(framed(handshake.write(greeting).value()), start);
  if (joiner.ended()) return std::nullopt;
  reader.feed(joiner.take_output());
  assert(handshake.read(next_frame(reader)));
  return crypto::Channel(handshake.take_session());
}

inline Bytes good_greeting() {
  const auto credentials = pool::credentials_of(2);
  return crypto::encode_greeting({.trust = credentials.trust, .chain = credentials.chain}).value();
}

}  // namespace fuzz
