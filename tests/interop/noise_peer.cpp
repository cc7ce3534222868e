// One end of a Noise conversation, told what to say and to hear line by line, so that somebody else's can be the other:
//
//   noise_peer NAME SIDE STATIC PROLOGUE [REMOTE]
//
// NAME is the protocol's, SIDE `initiator` or `responder`; keys and prologue are hexadecimal, STATIC the secret half. A
// line on stdin is `say HEX`, answered by what goes over the wire, or `hear HEX`, answered by what that says; nothing
// at all is `-`. `end`, after the last message of the handshake, is answered by its hash and the other end's static
// key; what follows is said and heard through the channel. What is not accepted is answered by `refused` and the
// reason.

#include <cstdio>
#include <iostream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "crypto/channel.h"
#include "crypto/noise.h"
#include "crypto/start.h"
#include "tests/unit/crypto/hex.h"

namespace {

using Bytes = std::vector<std::byte>;

Bytes from_argument(const std::string& text) {
  return text == "-" ? Bytes{} : crypto::samples::from_hex(text);
}

void answer(const auto& bytes) {
  const std::string text = crypto::samples::to_hex(bytes);
  std::cout << (text.empty() ? "-" : text) << std::endl;
}

void answer_or_refuse(const auto& outcome) {
  if (outcome) {
    answer(*outcome);
  } else {
    std::cout << "refused " << to_string(outcome.error()) << std::endl;
  }
}

crypto::Secret<32> random_secret() {
  std::random_device random;
  crypto::Secret<32> secret;
  for (std::byte& byte : secret.writable()) byte = static_cast<std::byte>(random());
  return secret;
}

std::optional<crypto::Handshake> machine(const std::vector<std::string>& words) {
  const auto suite = words.size() >= 4 ? crypto::noise_suite(words[0]) : std::nullopt;
  if (!suite || crypto::noise_pattern_row(suite->pattern).psks > 0) return std::nullopt;
  const crypto::ExchangePair own(crypto::Secret<32>(crypto::samples::array_from_hex<crypto::Bytes32>(words[2])));
  const Bytes prologue = from_argument(words[3]);
  std::optional<crypto::ExchangeKey> remote;
  if (words.size() > 4) remote = crypto::ExchangeKey{crypto::samples::array_from_hex<crypto::Bytes32>(words[4])};
  const auto side = words[1] == "initiator" ? crypto::HandshakeSide::initiator : crypto::HandshakeSide::responder;
  return crypto::Handshake(
      {.suite = *suite, .side = side, .prologue = prologue, .own = own, .psks = {}, .remote = remote}, random_secret());
}

int converse(crypto::Handshake handshake) {
  std::optional<crypto::Channel> channel;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb, hex;
    words >> verb >> hex;
    const Bytes bytes = from_argument(hex);
    if (verb == "say") {
      channel ? answer_or_refuse(channel->seal(bytes)) : answer_or_refuse(handshake.write(bytes));
    } else if (verb == "hear") {
      channel ? answer_or_refuse(channel->open(bytes)) : answer_or_refuse(handshake.read(bytes));
    } else if (verb == "end" && handshake.finished() && !channel) {
      channel.emplace(handshake.take_session());
      std::cout << crypto::samples::to_hex(channel->session_hash()) << ' '
                << crypto::samples::to_hex(channel->remote().bytes) << std::endl;
    } else {
      return 2;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (!crypto::start()) return 1;
  auto handshake = machine({argv + 1, argv + argc});
  if (!handshake) {
    std::fprintf(stderr, "usage: noise_peer NAME SIDE STATIC PROLOGUE [REMOTE]\n");
    return 2;
  }
  return converse(std::move(*handshake));
}
