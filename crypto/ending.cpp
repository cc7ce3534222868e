#include "crypto/ending.h"

#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = ending_signed_bytes_max - signature_bytes;

template <class Wire, class T>
void fields(Wire& wire, T& ending) {
  wire.fixed(ending.job);
  wire.number(ending.epoch.number);
  wire.fixed(ending.epoch.root.bytes);
  wire.choice(ending.verdict, Verdict::cancelled);
}

}  // namespace

tl::expected<std::vector<std::byte>, StatementError> encode_body(const Ending& ending) {
  Writer writer(body_bytes_max);
  fields(writer, ending);
  return finished(writer);
}

tl::expected<Ending, StatementError> decode_ending_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  Ending ending;
  fields(reader, ending);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return ending;
}

tl::expected<Sealed, StatementError> sign_ending(const Ending& ending, const SigningPair& job_key) {
  auto body = encode_body(ending);
  if (!body) return tl::unexpected(body.error());
  return seal(ending_domain, std::move(*body), job_key);
}

tl::expected<Ending, StatementError> open_ending(std::span<const std::byte> bytes, const Bytes16& job,
                                                 const PublicKey& job_key) {
  const auto statement = decode_signed(bytes, ending_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  if (!verify(ending_domain, *statement, job_key)) return tl::unexpected(StatementError::bad_signature);
  auto ending = decode_ending_body(statement->body);
  if (ending && ending->job != job) return tl::unexpected(StatementError::wrong_job);
  return ending;
}

}  // namespace crypto
