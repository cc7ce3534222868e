#pragma once
// Who belongs to a pool, and what he may do there: certificates, signed by an issuer, whose own certificate a root key
// of the pool has signed.
//
// A certificate travels with those of its issuers, at most two, nearest first; the last one is signed by a root key.
// What a chain permits is judged in membership.h.
//
// A certificate names its issuer by the id of the issuer's certificate, which is a digest of the body alone: one body
// has one id, however many valid signatures can be made over it. It is kept and passed on as it was received.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/roles.h"
#include "crypto/signed.h"
#include "crypto/wall_time.h"

namespace crypto {

inline constexpr std::size_t certificate_signed_bytes_max = 1'024;
inline constexpr std::size_t issuers_max = 2;
inline constexpr std::size_t chain_bytes_max = 1 + (1 + issuers_max) * (2 + certificate_signed_bytes_max);
inline constexpr std::size_t holder_name_bytes_max = 64;
inline constexpr std::size_t certificate_extensions_max = 8;
inline constexpr std::size_t certificate_extension_bytes_max = 64;  // of a key, and of a value
inline constexpr std::int64_t member_life_ms_max = 366 * day_ms;
inline constexpr std::int64_t issuer_life_ms_max = std::int64_t{5} * 366 * day_ms;
inline constexpr std::int64_t renewal_grace_ms = 60 * day_ms;

enum class HolderKind : std::uint8_t { node, user, issuer };

// What an issuer can give.
struct Ceiling {
  Roles roles;
  std::int64_t life_ms_max = 0;  // 1 ... issuer_life_ms_max
  bool operator==(const Ceiling&) const = default;
};

struct Certificate {
  Bytes32 pool{};
  Bytes16 serial{};  // random
  HolderKind kind = HolderKind::node;
  std::string name;  // for people, see `sensible_holder_name`
  PublicKey sign_key;
  std::optional<ExchangeKey> noise_key;  // of a node, which has one always
  Roles roles;                           // `issue` of an issuer, always and only
  std::optional<Ceiling> ceiling;        // of an issuer, which has one always
  Allowance allowance;
  std::int64_t not_before_ms = 0;                            // both ends are still good
  std::int64_t not_after_ms = 0;                             // after not_before_ms, by at most what the kind permits
  Digest issuer;                                             // id of its certificate, or `root_id`
  std::map<std::string, std::vector<std::byte>> extensions;  // may be ignored by who does not know them
  bool operator==(const Certificate&) const = default;
};

// Not empty, and without control characters: it is shown in terminals.
[[nodiscard]] bool sensible_holder_name(const std::string& name);
[[nodiscard]] Digest root_id(const PublicKey& root);

enum class CertificateError : std::uint8_t {
  malformed,         // not the encoding of any certificate or chain
  bad_field,         // a field is outside its bounds or contradicts another
  unknown_critical,  // it demands something that this version does not know
  wrong_pool,
  broken_chain,   // one names another issuer than the one that follows it
  not_an_issuer,  // one that follows is none, or may not be
  unknown_root,   // the last of the chain names no root key that we know
  bad_signature,  // not signed by the issuer it names
  revoked,        // one of the chain
  not_yet_valid,
  expired,
};
[[nodiscard]] std::string_view to_string(CertificateError error);

// Body only. Errors: bad_field; decoding also malformed and unknown_critical.
[[nodiscard]] tl::expected<std::vector<std::byte>, CertificateError> encode_body(const Certificate& certificate);
[[nodiscard]] tl::expected<Certificate, CertificateError> decode_certificate_body(std::span<const std::byte> body);

// With the issuer's key, or a root key. Whether the issuer may is judged by whoever is shown the chain.
[[nodiscard]] tl::expected<Sealed, CertificateError> sign_certificate(const Certificate& certificate,
                                                                      const SigningPair& issuer);
// One certificate, of which nothing is known but the key that must have signed it.
[[nodiscard]] tl::expected<Certificate, CertificateError> open_certificate(std::span<const std::byte> bytes,
                                                                           const PublicKey& issuer);

// Signed certificates, the holder's first. Errors: malformed, bad_field.
using CertificateChain = std::vector<std::vector<std::byte>>;
[[nodiscard]] tl::expected<std::vector<std::byte>, CertificateError> encode_chain(const CertificateChain& chain);
[[nodiscard]] tl::expected<CertificateChain, CertificateError> decode_chain(std::span<const std::byte> bytes);

}  // namespace crypto
