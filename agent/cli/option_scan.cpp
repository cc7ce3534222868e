#include "agent/cli/option_scan.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/cli/foreign_options.h"
#include "agent/cli/present.h"

namespace agent::cli {
namespace {

using Words = std::vector<std::string>;
using Value = OptionShape::Value;

// Longer words are no typing mistakes.
constexpr std::size_t compared_bytes_max = 64;

// Insertions, deletions, replacements and exchanges of neighbours that make `b` of `a`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last, row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

bool is_option(std::string_view word) {
  return word.size() > 1 && word.front() == '-';
}

// One pass over the words of a command.
class Scanner {
 public:
  Scanner(const CommandShape& command, const Words& words, std::size_t begin)
      : command_(command), words_(words), next_(begin) {}

  void run(Operands operands) {
    while (next_ < words_.size() && !result_.error) {
      const auto& word = words_[next_];
      if (word == "--") {
        ++next_;
        result_.scan.separator = Scan::Separator::dashes;
        break;
      }
      if (is_option(word)) {
        ++next_;
        word.starts_with("--") ? take_long(word) : take_cluster(word);
      } else if (operands == Operands::anywhere) {
        ++next_;
        result_.scan.operands.push_back(word);
      } else {
        break;
      }
    }
    result_.scan.operands.insert(result_.scan.operands.end(), words_.begin() + static_cast<std::ptrdiff_t>(next_),
                                 words_.end());
  }

  [[nodiscard]] ScanResult take() { return std::move(result_); }

 private:
  void fail(std::string message, std::string hint = {}) { result_.error = {std::move(message), std::move(hint)}; }

  void accept(const OptionShape& option, const std::optional<std::string>& value) {
    const auto& name = option.names.back();
    if (name == "-h") result_.scan.help = HelpDepth::brief;
    if (name == "--help") result_.scan.help = HelpDepth::full;
    result_.scan.options.push_back(name);
    if (!value) return;
    if (!option.choices.empty() && std::ranges::count(option.choices, *value) == 0) {
      return fail(name + " takes one of " + listed(option.choices) + ", not \"" + printable(*value) + "\"");
    }
    result_.scan.options.push_back(*value);
  }

  // `attached` is what stands in the same word, if anything does.
  void take(const OptionShape& option, const std::string& typed, const std::optional<std::string>& attached) {
    switch (option.value) {
      case Value::none: return accept(option, std::nullopt);
      case Value::attached:
        if (!attached && next_ < words_.size() && std::ranges::count(option.choices, words_[next_]) > 0)
          return fail(typed + " takes its value behind an =", "did you mean " + typed + "=" + words_[next_] + "?");
        return accept(option, attached ? *attached : option.choices.front());
      case Value::required:
        if (attached) return accept(option, attached);
        if (next_ < words_.size()) return accept(option, words_[next_++]);
        return fail(typed + " needs a value: " + typed + " " + option.value_name);
    }
    assert(false);
  }

  void take_long(const std::string& word) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto* option = find_option(command_, name);
    if (option == nullptr) return unknown(name);
    std::optional<std::string> attached;
    if (equals != word.npos) attached = word.substr(equals + 1);
    if (attached && option->value == Value::none) return fail(name + " takes no value");
    take(*option, name, attached);
  }

  // -kj4 is -k -j 4.
  void take_cluster(const std::string& word) {
    for (std::size_t i = 1; i < word.size() && !result_.error; ++i) {
      const std::string name{'-', word[i]};
      const auto* option = find_option(command_, name);
      if (option == nullptr) return unknown(word.size() > 2 && i == 1 ? word : name);
      const bool takes_rest = option->value == Value::required && i + 1 < word.size();
      take(*option, name, takes_rest ? std::optional(word.substr(i + 1)) : std::nullopt);
      if (takes_rest) return;
    }
  }

  void unknown(const std::string& name) {
    Words candidates;
    for (const auto& option : command_.options)
      for (const auto& candidate : option.names)
        if (candidate.starts_with("--")) candidates.push_back(candidate);
    // -keep-order lacks a dash.
    const auto typed = name.starts_with("--") || name.size() == 2 ? name : "-" + name;
    auto meant = only_continuation(typed, candidates);
    const auto foreign = name.starts_with("--") ? name : name.substr(0, 2);
    const auto instead = command_.name == "run" && !meant ? instead_of_foreign(foreign) : std::nullopt;
    if (instead) return fail("option " + foreign + " of GNU parallel is not supported", *instead);
    if (!meant) meant = nearest(typed, candidates);
    const auto help = command_.name.empty() ? std::string("gibbon help") : "gibbon help " + command_.name;
    fail("unknown option " + printable(name), meant ? "did you mean " + *meant + "?" : "for the options: " + help);
  }

  // The one candidate that begins as `word` does.
  static std::optional<std::string> only_continuation(std::string_view word, const Words& candidates) {
    constexpr std::size_t bytes_min = 3;  // more than the dashes
    const auto continues = [&](const std::string& candidate) { return candidate.starts_with(word); };
    if (word.size() < bytes_min || std::ranges::count_if(candidates, continues) != 1) return std::nullopt;
    return *std::ranges::find_if(candidates, continues);
  }

  static std::string listed(const Words& choices) {
    std::string text;
    for (const auto& choice : choices) text += (text.empty() ? "" : ", ") + choice;
    return text;
  }

  const CommandShape& command_;
  const Words& words_;
  std::size_t next_;
  ScanResult result_;
};

}  // namespace

ScanResult scan_options(const CommandShape& command, const std::vector<std::string>& words, std::size_t begin,
                        Operands operands) {
  assert(begin <= words.size());
  Scanner scanner(command, words, begin);
  scanner.run(operands);
  return scanner.take();
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > compared_bytes_max) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, std::min<std::size_t>(3, word.size() / 3)) + 1;
  for (const auto& candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace agent::cli
