#include <algorithm>

#include "crypto/mandate.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair job_key = fuzz::pair(2);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_mandate_body, [](const crypto::Mandate& mandate) {
    const auto sealed = crypto::sign_mandate(mandate, job_key).value();
    const auto opened = crypto::open_mandate(sealed.bytes, mandate.job, job_key.public_key());
    assert(opened && *opened == mandate);
  });
  crypto::Bytes16 job{};
  std::copy_n(bytes.begin(), std::min(size, job.size()), job.begin());
  const auto opened = crypto::open_mandate(bytes, job, job_key.public_key());
  if (opened) fuzz::check_opened(bytes, *opened);
  return 0;
}
