#pragma once
// The first bytes of every connection between agents, said by who dials, in clear: what is to follow.
//
//   gib1link                            a link between two members (connection.h)
//   gib1join, 8 bytes: id of a token    a newcomer with an invitation (join_session.h)
//
// A listener looks at what has come, chooses the machine, and hands it everything from the first byte on: each machine
// takes its own word off the stream. Another version of either handshake gets another word.
//
// What it costs. Whoever listens on the way sees that this is Gibbon, that somebody joins, and the name of the token: a
// random number that opens nothing without the secret, which is not sent. But who has seen it can use up the five wrong
// tries of that token, and the inviter has to make another one. Without the name in front the listener would have to
// try the secret of each token that is out, at every stranger's word. A listener that does not like the word says
// nothing and hangs up, so that somebody who only knocks learns no more than that somebody listens.

#include <cstddef>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "crypto/token.h"

namespace agent::link {

inline constexpr std::string_view link_word = "gib1link";
inline constexpr std::string_view join_word = "gib1join";
static_assert(link_word.size() == join_word.size());
inline constexpr std::size_t join_word_bytes = join_word.size() + sizeof(crypto::TokenId::bytes);

struct MoreNeeded {};
struct LinkComes {};
struct JoinComes {
  crypto::TokenId token;
};
struct Neither {};
using FirstWord = std::variant<MoreNeeded, LinkComes, JoinComes, Neither>;

// What the beginning of a stream says, as soon as that is certain. At most `join_word_bytes` of it are looked at.
[[nodiscard]] FirstWord read_first_word(std::span<const std::byte> begun);
[[nodiscard]] std::vector<std::byte> write_link_word();
[[nodiscard]] std::vector<std::byte> write_join_word(const crypto::TokenId& token);

}  // namespace agent::link
