// Published vectors, every byte: noise/README.md says whose.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "crypto/channel.h"
#include "crypto/noise.h"
#include "tests/unit/crypto/hex.h"

namespace crypto {
namespace {

using Bytes = std::vector<std::byte>;
using nlohmann::json;

const json& vectors() {
  static const json all = [] {
    std::ifstream in(GIBBON_NOISE_VECTORS);
    return json::parse(in).at("vectors");
  }();
  return all;
}

Secret<32> secret_of(const json& vector, const std::string& field) {
  return Secret<32>(samples::array_from_hex<Bytes32>(vector.at(field).get<std::string>()));
}
ExchangePair pair_of(const json& vector, const std::string& field) {
  return ExchangePair(secret_of(vector, field));
}

Bytes bytes_of(const json& value) {
  return samples::from_hex(value.get<std::string>());
}

// One end of the conversation that a vector describes.
Handshake end_of(const json& vector, HandshakeSide side) {
  const std::string prefix = side == HandshakeSide::initiator ? "init_" : "resp_";
  const ExchangePair own = pair_of(vector, prefix + "static");
  const Bytes prologue = bytes_of(vector.at(prefix + "prologue"));
  std::vector<Secret<32>> psks;
  for (const json& psk : vector.value(prefix + "psks", json::array())) {
    psks.emplace_back(samples::array_from_hex<Bytes32>(psk.get<std::string>()));
  }
  std::optional<ExchangeKey> remote;
  if (vector.contains(prefix + "remote_static")) {
    remote = ExchangeKey{samples::array_from_hex<Bytes32>(vector.at(prefix + "remote_static").get<std::string>())};
  }
  return Handshake({.suite = noise_suite(vector.at("protocol_name").get<std::string>()).value(),
                    .side = side,
                    .prologue = prologue,
                    .own = own,
                    .psks = psks,
                    .remote = remote},
                   secret_of(vector, prefix + "ephemeral"));
}

class NoiseVector : public testing::TestWithParam<std::size_t> {
 protected:
  [[nodiscard]] static const json& vector() { return vectors().at(GetParam()); }
};

// The messages of the handshake, the rest of `messages` is transport.
std::size_t handshake_messages(const json& vector) {
  return vector.at("protocol_name").get<std::string>().starts_with("Noise_IK") ? 2 : 3;
}

TEST_P(NoiseVector, is_written_and_read_byte_by_byte_by_both_ends) {
  Handshake initiator = end_of(vector(), HandshakeSide::initiator);
  Handshake responder = end_of(vector(), HandshakeSide::responder);
  const json& messages = vector().at("messages");
  const std::size_t handshakes = handshake_messages(vector());
  for (std::size_t at = 0; at < handshakes; ++at) {
    Handshake& sender = at % 2 == 0 ? initiator : responder;
    Handshake& receiver = at % 2 == 0 ? responder : initiator;
    ASSERT_TRUE(sender.to_write() && !receiver.to_write());
    EXPECT_EQ(sender.write(bytes_of(messages[at].at("payload"))), bytes_of(messages[at].at("ciphertext"))) << at;
    EXPECT_EQ(receiver.read(bytes_of(messages[at].at("ciphertext"))), bytes_of(messages[at].at("payload"))) << at;
  }
  ASSERT_TRUE(initiator.finished() && responder.finished());

  Channel left(initiator.take_session());
  Channel right(responder.take_session());
  EXPECT_EQ(left.remote(), pair_of(vector(), "resp_static").public_key());
  EXPECT_EQ(right.remote(), pair_of(vector(), "init_static").public_key());
  EXPECT_EQ(samples::to_hex(left.session_hash()), samples::to_hex(right.session_hash()));
  if (vector().contains("handshake_hash")) {
    EXPECT_EQ(samples::to_hex(left.session_hash()), vector().at("handshake_hash").get<std::string>());
  }
  ASSERT_GT(messages.size(), handshakes + 1);
  for (std::size_t at = handshakes; at < messages.size(); ++at) {
    Channel& sender = at % 2 == 0 ? left : right;
    Channel& receiver = at % 2 == 0 ? right : left;
    EXPECT_EQ(sender.seal(bytes_of(messages[at].at("payload"))), bytes_of(messages[at].at("ciphertext"))) << at;
    EXPECT_EQ(receiver.open(bytes_of(messages[at].at("ciphertext"))), bytes_of(messages[at].at("payload"))) << at;
  }
}

std::string name_of(const testing::TestParamInfo<std::size_t>& number) {
  const json& vector = vectors().at(number.param);
  std::string name = vector.at("source").get<std::string>() + vector.at("protocol_name").get<std::string>().substr(5);
  std::erase_if(name, [](char c) { return c == '-' || c == '+'; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(all, NoiseVector, testing::Range<std::size_t>(0, vectors().size()), name_of);

TEST(noise_vectors, are_all_there) {
  std::map<std::string, int> of_source;
  for (const json& vector : vectors()) of_source[vector.at("source").get<std::string>()] += 1;
  EXPECT_EQ(of_source, (std::map<std::string, int>{{"cacophony", 12}, {"derived", 3}, {"noise-c", 6}, {"snow", 9}}));
}

}  // namespace
}  // namespace crypto
