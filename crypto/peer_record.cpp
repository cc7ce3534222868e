#include "crypto/peer_record.h"

#include <tuple>
#include <utility>

#include "crypto/statement.h"
#include "crypto/wall_time.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = peer_record_signed_bytes_max - signature_bytes;
static_assert(32 + 32 + 32 + 7 + 1 + addresses_max * (16 + 3) <= body_bytes_max);

template <class Wire, class T>
void fields(Wire& wire, T& record) {
  wire.fixed(record.node_key.bytes);
  wire.fixed(record.instance.bytes);
  wire.fixed(record.certificate.bytes);
  wire.number(record.made_ms, 0, wall_ms_max);
  wire.list(record.addresses, {.most = addresses_max, .element_bytes_min = 17},
            [&wire](auto& address) { address_fields(wire, address); });
}

}  // namespace

bool replaces(const OpenedPeerRecord& record, const OpenedPeerRecord& known) {
  return record.node == known.node &&
         std::tie(record.record.made_ms, record.id) > std::tie(known.record.made_ms, known.id);
}

tl::expected<std::vector<std::byte>, StatementError> encode_body(const PeerRecord& record) {
  Writer writer(body_bytes_max);
  fields(writer, record);
  return finished(writer);
}

tl::expected<PeerRecord, StatementError> decode_peer_record_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  PeerRecord record;
  fields(reader, record);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return record;
}

tl::expected<Sealed, StatementError> sign_peer_record(const PeerRecord& record, const SigningPair& node) {
  if (record.node_key != node.public_key()) return tl::unexpected(StatementError::bad_field);
  auto body = encode_body(record);
  if (!body) return tl::unexpected(body.error());
  return seal(peer_record_domain, std::move(*body), node);
}

tl::expected<OpenedPeerRecord, StatementError> open_peer_record(std::span<const std::byte> bytes) {
  const auto statement = decode_signed(bytes, peer_record_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  auto record = decode_peer_record_body(statement->body);
  if (!record) return tl::unexpected(record.error());
  if (!verify(peer_record_domain, *statement, record->node_key)) return tl::unexpected(StatementError::bad_signature);
  const KeyId node = key_id(node_domain, record->node_key);
  return OpenedPeerRecord{std::move(*record), statement_id(peer_record_domain, statement->body), node};
}

}  // namespace crypto
