#include "agent/core/random.h"

#include <bit>

namespace agent::core {

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    word = mixed ^ (mixed >> 31);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  assert(bound >= 1);
  const std::uint64_t unbiased_from = (0 - bound) % bound;  // 2^64 mod bound
  while (true) {
    const std::uint64_t drawn = next();
    if (drawn >= unbiased_from) return drawn % bound;
  }
}

Duration Random::jittered(Duration middle) {
  assert(middle >= Duration::zero());
  const auto width = static_cast<std::uint64_t>(middle.count());
  return middle / 2 + Duration(static_cast<std::int64_t>(below(width + 1)));
}

double Random::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

}  // namespace agent::core
