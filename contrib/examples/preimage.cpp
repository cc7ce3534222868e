// Searches the strings of LENGTH letters a-z for one whose SHA-256 is HASH, among the numbers LO..HI (half open).
//
//   preimage HASH LENGTH LO HI      HASH: 64 hexadecimal digits; LENGTH: 1..13; 0 <= LO <= HI <= 26^LENGTH
//
// Number n stands for the string that is n written in base 26 with the digits a-z, the most significant first: 0 is
// "aaaaa", 1 "aaaab". Prints the string and exits with 10 when there is one, exits with 0 when there is none and with 2
// when the arguments make no sense. So it is the body of a range job:
//
//   gibbon run --range 0..308915776 --found 10 ./preimage HASH 6 {lo} {hi}
//
// SHA-256 after FIPS 180-4. A candidate fits into one block of 64 bytes, so hashing it is one compression of which only
// the letters change. Build: c++ -std=c++20 -O2 -o preimage preimage.cpp
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace {

constexpr unsigned letters = 26;
constexpr unsigned length_max = 13;  // 26^13 is the last power that fits into 64 bits
constexpr int exit_found = 10;
constexpr int exit_usage = 2;

using Digest = std::array<std::uint32_t, 8>;

// FIPS 180-4, 5.3.3 and 4.2.2.
constexpr Digest initial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The one padded block of a string of at most 13 bytes (FIPS 180-4, 5.1.1), and its digest (6.2.2).
class Candidate {
 public:
  Candidate(unsigned length, std::uint64_t number) : length_(length) {
    for (unsigned place = length; place-- > 0; number /= letters) {
      put(place, static_cast<char>('a' + static_cast<char>(number % letters)));
    }
    put(length, '\x80');
    block_[15] = length * 8;
  }

  void next() {
    for (unsigned place = length_; place-- > 0;) {
      if (at(place) != 'z') {
        put(place, static_cast<char>(at(place) + 1));
        return;
      }
      put(place, 'a');
    }
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (unsigned place = 0; place < length_; ++place) text += at(place);
    return text;
  }

  [[nodiscard]] Digest digest() const {
    std::array<std::uint32_t, 64> w;
    for (unsigned t = 0; t < 16; ++t) w[t] = block_[t];
    for (unsigned t = 16; t < 64; ++t) {
      const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
      const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
      w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    auto [a, b, c, d, e, f, g, h] = initial;
    for (unsigned t = 0; t < 64; ++t) {
      const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
      const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1;
      d = c, c = b, b = a, a = t1 + t2;
    }
    return {initial[0] + a, initial[1] + b, initial[2] + c, initial[3] + d,
            initial[4] + e, initial[5] + f, initial[6] + g, initial[7] + h};
  }

 private:
  [[nodiscard]] static unsigned shift(unsigned place) { return 24 - 8 * (place % 4); }
  [[nodiscard]] char at(unsigned place) const { return static_cast<char>(block_[place / 4] >> shift(place) & 0xff); }
  void put(unsigned place, char letter) {
    block_[place / 4] &= ~(0xffU << shift(place));
    block_[place / 4] |= std::uint32_t{static_cast<unsigned char>(letter)} << shift(place);
  }

  std::array<std::uint32_t, 16> block_{};
  unsigned length_;
};

template <class Number>
[[nodiscard]] std::optional<Number> parse(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

[[nodiscard]] std::optional<Digest> parse_digest(std::string_view text) {
  if (text.size() != 64) return std::nullopt;
  Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto word = parse<std::uint32_t>(text.substr(8 * i, 8), 16);
    if (!word) return std::nullopt;
    digest[i] = *word;
  }
  return digest;
}

}  // namespace

int main(int argc, char** argv) {
  const auto hash = argc == 5 ? parse_digest(argv[1]) : std::nullopt;
  const auto length = argc == 5 ? parse<unsigned>(argv[2]) : std::nullopt;
  const auto low = argc == 5 ? parse<std::uint64_t>(argv[3]) : std::nullopt;
  const auto high = argc == 5 ? parse<std::uint64_t>(argv[4]) : std::nullopt;
  std::uint64_t count = 1;
  for (unsigned i = 0; length && i < *length && i < length_max; ++i) count *= letters;
  if (!hash || !length || *length == 0 || *length > length_max || !low || !high || *low > *high || *high > count) {
    std::fputs("usage: preimage HASH LENGTH LO HI   (64 hexadecimal digits, 1..13, 0 <= LO <= HI <= 26^LENGTH)\n",
               stderr);
    return exit_usage;
  }
  Candidate candidate(*length, *low);
  for (std::uint64_t number = *low; number < *high; ++number, candidate.next()) {
    if (candidate.digest() == *hash) {
      std::puts(candidate.text().c_str());
      return exit_found;
    }
  }
  return 0;
}
