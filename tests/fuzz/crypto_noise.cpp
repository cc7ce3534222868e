// A message of a handshake, or a frame, from somebody who may not even know the keys. The first byte says what it is
// taken for: two bits for how far we are, the others for the suite. Nothing that was not sealed for us goes any
// further.

#include <array>
#include <optional>
#include <vector>

#include "crypto/channel.h"
#include "crypto/noise.h"
#include "tests/fuzz/crypto_statement.h"

namespace {

using Bytes = std::vector<std::byte>;

crypto::Secret<32> seed(std::uint8_t which) {
  crypto::Secret<32> secret;
  for (std::byte& byte : secret.writable()) byte = std::byte{which};
  return secret;
}
crypto::ExchangePair pair(std::uint8_t which) {
  return crypto::ExchangePair(seed(which));
}

crypto::Handshake machine(crypto::NoiseSuite suite, crypto::HandshakeSide side) {
  const bool initiator = side == crypto::HandshakeSide::initiator;
  const auto& row = crypto::noise_pattern_row(suite.pattern);
  const std::vector<crypto::Secret<32>> psks(row.psks);
  const crypto::ExchangePair own = pair(initiator ? 1 : 2);
  std::optional<crypto::ExchangeKey> remote;
  if (initiator && row.knows_responder) remote = pair(2).public_key();
  return crypto::Handshake({.suite = suite, .side = side, .prologue = {}, .own = own, .psks = psks, .remote = remote},
                           seed(initiator ? 3 : 4));
}

// Reads `message` after `before` good ones, and after it, if it was taken for good, all that must still come.
void hear(crypto::NoiseSuite suite, std::size_t before, std::span<const std::byte> message) {
  crypto::Handshake sender = machine(suite, crypto::HandshakeSide::initiator);
  crypto::Handshake receiver = machine(suite, crypto::HandshakeSide::responder);
  for (std::size_t i = 0; i < before; ++i) {
    assert(receiver.read(sender.write({}).value()));
    std::swap(sender, receiver);
  }
  if (receiver.finished()) {
    crypto::Channel channel(receiver.take_session());
    const auto plain = channel.open(message);
    assert(plain ? plain->size() + crypto::seal_bytes == message.size() : channel.dead());
    return;
  }
  const auto payload = receiver.read(message);
  assert(payload || receiver.error());
  assert(!payload || payload->size() + 32 <= message.size());
  if (receiver.to_write()) {
    const auto answer = receiver.write({});
    assert(answer || receiver.error() == crypto::HandshakeError::low_order_key);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size == 0) return 0;
  const auto message = fuzz::view(input, size).subspan(1);
  const std::size_t which = input[0] >> 2U;
  const crypto::NoiseSuite suite{static_cast<crypto::NoisePattern>(which % 6),
                                 static_cast<crypto::NoiseHash>(which / 6 % 3)};
  const std::size_t most = crypto::noise_pattern_row(suite.pattern).message_count;
  hear(suite, std::min<std::size_t>(input[0] & 3U, most), message);
  return 0;
}
