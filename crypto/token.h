#pragma once
// What a new machine is told so that it can join a pool: one text, shown to a person and typed or pasted elsewhere.
//
//   gib1-<base 32>     of: 2 bytes of length and their complement, the secret, the rest of the fields, 4 bytes of
//   digest
//
// The length counts secret and fields. It is guarded by itself and everything by the digest, so that a token that was
// cut is told from one that was mistyped, and both from one that has expired. Digits and letters are those of
// Crockford: no i, l, o and u; capitals are read as small letters, i and l as 1, o as 0. Text around it may be blank.
//
// A token is a secret. It is held in memory that is wiped, by us; what is on paper or in a terminal is its owner's.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "crypto/address.h"
#include "crypto/bytes.h"
#include "crypto/keys.h"
#include "crypto/secret.h"

namespace crypto {

using TokenId = Tagged<struct TokenIdTag, 8>;
using RootPin = Tagged<struct RootPinTag, 16>;  // first half of a root key's id

inline constexpr std::size_t host_name_bytes_max = 253;  // of the DNS

struct NamedAddress {
  std::string host;        // letters, digits, '-', '.' and '_'; not empty
  std::uint16_t port = 0;  // not 0
  bool operator==(const NamedAddress&) const = default;
};
using TokenAddress = std::variant<Address, NamedAddress>;

// Moved, never copied: it has the secret in it.
struct JoinToken {
  RootPin root;
  TokenId id;
  Secret<32> secret;
  std::int64_t not_after_ms = 0;        // in whole seconds
  std::vector<TokenAddress> addresses;  // 1 ... addresses_max, likeliest first
};

enum class TokenError : std::uint8_t {
  not_a_token,    // does not begin like one
  other_version,  // begins like one of a later program
  bad_character,  // has one that no token has
  truncated,      // its end is missing
  too_long,       // something follows its end
  mistyped,       // some character is another one than it was
  bad_field,      // was made like this: a field is out of bounds
  expired,
};
[[nodiscard]] std::string_view to_string(TokenError error);

inline constexpr std::size_t token_text_max = 1'400;

// The text of a token, wiped at the end.
class TokenText {
 public:
  [[nodiscard]] std::string_view view() const;

 private:
  friend tl::expected<TokenText, TokenError> write_token(const JoinToken& token);
  Secret<token_text_max> characters_;
  std::size_t size_ = 0;
};

// Error: bad_field.
[[nodiscard]] tl::expected<TokenText, TokenError> write_token(const JoinToken& token);
// The last millisecond of not_after_ms and of `tolerance_ms` is still good.
[[nodiscard]] tl::expected<JoinToken, TokenError> read_token(std::string_view text, std::int64_t now_wall_ms,
                                                             std::int64_t tolerance_ms);

[[nodiscard]] RootPin root_pin(const PublicKey& root);
// The pre-shared key of the joining handshake, and what its prologue says: it is no other handshake's.
[[nodiscard]] Secret<32> joining_psk(const JoinToken& token);
[[nodiscard]] std::vector<std::byte> joining_prologue(const TokenId& id);

}  // namespace crypto
