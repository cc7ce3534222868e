#include <algorithm>

#include "crypto/join.h"
#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair node = fuzz::pair(3);
  static const crypto::SigningPair user = fuzz::pair(1);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_join_request_body, [](const crypto::JoinRequest& request) {
    const auto sealed = crypto::sign_join_request(request.session, request.name, node, user).value();
    const auto opened = crypto::open_join_request(sealed.bytes, request.session);
    assert(opened && opened->name == request.name && opened->user_key == user.public_key());
  });
  crypto::Bytes64 session{};
  std::copy_n(bytes.begin(), std::min(size, session.size()), session.begin());
  const auto opened = crypto::open_join_request(bytes, session);
  if (opened) fuzz::check_opened(bytes, *opened);
  return 0;
}
