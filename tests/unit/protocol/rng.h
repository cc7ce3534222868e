#pragma once
// The tests' own generator (splitmix64): the same seed gives the same contents with every compiler and library.

#include <cstdint>

namespace protocol::test {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  // 0 .. bound - 1; slightly uneven, which is of no matter here. REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  // Small and huge values alike: a uniform number of bits.
  std::uint64_t any_size() { return next() >> below(64); }

 private:
  std::uint64_t state_;
};

}  // namespace protocol::test
