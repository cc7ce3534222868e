#pragma once
// Decoding of UTF-8.

#include <cstddef>
#include <optional>
#include <string_view>

namespace agent::cli {

struct Character {
  char32_t value = 0;
  std::size_t length = 0;  // in bytes, 1..4
};

// The first character of a text that is not empty, or nothing if its bytes are not well-formed UTF-8 (Unicode 15, table
// 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] std::optional<Character> first_character(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace agent::cli
