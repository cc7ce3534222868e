#pragma once
// What is said when a machine joins a pool, inside the handshake that only the holders of a token can have.
//
//   inviter's second handshake message   JoinGreeting: which pool, and who speaks for it. The newcomer goes on only if
//                                        one of its root keys is the one that the token pins, and if the certificates
//                                        hold against that key and name the static key of the handshake.
//   newcomer's first transport message   JoinRequest: name and keys, each key with a signature that binds it to this
//                                        very handshake. Its static key the handshake has proved already.
//   inviter's answer                     JoinAnswer: everything that makes the newcomer a member.
//
// Whether the token is good, unused and permits that, the inviter has to know.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/membership.h"
#include "crypto/secret_bytes.h"
#include "crypto/signed.h"
#include "crypto/token.h"

namespace crypto {

inline constexpr std::size_t roots_max = 8;
inline constexpr std::size_t greeting_bytes_max = 32 + 1 + roots_max * 32 + 2 + chain_bytes_max;
inline constexpr std::size_t join_request_signed_bytes_max = 384;
inline constexpr std::size_t answered_revocations_max = 1'024;  // the others come over links
inline constexpr std::size_t answered_peers_max = 8;
inline constexpr std::size_t join_answer_bytes_max = std::size_t{288} * 1'024;

struct JoinGreeting {
  Trust trust;                   // 1 ... roots_max root keys, strictly ascending
  std::vector<std::byte> chain;  // of the inviting node's certificates, encoded
};
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_greeting(const JoinGreeting& greeting);
[[nodiscard]] tl::expected<JoinGreeting, StatementError> decode_greeting(std::span<const std::byte> bytes);
// The root key that a token pins, if it is one of those.
[[nodiscard]] std::optional<PublicKey> pinned_root(const Trust& trust, const RootPin& pin);

struct JoinRequest {
  Bytes64 session{};     // hash of the handshake
  std::string name;      // that the node would have; as in certificates
  PublicKey node_key;    // signs all of this
  PublicKey user_key;    // of the person there, made for this pool
  Signature user_proof;  // of user_key over session, name and node_key
  bool operator==(const JoinRequest&) const = default;
};

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const JoinRequest& request);
[[nodiscard]] tl::expected<JoinRequest, StatementError> decode_join_request_body(std::span<const std::byte> body);

[[nodiscard]] tl::expected<Sealed, StatementError> sign_join_request(const Bytes64& session, const std::string& name,
                                                                     const SigningPair& node, const SigningPair& user);
// bad_signature if either signature is bad; bad_field also if it was made for another session.
[[nodiscard]] tl::expected<JoinRequest, StatementError> open_join_request(std::span<const std::byte> bytes,
                                                                          const Bytes64& session);

struct JoinAnswer {
  Secret<32> network_psk;
  std::vector<std::byte> node_chain;  // encoded
  std::vector<std::byte> user_chain;
  PublicKey inviter;                                // user key of who invited: his jobs may run there without a sandbox
  std::vector<std::vector<std::byte>> revocations;  // signed, at most answered_revocations_max
  std::vector<std::vector<std::byte>> peers;        // signed records, at most answered_peers_max
};
// Errors: bad_field; decoding also malformed. There is a secret in `bytes`, which are their owner's to wipe.
[[nodiscard]] tl::expected<SecretBytes, StatementError> encode_answer(const JoinAnswer& answer);
[[nodiscard]] tl::expected<JoinAnswer, StatementError> decode_answer(std::span<const std::byte> bytes);

}  // namespace crypto
