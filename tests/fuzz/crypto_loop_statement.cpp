#include <algorithm>

#include "crypto/loop_statement.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair node_key = fuzz::pair(3);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_loop_statement_body, [](crypto::LoopStatement& statement) {
    const crypto::LoopStatement before = statement;
    statement.opener = node_key.public_key();
    assert(same_loop(before, statement));
    const auto sealed = crypto::sign_loop_statement(statement, node_key).value();
    const auto opened = crypto::open_loop_statement(sealed.bytes, statement.job);
    assert(opened && opened->statement == statement && opened->id == sealed.id);
  });
  crypto::Bytes16 job{};
  std::copy_n(bytes.begin(), std::min(size, job.size()), job.begin());
  const auto opened = crypto::open_loop_statement(bytes, job);
  if (opened) fuzz::check_opened(bytes, opened->statement);
  return 0;
}
