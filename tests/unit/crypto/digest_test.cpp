#include "crypto/digest.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <set>
#include <vector>

#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using samples::bytes_of;
using samples::to_hex;

// RFC 7693, appendix E: bytes of a Fibonacci sequence started by `seed`.
std::vector<std::byte> sequence(std::size_t size, std::uint32_t seed) {
  std::uint32_t a = 0xDEAD4BADU * seed;
  std::uint32_t b = 1;
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t t = a + b;
    a = b;
    b = t;
    bytes.push_back(static_cast<std::byte>(t >> 24U));
  }
  return bytes;
}

std::vector<std::byte> blake2b(std::size_t size, std::span<const std::byte> input, std::span<const std::byte> key) {
  if (size == 32 && key.empty()) {
    const Digest ours = content_digest(input);
    return {ours.bytes.begin(), ours.bytes.end()};
  }
  std::vector<std::byte> output(size);
  auto raw = [](auto& bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); };
  EXPECT_EQ(crypto_generichash(reinterpret_cast<unsigned char*>(output.data()), size, raw(input), input.size(),
                               key.empty() ? nullptr : raw(key), key.size()),
            0);
  return output;
}

TEST(digest, passes_the_self_test_of_rfc_7693_appendix_e) {
  Hasher all;
  for (const std::uint32_t size : {20U, 32U, 48U, 64U}) {
    for (const std::uint32_t input_size : {0U, 3U, 128U, 129U, 255U, 1024U}) {
      const auto input = sequence(input_size, input_size);
      all.add(blake2b(size, input, {}));
      all.add(blake2b(size, input, sequence(size, size)));
    }
  }
  EXPECT_EQ(to_hex(all.finish().bytes), "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475");
}

TEST(digest, of_the_vector_of_rfc_7693_appendix_a_in_both_lengths) {
  EXPECT_EQ(to_hex(blake2b(64, bytes_of("abc"), {})),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  // As printed by b2sum -l 256.
  EXPECT_EQ(to_hex(content_digest(bytes_of("abc")).bytes),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(digest, does_not_depend_on_how_the_content_is_cut) {
  const auto content = sequence(700, 9);
  const Digest whole = content_digest(content);
  for (const std::size_t step : {1U, 7U, 127U, 128U, 129U, 699U}) {
    Hasher hasher;
    for (std::size_t at = 0; at < content.size(); at += step) {
      hasher.add(std::span(content).subspan(at, std::min(step, content.size() - at)));
    }
    EXPECT_EQ(hasher.finish(), whole) << step;
  }
}

TEST(digest, of_a_copy_goes_its_own_way) {
  Hasher one;
  one.add(bytes_of("a"));
  Hasher other = one;
  one.add(bytes_of("b"));
  other.add(bytes_of("c"));
  EXPECT_EQ(one.finish(), content_digest(bytes_of("ab")));
  EXPECT_EQ(other.finish(), content_digest(bytes_of("ac")));
}

TEST(digest, of_a_statement_is_of_domain_nul_body) {
  std::vector<std::byte> message = bytes_of("gibbon-manifest-v1");
  message.push_back(std::byte{0});
  for (const std::byte byte : bytes_of("body")) message.push_back(byte);
  EXPECT_EQ(digest(manifest_domain, bytes_of("body")), content_digest(message));
  Hasher hasher(manifest_domain);
  hasher.add(bytes_of("bo"));
  hasher.add(bytes_of("dy"));
  EXPECT_EQ(hasher.finish(), content_digest(message));
}

TEST(digest, of_one_body_differs_in_every_domain) {
  std::set<Digest> digests;
  for (const Domain domain : all_domains) digests.insert(digest(domain, bytes_of("body")));
  EXPECT_EQ(digests.size(), all_domains.size());
}

TEST(digest, domains_contain_no_nul) {
  for (const Domain domain : all_domains) {
    EXPECT_FALSE(domain.text().empty());
    EXPECT_EQ(domain.text().find('\0'), std::string_view::npos) << domain.text();
  }
}

}  // namespace
}  // namespace crypto
