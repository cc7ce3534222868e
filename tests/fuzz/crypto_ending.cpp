#include <algorithm>

#include "crypto/ending.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair job_key = fuzz::pair(2);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_ending_body, [](const crypto::Ending& ending) {
    const auto sealed = crypto::sign_ending(ending, job_key).value();
    const auto opened = crypto::open_ending(sealed.bytes, ending.job, job_key.public_key());
    assert(opened && *opened == ending);
  });
  crypto::Bytes16 job{};
  std::copy_n(bytes.begin(), std::min(size, job.size()), job.begin());
  const auto opened = crypto::open_ending(bytes, job, job_key.public_key());
  if (opened) fuzz::check_opened(bytes, *opened);
  return 0;
}
