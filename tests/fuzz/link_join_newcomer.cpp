// Somebody who is asked to let a newcomer in, or does as if. The first byte says how far all is well: 0, not at all; 1,
// up to the greeting, which is the rest; 2, up to the end of the handshake; 3, and what follows is sealed in frames as
// long as the second byte says.

#include <algorithm>

#include "tests/fuzz/crypto_statement.h"
#include "tests/fuzz/link_join.h"

namespace {

void reply(agent::link::Joiner& joiner, crypto::Channel& channel, std::span<const std::byte> said,
           std::size_t frame_bytes) {
  for (; !said.empty() && !joiner.ended(); said = said.subspan(std::min(frame_bytes, said.size())))
    joiner.receive(fuzz::framed(channel.seal(said.first(std::min(frame_bytes, said.size()))).value()), fuzz::start);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size < 2) return 0;
  const auto said = fuzz::view(input, size).subspan(2);
  const unsigned stage = input[0] % 4U;
  fuzz::Newcomer newcomer;
  agent::link::Joiner& joiner = newcomer.joiner;
  if (stage == 0) {
    joiner.receive(said, fuzz::start);
  } else if (stage == 1) {
    // Whom it believes has shown the certificate of the key that it proved.
    const bool goes_on = fuzz::meet(joiner, said).has_value();
    assert(!goes_on || crypto::decode_greeting(said).has_value());
  } else {
    auto channel = fuzz::meet(joiner, fuzz::good_greeting());
    assert(channel);
    if (stage == 2) {
      joiner.receive(said, fuzz::start);
    } else {
      reply(joiner, *channel, said, (input[1] + std::size_t{1}) * 256);
    }
  }
  if (!joiner.ended()) joiner.on_end();
  const auto outcome = joiner.take_outcome();
  assert(!outcome || outcome->member.certificate.sign_key == newcomer.node.public_key());
  assert(outcome || !to_text(outcome.error()).empty());
  return 0;
}
