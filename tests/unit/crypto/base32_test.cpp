#include "crypto/base32.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using Bytes = std::vector<std::byte>;

std::string written(const Bytes& bytes) {
  std::array<std::byte, 256> out{};
  const std::size_t size = to_base32(bytes, out);
  EXPECT_EQ(size, base32_size(bytes.size()));
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += std::to_integer<char>(out[i]);
  return text;
}

Bytes read(std::string_view text) {
  std::array<std::byte, 256> out{};
  const std::size_t size = from_base32(text, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(base32, writes_five_bits_a_character_from_the_top) {
  EXPECT_EQ(written({}), "");
  EXPECT_EQ(written({std::byte{0x00}}), "00");
  EXPECT_EQ(written({std::byte{0xff}}), "zw");
  // The same bits as RFC 4648 has for this text, in the other alphabet.
  EXPECT_EQ(written(samples::bytes_of("foobar")), "csqpyrk1e8");
}

TEST(base32, has_no_characters_that_look_alike_and_reads_them_as_what_they_look_like) {
  std::string all;
  for (int c = 0; c < 256; ++c) {
    if (is_base32(static_cast<char>(c))) all += static_cast<char>(c);
  }
  EXPECT_EQ(all, "0123456789ABCDEFGHIJKLMNOPQRSTVWXYZabcdefghijklmnopqrstvwxyz");
  EXPECT_EQ(read("CSQPYRKLE8"), samples::bytes_of("foobar"));
  EXPECT_EQ(read("csqpyrkie8"), samples::bytes_of("foobar"));
  EXPECT_EQ(read("oO"), Bytes{std::byte{0}});
}

TEST(base32, reads_what_it_writes) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 120; ++size) {
    Bytes bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const std::string text = written(bytes);
    EXPECT_EQ(read(text), bytes);
    EXPECT_TRUE(base32_ends_with_zeros(text, size));
  }
}

TEST(base32, knows_when_the_bits_to_spare_are_not_zero) {
  EXPECT_TRUE(base32_ends_with_zeros("zw", 1));
  EXPECT_FALSE(base32_ends_with_zeros("zx", 1));
  EXPECT_EQ(read("zx"), read("zw"));
  EXPECT_FALSE(base32_ends_with_zeros("zw0", 1));
  EXPECT_TRUE(base32_ends_with_zeros("zzzzzzzz", 5));
}

}  // namespace
}  // namespace crypto
