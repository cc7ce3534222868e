#include "crypto/cipher.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/place.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using Bytes = std::vector<std::byte>;

const Bytes32 key = samples::filled<Bytes32>(0x5e);
const Bytes beside = samples::bytes_of("beside");
const Bytes plain = samples::bytes_of("what is said");

Cipher cipher(std::uint64_t next = 0) {
  return Cipher(Secret<32>(key), next);
}

// RFC 8439, appendix A.5: its nonce is four zero bytes and 01 02 ... 08, a counter that is little-endian.
TEST(cipher, opens_the_published_vector) {
  const auto published =
      samples::array_from_hex<Bytes32>("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
  const Bytes sealed = samples::from_hex(
      "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0"
      "bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
      "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e9"
      "9040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
      "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130"
      "305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38");
  const Bytes header = samples::from_hex("f33388860000000000004e91");
  Cipher it(Secret<32>(published), 0x0807060504030201);
  const auto opened = it.open(header, sealed);
  ASSERT_TRUE(opened);
  ASSERT_EQ(opened->size(), sealed.size() - 16);
  const Bytes beginning = samples::bytes_of("Internet-Drafts are draft documents valid for a maximum of six months");
  EXPECT_EQ(Bytes(opened->begin(), opened->begin() + static_cast<std::ptrdiff_t>(beginning.size())), beginning);
}

TEST(cipher, opens_what_was_sealed_in_the_same_order_and_with_the_same_words_beside) {
  Cipher sealing = cipher();
  Cipher opening = cipher();
  const Bytes first = sealing.seal(beside, plain).value();
  const Bytes second = sealing.seal(beside, plain).value();
  EXPECT_EQ(first.size(), plain.size() + seal_bytes);
  EXPECT_NE(first, second);
  EXPECT_FALSE(opening.open(beside, second));
  EXPECT_FALSE(opening.open({}, first));
  EXPECT_EQ(opening.open(beside, first), plain);
  EXPECT_FALSE(opening.open(beside, first));
  EXPECT_EQ(opening.open(beside, second), plain);
  EXPECT_EQ(sealing.next(), 2u);
  EXPECT_EQ(opening.next(), 2u);
}

TEST(cipher, seals_nothing_as_well) {
  Cipher sealing = cipher();
  Cipher opening = cipher();
  EXPECT_EQ(opening.open({}, sealing.seal({}, {}).value()), Bytes{});
}

TEST(cipher, opening_in_vain_changes_nothing) {
  Cipher sealing = cipher();
  Cipher opening = cipher();
  Bytes sealed = sealing.seal(beside, plain).value();
  for (std::byte& byte : sealed) {
    byte ^= std::byte{0x10};
    EXPECT_FALSE(opening.open(beside, sealed));
    byte ^= std::byte{0x10};
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(opening.open(beside, std::span(sealed).first(size)));
  }
  EXPECT_EQ(opening.next(), 0u);
  EXPECT_EQ(opening.open(beside, sealed), plain);
}

TEST(cipher, the_last_counter_is_never_used) {
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  Cipher sealing = cipher(last - 1);
  Cipher opening = cipher(last - 1);
  const auto sealed = sealing.seal({}, plain);
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(sealing.used_up());
  EXPECT_FALSE(sealing.seal({}, plain));
  EXPECT_EQ(sealing.next(), last);
  EXPECT_EQ(opening.open({}, *sealed), plain);
  EXPECT_FALSE(opening.open({}, *sealed));
  EXPECT_TRUE(opening.used_up());
}

TEST(cipher, forgets_its_key) {
  samples::Place<Cipher> place;
  Cipher* it = place.make(Secret<32>(key));
  ASSERT_TRUE(place.contains(key));
  it->forget();
  EXPECT_FALSE(place.contains(std::span(key).first(4)));
  it->~Cipher();
}

TEST(cipher, is_not_used_after_it_has_forgotten) {
  EXPECT_DEATH(
      {
        Cipher it = cipher();
        it.forget();
        static_cast<void>(it.seal({}, plain));
      },
      "");
}

}  // namespace
}  // namespace crypto
