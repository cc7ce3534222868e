#include <algorithm>

#include "crypto/chunk.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair job_key = fuzz::pair(2);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_chunk_body, [](const crypto::ArgumentChunk& chunk) {
    const auto sealed = crypto::sign_chunk(chunk, job_key).value();
    const auto opened = crypto::open_chunk(sealed.bytes, chunk.job, job_key.public_key());
    assert(opened && opened->chunk == chunk && opened->id == sealed.id);
    crypto::ChunkChain chain(chunk.previous);
    const bool first = chunk.number == 0 && chunk.first_index == 0;
    assert(chain.extend(*opened).has_value() == first);
    assert(chain.next_index() == (first ? chunk.items.size() : 0));
  });
  crypto::Bytes16 job{};
  std::copy_n(bytes.begin(), std::min(size, job.size()), job.begin());
  const auto opened = crypto::open_chunk(bytes, job, job_key.public_key());
  if (opened) fuzz::check_opened(bytes, opened->chunk);
  return 0;
}
