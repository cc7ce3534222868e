#include <cassert>

#include "agent/cli/sources.h"

namespace agent::cli {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::optional<unsigned> hexadecimal(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

std::optional<char> named_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case '0': return '\0';
    case '\\': return '\\';
    default: return std::nullopt;
  }
}

// Takes one escape, of which the backslash was the first byte, from the front of `text`.
std::optional<char> take_escape(std::string_view& text) {
  assert(text.starts_with('\\'));
  if (text.size() < 2) return std::nullopt;
  if (text[1] == 'x') {
    if (text.size() < 4) return std::nullopt;
    const auto high = hexadecimal(text[2]), low = hexadecimal(text[3]);
    if (!high || !low) return std::nullopt;
    text.remove_prefix(4);
    return static_cast<char>(*high * 16 + *low);
  }
  const auto byte = named_escape(text[1]);
  text.remove_prefix(2);
  return byte;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

using Bytes = std::bitset<256>;

void add(Bytes& bytes, char c) {
  bytes.set(static_cast<unsigned char>(c));
}

Bytes only(char c) {
  Bytes bytes;
  add(bytes, c);
  return bytes;
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// An escape of a separator: white space as a class, punctuation for itself, and those of a delimiter.
tl::expected<Bytes, SourceError> take_separator_escape(std::string_view& text) {
  if (text.size() >= 2 && text[1] == 's') {
    text.remove_prefix(2);
    Bytes spaces;
    for (const char c : std::string_view(" \t\n\v\f\r")) add(spaces, c);
    return spaces;
  }
  if (text.size() >= 2 && !is_word_character(text[1])) {
    const char c = text[1];
    text.remove_prefix(2);
    return only(c);
  }
  const auto byte = take_escape(text);
  if (!byte) return tl::make_unexpected(SourceError::bad_escape);
  return only(*byte);
}

tl::expected<Bytes, SourceError> take_character(std::string_view& text) {
  if (text.front() == '\\') return take_separator_escape(text);
  const char c = text.front();
  text.remove_prefix(1);
  return only(c);
}

// The lowest byte of a set with one element; ranges have such ends only.
std::optional<unsigned> single_byte(const Bytes& bytes) {
  if (bytes.count() != 1) return std::nullopt;
  for (unsigned i = 0; i < bytes.size(); ++i)
    if (bytes[i]) return i;
  return std::nullopt;
}

// A class, of which the opening bracket is the first byte.
tl::expected<Bytes, SourceError> take_class(std::string_view& text) {
  text.remove_prefix(1);
  const bool negated = text.starts_with('^');
  if (negated) text.remove_prefix(1);
  Bytes members;
  while (!text.empty() && (text.front() != ']' || members.none())) {
    const auto low = take_character(text);
    if (!low) return low;
    if (text.size() < 2 || text.front() != '-' || text[1] == ']') {
      members |= *low;
      continue;
    }
    text.remove_prefix(1);
    const auto high = take_character(text);
    if (!high) return high;
    const auto first = single_byte(*low), last = single_byte(*high);
    if (!first || !last || *first > *last) return tl::make_unexpected(SourceError::bad_column_class);
    for (auto byte = *first; byte <= *last; ++byte) members.set(byte);
  }
  if (text.empty()) return tl::make_unexpected(SourceError::bad_column_class);
  text.remove_prefix(1);
  return negated ? ~members : members;
}

}  // namespace

tl::expected<std::string, SourceError> parse_delimiter(std::string_view text) {
  std::string delimiter;
  while (!text.empty()) {
    if (text.front() != '\\') {
      delimiter += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto byte = take_escape(text);
    if (!byte) return tl::make_unexpected(SourceError::bad_escape);
    delimiter += *byte;
  }
  if (delimiter.empty()) return tl::make_unexpected(SourceError::empty_delimiter);
  if (delimiter.size() > delimiter_bytes_max) return tl::make_unexpected(SourceError::long_delimiter);
  if (delimiter.size() > 1 && delimiter.find('\0') != std::string::npos)
    return tl::make_unexpected(SourceError::nul_in_delimiter);
  return delimiter;
}

tl::expected<ColumnSeparator, SourceError> ColumnSeparator::parse(std::string_view text) {
  if (text.empty()) return tl::make_unexpected(SourceError::empty_delimiter);
  ColumnSeparator separator;
  bool optional_only = true;
  while (!text.empty()) {
    const auto bytes = text.front() == '[' ? take_class(text) : take_character(text);
    if (!bytes) return tl::make_unexpected(bytes.error());
    Element element{.bytes = *bytes, .repeat = Repeat::once};
    if (text.starts_with('+') || text.starts_with('*')) {
      element.repeat = text.front() == '+' ? Repeat::one_or_more : Repeat::any_number;
      text.remove_prefix(1);
    }
    optional_only &= element.repeat == Repeat::any_number;
    separator.elements_.push_back(element);
    if (separator.elements_.size() > delimiter_bytes_max) return tl::make_unexpected(SourceError::long_delimiter);
  }
  if (optional_only) return tl::make_unexpected(SourceError::matches_nothing);
  return separator;
}

std::optional<std::size_t> ColumnSeparator::match_end(std::string_view line, std::size_t begin,
                                                      std::vector<Run>& runs) const {
  std::size_t position = begin;
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    const auto& element = elements_[i];
    const auto fits = [&](std::size_t at) {
      return at < line.size() && element.bytes[static_cast<unsigned char>(line[at])];
    };
    if (element.repeat == Repeat::any_number && !fits(position)) continue;
    if (!fits(position)) return std::nullopt;
    if (element.repeat == Repeat::once) {
      ++position;
      continue;
    }
    auto& run = runs[i];
    if (position < run.begin || position >= run.end) {
      run = {.begin = position, .end = position};
      while (fits(run.end)) ++run.end;
    }
    position = run.end;
  }
  return position;
}

std::vector<std::string_view> ColumnSeparator::split(std::string_view line) const {
  std::vector<std::string_view> columns;
  std::vector<Run> runs(elements_.size());
  std::size_t column_begin = 0, position = 0;
  while (position < line.size()) {
    const auto end = match_end(line, position, runs);
    if (!end) {
      ++position;
      continue;
    }
    columns.push_back(trimmed(line.substr(column_begin, position - column_begin)));
    column_begin = position = *end;
  }
  columns.push_back(trimmed(line.substr(column_begin)));
  return columns;
}

}  // namespace agent::cli
