#include "crypto/peer_record.h"

#include "tests/fuzz/crypto_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair node = fuzz::pair(3);
  const auto bytes = fuzz::view(input, size);
  fuzz::check_body(bytes, crypto::decode_peer_record_body, [](crypto::PeerRecord& record) {
    record.node_key = node.public_key();
    const auto sealed = crypto::sign_peer_record(record, node).value();
    const auto opened = crypto::open_peer_record(sealed.bytes);
    assert(opened && opened->record == record && opened->id == sealed.id);
  });
  const auto opened = crypto::open_peer_record(bytes);
  if (opened) fuzz::check_opened(bytes, opened->record);
  return 0;
}
