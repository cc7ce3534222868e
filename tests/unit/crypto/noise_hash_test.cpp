#include "crypto/noise_hash.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using Bytes = std::vector<std::byte>;

std::string plain(NoiseHash hash, ByteParts parts) {
  std::array<std::byte, noise_hash_bytes_max> out{};
  noise_hash_row(hash).digest(parts, out);
  return samples::to_hex(std::span(out).first(noise_hash_row(hash).bytes));
}

std::string keyed(NoiseHash hash, const Bytes& key, ByteParts parts) {
  std::array<std::byte, noise_hash_bytes_max> out{};
  noise_hash_row(hash).keyed(key, parts, out);
  return samples::to_hex(std::span(out).first(noise_hash_row(hash).bytes));
}

std::string keyed(NoiseHash hash, const Bytes& key, std::string_view text) {
  return keyed(hash, key, {samples::bytes_of(text)});
}

TEST(noise_hash, gives_the_published_digests_of_abc) {
  const Bytes abc = samples::bytes_of("abc");
  // FIPS 180-2, appendices B.1 and C.1; RFC 7693, appendix A.
  EXPECT_EQ(plain(NoiseHash::sha256, {abc}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(plain(NoiseHash::sha512, {abc}),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(plain(NoiseHash::blake2b, {abc}),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

TEST(noise_hash, takes_parts_as_one_string) {
  const Bytes a = samples::bytes_of("a");
  const Bytes bc = samples::bytes_of("bc");
  const Bytes abc = samples::bytes_of("abc");
  for (const NoiseHash hash : {NoiseHash::sha512, NoiseHash::sha256, NoiseHash::blake2b}) {
    EXPECT_EQ(plain(hash, {a, {}, bc}), plain(hash, {abc}));
    EXPECT_EQ(keyed(hash, a, {a, {}, bc}), keyed(hash, a, {abc}));
  }
}

// RFC 4231, cases 2 and 6. Those of BLAKE2b are not published; Python's hmac module gives them.
TEST(noise_hash, gives_the_published_keyed_digests) {
  const Bytes jefe = samples::bytes_of("Jefe");
  constexpr std::string_view what = "what do ya want for nothing?";
  EXPECT_EQ(keyed(NoiseHash::sha512, jefe, what),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
  EXPECT_EQ(keyed(NoiseHash::sha256, jefe, what), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(keyed(NoiseHash::blake2b, jefe, what),
            "6ff884f8ddc2a6586b3c98a4cd6ebdf14ec10204b6710073eb5865ade37a2643"
            "b8807c1335d107ecdb9ffeaeb6828c4625ba172c66379efcd222c2de11727ab4");
  const Bytes longer(131, std::byte{0xaa});
  constexpr std::string_view larger = "Test Using Larger Than Block-Size Key - Hash Key First";
  EXPECT_EQ(keyed(NoiseHash::sha512, longer, larger),
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
            "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
  EXPECT_EQ(keyed(NoiseHash::sha256, longer, larger),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(keyed(NoiseHash::blake2b, longer, larger),
            "a54b2943b2a20227d41ca46c0945af09bc1faefb2f49894c23aebc557fb79c48"
            "89dca74408dc865086667aedee4a3185c53a49c80b814c4c5813ea0c8b38a8f8");
}

// The one-shot functions of the library below would ignore what follows the 32nd byte.
TEST(noise_hash, every_byte_of_a_key_of_64_bytes_counts) {
  Bytes key;
  for (unsigned i = 0; i < 64; ++i) key.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(keyed(NoiseHash::sha512, key, "a key of 64"),
            "6ccb2fcd3310699f43b77d7b71fa347a6e9c0ddbd1a01f27332210807bb7f5fb"
            "5d7b5f81c1eae8bd23172f69efbc1203a77322617142f9e4df38630d0708d928");
  EXPECT_EQ(keyed(NoiseHash::sha256, key, "a key of 64"),
            "087cf15aa40b2e6b2badbc6a10b720719ecb59b91348f7efe37bdb79fb4ec109");
  for (const NoiseHash hash : {NoiseHash::sha512, NoiseHash::sha256, NoiseHash::blake2b}) {
    const std::string whole = keyed(hash, key, "x");
    for (std::byte& byte : key) {
      byte ^= std::byte{1};
      EXPECT_NE(keyed(hash, key, "x"), whole);
      byte ^= std::byte{1};
    }
  }
}

std::string derived(NoiseHash hash, const Bytes& salt, const Bytes& material, std::size_t output) {
  const DerivedSecrets all = derive(hash, salt, material);
  return samples::to_hex(all.outputs[output].bytes().first(noise_hash_row(hash).bytes));
}

TEST(noise_hash, derives_what_rfc_5869_derives_without_information) {
  const Bytes material(22, std::byte{0x0b});
  // Appendix A.3: the first 42 bytes.
  EXPECT_EQ(derived(NoiseHash::sha256, {}, material, 0),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
  EXPECT_EQ(derived(NoiseHash::sha256, {}, material, 1).substr(0, 20), "9d201395faa4b61a96c8");
}

TEST(noise_hash, derives_three_secrets_with_every_hash) {
  const Bytes salt = samples::bytes_of("salt");
  const Bytes material = samples::bytes_of("key material");
  // Computed with Python's hmac module.
  EXPECT_EQ(derived(NoiseHash::sha512, salt, material, 2),
            "826c237af6ee965c53c6887fee25aebeb142bf3eed064ecee3e46661afd9f9c9"
            "41c9f1937e95333aaaddd83231ba3a77d9eeb3230f5a80bd302d099534f08cac");
  EXPECT_EQ(derived(NoiseHash::sha256, salt, material, 2),
            "7f4ca848ff2ac8245f2c846fe07b58fe25b1cdf8c3591827494f3d68bcbad6fc");
  EXPECT_EQ(derived(NoiseHash::blake2b, salt, material, 2),
            "e69e3abb22420cd76fe5e73ab4c42cfb4f6bc03b7071a6461c4ef6217937f2a3"
            "2880c0468a1f9c3f74b3f3b998934ece33c233cb914d021ecb7f3c350fd67ee8");
}

}  // namespace
}  // namespace crypto
