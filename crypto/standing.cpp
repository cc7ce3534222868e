#include "crypto/standing.h"

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

Standing standing_of(const Claim& claim) {
  const Certificate& it = claim.certificate;
  const KeyId holder = key_id(it.kind == HolderKind::node ? node_domain : user_domain, it.sign_key);
  return Standing{it, claim.id, holder, it.roles, it.ceiling, it.allowance, it.not_before_ms, it.not_after_ms};
}

// What is left of it under an issuer.
void narrow(Standing& standing, const Standing& issuer) {
  const Ceiling& ceiling = *issuer.ceiling;
  standing.roles = standing.roles & ceiling.roles;
  if (standing.ceiling) {
    standing.ceiling->roles = standing.ceiling->roles & ceiling.roles;
    standing.ceiling->life_ms_max = std::min(standing.ceiling->life_ms_max, ceiling.life_ms_max);
  }
  standing.allowance = within(standing.allowance, issuer.allowance);
  standing.not_after_ms = std::min(standing.not_after_ms, standing.certificate.not_before_ms + ceiling.life_ms_max);
  standing.not_after_ms = std::min(standing.not_after_ms, issuer.not_after_ms);
  standing.not_before_ms = std::max(standing.not_before_ms, issuer.not_before_ms);
}

// From the root to the holder: an issuer that was narrowed itself narrows what it issued.
tl::expected<Standing, CertificateError> narrowed(const Claims& claims) {
  Standing above = standing_of(claims.back());
  for (std::size_t i = claims.size() - 1; i > 0; --i) {
    if (!above.roles.has(Role::issue)) return tl::unexpected(CertificateError::not_an_issuer);
    Standing below = standing_of(claims[i - 1]);
    narrow(below, above);
    above = std::move(below);
  }
  return above;
}

}  // namespace

tl::expected<Standing, CertificateError> judge(std::span<const std::byte> chain, const Trust& trust,
                                               std::int64_t now_wall_ms, const RevocationSet& revoked,
                                               Purpose purpose) {
  const auto claims = claims_of(chain);
  if (!claims) return tl::unexpected(claims.error());
  const auto of_pool = [&](const Claim& claim) { return claim.certificate.pool == trust.pool; };
  if (!std::ranges::all_of(*claims, of_pool)) return tl::unexpected(CertificateError::wrong_pool);
  const auto root = root_of(*claims, trust);
  if (!root) return tl::unexpected(root.error());
  if (const Fault fault = signatures_fault(*claims, *root)) return tl::unexpected(*fault);
  auto standing = narrowed(*claims);
  if (!standing) return standing;
  const auto is_out = [&](const Claim& claim) { return is_revoked(claim.certificate, revoked); };
  if (std::ranges::any_of(*claims, is_out)) return tl::unexpected(CertificateError::revoked);
  if (now_wall_ms < standing->not_before_ms - clock_tolerance_ms) {
    return tl::unexpected(CertificateError::not_yet_valid);
  }
  const std::int64_t grace_ms = purpose == Purpose::renewal ? renewal_grace_ms : 0;
  if (now_wall_ms > standing->not_after_ms + grace_ms + clock_tolerance_ms) {
    return tl::unexpected(CertificateError::expired);
  }
  return standing;
}

}  // namespace crypto
