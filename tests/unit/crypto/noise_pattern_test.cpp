#include "crypto/noise_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/noise.h"

namespace crypto {
namespace {

constexpr std::array patterns{NoisePattern::xx,           NoisePattern::xx_psk0, NoisePattern::xx_psk3,
                              NoisePattern::xx_psk0_psk3, NoisePattern::ik,      NoisePattern::ik_psk2};

TEST(noise_pattern, names_are_those_of_the_specification_and_find_their_suite_again) {
  EXPECT_EQ(protocol_name(link_suite), "Noise_XXpsk0_25519_ChaChaPoly_SHA512");
  EXPECT_EQ(protocol_name({NoisePattern::xx_psk0_psk3, NoiseHash::blake2b}),
            "Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2b");
  EXPECT_EQ(protocol_name({NoisePattern::ik_psk2, NoiseHash::sha256}), "Noise_IKpsk2_25519_ChaChaPoly_SHA256");
  for (const NoisePattern pattern : patterns) {
    for (const NoiseHash hash : {NoiseHash::sha512, NoiseHash::sha256, NoiseHash::blake2b}) {
      const NoiseSuite suite{pattern, hash};
      EXPECT_EQ(noise_suite(protocol_name(suite)), suite);
    }
  }
}

TEST(noise_pattern, what_this_code_cannot_do_has_no_suite) {
  for (const char* name : {"", "Noise_XX_25519_AESGCM_SHA512", "Noise_XX_448_ChaChaPoly_SHA512",
                           "Noise_NN_25519_ChaChaPoly_SHA512", "Noise_XX_25519_ChaChaPoly_SHA512 "}) {
    EXPECT_EQ(noise_suite(name), std::nullopt) << name;
  }
}

std::size_t times(const NoisePatternRow& row, NoiseStep step) {
  std::size_t count = 0;
  for (const auto& message : row.messages) {
    const auto end = std::ranges::find(message, NoiseStep::end);
    count += static_cast<std::size_t>(std::count(message.begin(), end, step));
  }
  return count;
}

TEST(noise_pattern, rows_say_how_many_messages_and_keys_they_have) {
  for (const NoisePattern pattern : patterns) {
    const NoisePatternRow& row = noise_pattern_row(pattern);
    EXPECT_EQ(row.pattern, pattern);
    const auto empty = [](const auto& message) { return message[0] == NoiseStep::end; };
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count_if(row.messages, empty)), 3 - row.message_count) << row.name;
    EXPECT_EQ(times(row, NoiseStep::psk), row.psks) << row.name;
    EXPECT_EQ(times(row, NoiseStep::e), 2u) << row.name;
    EXPECT_EQ(times(row, NoiseStep::s), row.knows_responder ? 1u : 2u) << row.name;
    EXPECT_LE(row.psks, noise_psks_max);
  }
}

}  // namespace
}  // namespace crypto
