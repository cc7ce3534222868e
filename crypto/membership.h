#pragma once
// What somebody may do in a pool, judged from the certificates that he shows.
//
// A chain permits what every certificate in it permits: roles are cut to each issuer's ceiling, allowances and times to
// the narrowest, lives to what each issuer may give. So an issuer that signs more than it may gives no more than it
// may, and whatever it signed ends with itself. Roles come from here and from nowhere else.
//
// What is revoked is told by serial and by keys, of every certificate of the chain, whatever its signature looks like.

#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/revocation.h"

namespace crypto {

// The keys that a pool stands on, more than one while one replaces another. The pool keeps its name, the id of its
// first root key.
struct Trust {
  Bytes32 pool{};
  std::vector<PublicKey> roots;
};

// What a chain permits, after everyone in it has had his say.
struct Membership {
  Certificate certificate;  // the holder's, as it was signed
  Digest id;                // of it
  KeyId holder;             // name of the node or user (of an issuer: as if of a user)
  Roles roles;
  std::optional<Ceiling> ceiling;  // of an issuer
  Allowance allowance;
  std::int64_t not_before_ms = 0;
  std::int64_t not_after_ms = 0;
  bool operator==(const Membership&) const = default;
};

enum class Purpose : std::uint8_t {
  membership,
  renewal,  // up to renewal_grace_ms after the end; nothing but a renewal may be granted for it
};

// Whether an encoded chain speaks for its holder at that time, to somebody who knows the pool's root keys and what is
// revoked. Beginnings and ends may be missed by `clock_tolerance_ms`. Of several reasons the first in the order of
// CertificateError is told: nothing is said about the time of what nobody signed.
[[nodiscard]] tl::expected<Membership, CertificateError> judge(std::span<const std::byte> chain, const Trust& trust,
                                                               std::int64_t now_wall_ms, const RevocationSet& revoked,
                                                               Purpose purpose);

}  // namespace crypto
