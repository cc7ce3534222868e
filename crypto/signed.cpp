#include "crypto/signed.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "crypto/digest.h"

namespace crypto {

const char* to_string(StatementError error) {
  switch (error) {
    case StatementError::malformed: return "malformed";
    case StatementError::bad_field: return "a field is out of bounds";
    case StatementError::bad_signature: return "bad signature";
    case StatementError::wrong_job: return "about another job";
  }
  assert(false);
  return "";
}

std::vector<std::byte> encode(const Signed& statement) {
  std::vector<std::byte> bytes;
  bytes.reserve(statement.body.size() + signature_bytes);
  bytes = statement.body;
  bytes.insert(bytes.end(), statement.signature.bytes.begin(), statement.signature.bytes.end());
  return bytes;
}

std::optional<Signed> decode_signed(std::span<const std::byte> bytes, std::size_t bytes_max) {
  if (bytes.size() <= signature_bytes || bytes.size() > bytes_max) return std::nullopt;
  const auto body = bytes.first(bytes.size() - signature_bytes);
  Signed statement{{body.begin(), body.end()}, {}};
  std::ranges::copy(bytes.last(signature_bytes), statement.signature.bytes.begin());
  return statement;
}

Digest statement_id(Domain domain, std::span<const std::byte> body) {
  return digest(domain, body);
}

Sealed seal(Domain domain, std::vector<std::byte> body, const SigningPair& signer) {
  const Digest id = statement_id(domain, body);
  const Signature signature = signer.sign(domain, body);
  return Sealed{encode(Signed{std::move(body), signature}), id};
}

bool verify(Domain domain, const Signed& statement, const PublicKey& key) {
  return verify(domain, statement.body, statement.signature, key);
}

}  // namespace crypto
