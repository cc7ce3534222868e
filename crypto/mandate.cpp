#include "crypto/mandate.h"

#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = mandate_signed_bytes_max - signature_bytes;

template <class Wire, class T>
void fields(Wire& wire, T& mandate) {
  wire.fixed(mandate.job);
  wire.number(mandate.epoch.number);
  wire.fixed(mandate.epoch.root.bytes);
  wire.number(mandate.sequence);
  wire.number(mandate.time_to_live_ms, 1, mandate_life_ms_max);
}

}  // namespace

tl::expected<std::vector<std::byte>, StatementError> encode_body(const Mandate& mandate) {
  Writer writer(body_bytes_max);
  fields(writer, mandate);
  return finished(writer);
}

tl::expected<Mandate, StatementError> decode_mandate_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  Mandate mandate;
  fields(reader, mandate);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return mandate;
}

tl::expected<Sealed, StatementError> sign_mandate(const Mandate& mandate, const SigningPair& job_key) {
  auto body = encode_body(mandate);
  if (!body) return tl::unexpected(body.error());
  return seal(mandate_domain, std::move(*body), job_key);
}

tl::expected<Mandate, StatementError> open_mandate(std::span<const std::byte> bytes, const Bytes16& job,
                                                   const PublicKey& job_key) {
  const auto statement = decode_signed(bytes, mandate_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  if (!verify(mandate_domain, *statement, job_key)) return tl::unexpected(StatementError::bad_signature);
  auto mandate = decode_mandate_body(statement->body);
  if (mandate && mandate->job != job) return tl::unexpected(StatementError::wrong_job);
  return mandate;
}

}  // namespace crypto
