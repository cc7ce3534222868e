// Somebody who wants to join, or does as if. The first byte says how far all is well: 0, not at all; 1, up to the name
// of a token; 2, up to the end of the handshake; 3, and what follows is sealed as it must be. The second byte cuts the
// stream.

#include "tests/fuzz/crypto_statement.h"
#include "tests/fuzz/link_join.h"

namespace {

void say(agent::link::JoinHost& host, std::span<const std::byte> bytes, std::size_t cut) {
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(cut, bytes.size())))
    host.receive(bytes.first(std::min(cut, bytes.size())), fuzz::start);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size < 2) return 0;
  const auto said = fuzz::view(input, size).subspan(2);
  const unsigned stage = input[0] % 4U;
  const std::size_t cut = input[1] + std::size_t{1};
  const agent::link::Credentials credentials = fuzz::pool::credentials_of(2);
  agent::link::JoinHost host = fuzz::host_of(credentials);
  if (stage == 1) host.receive(agent::link::write_join_word(fuzz::pool::sample_token().id), fuzz::start);
  if (stage < 2) {
    say(host, said, cut);
    // Nobody gets to ask without the secret.
    assert(!host.take_request());
  } else {
    crypto::Channel channel = fuzz::meet(host);
    assert(!host.ended());
    const auto sealed = channel.seal(said);
    say(host, stage == 2 || !sealed ? fuzz::Bytes(said.begin(), said.end()) : fuzz::framed(*sealed), cut);
    const auto asked = host.take_request();
    assert(!asked || stage == 3);
    if (asked) {
      assert(asked->link_key == fuzz::pool::link_key(fuzz::pool::newcomer).public_key());
      host.refuse(agent::link::JoinRefusal::used, "");
      assert(host.ended() == agent::link::JoinHost::End::refused && !host.over());
    }
  }
  if (!host.ended()) host.on_end();
  (void)host.take_output();
  assert(host.over() && !host.take_request());
  return 0;
}
