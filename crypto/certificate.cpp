#include "crypto/certificate.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "crypto/digest.h"
#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = certificate_signed_bytes_max - signature_bytes;

// Entries that must be understood by whoever accepts the certificate. There are none yet, so any is unknown.
using CriticalEntries = std::map<std::string, std::vector<std::byte>>;

std::int64_t life_ms_max(HolderKind kind) {
  return kind == HolderKind::issuer ? issuer_life_ms_max : member_life_ms_max;
}

bool sensible_times(const Certificate& certificate) {
  return certificate.not_after_ms > certificate.not_before_ms &&
         certificate.not_after_ms - certificate.not_before_ms <= life_ms_max(certificate.kind);
}

bool sensible_kind(const Certificate& certificate) {
  const bool issuer = certificate.kind == HolderKind::issuer;
  return certificate.noise_key.has_value() == (certificate.kind == HolderKind::node) &&
         certificate.ceiling.has_value() == issuer && certificate.roles.has(Role::issue) == issuer;
}

template <class Wire, class T>
void role_fields(Wire& wire, T& roles) {
  std::uint8_t bits = roles.bits();
  wire.number(bits);
  const auto read = Roles::of_bits(bits);
  wire.require(read.has_value());
  if constexpr (Wire::reading) roles = read.value_or(Roles{});
}

template <class Wire, class T>
void allowance_fields(Wire& wire, T& allowance) {
  wire.maybe(allowance.parallel_max, [&wire](auto& most) { wire.number(most); });
  wire.maybe(allowance.projects, [&wire](auto& projects) {
    wire.list(projects, {.most = projects_max, .element_bytes_min = 2}, [&wire](auto& project) {
      wire.text(project, project_bytes_max);
      wire.require(!project.empty());
    });
    wire.require(std::ranges::adjacent_find(projects, std::greater_equal<>{}) == projects.end());
  });
}

template <class Wire, class T, class Critical>
void fields(Wire& wire, T& certificate, Critical& critical) {
  wire.fixed(certificate.pool);
  wire.fixed(certificate.serial);
  wire.choice(certificate.kind, HolderKind::issuer);
  wire.text(certificate.name, holder_name_bytes_max);
  wire.require(sensible_holder_name(certificate.name));
  wire.fixed(certificate.sign_key.bytes);
  wire.maybe(certificate.noise_key, [&wire](auto& key) { wire.fixed(key.bytes); });
  role_fields(wire, certificate.roles);
  wire.maybe(certificate.ceiling, [&wire](auto& ceiling) {
    role_fields(wire, ceiling.roles);
    wire.number(ceiling.life_ms_max, 1, issuer_life_ms_max);
  });
  wire.require(sensible_kind(certificate));
  allowance_fields(wire, certificate.allowance);
  wire.number(certificate.not_before_ms, 0, wall_ms_max);
  wire.number(certificate.not_after_ms, 0, wall_ms_max);
  wire.require(sensible_times(certificate));
  wire.fixed(certificate.issuer.bytes);
  entry_fields(wire, critical, certificate_extensions_max, certificate_extension_bytes_max,
               certificate_extension_bytes_max);
  entry_fields(wire, certificate.extensions, certificate_extensions_max, certificate_extension_bytes_max,
               certificate_extension_bytes_max);
}

CertificateError certificate_error(WireFault fault) {
  return fault == WireFault::malformed ? CertificateError::malformed : CertificateError::bad_field;
}

template <class Wire, class T>
void chain_fields(Wire& wire, T& chain) {
  wire.list(chain, {.least = 1, .most = 1 + issuers_max, .element_bytes_min = 2},
            [&wire](auto& bytes) { wire.bytes(bytes, certificate_signed_bytes_max); });
}

}  // namespace

std::string_view to_string(CertificateError error) {
  switch (error) {
    case CertificateError::malformed: return "malformed";
    case CertificateError::bad_field: return "a field is out of bounds";
    case CertificateError::unknown_critical: return "it demands something that this version does not know";
    case CertificateError::wrong_pool: return "of another pool";
    case CertificateError::unknown_root: return "issued by no root key of the pool";
    case CertificateError::broken_chain: return "it names another issuer than the one that is shown";
    case CertificateError::not_an_issuer: return "issued by somebody who may not";
    case CertificateError::bad_signature: return "bad signature";
    case CertificateError::revoked: return "revoked";
    case CertificateError::not_yet_valid: return "not yet valid";
    case CertificateError::expired: return "expired";
  }
  assert(false);
  return {};
}

bool sensible_holder_name(const std::string& name) {
  unsigned before = 0;
  for (const char c : name) {
    const unsigned code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) return false;
    if (before == 0xc2 && code < 0xa0) return false;  // U+0080 to U+009F in UTF-8
    before = code;
  }
  return !name.empty();
}

Digest root_id(const PublicKey& root) {
  return digest(root_domain, root.bytes);
}

tl::expected<std::vector<std::byte>, CertificateError> encode_body(const Certificate& certificate) {
  Writer writer(body_bytes_max);
  const CriticalEntries none;
  fields(writer, certificate, none);
  if (writer.fault() != WireFault::none) return tl::unexpected(certificate_error(writer.fault()));
  return writer.take();
}

tl::expected<Certificate, CertificateError> decode_certificate_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  Certificate certificate;
  CriticalEntries critical;
  fields(reader, certificate, critical);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) {
    return tl::unexpected(certificate_error(fault));
  }
  if (!critical.empty()) return tl::unexpected(CertificateError::unknown_critical);
  return certificate;
}

tl::expected<Sealed, CertificateError> sign_certificate(const Certificate& certificate, const SigningPair& issuer) {
  auto body = encode_body(certificate);
  if (!body) return tl::unexpected(body.error());
  return seal(certificate_domain, std::move(*body), issuer);
}

tl::expected<Certificate, CertificateError> open_certificate(std::span<const std::byte> bytes,
                                                             const PublicKey& issuer) {
  const auto statement = decode_signed(bytes, certificate_signed_bytes_max);
  if (!statement) return tl::unexpected(CertificateError::malformed);
  if (!verify(certificate_domain, *statement, issuer)) return tl::unexpected(CertificateError::bad_signature);
  return decode_certificate_body(statement->body);
}

tl::expected<std::vector<std::byte>, CertificateError> encode_chain(const CertificateChain& chain) {
  Writer writer(chain_bytes_max);
  chain_fields(writer, chain);
  if (writer.fault() != WireFault::none) return tl::unexpected(certificate_error(writer.fault()));
  return writer.take();
}

tl::expected<CertificateChain, CertificateError> decode_chain(std::span<const std::byte> bytes) {
  Reader reader(bytes, chain_bytes_max);
  CertificateChain chain;
  chain_fields(reader, chain);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) {
    return tl::unexpected(certificate_error(fault));
  }
  return chain;
}

}  // namespace crypto
