#include <algorithm>

#include "crypto/batch.h"
#include "tests/fuzz/crypto_statement.h"

namespace {

void check_result(const crypto::Result& result) {
  assert(crypto::encoded_bytes(result) > 0);
  std::uint64_t end_before = 0;
  for (const crypto::Interval& interval : result.covers) {
    assert(interval.begin < interval.end);
    assert(&interval == result.covers.data() || interval.begin > end_before);
    end_before = interval.end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair node_key = fuzz::pair(3);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_batch_body, [](crypto::ResultBatch& batch) {
    std::ranges::for_each(batch.results, check_result);
    batch.executor = node_key.public_key();
    const auto sealed = crypto::sign_batch(batch, node_key).value();
    const auto opened = crypto::open_batch(sealed.bytes);
    assert(opened && opened->batch == batch && opened->id == sealed.id);
  });
  const auto opened = crypto::open_batch(bytes);
  if (opened) fuzz::check_opened(bytes, opened->batch);
  return 0;
}
