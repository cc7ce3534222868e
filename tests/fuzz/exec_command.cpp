// Command templates. Input: the words of a command, a tab between, up to the first newline; then the bytes of an item.
//
// Checked: whatever is put in comes back from a POSIX shell's word splitting as the same bytes; the direct form, where
// it is chosen, gives the words that the shell would have made of the line; sizes stay within their bounds.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exec/command.h"

namespace agent::exec {
namespace {

using Words = std::vector<std::string>;

void require(bool truth) {
  if (!truth) std::abort();
}

// Word splitting of a POSIX shell (XCU 2.2 and 2.6.5) for lines without expansions: bare text, single quotes, and
// double quotes around text without `$`, backquote, backslash and double quotes. Nothing for other lines.
std::optional<Words> split_words(std::string_view line) {
  Words words;
  std::optional<std::string> word;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == ' ' || c == '\t') {
      if (word) words.push_back(*word);
      word.reset();
    } else if (c == '\'' || c == '"') {
      const auto end = line.find(c, i + 1);
      if (end == line.npos) return std::nullopt;
      const auto inside = line.substr(i + 1, end - i - 1);
      if (c == '"' && inside.find_first_of("$`\\") != inside.npos) return std::nullopt;
      word = word.value_or("") + std::string(inside);
      i = end;
    } else if (std::string_view("\n\\$`|&;<>()*?[]#~!{}^=").find(c) == std::string_view::npos || c == '=') {
      word = word.value_or("") + c;
    } else {
      return std::nullopt;
    }
  }
  if (word) words.push_back(*word);
  return words;
}

Words split_at(std::string_view text, char separator) {
  Words parts;
  for (auto end = text.find(separator); end != text.npos; end = text.find(separator)) {
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.emplace_back(text);
  return parts;
}

void check_quoting(std::string_view item) {
  for (const auto column : split_columns(item)) {
    const auto words = split_words(shell_quoted(column));
    require(words && words->size() == 1 && words->front() == column);
  }
}

void check_template(const Words& words, BodyKind body, Form form, const Bindings& bindings) {
  const auto command = parse_template(words, body, form);
  if (!command) return;
  const auto line = command_line(*command, bindings);
  const auto vector = expand(*command, bindings);
  require(line.has_value() == vector.has_value());
  if (!vector) return;
  require(!vector->empty() && !vector->front().empty());
  std::size_t bytes = 0;
  for (const auto& argument : *vector) {
    require(argument.size() <= argument_bytes_max && argument.find('\0') == argument.npos);
    bytes += argument.size() + 1;
  }
  require(bytes <= command_bytes_max + argument_bytes_max);
  if (command->form == Form::shell) require(vector->size() == 3 && vector->back() == *line);
  if (command->form == Form::direct) require(split_words(*line) == *vector);
}

void check_forms_agree(const Words& words, BodyKind body, const Bindings& bindings) {
  if (choose_form(words, body) != Form::direct) return;
  const auto direct = parse_template(words, body, Form::direct), shell = parse_template(words, body, Form::shell);
  require(direct.has_value() == shell.has_value());
  if (!direct) return;
  const auto vector = expand(*direct, bindings);
  const auto line = command_line(*shell, bindings);
  if (vector && line) require(split_words(*line) == *vector);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto newline = std::min(input.find('\n'), input.size());
  const auto words = split_at(input.substr(0, newline), '\t');
  const auto item = newline < input.size() ? input.substr(newline + 1) : std::string_view{};
  const Bindings bindings{
      .item = item, .sequence = 7, .slot = 2, .node = "alpha", .low = "0", .high = "18446744073709551616"};
  check_quoting(item);
  for (const auto body : {BodyKind::list, BodyKind::range, BodyKind::single}) {
    for (const auto form : {Form::shell, Form::direct}) check_template(words, body, form, bindings);
    check_forms_agree(words, body, bindings);
  }
  return 0;
}

}  // namespace agent::exec
