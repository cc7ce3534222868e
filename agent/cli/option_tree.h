#pragma once
// The program's commands and options: declared once, read by the parser, the help texts and the shell completions.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/options.h"

namespace agent::cli {

struct OptionShape {
  std::vector<std::string> names;  // with their dashes, short ones first; the last is the key in RawOptions
  enum class Value {
    none,      // a flag
    required,  // the next word, or attached
    attached,  // --name or --name=VALUE, never the next word
  } value = Value::none;
  std::string value_name;            // "N", "FILE", "DIR", or the choices: "auto|always|never"
  std::vector<std::string> choices;  // if there is a fixed set
  std::string about;
};

struct CommandShape {
  std::string name;  // empty: the program itself, with the options that stand before the command
  std::string about;
  std::vector<OptionShape> options;
  std::vector<std::string> operand_choices;  // what may follow, where it is a fixed set
};

// What was given, by long name without dashes; a flag has one value per mention. Later mentions come later.
class RawOptions {
 public:
  void add(const std::string& name, const std::string& value) { values_[name].push_back(value); }
  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  // The last mention counts.
  [[nodiscard]] std::optional<std::string> value(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> all(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

enum class HelpDepth { brief, full };  // full: with examples

// The tree itself. Its order is that of the help text.
class OptionTree {
 public:
  OptionTree();
  ~OptionTree();
  OptionTree(const OptionTree&) = delete;
  OptionTree& operator=(const OptionTree&) = delete;

  // The program first, then its commands.
  [[nodiscard]] const std::vector<CommandShape>& commands() const { return shapes_; }
  [[nodiscard]] const CommandShape* find(std::string_view name) const;

  // Reads options of the command: each word is an option of it, the next its value if it takes one. Absent only if that
  // is not so.
  [[nodiscard]] std::optional<RawOptions> read(std::string_view command, const std::vector<std::string>& words) const;

  [[nodiscard]] std::string help(std::string_view command, HelpDepth depth) const;

 private:
  struct Apps;  // CLI11's
  std::unique_ptr<Apps> apps_;
  std::vector<CommandShape> shapes_;
};

// The shape's option of this name (with dashes), if it has one.
[[nodiscard]] const OptionShape* find_option(const CommandShape& command, std::string_view name);

// "--jobs" of an option named -j and --jobs, without dashes.
[[nodiscard]] std::string key_of(const OptionShape& option);

}  // namespace agent::cli
