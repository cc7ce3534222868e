#include "crypto/membership.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"

namespace crypto {

namespace {

// One certificate of a chain, taken apart and not believed yet.
struct Claim {
  Signed statement;
  Certificate certificate;
  Digest id;
};
using Claims = std::vector<Claim>;  // the holder's first
using Fault = std::optional<CertificateError>;

tl::expected<Claims, CertificateError> claims_of(std::span<const std::byte> bytes) {
  auto chain = decode_chain(bytes);
  if (!chain) return tl::unexpected(chain.error());
  Claims claims;
  for (const std::vector<std::byte>& one : *chain) {
    auto statement = decode_signed(one, certificate_signed_bytes_max);
    if (!statement) return tl::unexpected(CertificateError::malformed);
    auto certificate = decode_certificate_body(statement->body);
    if (!certificate) return tl::unexpected(certificate.error());
    const Digest id = statement_id(certificate_domain, statement->body);
    claims.push_back({std::move(*statement), std::move(*certificate), id});
  }
  return claims;
}

// Whether every claim names the one that follows it as its issuer, and the last one a root key; which.
tl::expected<PublicKey, CertificateError> root_of(const Claims& claims, const Trust& trust) {
  for (std::size_t i = 0; i + 1 < claims.size(); ++i) {
    if (claims[i].certificate.issuer != claims[i + 1].id) return tl::unexpected(CertificateError::broken_chain);
    if (claims[i + 1].certificate.kind != HolderKind::issuer) return tl::unexpected(CertificateError::not_an_issuer);
  }
  const auto root = std::ranges::find(trust.roots, claims.back().certificate.issuer, root_id);
  if (root == trust.roots.end()) return tl::unexpected(CertificateError::unknown_root);
  return *root;
}

Fault signatures_fault(const Claims& claims, const PublicKey& root) {
  const PublicKey* issuer = &root;
  for (auto claim = claims.rbegin(); claim != claims.rend(); ++claim) {
    if (!verify(certificate_domain, claim->statement, *issuer)) return CertificateError::bad_signature;
    issuer = &claim->certificate.sign_key;
  }
  return std::nullopt;
}

bool is_revoked(const Certificate& certificate, const RevocationSet& revoked) {
  return revoked.since(RevokedSerial{certificate.serial}) || revoked.since(RevokedSigner{certificate.sign_key}) ||
         (certificate.noise_key && revoked.since(RevokedNode{*certificate.noise_key}));
}

Membership membership_of(const Claim& claim) {
  const Certificate& it = claim.certificate;
  const KeyId holder = key_id(it.kind == HolderKind::node ? node_domain : user_domain, it.sign_key);
  return Membership{it, claim.id, holder, it.roles, it.ceiling, it.allowance, it.not_before_ms, it.not_after_ms};
}

// What is left of it under an issuer.
void narrow(Membership& membership, const Membership& issuer) {
  const Ceiling& ceiling = *issuer.ceiling;
  membership.roles = membership.roles & ceiling.roles;
  if (membership.ceiling) {
    membership.ceiling->roles = membership.ceiling->roles & ceiling.roles;
    membership.ceiling->life_ms_max = std::min(membership.ceiling->life_ms_max, ceiling.life_ms_max);
  }
  membership.allowance = within(membership.allowance, issuer.allowance);
  membership.not_after_ms =
      std::min(membership.not_after_ms, membership.certificate.not_before_ms + ceiling.life_ms_max);
  membership.not_after_ms = std::min(membership.not_after_ms, issuer.not_after_ms);
  membership.not_before_ms = std::max(membership.not_before_ms, issuer.not_before_ms);
}

// From the root to the holder: an issuer that was narrowed itself narrows what it issued.
tl::expected<Membership, CertificateError> narrowed(const Claims& claims) {
  Membership above = membership_of(claims.back());
  for (std::size_t i = claims.size() - 1; i > 0; --i) {
    if (!above.roles.has(Role::issue)) return tl::unexpected(CertificateError::not_an_issuer);
    Membership below = membership_of(claims[i - 1]);
    narrow(below, above);
    above = std::move(below);
  }
  return above;
}

}  // namespace

tl::expected<Membership, CertificateError> judge(std::span<const std::byte> chain, const Trust& trust,
                                                 std::int64_t now_wall_ms, const RevocationSet& revoked,
                                                 Purpose purpose) {
  const auto claims = claims_of(chain);
  if (!claims) return tl::unexpected(claims.error());
  const auto of_pool = [&](const Claim& claim) { return claim.certificate.pool == trust.pool; };
  if (!std::ranges::all_of(*claims, of_pool)) return tl::unexpected(CertificateError::wrong_pool);
  const auto root = root_of(*claims, trust);
  if (!root) return tl::unexpected(root.error());
  if (const Fault fault = signatures_fault(*claims, *root)) return tl::unexpected(*fault);
  auto membership = narrowed(*claims);
  if (!membership) return membership;
  const auto is_out = [&](const Claim& claim) { return is_revoked(claim.certificate, revoked); };
  if (std::ranges::any_of(*claims, is_out)) return tl::unexpected(CertificateError::revoked);
  if (now_wall_ms < membership->not_before_ms - clock_tolerance_ms) {
    return tl::unexpected(CertificateError::not_yet_valid);
  }
  const std::int64_t grace_ms = purpose == Purpose::renewal ? renewal_grace_ms : 0;
  if (now_wall_ms > membership->not_after_ms + grace_ms + clock_tolerance_ms) {
    return tl::unexpected(CertificateError::expired);
  }
  return membership;
}

}  // namespace crypto
