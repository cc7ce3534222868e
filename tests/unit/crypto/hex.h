#pragma once
// Hexadecimal, as published vectors are written.

#include <array>
#include <cassert>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace crypto::samples {

inline std::vector<std::byte> from_hex(std::string_view hex) {
  auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

template <class Array>
Array array_from_hex(std::string_view hex) {
  const std::vector<std::byte> bytes = from_hex(hex);
  Array array{};
  assert(bytes.size() == array.size());
  for (std::size_t i = 0; i < array.size(); ++i) array[i] = bytes[i];
  return array;
}

inline std::string to_hex(const auto& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : bytes) {
    hex += digits[std::to_integer<unsigned>(byte) / 16];
    hex += digits[std::to_integer<unsigned>(byte) % 16];
  }
  return hex;
}

}  // namespace crypto::samples
