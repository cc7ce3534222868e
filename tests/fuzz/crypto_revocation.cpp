#include "crypto/revocation.h"

#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair admin = fuzz::pair(6);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_revocation_body, [](crypto::Revocation& revocation) {
    revocation.admin = admin.public_key();
    const auto sealed = crypto::sign_revocation(revocation, admin).value();
    const auto opened = crypto::open_revocation(sealed.bytes, revocation.pool);
    assert(opened && opened->revocation == revocation && opened->id == sealed.id);
    crypto::RevocationSet set;
    assert(set.add(*opened) == crypto::RevocationSet::Added::added);
    assert(set.since(revocation.what) == revocation.since_ms);
  });
  crypto::Bytes32 pool{};
  std::copy_n(bytes.begin(), std::min(size, pool.size()), pool.begin());
  const auto opened = crypto::open_revocation(bytes, pool);
  if (opened) fuzz::check_opened(bytes, opened->revocation);
  return 0;
}
