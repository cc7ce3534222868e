// What an inviter says: its greeting and its answer. What decodes is the only encoding of what it says.

#include <algorithm>

#include "crypto/join.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const auto bytes = fuzz::view(input, size);
  if (const auto greeting = crypto::decode_greeting(bytes)) {
    const auto again = crypto::encode_greeting(*greeting);
    assert(again && std::ranges::equal(*again, bytes));
    assert(crypto::pinned_root(greeting->trust, crypto::root_pin(greeting->trust.roots.back())));
  }
  if (const auto answer = crypto::decode_answer(bytes)) {
    const auto again = crypto::encode_answer(*answer);
    assert(again && std::ranges::equal(again->bytes(), bytes));
  }
  return 0;
}
