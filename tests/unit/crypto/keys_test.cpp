#include "crypto/keys.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <set>
#include <utility>

#include "crypto/digest.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using samples::array_from_hex;
using samples::bytes_of;
using samples::from_hex;
using samples::to_hex;

const unsigned char* raw(const auto& bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// RFC 8032, section 7.1: TEST 1 to 3.
struct Ed25519Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};
constexpr std::array ed25519_vectors{
    Ed25519Vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                  "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    Ed25519Vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    Ed25519Vector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                  "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(keys, pairs_and_the_library_below_agree_with_rfc_8032) {
  for (const Ed25519Vector& vector : ed25519_vectors) {
    const SigningPair pair(Seed(array_from_hex<Bytes32>(vector.seed)));
    EXPECT_EQ(to_hex(pair.public_key().bytes), vector.public_key);
    const auto secret = from_hex(std::string(vector.seed) + vector.public_key);
    const auto message = from_hex(vector.message);
    Bytes64 signature{};
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, raw(message), message.size(),
                         raw(secret));
    EXPECT_EQ(to_hex(signature), vector.signature);
  }
}

TEST(keys, sign_domain_nul_body) {
  for (const Ed25519Vector& vector : ed25519_vectors) {
    const SigningPair pair(Seed(array_from_hex<Bytes32>(vector.seed)));
    const Signature ours = pair.sign(mandate_domain, from_hex(vector.message));
    const auto secret = from_hex(std::string(vector.seed) + vector.public_key);
    const auto message = from_hex(to_hex(bytes_of("gibbon-mandate-v1")) + "00" + vector.message);
    Bytes64 signature{};
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, raw(message), message.size(),
                         raw(secret));
    EXPECT_EQ(ours.bytes, signature);
    EXPECT_TRUE(verify(mandate_domain, from_hex(vector.message), ours, pair.public_key()));
  }
}

TEST(keys, verify_refuses_other_domain_body_signature_or_key) {
  const SigningPair pair = samples::user_pair();
  const auto body = bytes_of("body");
  const Signature signature = pair.sign(chunk_domain, body);
  ASSERT_TRUE(verify(chunk_domain, body, signature, pair.public_key()));
  for (const Domain domain : all_domains) {
    EXPECT_EQ(verify(domain, body, signature, pair.public_key()), domain.text() == chunk_domain.text());
  }
  EXPECT_FALSE(verify(chunk_domain, bytes_of("bodY"), signature, pair.public_key()));
  EXPECT_FALSE(verify(chunk_domain, bytes_of("body "), signature, pair.public_key()));
  EXPECT_FALSE(verify(chunk_domain, {}, signature, pair.public_key()));
  EXPECT_FALSE(verify(chunk_domain, body, signature, samples::job_pair().public_key()));
  for (std::size_t i = 0; i < signature.bytes.size(); ++i) {
    Signature other = signature;
    other.bytes[i] ^= std::byte{0x10};
    EXPECT_FALSE(verify(chunk_domain, body, other, pair.public_key())) << i;
  }
}

TEST(keys, verify_refuses_a_signature_whose_scalar_is_not_reduced) {
  // The group order L = 2^252 + 27742317777372353535851937790883648493, little-endian: S + L would verify in a lax
  // reader.
  const auto order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const SigningPair pair = samples::user_pair();
  Signature signature = pair.sign(chunk_domain, {});
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum =
        std::to_integer<unsigned>(signature.bytes[32 + i]) + std::to_integer<unsigned>(order[i]) + carry;
    signature.bytes[32 + i] = static_cast<std::byte>(sum);
    carry = sum >> 8U;
  }
  ASSERT_EQ(carry, 0u);
  EXPECT_FALSE(verify(chunk_domain, {}, signature, pair.public_key()));
}

TEST(keys, verify_refuses_a_key_of_small_order) {
  // Under the neutral point as key, R = neutral and S = 0 satisfies the equation for every message.
  PublicKey neutral;
  neutral.bytes[0] = std::byte{1};
  Signature signature;
  signature.bytes[0] = std::byte{1};
  EXPECT_FALSE(verify(manifest_domain, bytes_of("anything"), signature, neutral));
}

TEST(keys, a_key_has_one_name_per_domain) {
  const PublicKey key = samples::user_pair().public_key();
  EXPECT_EQ(key_id(user_domain, key).bytes, digest(user_domain, key.bytes).bytes);
  EXPECT_NE(key_id(user_domain, key), key_id(node_domain, key));
  EXPECT_NE(key_id(user_domain, key), key_id(user_domain, samples::node_pair().public_key()));
}

TEST(keys, a_moved_pair_signs_the_same) {
  SigningPair pair = samples::user_pair();
  const Signature before = pair.sign(batch_domain, bytes_of("x"));
  const SigningPair moved = std::move(pair);
  EXPECT_EQ(moved.sign(batch_domain, bytes_of("x")), before);
}

TEST(keys_death, a_pair_that_was_moved_from_does_not_sign) {
  SigningPair pair = samples::user_pair();
  const SigningPair moved = std::move(pair);
  EXPECT_DEATH(static_cast<void>(pair.sign(batch_domain, {})), "");  // NOLINT(bugprone-use-after-move)
}

TEST(keys, exchange_pairs_agree_with_rfc_7748) {
  // Section 6.1, Bob's pair.
  const ExchangePair bob(
      Secret<32>(array_from_hex<Bytes32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")));
  EXPECT_EQ(to_hex(bob.public_key().bytes), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  EXPECT_EQ(to_hex(bob.secret().bytes()), "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  // Section 5.2, first step of the iterated vector: the base point times nine.
  const ExchangePair nine(
      Secret<32>(array_from_hex<Bytes32>("0900000000000000000000000000000000000000000000000000000000000000")));
  EXPECT_EQ(to_hex(nine.public_key().bytes), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}

TEST(keys, exchange_agrees_with_rfc_7748_whichever_end_computes) {
  const ExchangePair alice(
      Secret<32>(array_from_hex<Bytes32>("5151515151515151515151515151515151515151515151515151515151515151")));
  const ExchangePair bob(
      Secret<32>(array_from_hex<Bytes32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")));
  const ExchangeKey published{
      array_from_hex<Bytes32>("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")};
  // Section 6.1.
  EXPECT_EQ(to_hex(exchange(bob.secret(), published)->bytes()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_TRUE(exchange(bob.secret(), alice.public_key())->same(*exchange(alice.secret(), bob.public_key())));
}

TEST(keys, exchange_with_a_key_of_low_order_gives_nothing) {
  const ExchangePair pair(Secret<32>(samples::filled<Bytes32>(7)));
  for (const char* key : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                          "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    EXPECT_FALSE(exchange(pair.secret(), ExchangeKey{array_from_hex<Bytes32>(key)})) << key;
  }
}

}  // namespace
}  // namespace crypto
