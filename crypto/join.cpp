#include "crypto/join.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "crypto/peer_record.h"
#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t request_body_bytes_max = join_request_signed_bytes_max - signature_bytes;
static_assert(64 + 1 + holder_name_bytes_max + 32 + 32 + 64 <= request_body_bytes_max);

constexpr std::size_t psk_bytes = 32;
static_assert(psk_bytes + 2 * (2 + chain_bytes_max) + 32 + 2 +
                  answered_revocations_max * (2 + revocation_signed_bytes_max) + 1 +
                  answered_peers_max * (2 + peer_record_signed_bytes_max) <=
              join_answer_bytes_max);

template <class Wire, class T>
void greeting_fields(Wire& wire, T& greeting) {
  wire.fixed(greeting.trust.pool);
  wire.list(greeting.trust.roots, {.least = 1, .most = roots_max, .element_bytes_min = 32},
            [&wire](auto& root) { wire.fixed(root.bytes); });
  wire.require(std::ranges::adjacent_find(greeting.trust.roots, std::greater_equal<>{}) == greeting.trust.roots.end());
  wire.bytes(greeting.chain, chain_bytes_max);
}

// What the user's key signs as well.
template <class Wire, class T>
void proven_fields(Wire& wire, T& request) {
  wire.fixed(request.session);
  wire.text(request.name, holder_name_bytes_max);
  wire.require(sensible_holder_name(request.name));
  wire.fixed(request.node_key.bytes);
}

template <class Wire, class T>
void fields(Wire& wire, T& request) {
  proven_fields(wire, request);
  wire.fixed(request.user_key.bytes);
  wire.fixed(request.user_proof.bytes);
}

// Everything but the psk, which stands in front.
template <class Wire, class T>
void answer_fields(Wire& wire, T& answer) {
  wire.bytes(answer.node_chain, chain_bytes_max);
  wire.bytes(answer.user_chain, chain_bytes_max);
  wire.fixed(answer.inviter.bytes);
  wire.list(answer.revocations, {.most = answered_revocations_max},
            [&wire](auto& entry) { wire.bytes(entry, revocation_signed_bytes_max); });
  wire.list(answer.peers, {.most = answered_peers_max},
            [&wire](auto& record) { wire.bytes(record, peer_record_signed_bytes_max); });
}

tl::expected<std::vector<std::byte>, StatementError> proven_part(const JoinRequest& request) {
  Writer writer(request_body_bytes_max);
  proven_fields(writer, request);
  return finished(writer);
}

}  // namespace

tl::expected<std::vector<std::byte>, StatementError> encode_greeting(const JoinGreeting& greeting) {
  Writer writer(greeting_bytes_max);
  greeting_fields(writer, greeting);
  return finished(writer);
}

tl::expected<JoinGreeting, StatementError> decode_greeting(std::span<const std::byte> bytes) {
  Reader reader(bytes, greeting_bytes_max);
  JoinGreeting greeting;
  greeting_fields(reader, greeting);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return greeting;
}

std::optional<PublicKey> pinned_root(const Trust& trust, const RootPin& pin) {
  const auto root = std::ranges::find(trust.roots, pin, root_pin);
  return root == trust.roots.end() ? std::nullopt : std::optional(*root);
}

tl::expected<std::vector<std::byte>, StatementError> encode_body(const JoinRequest& request) {
  Writer writer(request_body_bytes_max);
  fields(writer, request);
  return finished(writer);
}

tl::expected<JoinRequest, StatementError> decode_join_request_body(std::span<const std::byte> body) {
  Reader reader(body, request_body_bytes_max);
  JoinRequest request;
  fields(reader, request);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return request;
}

tl::expected<Sealed, StatementError> sign_join_request(const Bytes64& session, const std::string& name,
                                                       const SigningPair& node, const SigningPair& user) {
  JoinRequest request{
      .session = session, .name = name, .node_key = node.public_key(), .user_key = user.public_key(), .user_proof = {}};
  const auto proven = proven_part(request);
  if (!proven) return tl::unexpected(proven.error());
  request.user_proof = user.sign(join_user_domain, *proven);
  auto body = encode_body(request);
  if (!body) return tl::unexpected(body.error());
  return seal(join_domain, std::move(*body), node);
}

tl::expected<JoinRequest, StatementError> open_join_request(std::span<const std::byte> bytes, const Bytes64& session) {
  const auto statement = decode_signed(bytes, join_request_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  auto request = decode_join_request_body(statement->body);
  if (!request) return tl::unexpected(request.error());
  const auto proven = proven_part(*request);
  if (!proven) return tl::unexpected(proven.error());
  if (!verify(join_domain, *statement, request->node_key) ||
      !verify(join_user_domain, *proven, request->user_proof, request->user_key)) {
    return tl::unexpected(StatementError::bad_signature);
  }
  if (request->session != session) return tl::unexpected(StatementError::bad_field);
  return request;
}

tl::expected<SecretBytes, StatementError> encode_answer(const JoinAnswer& answer) {
  Writer writer(join_answer_bytes_max - psk_bytes);
  answer_fields(writer, answer);
  const auto rest = finished(writer);
  if (!rest) return tl::unexpected(rest.error());
  SecretBytes whole(psk_bytes + rest->size());
  std::ranges::copy(answer.network_psk.bytes(), whole.writable().begin());
  std::ranges::copy(*rest, whole.writable().begin() + psk_bytes);
  return whole;
}

tl::expected<JoinAnswer, StatementError> decode_answer(std::span<const std::byte> bytes) {
  if (bytes.size() < psk_bytes) return tl::unexpected(StatementError::malformed);
  Reader reader(bytes.subspan(psk_bytes), join_answer_bytes_max - psk_bytes);
  JoinAnswer answer;
  answer_fields(reader, answer);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  std::ranges::copy(bytes.first<psk_bytes>(), answer.network_psk.writable().begin());
  return answer;
}

}  // namespace crypto
