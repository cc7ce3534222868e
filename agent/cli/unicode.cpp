#include "agent/cli/unicode.h"

#include <cassert>

namespace agent::cli {
namespace {

struct Form {
  std::size_t length;
  char32_t first_bits;
  char32_t lowest;  // what takes fewer bytes is overlong
};

std::optional<Form> form_of(unsigned char first) {
  if (first < 0x80) return Form{1, first, 0};
  if (first >= 0xc2 && first < 0xe0) return Form{2, first & 0x1fU, 0x80};
  if (first >= 0xe0 && first < 0xf0) return Form{3, first & 0x0fU, 0x800};
  if (first >= 0xf0 && first < 0xf5) return Form{4, first & 0x07U, 0x10000};
  return std::nullopt;
}

}  // namespace

std::optional<Character> first_character(std::string_view text) {
  assert(!text.empty());
  const auto form = form_of(static_cast<unsigned char>(text.front()));
  if (!form || form->length > text.size()) return std::nullopt;
  char32_t value = form->first_bits;
  for (std::size_t i = 1; i < form->length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) return std::nullopt;
    value = value << 6U | (byte & 0x3fU);
  }
  if (value < form->lowest || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return std::nullopt;
  return Character{value, form->length};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_character(text);
    if (!character) return false;
    text.remove_prefix(character->length);
  }
  return true;
}

}  // namespace agent::cli
