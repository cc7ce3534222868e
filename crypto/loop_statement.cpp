#include "crypto/loop_statement.h"

#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = loop_statement_signed_bytes_max - signature_bytes;
static_assert(16 + 1 + path_depth_max * (10 + 5) + 32 + 10 + 32 + 5 + 32 + 16 <= body_bytes_max);

template <class Wire, class T>
void fields(Wire& wire, T& statement) {
  wire.fixed(statement.job);
  path_fields(wire, statement.path, 1);
  wire.fixed(statement.body.bytes);
  wire.number(statement.count);
  wire.fixed(statement.arguments.bytes);
  wire.number(statement.branch_number);
  wire.fixed(statement.opener.bytes);
  wire.fixed(statement.instance);
}

}  // namespace

bool same_loop(const LoopStatement& left, const LoopStatement& right) {
  LoopStatement moved = left;
  moved.opener = right.opener;
  moved.instance = right.instance;
  return moved == right;
}

tl::expected<std::vector<std::byte>, StatementError> encode_body(const LoopStatement& statement) {
  Writer writer(body_bytes_max);
  fields(writer, statement);
  return finished(writer);
}

tl::expected<LoopStatement, StatementError> decode_loop_statement_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  LoopStatement statement;
  fields(reader, statement);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return statement;
}

tl::expected<Sealed, StatementError> sign_loop_statement(const LoopStatement& statement, const SigningPair& node_key) {
  if (statement.opener != node_key.public_key()) return tl::unexpected(StatementError::bad_field);
  auto body = encode_body(statement);
  if (!body) return tl::unexpected(body.error());
  return seal(loop_statement_domain, std::move(*body), node_key);
}

tl::expected<OpenedLoopStatement, StatementError> open_loop_statement(std::span<const std::byte> bytes,
                                                                      const Bytes16& job) {
  const auto statement = decode_signed(bytes, loop_statement_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  auto loop = decode_loop_statement_body(statement->body);
  if (!loop) return tl::unexpected(loop.error());
  if (!verify(loop_statement_domain, *statement, loop->opener)) return tl::unexpected(StatementError::bad_signature);
  if (loop->job != job) return tl::unexpected(StatementError::wrong_job);
  const KeyId opener = key_id(node_domain, loop->opener);
  return OpenedLoopStatement{std::move(*loop), statement_id(loop_statement_domain, statement->body), opener};
}

}  // namespace crypto
