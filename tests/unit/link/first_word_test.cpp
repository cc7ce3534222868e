#include "agent/link/first_word.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/samples.h"

namespace agent::link {
namespace {

namespace samples = crypto::samples;
using Bytes = std::vector<std::byte>;

const crypto::TokenId token{samples::filled<std::array<std::byte, 8>>(0x1d)};

TEST(FirstWord, says_what_follows_and_of_a_joining_which_token) {
  EXPECT_TRUE(std::holds_alternative<LinkComes>(read_first_word(write_link_word())));
  const Bytes word = write_join_word(token);
  EXPECT_EQ(word.size(), join_word_bytes);
  const FirstWord joins = read_first_word(word);
  ASSERT_TRUE(std::holds_alternative<JoinComes>(joins));
  EXPECT_EQ(std::get<JoinComes>(joins).token, token);
}

TEST(FirstWord, is_waited_for_until_it_is_whole) {
  for (const Bytes& word : {write_link_word(), write_join_word(token)}) {
    for (std::size_t size = 0; size < word.size(); ++size)
      EXPECT_TRUE(std::holds_alternative<MoreNeeded>(read_first_word(std::span(word).first(size)))) << size;
  }
}

TEST(FirstWord, what_follows_it_changes_nothing) {
  Bytes link = write_link_word();
  link.resize(100, std::byte{7});
  EXPECT_TRUE(std::holds_alternative<LinkComes>(read_first_word(link)));
  Bytes join = write_join_word(token);
  join.resize(100, std::byte{7});
  EXPECT_EQ(std::get<JoinComes>(read_first_word(join)).token, token);
}

TEST(FirstWord, another_word_is_known_for_one_at_its_first_wrong_byte) {
  for (std::size_t at = 0; at < link_word.size(); ++at) {
    Bytes word = write_link_word();
    word[at] ^= std::byte{0x20};
    EXPECT_TRUE(std::holds_alternative<Neither>(read_first_word(std::span(word).first(at + 1)))) << at;
    EXPECT_TRUE(std::holds_alternative<Neither>(read_first_word(word))) << at;
  }
  EXPECT_TRUE(std::holds_alternative<Neither>(read_first_word(samples::bytes_of("SSH-2.0-OpenSSH\r\n"))));
}

}  // namespace
}  // namespace agent::link
