#include "crypto/base32.h"

#include <cassert>
#include <optional>

namespace crypto {

namespace {

constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr unsigned bits_each = 5;
static_assert(alphabet.size() == 1U << bits_each);

std::optional<unsigned> value_of(char character) {
  if ('A' <= character && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  if (character == 'i' || character == 'l') character = '1';
  if (character == 'o') character = '0';
  const std::size_t at = alphabet.find(character);
  return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned>(at));
}

}  // namespace

bool is_base32(char character) {
  return value_of(character).has_value();
}

std::size_t to_base32(std::span<const std::byte> bytes, std::span<std::byte> out) {
  assert(out.size() >= base32_size(bytes.size()));
  std::size_t written = 0;
  unsigned held = 0;
  unsigned bits = 0;
  const auto put = [&](unsigned value) { out[written++] = static_cast<std::byte>(alphabet[value]); };
  for (const std::byte byte : bytes) {
    held = (held << 8U | std::to_integer<unsigned>(byte)) & 0xfffU;
    bits += 8;
    for (; bits >= bits_each; bits -= bits_each) put(held >> (bits - bits_each) & 31U);
  }
  if (bits > 0) put(held << (bits_each - bits) & 31U);
  return written;
}

std::size_t from_base32(std::string_view characters, std::span<std::byte> out) {
  assert(out.size() >= characters.size() * bits_each / 8);
  std::size_t written = 0;
  unsigned held = 0;
  unsigned bits = 0;
  for (const char character : characters) {
    held = (held << bits_each | *value_of(character)) & 0xfffU;
    bits += bits_each;
    if (bits < 8) continue;
    bits -= 8;
    out[written++] = static_cast<std::byte>(held >> bits & 0xffU);
  }
  return written;
}

bool base32_ends_with_zeros(std::string_view characters, std::size_t bytes) {
  if (characters.size() != base32_size(bytes)) return false;
  if (characters.empty()) return true;
  const std::size_t spare = characters.size() * bits_each - bytes * 8;
  return (*value_of(characters.back()) & ((1U << spare) - 1)) == 0;
}

}  // namespace crypto
