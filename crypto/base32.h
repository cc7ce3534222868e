#pragma once
// Bytes as characters that people can read out and type: Crockford's base 32, small letters, no i, l, o and u. Five
// bits a character, from the most significant one on; what is left over of the last character is zero. Read as well:
// capitals, i and l as 1, o as 0.

#include <cstddef>
#include <span>
#include <string_view>

namespace crypto {

// How many characters so many bytes take.
[[nodiscard]] constexpr std::size_t base32_size(std::size_t bytes) {
  return (bytes * 8 + 4) / 5;
}

[[nodiscard]] bool is_base32(char character);

// Writes the characters of `bytes` and says how many they are. REQUIRES: room for base32_size of them.
std::size_t to_base32(std::span<const std::byte> bytes, std::span<std::byte> out);
// Writes the whole bytes of `characters`, all of which are of base 32, and says how many they are; bits to spare at the
// end are left out. REQUIRES: room.
std::size_t from_base32(std::string_view characters, std::span<std::byte> out);
// Whether the bits to spare of what gave so many bytes are zero, and fewer than a character's.
[[nodiscard]] bool base32_ends_with_zeros(std::string_view characters, std::size_t bytes);

}  // namespace crypto
