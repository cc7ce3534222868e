// The seeds of the fuzz targets that take more than one signed statement, or none: tests/fuzz/corpus/crypto_chain/,
// crypto_token/, crypto_join_answer/ and crypto_noise/. Written like those of corpus_test.cpp.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "crypto/channel.h"
#include "crypto/noise.h"
#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::Bytes;

struct Seed {
  std::string name;
  Bytes bytes;
  bool good;  // is taken for what it claims to be
};

void keep(const char* target, const Seed& seed) {
  const char* root = std::getenv("GIBBON_WRITE_CORPUS");
  if (root == nullptr) return;
  const auto directory = std::filesystem::path(root) / target;
  std::filesystem::create_directories(directory);
  std::ofstream out(directory / seed.name, std::ios::binary);
  for (const std::byte byte : seed.bytes) out.put(std::to_integer<char>(byte));
  ASSERT_TRUE(out.flush());
}

Bytes changed_at_the_end(Bytes bytes) {
  bytes.back() ^= std::byte{1};
  return bytes;
}

std::vector<Seed> chains() {
  Certificate issuer = samples::issuer_certificate();
  const Sealed first = sign_certificate(issuer, samples::root_pair()).value();
  Certificate direct = samples::certificate();
  direct.issuer = root_id(samples::root_pair().public_key());
  issuer.ceiling->roles = all_roles;
  const Sealed wide = sign_certificate(issuer, samples::root_pair()).value();
  Certificate between = samples::issuer_certificate();
  between.issuer = wide.id;
  between.sign_key = samples::pair(8).public_key();
  const Sealed second = sign_certificate(between, samples::issuer_pair()).value();
  Certificate last = samples::certificate();
  last.issuer = second.id;
  last.extensions.clear();
  const Bytes node = samples::CertificateKind::sealed().bytes;
  const Bytes far = sign_certificate(last, samples::pair(8)).value().bytes;
  Certificate ended = samples::certificate();
  ended.not_before_ms -= 220 * day_ms;
  ended.not_after_ms -= 220 * day_ms;
  const Bytes late = sign_certificate(ended, samples::issuer_pair()).value().bytes;
  return {{"one_issuer", encode_chain({node, first.bytes}).value(), true},
          {"two_issuers", encode_chain({far, second.bytes, wide.bytes}).value(), true},
          {"root_itself", encode_chain({sign_certificate(direct, samples::root_pair())->bytes}).value(), true},
          {"issuer", encode_chain({first.bytes}).value(), true},
          {"renewal_only", encode_chain({late, first.bytes}).value(), true},
          {"other_way_round", encode_chain({first.bytes, node}).value(), false},
          {"bad_signature", changed_at_the_end(encode_chain({node, first.bytes}).value()), false},
          {"claims_four", Bytes{std::byte{4}, std::byte{1}, std::byte{0}}, false},
          {"empty_list", Bytes{std::byte{0}}, false}};
}

TEST(link_corpus, chains_are_as_good_or_as_bad_as_they_claim) {
  const Trust trust{samples::pool(), {samples::root_pair().public_key()}};
  for (const Seed& seed : chains()) {
    EXPECT_EQ(judge(seed.bytes, trust, samples::created_ms, {}, Purpose::renewal).has_value(), seed.good) << seed.name;
    keep("crypto_chain", seed);
  }
}

std::vector<Seed> tokens() {
  JoinToken it;
  it.root = root_pin(samples::root_pair().public_key());
  it.secret = Secret<32>(samples::filled<Bytes32>(0x9d));
  it.addresses = {samples::address(1)};
  const Bytes shortest = samples::bytes_of(write_token(it)->view());
  it.not_after_ms = wall_ms_max - 999;
  it.addresses.assign(3, NamedAddress{std::string(253, 'h'), 65'535});
  const Bytes longest = samples::bytes_of(write_token(it)->view());
  Bytes blank = samples::bytes_of(" GIB1-");
  for (std::size_t i = 5; i < shortest.size(); ++i) blank.push_back(shortest[i]);
  return {{"shortest", shortest, true},
          {"longest", longest, true},
          {"capitals_and_blanks", blank, true},
          {"mistyped", changed_at_the_end(shortest), false},
          {"truncated", Bytes(longest.begin(), longest.begin() + 700), false},
          {"other_version", samples::bytes_of("gib2-0"), false},
          {"prefix", samples::bytes_of("gib1-"), false}};
}

TEST(link_corpus, tokens_are_as_good_or_as_bad_as_they_claim) {
  for (const Seed& seed : tokens()) {
    const std::string_view text{reinterpret_cast<const char*>(seed.bytes.data()), seed.bytes.size()};
    EXPECT_EQ(read_token(text, 0, 0).has_value(), seed.good) << seed.name;
    keep("crypto_token", seed);
  }
}

std::vector<Seed> answers() {
  JoinGreeting greeting;
  greeting.trust = {samples::pool(), {samples::root_pair().public_key()}};
  greeting.chain = chains().front().bytes;
  JoinAnswer answer;
  answer.node_chain = greeting.chain;
  answer.revocations = {samples::RevocationKind::sealed().bytes};
  answer.peers = {samples::PeerRecordKind::sealed().bytes, samples::bytes_of("p")};
  const SecretBytes answered = encode_answer(answer).value();
  const SecretBytes least = encode_answer(JoinAnswer{}).value();
  const Bytes greeted = encode_greeting(greeting).value();
  Bytes many(least.bytes().begin(), least.bytes().end());
  many[many.size() - 2] = std::byte{0x7f};
  return {{"greeting", greeted, true},
          {"answer", Bytes(answered.bytes().begin(), answered.bytes().end()), true},
          {"least_answer", Bytes(least.bytes().begin(), least.bytes().end()), true},
          {"cut", Bytes(greeted.begin(), greeted.end() - 1), false},
          {"claims_127_entries", many, false}};
}

TEST(link_corpus, greetings_and_answers_are_as_good_or_as_bad_as_they_claim) {
  for (const Seed& seed : answers()) {
    EXPECT_EQ(decode_greeting(seed.bytes).has_value() || decode_answer(seed.bytes).has_value(), seed.good) << seed.name;
    keep("crypto_join_answer", seed);
  }
}

ExchangePair pair(unsigned char which) {
  return ExchangePair(Secret<32>(samples::filled<Bytes32>(which)));
}

// As the fuzz target has them: keys that anybody can have, psks and prologue of zeros and nothing.
Handshake machine(NoiseSuite suite, HandshakeSide side) {
  const bool initiator = side == HandshakeSide::initiator;
  const std::vector<Secret<32>> psks(noise_pattern_row(suite.pattern).psks);
  const ExchangePair own = pair(initiator ? 1 : 2);
  std::optional<ExchangeKey> remote;
  if (initiator && noise_pattern_row(suite.pattern).knows_responder) remote = pair(2).public_key();
  return Handshake({.suite = suite, .side = side, .prologue = {}, .own = own, .psks = psks, .remote = remote},
                   Secret<32>(samples::filled<Bytes32>(initiator ? 3 : 4)));
}

// The messages of one handshake and a frame, each behind the byte that says what it is.
std::vector<Seed> conversation(NoiseSuite suite, unsigned number) {
  Handshake sender = machine(suite, HandshakeSide::initiator);
  Handshake receiver = machine(suite, HandshakeSide::responder);
  std::vector<Seed> seeds;
  auto add = [&](std::size_t at, const Bytes& message) {
    Seed seed{
        protocol_name(suite).substr(6) + "_" + std::to_string(at), {static_cast<std::byte>(number << 2U | at)}, true};
    seed.bytes.insert(seed.bytes.end(), message.begin(), message.end());
    seeds.push_back(seed);
  };
  std::size_t at = 0;
  for (; !receiver.finished(); ++at) {
    const Bytes message = sender.write({}).value();
    add(at, message);
    EXPECT_TRUE(receiver.read(message));
    std::swap(sender, receiver);
  }
  Channel channel(sender.take_session());
  add(at, channel.seal(samples::bytes_of("frame")).value());
  return seeds;
}

TEST(link_corpus, conversations_of_the_product_and_of_a_short_pattern_are_kept) {
  std::size_t count = 0;
  for (const auto& [suite, number] :
       {std::pair{link_suite, 1U}, std::pair{NoiseSuite{NoisePattern::ik, NoiseHash::blake2b}, 2U * 6U + 4U}}) {
    ASSERT_EQ(suite.pattern, static_cast<NoisePattern>(number % 6));
    ASSERT_EQ(suite.hash, static_cast<NoiseHash>(number / 6 % 3));
    for (const Seed& seed : conversation(suite, number)) {
      keep("crypto_noise", seed);
      ++count;
    }
  }
  keep("crypto_noise", {"low_order_key", Bytes(1 + 32 + 16), false});
  keep("crypto_noise", {"too_long_for_a_first_message", Bytes(1 + 257), false});
  EXPECT_EQ(count, 4u + 3u);
}

}  // namespace
}  // namespace crypto
