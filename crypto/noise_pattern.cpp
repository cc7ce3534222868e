#include "crypto/noise_pattern.h"

#include <algorithm>
#include <cassert>

namespace crypto {

namespace {

constexpr auto rows = [] {
  using enum NoiseStep;
  using enum NoisePattern;
  return std::array{
      NoisePatternRow{xx, "XX", false, 0, 3, {{{e}, {e, ee, s, es}, {s, se}}}},
      NoisePatternRow{xx_psk0, "XXpsk0", false, 1, 3, {{{psk, e}, {e, ee, s, es}, {s, se}}}},
      NoisePatternRow{xx_psk3, "XXpsk3", false, 1, 3, {{{e}, {e, ee, s, es}, {s, se, psk}}}},
      NoisePatternRow{xx_psk0_psk3, "XXpsk0+psk3", false, 2, 3, {{{psk, e}, {e, ee, s, es}, {s, se, psk}}}},
      NoisePatternRow{ik, "IK", true, 0, 2, {{{e, es, s, ss}, {e, ee, se}}}},
      NoisePatternRow{ik_psk2, "IKpsk2", true, 1, 2, {{{e, es, s, ss}, {e, ee, se, psk}}}},
  };
}();

constexpr std::array hashes{NoiseHash::sha512, NoiseHash::sha256, NoiseHash::blake2b};

}  // namespace

const NoisePatternRow& noise_pattern_row(NoisePattern pattern) {
  const auto row = std::ranges::find(rows, pattern, &NoisePatternRow::pattern);
  assert(row != rows.end());
  return *row;
}

std::string protocol_name(NoiseSuite suite) {
  std::string name = "Noise_";
  name += noise_pattern_row(suite.pattern).name;
  name += "_25519_ChaChaPoly_";
  name += noise_hash_row(suite.hash).name;
  return name;
}

std::optional<NoiseSuite> noise_suite(std::string_view name) {
  for (const NoisePatternRow& row : rows) {
    for (const NoiseHash hash : hashes) {
      const NoiseSuite suite{row.pattern, hash};
      if (protocol_name(suite) == name) return suite;
    }
  }
  return std::nullopt;
}

}  // namespace crypto
