#pragma once
// Who belongs to a pool, and what he may do there: certificates, signed by an issuer, whose own certificate a root key
// of the pool has signed.
//
// A certificate travels with those of its issuers, at most two, nearest first; the last one is signed by a root key. A
// chain permits what every certificate in it permits: roles are cut to each issuer's ceiling, allowances and times to
// the narrowest, lives to what each issuer may give. So an issuer that signs more than it may gives no more than it
// may. Roles come from here and from nowhere else.
//
// A certificate names its issuer by the id of the issuer's certificate, which is a digest of the body alone: one body
// has one id, however many valid signatures can be made over it. It is kept and passed on as it was received. What is
// revoked is judged by serial and by keys, of every certificate of the chain.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/revocation.h"
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
inline constexpr std::int64_t issuer_life_ms_max = 5 * 366 * day_ms;
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
  std::string name;  // for people; not empty, no control characters
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

// The keys that a pool stands on, more than one while one replaces another. The pool keeps its name, the id of its
// first root key.
struct Trust {
  Bytes32 pool{};
  std::vector<PublicKey> roots;
};
[[nodiscard]] Digest root_id(const PublicKey& root);

enum class CertificateError : std::uint8_t {
  malformed,         // not the encoding of any certificate or chain
  bad_field,         // a field is outside its bounds or contradicts another
  unknown_critical,  // it demands something that this version does not know
  wrong_pool,
  unknown_root,   // the last of the chain is not signed by a root key that we know
  broken_chain,   // one names another issuer than the one that follows it
  not_an_issuer,  // one that follows is none, or may not be
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

// What a chain permits, after everyone in it has had his say.
struct Standing {
  Certificate certificate;  // the holder's, as it was signed
  Digest id;                // of it
  KeyId holder;             // name of the node or user (of an issuer: as if of a user)
  Roles roles;
  Allowance allowance;
  std::int64_t not_before_ms = 0;
  std::int64_t not_after_ms = 0;
};

enum class Purpose : std::uint8_t {
  membership,
  renewal,  // up to renewal_grace_ms after the end; nothing but a renewal may be granted for it
};

// Whether an encoded chain speaks for its holder at that time, to somebody who knows the pool's root keys and what is
// revoked. Beginnings and ends may be missed by `clock_tolerance_ms`. Source: the reasons are those of CertificateError
// in their order, as far as the first one found is told.
[[nodiscard]] tl::expected<Standing, CertificateError> judge(std::span<const std::byte> chain, const Trust& trust,
                                                             std::int64_t now_wall_ms, const RevocationSet& revoked,
                                                             Purpose purpose);

}  // namespace crypto
