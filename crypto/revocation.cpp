#include "crypto/revocation.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"
#include "crypto/statement.h"
#include "crypto/wall_time.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = revocation_signed_bytes_max - signature_bytes;
static_assert(32 + 1 + 32 + 7 + 7 + 32 <= body_bytes_max);

template <class Wire>
struct RevokedFields {
  Wire& wire;
  void operator()(auto& what) const {
    if constexpr (requires { what.serial; }) {
      wire.fixed(what.serial);
    } else if constexpr (requires { what.job; }) {
      wire.fixed(what.job);
    } else {
      wire.fixed(what.key.bytes);
    }
  }
};

template <class Wire, class T>
void fields(Wire& wire, T& revocation) {
  wire.fixed(revocation.pool);
  wire.alternative(revocation.what, RevokedFields<Wire>{wire});
  wire.number(revocation.since_ms, 0, wall_ms_max);
  wire.number(revocation.until_ms, 0, wall_ms_max);
  wire.require(revocation.since_ms <= revocation.until_ms);
  wire.fixed(revocation.admin.bytes);
}

}  // namespace

tl::expected<std::vector<std::byte>, StatementError> encode_body(const Revocation& revocation) {
  Writer writer(body_bytes_max);
  fields(writer, revocation);
  return finished(writer);
}

tl::expected<Revocation, StatementError> decode_revocation_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  Revocation revocation;
  fields(reader, revocation);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return revocation;
}

tl::expected<Sealed, StatementError> sign_revocation(const Revocation& revocation, const SigningPair& admin_key) {
  if (revocation.admin != admin_key.public_key()) return tl::unexpected(StatementError::bad_field);
  auto body = encode_body(revocation);
  if (!body) return tl::unexpected(body.error());
  return seal(revocation_domain, std::move(*body), admin_key);
}

tl::expected<OpenedRevocation, StatementError> open_revocation(std::span<const std::byte> bytes, const Bytes32& pool) {
  const auto statement = decode_signed(bytes, revocation_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  auto revocation = decode_revocation_body(statement->body);
  if (!revocation) return tl::unexpected(revocation.error());
  if (!verify(revocation_domain, *statement, revocation->admin)) return tl::unexpected(StatementError::bad_signature);
  if (revocation->pool != pool) return tl::unexpected(StatementError::bad_field);
  return OpenedRevocation{*revocation, statement_id(revocation_domain, statement->body), {bytes.begin(), bytes.end()}};
}

RevocationSet::Added RevocationSet::add(OpenedRevocation entry) {
  if (contains(entry.id)) return Added::known;
  if (entries_.size() >= entries_max) return Added::full;
  note(entry.revocation);
  const Digest id = entry.id;
  entries_.emplace(id, std::move(entry));
  return Added::added;
}

bool RevocationSet::unite(const RevocationSet& other) {
  return std::ranges::all_of(other.entries_, [this](const auto& entry) { return add(entry.second) != Added::full; });
}

std::size_t RevocationSet::forget_ended(std::int64_t now_wall_ms) {
  const std::size_t ended =
      std::erase_if(entries_, [&](const auto& entry) { return entry.second.revocation.until_ms < now_wall_ms; });
  if (ended == 0) return 0;
  since_.clear();
  for (const auto& [id, entry] : entries_) note(entry.revocation);
  return ended;
}

std::optional<std::int64_t> RevocationSet::since(const Revoked& what) const {
  const auto found = since_.find(what);
  return found == since_.end() ? std::nullopt : std::optional(found->second);
}

Digest RevocationSet::digest() const {
  Hasher hasher(revocation_set_domain);
  for (const auto& [id, entry] : entries_) hasher.add(id.bytes);
  return hasher.finish();
}

void RevocationSet::note(const Revocation& revocation) {
  const auto [known, fresh] = since_.emplace(revocation.what, revocation.since_ms);
  if (!fresh) known->second = std::min(known->second, revocation.since_ms);
}

}  // namespace crypto
