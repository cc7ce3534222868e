// The seeds of the fuzz targets link_join_host and link_join_newcomer. With GIBBON_WRITE_CORPUS=tests/fuzz/corpus they
// are written there.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/link_join.h"

namespace agent::link::test {
namespace {

void keep(const std::string& target, const std::string& name, unsigned stage, unsigned cut, const Bytes& said) {
  const char* root = std::getenv("GIBBON_WRITE_CORPUS");
  if (root == nullptr) return;
  const auto directory = std::filesystem::path(root) / target;
  std::filesystem::create_directories(directory);
  std::ofstream out(directory / name, std::ios::binary);
  out.put(static_cast<char>(stage)).put(static_cast<char>(cut));
  for (const std::byte byte : said) out.put(std::to_integer<char>(byte));
  ASSERT_TRUE(out.flush());
}

Bytes reply(unsigned char kind, std::span<const std::byte> content) {
  Bytes said{std::byte{kind}};
  for (unsigned i = 0; i < 4; ++i) said.push_back(static_cast<std::byte>(content.size() >> (8 * (3 - i)) & 0xffU));
  said.insert(said.end(), content.begin(), content.end());
  return said;
}

TEST(JoinCorpus, of_the_inviters_end_is_what_a_newcomer_says) {
  const Credentials credentials = credentials_of(2);
  JoinHost host = fuzz::host_of(credentials);
  crypto::Channel channel = fuzz::meet(host);
  crypto::Bytes64 session{};
  std::ranges::copy(channel.session_hash(), session.begin());
  const Bytes request =
      crypto::sign_join_request(session, "node 9", node_key(newcomer), newcomers_user()).value().bytes;
  host.receive(fuzz::framed(channel.seal(request).value()), fuzz::start);
  EXPECT_TRUE(host.take_request());
  fuzz::Newcomer first;
  const Bytes opening = first.joiner.take_output();
  Bytes unknown = opening;
  unknown[join_word.size()] ^= std::byte{1};
  keep("link_join_host", "opening", 0, 255, opening);
  keep("link_join_host", "opening_byte_by_byte", 0, 0, opening);
  keep("link_join_host", "unknown_token", 0, 255, unknown);
  keep("link_join_host", "link", 0, 255, write_link_word());
  keep("link_join_host", "first_message", 1, 255, Bytes(opening.begin() + join_word_bytes, opening.end()));
  keep("link_join_host", "long_frame", 1, 255, {std::byte{1}, std::byte{1}});
  keep("link_join_host", "not_sealed", 2, 255, fuzz::framed(request));
  keep("link_join_host", "request", 3, 255, request);
  keep("link_join_host", "request_of_another_session", 3, 255, samples::join_request().bytes);
}

TEST(JoinCorpus, of_the_newcomers_end_is_what_an_inviter_says) {
  fuzz::Newcomer joining;
  auto channel = fuzz::meet(joining.joiner, fuzz::good_greeting());
  ASSERT_TRUE(channel);
  const crypto::SecretBytes answer = crypto::encode_answer(sample_answer()).value();
  const Bytes good = reply(0, answer.bytes());
  joining.joiner.receive(fuzz::framed(channel->seal(good).value()), fuzz::start);
  ASSERT_TRUE(joining.joiner.ended());
  EXPECT_TRUE(joining.joiner.take_outcome());
  const Bytes refusal = reply(1, samples::bytes_of(std::string(1, '\3') + "the disk is full"));
  Bytes other_pool = fuzz::good_greeting();
  other_pool[40] ^= std::byte{1};
  keep("link_join_newcomer", "greeting", 1, 0, fuzz::good_greeting());
  keep("link_join_newcomer", "another_root", 1, 0, other_pool);
  keep("link_join_newcomer", "raw", 0, 0, fuzz::framed(fuzz::good_greeting()));
  keep("link_join_newcomer", "not_sealed", 2, 0, fuzz::framed(good));
  keep("link_join_newcomer", "answer", 3, 255, good);
  keep("link_join_newcomer", "answer_in_many_frames", 3, 0, good);
  keep("link_join_newcomer", "refusal", 3, 255, refusal);
  keep("link_join_newcomer", "cut", 3, 255, Bytes(good.begin(), good.end() - 20));
  keep("link_join_newcomer", "promises_much", 3, 255, Bytes(5, std::byte{0xff}));
}

}  // namespace
}  // namespace agent::link::test
