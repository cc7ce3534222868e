#pragma once
// What no longer counts: a certificate, a key or a job, each said by an administrator in a signed entry of its own.
//
// Entries are gathered in a set that only grows, so that the union of two sets is what both say, whoever said what
// first: there is no version to conflict about. Two agents whose sets have one digest hold the same entries. An entry
// is in force as soon as it is in the set, whatever the clock says; `since_ms` tells which earlier statements of the
// revoked one still count. It lives until what it names has expired and could not even be renewed any more.
//
// Whether the key that signed an entry is an administrator's is for the reader to judge, before the entry goes in.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "crypto/signed.h"

namespace crypto {

inline constexpr std::size_t revocation_signed_bytes_max = 256;

struct RevokedSerial {  // of a certificate
  Bytes16 serial{};
  auto operator<=>(const RevokedSerial&) const = default;
};
struct RevokedSigner {  // every certificate of this key, and what it signs
  PublicKey key;
  auto operator<=>(const RevokedSigner&) const = default;
};
struct RevokedNode {  // every certificate of this static key
  ExchangeKey key;
  auto operator<=>(const RevokedNode&) const = default;
};
struct RevokedJob {
  Bytes16 job{};
  auto operator<=>(const RevokedJob&) const = default;
};
using Revoked = std::variant<RevokedSerial, RevokedSigner, RevokedNode, RevokedJob>;

struct Revocation {
  Bytes32 pool{};
  Revoked what;
  std::int64_t since_ms = 0;
  std::int64_t until_ms = 0;  // not before since_ms; of a certificate: its not_after and renewal_grace_ms more
  PublicKey admin;
  bool operator==(const Revocation&) const = default;
};

struct OpenedRevocation {
  Revocation revocation;
  Digest id;
  std::vector<std::byte> bytes;  // as received, to be passed on
};

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const Revocation& revocation);
[[nodiscard]] tl::expected<Revocation, StatementError> decode_revocation_body(std::span<const std::byte> body);

// bad_field also if `admin` is not the public half of `admin_key`.
[[nodiscard]] tl::expected<Sealed, StatementError> sign_revocation(const Revocation& revocation,
                                                                   const SigningPair& admin_key);
// bad_field also if it is about another pool.
[[nodiscard]] tl::expected<OpenedRevocation, StatementError> open_revocation(std::span<const std::byte> bytes,
                                                                             const Bytes32& pool);

// Invariant: `since_` has, for each thing that an entry names, the earliest since_ms of those entries, and nothing
// else.
class RevocationSet {
 public:
  static constexpr std::size_t entries_max = 10'000;
  enum class Added : std::uint8_t { added, known, full };

  // A full set takes nothing new: what was revoked first stays revoked.
  Added add(OpenedRevocation entry);
  // Takes what `other` has; says whether everything found room.
  bool unite(const RevocationSet& other);
  // Lets go of the entries that end before now; how many. Whoever compares digests does that first, and again when new
  // entries have come: others may have been slower.
  std::size_t forget_ended(std::int64_t now_wall_ms);

  // Since when, if it is revoked.
  [[nodiscard]] std::optional<std::int64_t> since(const Revoked& what) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool contains(const Digest& id) const { return entries_.contains(id); }
  // By id.
  [[nodiscard]] const std::map<Digest, OpenedRevocation>& entries() const { return entries_; }
  // Of the ids, in order.
  [[nodiscard]] Digest digest() const;

 private:
  void note(const Revocation& revocation);

  std::map<Digest, OpenedRevocation> entries_;
  std::map<Revoked, std::int64_t> since_;
};

}  // namespace crypto
