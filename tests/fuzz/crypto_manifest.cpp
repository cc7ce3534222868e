#include <algorithm>

#include "crypto/manifest.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair user = fuzz::pair(1);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_manifest_body, [](crypto::Manifest& manifest) {
    manifest.user_key = user.public_key();
    const auto sealed = crypto::sign_manifest(manifest, user).value();
    const auto opened = crypto::open_manifest(sealed.bytes, manifest.created_ms, 0);
    assert(opened && opened->manifest == manifest && opened->id == sealed.id);
  });
  const auto opened = crypto::open_manifest(bytes, 0, crypto::wall_ms_max);
  if (opened) fuzz::check_opened(bytes, opened->manifest);
  return 0;
}
