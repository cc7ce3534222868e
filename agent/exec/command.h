#pragma once
// Command templates: from the words a user typed to the argument vector of one task. Pure text, no system calls.
//
// Replacement strings
//   {} {.} {/} {//} {/.}          the item, without extension, base name, directory, base name without extension
//   {1} {2.} {3/} {-1//} {1/.}    the same of one column; negative numbers count from the last column
//   {#} {%} {node}                sequence number from 1, slot number from 1, name of the node that runs the task
//   {lo} {hi}                     bounds of a piece; only in the body of a range, where the item's strings are refused
// In the body of a list a command without any replacement string gets ` {}` appended; no command at all means that
// every item is itself a command line. `{lo}`, `{hi}` and `{node}` behind a `$` are shell variables and left alone.
// Perl expressions `{= =}` are refused. In the body of a single command nothing is replaced.
//
// Columns. An item is opaque bytes. One that has several columns (`::: a ::: b`, `-N`, `--colsep`) is its columns
// joined by NUL bytes, which no argument can contain: "a\0b" is the two columns a and b, "" is one empty column. `{}`
// stands for all columns, separated by blanks. A column that the item lacks leaves nothing behind, not even an empty
// argument.
//
// Forms, chosen once at submission by `choose_form` and carried with the job
//   shell    the words joined by blanks are given to `sh -c`; what is put in is quoted as GNU parallel quotes it for a
//            POSIX shell, so it is always one word of the line (unless the user's own quotes surround it).
//   direct   the words are split at blanks and executed without a shell. Only chosen where no shell could make a
//            difference but its cost.
// A single command of one word is a shell line; one of several words is an argument vector, and each word is kept
// whole.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace agent::exec {

enum class BodyKind { list, range, single };
enum class Form { direct, shell };

enum class Subject { item, column, sequence, slot, node, low, high };
enum class Transform { whole, no_extension, base, directory, base_no_extension };

struct Placeholder {
  Subject subject = Subject::item;
  Transform transform = Transform::whole;
  std::int32_t column = 0;  // of Subject::column: 1 is the first, -1 the last, never 0
  bool operator==(const Placeholder&) const = default;
};

struct Literal {
  std::string text;
  bool operator==(const Literal&) const = default;
};

// Between two words of the line.
struct Blank {
  bool operator==(const Blank&) const = default;
};

using TemplatePart = std::variant<Literal, Placeholder, Blank>;

// A parsed command: the parts of its line from left to right. Made by `parse_template` only.
// `item_is_line`: there was no command, or nothing but `{}`; the item's bytes are the shell's line, unquoted.
struct Template {
  BodyKind body = BodyKind::list;
  Form form = Form::shell;
  bool item_is_line = false;
  std::vector<TemplatePart> parts;
  bool operator==(const Template&) const = default;
};

// What one task puts in. Views die with the call. For a range `item` is empty, for a list `low` and `high` are.
struct Bindings {
  std::string_view item;       // columns joined by NUL
  std::uint64_t sequence = 1;  // {#}
  std::uint32_t slot = 1;      // {%}
  std::string_view node;       // {node}
  std::string_view low, high;  // decimal, of any length: the end of a range may be 2^64 or more
  std::string_view shell = "/bin/sh";
};

// The iteration space of a range: the values low, low + step, ..., `count` of them, all below 2^64.
struct RangeSpace {
  std::uint64_t low = 0;
  std::uint64_t step = 1;  // >= 1
  std::uint64_t count = 0;
  bool operator==(const RangeSpace&) const = default;
};

// The bounds of the piece of iterations [begin, end) as `{lo}` and `{hi}` show them: its first value, and the first
// value of the piece behind it, or one past the last value of the range. Decimal, since the latter may be 2^64.
// REQUIRES begin < end <= count.
struct PieceBounds {
  std::string low, high;
  bool operator==(const PieceBounds&) const = default;
};
[[nodiscard]] PieceBounds piece_bounds(const RangeSpace& range, std::uint64_t begin, std::uint64_t end);

enum class TemplateError {
  perl_expression,       // {= =}
  item_in_range,         // {} or {1} in the body of a range
  range_without_bounds,  // neither {lo} nor {hi}
  bounds_in_list,        // {lo} or {hi} without a range
  no_command,            // nothing to run, in a range or a single command
  has_nul,
  too_long,  // words of more than command_bytes_max in all
};

enum class ExpandError {
  has_nul,            // in a bound, the name of the node or the shell
  argument_too_long,  // one argument, or the shell's line, over argument_bytes_max
  command_too_long,   // all arguments together over command_bytes_max
  nothing_to_run,     // direct form whose first word came out empty
};

inline constexpr std::size_t argument_bytes_max = 131'071;   // Linux MAX_ARG_STRLEN without its NUL
inline constexpr std::size_t command_bytes_max = 2'097'152;  // all arguments; about what Linux takes with 8 MiB stacks

// The form for these words. Direct only if: the words hold nothing but letters, digits, blanks, `%+,-./:=@_` and
// replacement strings; the first word is literal, holds no `=`, and is no reserved word or built-in command of a POSIX
// shell, dash or bash; no word begins with `=`; and `shell` is empty or named sh, dash or ash (others import functions
// or have built-ins of their own). The words of a single command of several words are never looked into: direct unless
// the first is a built-in.
[[nodiscard]] Form choose_form(const std::vector<std::string>& words, BodyKind body, std::string_view shell = {});

// Parses words under a form from `choose_form` (or Form::shell, which is always possible).
[[nodiscard]] tl::expected<Template, TemplateError> parse_template(const std::vector<std::string>& words, BodyKind body,
                                                                   Form form);

// The argument vector of one task; never empty. The shell form gives {shell, "-c", line}. Memory is bounded by
// command_bytes_max whatever the template repeats.
[[nodiscard]] tl::expected<std::vector<std::string>, ExpandError> expand(const Template& command,
                                                                         const Bindings& bindings);

// The line that a shell would be given, for `--dry-run` and for messages: the direct form's words are quoted too.
[[nodiscard]] tl::expected<std::string, ExpandError> command_line(const Template& command, const Bindings& bindings);

// One argument as a POSIX shell word: bare if it holds only letters, digits and `+-./_`, else in single quotes, each
// single quote of its own in double quotes; '' if empty.
[[nodiscard]] std::string shell_quoted(std::string_view argument);

// What `{.}` and its like make of one column. `directory` is dirname(1) of it, `.` where there is none. As GNU
// parallel's, but that a newline in a path is a byte like any other.
[[nodiscard]] std::string_view transformed(std::string_view column, Transform transform);

// Columns of an item and back.
[[nodiscard]] std::vector<std::string_view> split_columns(std::string_view item);

[[nodiscard]] std::string_view to_string(TemplateError error);
[[nodiscard]] std::string_view to_string(ExpandError error);

}  // namespace agent::exec
