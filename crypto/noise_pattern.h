#pragma once
// The handshakes that this code can do, as tables: which keys are sent and mixed, in which message and order (Noise
// specification, 7 and 9). A further pattern is a row.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/noise_hash.h"

namespace crypto {

enum class NoisePattern : std::uint8_t { xx, xx_psk0, xx_psk3, xx_psk0_psk3, ik, ik_psk2 };

// `e`, `s`: a key is sent. Two letters: the initiator's key of the first is combined with the responder's of the
// second. `psk`: the next pre-shared key is mixed in.
enum class NoiseStep : std::uint8_t { end, e, s, ee, es, se, ss, psk };

struct NoisePatternRow {
  using Message = std::array<NoiseStep, 6>;  // up to the first `end`
  NoisePattern pattern;
  std::string_view name;         // as in protocol names
  bool knows_responder = false;  // the initiator knows the responder's static key before
  std::size_t psks = 0;
  std::size_t message_count = 0;
  std::array<Message, 3> messages{};
};
[[nodiscard]] const NoisePatternRow& noise_pattern_row(NoisePattern pattern);

struct NoiseSuite {
  NoisePattern pattern;
  NoiseHash hash;
  bool operator==(const NoiseSuite&) const = default;
};
[[nodiscard]] std::string protocol_name(NoiseSuite suite);
// Of the suite of that name, if this code can do it.
[[nodiscard]] std::optional<NoiseSuite> noise_suite(std::string_view name);

}  // namespace crypto
