#pragma once
// Finds where options end, and takes options apart, before CLI11 reads them.
//
// CLI11 would take words that belong to the task's command for its own (and a `--` in front of it for an error), so it
// is given nothing but options: each written out as its longest name and, if it takes one, its value as a word of its
// own.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/option_tree.h"

namespace agent::cli {

struct ScanError {
  std::string message, hint;
};

struct Scan {
  std::vector<std::string> options;                                   // for OptionTree::read
  std::vector<std::string> operands;                                  // what is left, from `next` on or picked out
  enum class Separator { none, dashes } separator = Separator::none;  // whether `--` ended the options
  std::optional<HelpDepth> help;                                      // -h or --help was among them
};

enum class Operands {
  end_options,  // the first word that is no option, and all behind it, are operands
  anywhere,     // options may follow operands, until `--`
};

// Takes words[begin..] apart as options of `command`.
struct ScanResult {
  Scan scan;
  std::optional<ScanError> error;  // what is in `scan` was fine until there
};
[[nodiscard]] ScanResult scan_options(const CommandShape& command, const std::vector<std::string>& words,
                                      std::size_t begin, Operands operands);

// The candidate with the smallest edit distance to `word`, if it is near enough to be what was meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace agent::cli
