#include "agent/exec/command.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <optional>

namespace agent::exec {
namespace {

// A template of more parts than this is a mistake or an attack, not a command.
constexpr std::size_t parts_max = 16'384;
constexpr std::size_t column_digits_max = 6;

// Words that a shell takes for itself where they stand first: reserved words, and the built-in commands of POSIX, dash
// and bash, which may behave differently from a program of the same name. Sorted.
constexpr auto shell_words = std::to_array<std::string_view>(
    {"!",        ".",       ":",       "[",      "[[",      "]]",      "alias",   "bg",       "bind",    "break",
     "builtin",  "caller",  "case",    "cd",     "chdir",   "command", "compgen", "complete", "compopt", "continue",
     "coproc",   "declare", "dirs",    "disown", "do",      "done",    "echo",    "elif",     "else",    "enable",
     "esac",     "eval",    "exec",    "exit",   "export",  "false",   "fc",      "fg",       "fi",      "for",
     "function", "getopts", "hash",    "help",   "history", "if",      "in",      "jobs",     "kill",    "let",
     "local",    "logout",  "mapfile", "newgrp", "popd",    "printf",  "pushd",   "pwd",      "read",    "readarray",
     "readonly", "return",  "select",  "set",    "shift",   "shopt",   "source",  "suspend",  "test",    "then",
     "time",     "times",   "trap",    "true",   "type",    "typeset", "ulimit",  "umask",    "unalias", "unset",
     "until",    "wait",    "while",   "{",      "}"});
static_assert(std::ranges::is_sorted(shell_words));

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool has_nul(std::string_view text) {
  return text.find('\0') != text.npos;
}

// Whether no shell gives the character a meaning, wherever it stands but for `=` at the beginning of a word.
bool means_nothing_to_shells(char c) {
  return is_digit(c) || is_letter(c) || std::string_view("%+,-./:=@_").find(c) != std::string_view::npos;
}

// The length of NAME= at the beginning of a word, 0 if there is none.
std::size_t assignment_prefix(std::string_view word) {
  std::size_t length = 0;
  while (length < word.size() &&
         (is_letter(word[length]) || word[length] == '_' || (length > 0 && is_digit(word[length]))))
    ++length;
  return length > 0 && length < word.size() && word[length] == '=' ? length + 1 : 0;
}

bool is_for_the_shell(std::string_view first_word) {
  return first_word.empty() || std::ranges::binary_search(shell_words, first_word);
}

// An argument vector typed by the user, as against a line.
bool is_vector(const std::vector<std::string>& words, BodyKind body) {
  return body == BodyKind::single && words.size() > 1;
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) {
    if (&word != &words.front()) line += ' ';
    line += word;
  }
  return line;
}

std::optional<Transform> transform_named(std::string_view suffix) {
  if (suffix.empty()) return Transform::whole;
  if (suffix == ".") return Transform::no_extension;
  if (suffix == "/") return Transform::base;
  if (suffix == "//") return Transform::directory;
  if (suffix == "/.") return Transform::base_no_extension;
  return std::nullopt;
}

// The replacement string of which `inside` stands between the braces, if it is one.
std::optional<Placeholder> placeholder_named(std::string_view inside) {
  if (inside == "#") return Placeholder{.subject = Subject::sequence};
  if (inside == "%") return Placeholder{.subject = Subject::slot};
  if (inside == "node") return Placeholder{.subject = Subject::node};
  if (inside == "lo") return Placeholder{.subject = Subject::low};
  if (inside == "hi") return Placeholder{.subject = Subject::high};
  const bool negative = inside.starts_with('-');
  std::size_t position = negative ? 1 : 0;
  std::int32_t number = 0;
  const std::size_t digits_begin = position;
  while (position < inside.size() && is_digit(inside[position])) {
    if (position - digits_begin == column_digits_max) return std::nullopt;
    number = number * 10 + (inside[position++] - '0');
  }
  const bool has_number = position > digits_begin;
  if (negative && !has_number) return std::nullopt;
  if (has_number && number == 0) return std::nullopt;
  const auto transform = transform_named(inside.substr(position));
  if (!transform) return std::nullopt;
  return Placeholder{.subject = has_number ? Subject::column : Subject::item,
                     .transform = *transform,
                     .column = negative ? -number : number};
}

bool is_shell_variable_too(Subject subject) {
  return subject == Subject::node || subject == Subject::low || subject == Subject::high;
}

struct Found {
  Placeholder placeholder;
  std::size_t length = 0;
};

// The replacement string that begins at `position`, if one does.
std::optional<Found> placeholder_at(std::string_view line, std::size_t position) {
  constexpr std::size_t longest = 2 + 1 + column_digits_max + 2;
  if (line[position] != '{') return std::nullopt;
  const auto inside = line.substr(position + 1, longest);
  const auto close = inside.find('}');
  if (close == inside.npos) return std::nullopt;
  const auto placeholder = placeholder_named(inside.substr(0, close));
  if (!placeholder) return std::nullopt;
  if (position > 0 && line[position - 1] == '$' && is_shell_variable_too(placeholder->subject)) return std::nullopt;
  return Found{*placeholder, close + 2};
}

bool has_perl_expression(std::string_view line) {
  const auto open = line.find("{=");
  return open != line.npos && line.find("=}", open + 2) != line.npos;
}

void append_literal(std::vector<TemplatePart>& parts, std::string_view text) {
  if (parts.empty() || !std::holds_alternative<Literal>(parts.back())) parts.emplace_back(Literal{});
  std::get<Literal>(parts.back()).text += text;
}

// Taken apart at blanks in the direct form; in the shell form blanks are text like any other.
std::vector<TemplatePart> parts_of_line(std::string_view line, BodyKind body, Form form) {
  std::vector<TemplatePart> parts;
  std::size_t position = 0;
  while (position < line.size()) {
    const auto found = body == BodyKind::single ? std::nullopt : placeholder_at(line, position);
    if (found) {
      parts.emplace_back(found->placeholder);
      position += found->length;
    } else if (form == Form::direct && is_blank(line[position])) {
      if (!parts.empty() && !std::holds_alternative<Blank>(parts.back())) parts.emplace_back(Blank{});
      ++position;
    } else {
      append_literal(parts, line.substr(position, 1));
      ++position;
    }
  }
  return parts;
}

std::vector<TemplatePart> parts_of_vector(const std::vector<std::string>& words, Form form) {
  std::vector<TemplatePart> parts;
  bool assignments = form == Form::shell;
  for (const auto& word : words) {
    if (!parts.empty()) parts.emplace_back(Blank{});
    const std::size_t prefix = assignments ? assignment_prefix(word) : 0;
    if (prefix == 0) assignments = false;
    if (form == Form::direct) {
      parts.emplace_back(Literal{word});
    } else {
      parts.emplace_back(Literal{word.substr(0, prefix) + shell_quoted(std::string_view(word).substr(prefix))});
    }
  }
  return parts;
}

struct Uses {
  bool any = false, item = false, bounds = false;
};

Uses uses_of(const std::vector<TemplatePart>& parts) {
  Uses uses;
  for (const auto& part : parts) {
    const auto* placeholder = std::get_if<Placeholder>(&part);
    if (placeholder == nullptr) continue;
    uses.any = true;
    uses.item |= placeholder->subject == Subject::item || placeholder->subject == Subject::column;
    uses.bounds |= placeholder->subject == Subject::low || placeholder->subject == Subject::high;
  }
  return uses;
}

std::optional<TemplateError> check_words(const std::vector<std::string>& words) {
  std::size_t bytes = 0;
  for (const auto& word : words) {
    bytes += word.size() + 1;
    if (bytes > command_bytes_max) return TemplateError::too_long;
    if (has_nul(word)) return TemplateError::has_nul;
  }
  return std::nullopt;
}

}  // namespace

Form choose_form(const std::vector<std::string>& words, BodyKind body, std::string_view shell) {
  const auto shell_name = shell.substr(shell.rfind('/') + 1);
  if (!shell_name.empty() && shell_name != "sh" && shell_name != "dash" && shell_name != "ash") return Form::shell;
  if (words.empty() || words.front().empty()) return Form::shell;
  if (is_vector(words, body)) {
    return is_for_the_shell(words.front()) || assignment_prefix(words.front()) > 0 ? Form::shell : Form::direct;
  }
  const auto parts = parts_of_line(joined(words), body, Form::direct);
  bool word_starts = true;
  for (const auto& part : parts) {
    if (const auto* literal = std::get_if<Literal>(&part)) {
      if (!std::ranges::all_of(literal->text, means_nothing_to_shells)) return Form::shell;
      if (word_starts && literal->text.starts_with('=')) return Form::shell;
    }
    word_starts = std::holds_alternative<Blank>(part);
  }
  const auto* first = parts.empty() ? nullptr : std::get_if<Literal>(&parts.front());
  if (first == nullptr || first->text.find('=') != std::string::npos || is_for_the_shell(first->text))
    return Form::shell;
  return parts.size() == 1 || std::holds_alternative<Blank>(parts[1]) ? Form::direct : Form::shell;
}

tl::expected<Template, TemplateError> parse_template(const std::vector<std::string>& words, BodyKind body, Form form) {
  if (const auto error = check_words(words)) return tl::make_unexpected(*error);
  const auto line = joined(words);
  const bool nothing = std::ranges::all_of(line, is_blank);
  const bool only_item = body == BodyKind::list && line == "{}";
  if (nothing && body != BodyKind::list) return tl::make_unexpected(TemplateError::no_command);
  if (nothing || only_item) return Template{.body = body, .form = Form::shell, .item_is_line = true, .parts = {}};
  if (is_vector(words, body)) {
    if (words.front().empty()) return tl::make_unexpected(TemplateError::no_command);
    if (words.size() > parts_max / 2) return tl::make_unexpected(TemplateError::too_long);
    return Template{.body = body, .form = form, .item_is_line = false, .parts = parts_of_vector(words, form)};
  }
  if (body != BodyKind::single && has_perl_expression(line)) return tl::make_unexpected(TemplateError::perl_expression);

  auto parts = parts_of_line(line, body, form);
  const auto uses = uses_of(parts);
  if (body == BodyKind::range && uses.item) return tl::make_unexpected(TemplateError::item_in_range);
  if (body == BodyKind::range && !uses.bounds) return tl::make_unexpected(TemplateError::range_without_bounds);
  if (body == BodyKind::list && uses.bounds) return tl::make_unexpected(TemplateError::bounds_in_list);
  if (body == BodyKind::list && !uses.any) {
    if (form == Form::direct) {
      if (!std::holds_alternative<Blank>(parts.back())) parts.emplace_back(Blank{});
    } else {
      append_literal(parts, " ");
    }
    parts.emplace_back(Placeholder{});
  }
  if (parts.size() > parts_max) return tl::make_unexpected(TemplateError::too_long);
  return Template{.body = body, .form = form, .item_is_line = false, .parts = std::move(parts)};
}

PieceBounds piece_bounds(const RangeSpace& range, std::uint64_t begin, std::uint64_t end) {
  assert(range.step >= 1 && begin < end && end <= range.count);
  const auto value_of = [&](std::uint64_t index) { return range.low + index * range.step; };
  if (end < range.count) return {std::to_string(value_of(begin)), std::to_string(value_of(end))};
  const std::uint64_t last = value_of(range.count - 1);
  const bool passes = last == std::numeric_limits<std::uint64_t>::max();
  return {std::to_string(value_of(begin)), passes ? "18446744073709551616" : std::to_string(last + 1)};
}

std::string_view to_string(TemplateError error) {
  switch (error) {
    case TemplateError::perl_expression: return "Perl expressions {= =} are not supported";
    case TemplateError::item_in_range:
      return "a range has no items: its command takes {lo} and {hi} instead of {} or {1}";
    case TemplateError::range_without_bounds: return "the command of a range must name its bounds, {lo} and {hi}";
    case TemplateError::bounds_in_list: return "{lo} and {hi} are the bounds of a range; a list has items, {}";
    case TemplateError::no_command: return "there is no command to run";
    case TemplateError::has_nul: return "a command cannot contain a NUL byte";
    case TemplateError::too_long: return "the command is too long";
  }
  return "unknown";
}

}  // namespace agent::exec
