#include "crypto/certificate.h"

#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair issuer = fuzz::pair(5);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_certificate_body, [](const crypto::Certificate& certificate) {
    const auto sealed = crypto::sign_certificate(certificate, issuer).value();
    assert(crypto::open_certificate(sealed.bytes, issuer.public_key()) == certificate);
  });
  const auto opened = crypto::open_certificate(bytes, issuer.public_key());
  if (opened) fuzz::check_opened(bytes, *opened);
  return 0;
}
