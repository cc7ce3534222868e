#include <algorithm>
#include <cassert>
#include <optional>

#include "agent/exec/command.h"

namespace agent::exec {
namespace {

// Besides its bytes, an argument costs its NUL and its pointer.
constexpr std::size_t argument_overhead_bytes = 9;

bool has_nul(std::string_view text) {
  return text.find('\0') != text.npos;
}

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("+-./_").find(c) != std::string_view::npos;
}

std::string_view without_extension(std::string_view path) {
  const auto dot = path.rfind('.');
  if (dot == path.npos || path.find('/', dot) != path.npos) return path;
  return path.substr(0, dot);
}

std::string_view base_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string_view directory_of(std::string_view path) {
  path = without_trailing_slashes(path);
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return without_trailing_slashes(path.substr(0, slash + 1));
}

// The line of a shell under construction: what is put in is quoted, words are separated by blanks.
class LineBuilder {
 public:
  void literal(std::string_view text) { line_ += text; }
  void argument(std::string_view text) { line_ += shell_quoted(text); }
  void word_ends() { line_ += ' '; }
  [[nodiscard]] std::optional<ExpandError> excess() const {
    if (line_.size() > argument_bytes_max) return ExpandError::argument_too_long;
    return std::nullopt;
  }
  [[nodiscard]] std::string take() { return std::move(line_); }

 private:
  std::string line_;
};

// The argument vector of the direct form under construction. A word exists as soon as anything is put in, an empty
// argument included.
class VectorBuilder {
 public:
  void literal(std::string_view text) { argument(text); }
  void argument(std::string_view text) {
    word_ += text;
    exists_ = true;
  }
  void word_ends() {
    if (!exists_) return;
    closed_bytes_ += word_.size() + argument_overhead_bytes;
    words_.push_back(std::move(word_));
    word_.clear();
    exists_ = false;
  }
  [[nodiscard]] std::optional<ExpandError> excess() const {
    if (word_.size() > argument_bytes_max) return ExpandError::argument_too_long;
    if (closed_bytes_ + word_.size() > command_bytes_max) return ExpandError::command_too_long;
    return std::nullopt;
  }
  [[nodiscard]] std::vector<std::string> take() {
    word_ends();
    return std::move(words_);
  }

 private:
  std::vector<std::string> words_;
  std::string word_;
  bool exists_ = false;
  std::size_t closed_bytes_ = 0;
};

// The columns of the item and the scalars, ready to be put in.
struct Values {
  const Bindings& bindings;
  std::vector<std::string_view> columns;
  std::string sequence, slot;
};

// Index of the column meant, or nothing if the item lacks it.
std::optional<std::size_t> column_index(std::int32_t column, std::size_t count) {
  assert(column != 0);
  const auto wanted = static_cast<std::int64_t>(column);
  const auto index = wanted > 0 ? wanted - 1 : static_cast<std::int64_t>(count) + wanted;
  if (index < 0 || index >= static_cast<std::int64_t>(count)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

template <class Builder>
std::optional<ExpandError> put_columns(Builder& builder, const Values& values, Transform transform) {
  bool first = true;
  for (const auto column : values.columns) {
    if (!first) builder.word_ends();
    first = false;
    builder.argument(transformed(column, transform));
    if (const auto error = builder.excess()) return error;
  }
  return std::nullopt;
}

template <class Builder>
std::optional<ExpandError> put(Builder& builder, const Values& values, const Placeholder& placeholder) {
  switch (placeholder.subject) {
    case Subject::item: return put_columns(builder, values, placeholder.transform);
    case Subject::column:
      if (const auto index = column_index(placeholder.column, values.columns.size()))
        builder.argument(transformed(values.columns[*index], placeholder.transform));
      return std::nullopt;
    case Subject::sequence: builder.argument(values.sequence); return std::nullopt;
    case Subject::slot: builder.argument(values.slot); return std::nullopt;
    case Subject::node: builder.argument(values.bindings.node); return std::nullopt;
    case Subject::low: builder.argument(values.bindings.low); return std::nullopt;
    case Subject::high: builder.argument(values.bindings.high); return std::nullopt;
  }
  assert(false);
  return std::nullopt;
}

template <class Builder>
std::optional<ExpandError> build(Builder& builder, const Template& command, const Bindings& bindings) {
  for (const auto text : {bindings.node, bindings.low, bindings.high, bindings.shell})
    if (has_nul(text)) return ExpandError::has_nul;
  const Values values{.bindings = bindings,
                      .columns = split_columns(bindings.item),
                      .sequence = std::to_string(bindings.sequence),
                      .slot = std::to_string(bindings.slot)};
  for (const auto& part : command.parts) {
    if (const auto* literal = std::get_if<Literal>(&part)) {
      builder.literal(literal->text);
    } else if (const auto* placeholder = std::get_if<Placeholder>(&part)) {
      if (const auto error = put(builder, values, *placeholder)) return error;
    } else {
      builder.word_ends();
    }
    if (const auto error = builder.excess()) return error;
  }
  return std::nullopt;
}

tl::expected<std::string, ExpandError> shell_line(const Template& command, const Bindings& bindings) {
  if (command.item_is_line) {
    if (bindings.item.size() > argument_bytes_max) return tl::make_unexpected(ExpandError::argument_too_long);
    std::string line(bindings.item);
    std::ranges::replace(line, '\0', ' ');
    return line;
  }
  LineBuilder builder;
  if (const auto error = build(builder, command, bindings)) return tl::make_unexpected(*error);
  return builder.take();
}

tl::expected<std::vector<std::string>, ExpandError> direct_vector(const Template& command, const Bindings& bindings) {
  VectorBuilder builder;
  if (const auto error = build(builder, command, bindings)) return tl::make_unexpected(*error);
  auto words = builder.take();
  if (words.empty() || words.front().empty()) return tl::make_unexpected(ExpandError::nothing_to_run);
  return words;
}

}  // namespace

tl::expected<std::vector<std::string>, ExpandError> expand(const Template& command, const Bindings& bindings) {
  if (command.form == Form::direct) return direct_vector(command, bindings);
  auto line = shell_line(command, bindings);
  if (!line) return tl::make_unexpected(line.error());
  return std::vector<std::string>{std::string(bindings.shell), "-c", std::move(*line)};
}

tl::expected<std::string, ExpandError> command_line(const Template& command, const Bindings& bindings) {
  if (command.form == Form::shell) return shell_line(command, bindings);
  const auto words = direct_vector(command, bindings);
  if (!words) return tl::make_unexpected(words.error());
  std::string line;
  for (const auto& word : *words) {
    if (!line.empty()) line += ' ';
    line += shell_quoted(word);
  }
  return line;
}

std::string shell_quoted(std::string_view argument) {
  if (argument.empty()) return "''";
  if (std::ranges::all_of(argument, is_bare)) return std::string(argument);
  // In single quotes, each one of the text's own in double quotes between two such strings; empty strings at the ends
  // are left out.
  std::string quoted = argument.starts_with('\'') ? "" : "'";
  for (std::size_t i = 0; i < argument.size(); ++i) {
    if (argument[i] != '\'') {
      quoted += argument[i];
      continue;
    }
    quoted += i == 0 ? "\"'\"" : "'\"'\"";
    if (i + 1 < argument.size()) quoted += '\'';
  }
  if (!argument.ends_with('\'')) quoted += '\'';
  return quoted;
}

std::string_view transformed(std::string_view column, Transform transform) {
  switch (transform) {
    case Transform::whole: return column;
    case Transform::no_extension: return without_extension(column);
    case Transform::base: return base_of(column);
    case Transform::directory: return directory_of(column);
    case Transform::base_no_extension: return without_extension(base_of(column));
  }
  assert(false);
  return column;
}

std::vector<std::string_view> split_columns(std::string_view item) {
  std::vector<std::string_view> columns;
  columns.reserve(static_cast<std::size_t>(std::ranges::count(item, '\0')) + 1);
  for (auto nul = item.find('\0'); nul != item.npos; nul = item.find('\0')) {
    columns.push_back(item.substr(0, nul));
    item.remove_prefix(nul + 1);
  }
  columns.push_back(item);
  return columns;
}

std::string_view to_string(ExpandError error) {
  switch (error) {
    case ExpandError::has_nul: return "an argument cannot contain a NUL byte";
    case ExpandError::argument_too_long:
      return "an argument, or the shell's line, is longer than the 131,071 bytes that Linux takes";
    case ExpandError::command_too_long: return "the arguments together are longer than 2 MiB";
    case ExpandError::nothing_to_run: return "there is no command to run";
  }
  return "unknown";
}

}  // namespace agent::exec
