#include "agent/cli/run_options.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "agent/cli/duration.h"
#include "agent/cli/present.h"

namespace agent::cli {
namespace {

using Words = std::vector<std::string>;
using Problem = std::optional<ScanError>;

ScanError problem(std::string message, std::string hint = {}) {
  return {std::move(message), std::move(hint)};
}

std::string in_quotes(std::string_view text) {
  return "\"" + printable(text) + "\"";
}

std::optional<Source::Kind> separator_kind(std::string_view word) {
  if (word == ":::" || word == ":::+") return Source::Kind::arguments;
  if (word == "::::" || word == "::::+") return Source::Kind::file;
  return std::nullopt;
}

Source file_source(const std::string& path, Tie tie) {
  if (path == "-") return Source{.kind = Source::Kind::standard_input, .tie = tie};
  return Source{.kind = Source::Kind::file, .tie = tie, .path = path};
}

// Reads one run's options; the first problem ends it.
class Reader {
 public:
  Reader(const RawOptions& raw, const Scan& scan, const Surroundings& surroundings)
      : raw_(raw), scan_(scan), surroundings_(surroundings) {}

  tl::expected<RunOptions, ScanError> read() {
    using Step = Problem (Reader::*)();
    for (const Step step : {&Reader::read_operands, &Reader::read_range, &Reader::choose_mode, &Reader::read_list,
                            &Reader::read_tasks, &Reader::read_place, &Reader::read_output, &Reader::check_command})
      if (auto found = (this->*step)()) return tl::make_unexpected(std::move(*found));
    return std::move(run_);
  }

 private:
  // The value of an option through a parser of its own, whose error is a sentence.
  template <class Parse, class Target>
  Problem parse_into(const std::string& name, Parse parse, Target& target) {
    const auto text = raw_.value(name);
    if (!text) return std::nullopt;
    const auto value = parse(*text);
    if (!value) return problem("--" + name + " " + in_quotes(*text) + ": " + std::string(to_string(value.error())));
    target = *value;
    return std::nullopt;
  }

  template <class Target>
  Problem number_into(const std::string& name, std::uint32_t lowest, std::uint32_t highest, Target& target) {
    const auto text = raw_.value(name);
    if (!text) return std::nullopt;
    const auto value = bounded_number("--" + name, *text, lowest, highest);
    if (!value) return value.error();
    target = *value;
    return std::nullopt;
  }

  Problem read_operands() {
    const auto& words = scan_.operands;
    const auto is_separator = [](const std::string& word) { return separator_kind(word).has_value(); };
    auto word = std::ranges::find_if(words, is_separator);
    run_.command.assign(words.begin(), word);
    for (const auto& path : raw_.all("arg-file")) run_.sources.push_back(file_source(path, Tie::product));
    while (word != words.end()) {
      const auto end = std::find_if(word + 1, words.end(), is_separator);
      if (auto found = read_source(*word, Words(word + 1, end))) return found;
      word = end;
    }
    const auto from_input = [](const Source& source) { return source.kind == Source::Kind::standard_input; };
    if (std::ranges::count_if(run_.sources, from_input) > 1)
      return problem("standard input is named as a source twice, but can be read once only");
    return std::nullopt;
  }

  Problem read_source(const std::string& separator, const Words& words) {
    const Tie tie = separator.ends_with('+') ? Tie::linked : Tie::product;
    const bool files = separator_kind(separator) == Source::Kind::file;
    if (words.empty()) {
      return problem("nothing follows " + separator,
                     files ? "name at least one file behind it, - for standard input"
                           : "give at least one item behind it, or none at all: gibbon run COMMAND </dev/null");
    }
    if (tie == Tie::linked && run_.sources.empty())
      return problem(separator + " has no source before it to go along with",
                     "the first source is " + separator.substr(0, separator.size() - 1));
    if (!files) {
      run_.sources.push_back({.kind = Source::Kind::arguments, .tie = tie, .arguments = words});
      return std::nullopt;
    }
    for (const auto& path : words) {
      if (path.empty()) return problem("a file behind " + separator + " has an empty name");
      run_.sources.push_back(file_source(path, tie));
    }
    return std::nullopt;
  }

  Problem read_range() {
    const auto ranges = raw_.all("range");
    if (ranges.size() > 1) return problem("--range is given twice, but a run has one range");
    if (auto found = parse_into("range", parse_range, run_.range)) return found;
    if (run_.range && !run_.sources.empty())
      return problem("a run has either a range or a list of items, not both",
                     "leave out --range, or " + std::string(raw_.has("arg-file") ? "-a" : "what follows :::"));
    if (run_.range) return read_search();
    for (const std::string name : {"grain", "found"})
      if (raw_.has(name)) return problem("--" + name + " is for ranges only", "add --range LO..HI");
    return std::nullopt;
  }

  Problem read_search() {
    if (auto found = parse_into("grain", parse_duration, run_.grain)) return found;
    if (run_.grain <= std::chrono::nanoseconds::zero()) return problem("--grain must be longer than nothing");
    constexpr std::uint32_t exit_code_max = 255;
    return number_into("found", 0, exit_code_max, run_.found_code);
  }

  Problem choose_mode() {
    if (run_.range) {
      run_.mode = RunMode::range;
      return std::nullopt;
    }
    run_.mode = RunMode::list;
    if (!run_.sources.empty()) return std::nullopt;
    const bool dashes = scan_.separator == Scan::Separator::dashes;
    if (dashes && !run_.command.empty()) {
      run_.mode = RunMode::single;
      return std::nullopt;
    }
    if (!dashes && surroundings_.standard_input == Surroundings::StandardInput::other) {
      run_.sources.push_back({.kind = Source::Kind::standard_input});
      return std::nullopt;
    }
    if (run_.command.empty()) return problem("nothing to run", "gibbon run COMMAND ::: ITEM...");
    return problem("no items: there is no :::, no file, and standard input is a terminal",
                   "gibbon run COMMAND ::: ITEM...   or, to run it once:   gibbon run -- COMMAND");
  }

  Problem read_list() {
    for (const std::string name : {"null", "delimiter", "colsep", "max-replace-args"})
      if (run_.mode != RunMode::list && raw_.has(name)) return problem("--" + name + " is for lists of items only");
    if (raw_.has("null") && raw_.has("delimiter")) return problem("-0 and -d exclude each other");
    if (raw_.has("null")) run_.delimiter = std::string(1, '\0');
    if (auto found = parse_into("delimiter", parse_delimiter, run_.delimiter)) return found;
    if (auto found = parse_into("colsep", ColumnSeparator::parse, run_.column_separator)) return found;
    return number_into("max-replace-args", 1, rows_per_item_max, run_.rows_per_item);
  }

  Problem read_tasks() {
    if (auto found = parse_into("jobs", parse_tasks_at_once, run_.tasks_at_once)) return found;
    if (auto found = parse_into("timeout", parse_duration, run_.timeout)) return found;
    if (run_.timeout && *run_.timeout <= std::chrono::nanoseconds::zero())
      return problem("--timeout must be longer than nothing");
    if (auto found = parse_into("halt", parse_halt, run_.halt)) return found;
    run_.dry_run = raw_.has("dry-run");
    for (const std::string format : {"json", "jsonl"})
      if (run_.dry_run && raw_.has(format))
        return problem("--dry-run and --" + format + " exclude each other",
                       "--dry-run prints the command lines as they are, one after the other");
    if (auto found = number_into("retries", 0, retries_max, run_.retries)) return found;
    if (auto found = number_into("branches", 0, branches_max, run_.branch_number)) return found;
    if (raw_.has("local") && raw_.has("branches"))
      return problem("--local and -b exclude each other", "--local is -b 0");
    if (raw_.has("local")) run_.branch_number = 0;
    run_.start_at_most_once = raw_.has("no-reexec");
    if (run_.start_at_most_once && run_.retries > 0)
      return problem("--no-reexec and --retries exclude each other", "a retry starts a task again");
    return std::nullopt;
  }

  Problem read_place() {
    for (const auto& name : raw_.all("env")) {
      if (name.empty() || name.find('=') != name.npos)
        return problem("--env takes the name of a variable, not " + in_quotes(name),
                       "set it before: NAME=value gibbon run --env NAME ...");
      run_.environment_names.push_back(name);
    }
    run_.directory = raw_.value("cwd");
    if (run_.directory && run_.directory->empty()) return problem("--cwd needs a directory");
    run_.name = raw_.value("name");
    run_.event_file = raw_.value("events");
    run_.trace_file = raw_.value("trace");
    return number_into("slots", 1, slots_max, run_.slots);
  }

  Problem read_output() {
    run_.keep_order = raw_.has("keep-order");
    run_.tag = raw_.has("tag");
    if (run_.tag && run_.mode == RunMode::single)
      return problem("--tag is for items and ranges: a single command has nothing to be told apart from");
    if (raw_.has("json") && raw_.has("jsonl")) return problem("--json and --jsonl exclude each other");
    if (raw_.has("json")) run_.format = OutputFormat::json;
    if (raw_.has("jsonl")) run_.format = OutputFormat::jsonl;
    if (raw_.has("bar") || raw_.has("eta")) run_.progress = ProgressStyle::bar;
    const auto style = raw_.value("progress");
    if (style == "auto") run_.progress = ProgressStyle::automatic;
    if (style == "bar") run_.progress = ProgressStyle::bar;
    if (style == "plain") run_.progress = ProgressStyle::plain;
    if (style == "none") run_.progress = ProgressStyle::none;
    return std::nullopt;
  }

  [[nodiscard]] exec::BodyKind body() const {
    switch (run_.mode) {
      case RunMode::list: return exec::BodyKind::list;
      case RunMode::range: return exec::BodyKind::range;
      case RunMode::single: return exec::BodyKind::single;
    }
    assert(false);
    return exec::BodyKind::list;
  }

  Problem check_command() {
    // Without a word the items are the commands; with words there must be something in them.
    const auto is_blank = [](const std::string& word) { return word.find_first_not_of(" \t\n") == word.npos; };
    if (!run_.command.empty() && std::ranges::all_of(run_.command, is_blank))
      return problem(std::string(to_string(exec::TemplateError::no_command)),
                     run_.mode == RunMode::list ? "to run the items themselves: gibbon run ::: COMMAND..." : "");
    const auto form = exec::choose_form(run_.command, body(), surroundings_.shell);
    const auto parsed = exec::parse_template(run_.command, body(), form);
    if (parsed) return std::nullopt;
    std::string hint;
    using Error = exec::TemplateError;
    if (parsed.error() == Error::range_without_bounds) hint = "gibbon run --range LO..HI COMMAND {lo} {hi}";
    if (parsed.error() == Error::perl_expression)
      hint = "compute it in the command itself, as in: echo $(basename {} .c)";
    if (parsed.error() == Error::bounds_in_list) hint = "gibbon run --range LO..HI COMMAND {lo} {hi}";
    if (parsed.error() == Error::no_command && body() == exec::BodyKind::range)
      hint = "gibbon run --range LO..HI COMMAND {lo} {hi}";
    return problem(std::string(to_string(parsed.error())), hint);
  }

  const RawOptions& raw_;
  const Scan& scan_;
  const Surroundings& surroundings_;
  RunOptions run_;
};

}  // namespace

tl::expected<RunOptions, ScanError> run_options(const RawOptions& raw, const Scan& scan,
                                                const Surroundings& surroundings) {
  return Reader(raw, scan, surroundings).read();
}

tl::expected<std::uint32_t, ScanError> bounded_number(const std::string& option, const std::string& text,
                                                      std::uint32_t lowest, std::uint32_t highest) {
  std::uint32_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < lowest || number > highest) {
    return tl::make_unexpected(problem(option + " takes a whole number from " + std::to_string(lowest) + " to " +
                                       std::to_string(highest) + ", not " + in_quotes(text)));
  }
  return number;
}

}  // namespace agent::cli
