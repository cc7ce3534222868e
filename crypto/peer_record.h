#pragma once
// Where a node can be found and which run of it is meant, said and signed by the node itself: what agents pass on about
// each other.
//
// A record proves nothing about membership; it names the certificate that does, which is shown at first contact. Of two
// records of one node the one made later counts.

#include <cstddef>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/address.h"
#include "crypto/signed.h"

namespace crypto {

inline constexpr std::size_t peer_record_signed_bytes_max = 230;

struct PeerRecord {
  PublicKey node_key;              // signing key of the node
  ExchangeKey instance;            // of this run of its agent
  Digest certificate;              // id
  std::int64_t made_ms = 0;        // wall time of the node
  std::vector<Address> addresses;  // at most addresses_max, likeliest first; none: it only dials
  bool operator==(const PeerRecord&) const = default;
};

struct OpenedPeerRecord {
  PeerRecord record;
  Digest id;
  KeyId node;
};

// Whether `record` replaces `known`: of the same node and made later; of two made at once, the one with the larger id,
// so that everybody keeps the same one.
[[nodiscard]] bool replaces(const OpenedPeerRecord& record, const OpenedPeerRecord& known);

// Body only. Errors: bad_field; decoding also malformed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> encode_body(const PeerRecord& record);
[[nodiscard]] tl::expected<PeerRecord, StatementError> decode_peer_record_body(std::span<const std::byte> body);

// bad_field also if `node_key` is not the public half of `node`.
[[nodiscard]] tl::expected<Sealed, StatementError> sign_peer_record(const PeerRecord& record, const SigningPair& node);
[[nodiscard]] tl::expected<OpenedPeerRecord, StatementError> open_peer_record(std::span<const std::byte> bytes);

}  // namespace crypto
