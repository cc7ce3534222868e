// Texts that somebody typed. What is read, is written as the same text, up to blanks, capitals and look-alikes.

#include <string>
#include <string_view>

#include "crypto/token.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(input), size);
  const auto token = crypto::read_token(text, 0, 0);
  if (!token) return 0;
  const auto written = crypto::write_token(*token);
  assert(written && written->view().size() <= size);
  const auto again = crypto::read_token(written->view(), token->not_after_ms, 0);
  assert(again && again->root == token->root && again->id == token->id && again->addresses == token->addresses);
  assert(again->secret.same(token->secret));
  assert(crypto::write_token(*again)->view() == written->view());
  return 0;
}
