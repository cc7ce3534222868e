#include "agent/cli/option_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cassert>

#include "agent/cli/help_text.h"

namespace agent::cli {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t help_column = 30;
const char* const task_group = "Items and the command";
const char* const running_group = "How tasks run";
const char* const output_group = "What is printed";
const char* const range_group = "Ranges";
const char* const options_group = "Options";
const char* const global_group = "Global options";

// Declares options of one group of one command. Values are read back from CLI11 as text, so all are declared alike.
class Declarer {
 public:
  Declarer(CLI::App& app, std::string group) : app_(app), group_(std::move(group)) {}

  void flag(const std::string& names, const std::string& about) const {
    app_.add_flag_function(
            names, [](std::int64_t) {}, about)
        ->group(group_);
  }
  void value(const std::string& names, const std::string& value_name, const std::string& about) const {
    app_.add_option_function<Words>(
            names, [](const Words&) {}, about)
        ->type_name(value_name)
        ->expected(1)
        ->allow_extra_args(false)
        ->take_all()
        ->group(group_);
  }
  // `--name` means `--name=preset`.
  void attached(const std::string& names, const std::string& value_name, const std::string& about) const {
    value(names, value_name, about);
    app_.get_option(names)->type_name("[=" + value_name + "]");
  }

 private:
  CLI::App& app_;
  std::string group_;
};

void declare_global(CLI::App& app) {
  const Declarer in(app, global_group);
  in.value("--state", "DIR",
           "directory of the agent's state (else $GIBBON_STATE, $XDG_STATE_HOME/gibbon, ~/.local/state/gibbon)");
  in.flag("-q,--quiet", "no summary, no progress; lists show ids only");
  in.flag("-v,--verbose", "say more");
  in.value("--color", "auto|always|never", "colours (auto: if the output is a terminal)");
  in.flag("-h", "short help");
  in.flag("--help", "help with examples");
}

void declare_agent(CLI::App& app) {
  const Declarer in(app, options_group);
  in.value("--slots", "N", "tasks at once (number of cores)");
  in.value("--listen", "HOST:PORT", "where agents of its pool reach this one (*:4422, or another port; repeatable)");
  in.value("--seed", "HOST:PORT", "where an agent of its pool is likely to be found (repeatable)");
  in.value("--events", "FILE", "add to the file what it does for jobs and hears of them, as lines of JSON");
}

void declare_invite(CLI::App& app) {
  const Declarer in(app, options_group);
  in.value("--ttl", "DURATION", "how long the invitation is good, 1m to 30d (1h)");
  in.value("--uses", "N", "how many machines it lets in (1)");
  in.value("--name", "NAME", "name of this machine in a pool that is founded (host name)");
}

void declare_join(CLI::App& app) {
  const Declarer in(app, options_group);
  in.value("--name", "NAME", "name of this machine in the pool (host name)");
  in.flag("--no-start", "start no agent afterwards");
}

void declare_json(CLI::App& app, const char* group) {
  Declarer(app, group).flag("--json", "print one JSON value");
}

void declare_run(CLI::App& app) {
  const Declarer items(app, task_group);
  items.value("-a,--arg-file", "FILE", "items are the lines of FILE, - for standard input (repeat for combinations)");
  items.flag("-0,--null", "items end at NUL bytes, as find -print0 writes them");
  items.value("-d,--delimiter", "TEXT", "items end at TEXT; \\n \\t \\0 \\xHH are understood");
  items.value("-C,--colsep", "SEPARATOR", "items have columns, for {1} {2}; , or '\\t' or '[,;]\\s*'");
  items.value("-N,--max-replace-args", "N", "N items for each task, as {1} to {N}");

  const Declarer ranges(app, range_group);
  ranges.value("--range", "LO..HI[:STEP]", "run the command on pieces of a range, as {lo} {hi}; LO..=HI with HI");
  ranges.value("--grain", "DURATION", "how long a piece should take (10s)");
  ranges.value("--found", "CODE", "a piece that exits with CODE ends the search");

  const Declarer running(app, running_group);
  running.value("-j,-P,--max-procs,--jobs", "N", "tasks at once: 4, 50%, -1, +2 (of the cores); 0 for all slots (0)");
  running.value("--timeout", "DURATION", "end a task that runs longer: TERM, five seconds later KILL");
  running.value("--retries", "N", "start a failed task again, N further times at most (0)");
  running.value("-b,--branches", "N", "helpers that one machine may have for the job; 0: all of it stays here (8)");
  running.flag("--local", "as -b 0");
  running.flag("--no-reexec", "start no task twice, whatever happens; list as lost what nobody knows the end of");
  running.value("--halt", "WHEN,EVENT=N",
                "stop early; WHEN: now, soon; EVENT: fail, success, done; N or N%; 1 and 2 as in parallel");
  running.value("--env", "NAME", "pass the variable on to the tasks, _ for all (repeatable)");
  running.value("--cwd", "DIR", "directory of the tasks (the current one)");
  running.value("--name", "TEXT", "name of the job in lists");
  running.value("--slots", "N", "slots of a private agent, if none is running (number of cores)");
  running.flag("--dry-run", "print the commands, run nothing");

  const Declarer output(app, output_group);
  output.flag("-k,--keep-order", "print in the order of the items");
  output.flag("--tag", "print the item and a tab in front of each line");
  output.flag("--json", "print one JSON value with all results");
  output.flag("--jsonl", "print one line of JSON for each result as it comes");
  output.value("--events", "FILE", "write what the agent does for the job and hears of it, as lines of JSON");
  output.value("--trace", "FILE", "write what ran where and when, for ui.perfetto.dev");
  output.attached("--progress", "auto|bar|plain|none", "progress on standard error (auto)");
  output.flag("--bar", "as --progress=bar");
  output.flag("--eta", "as --progress=bar");
}

void declare_simulate(CLI::App& app) {
  const Declarer in(app, options_group);
  in.value("--nodes", "N", "machines (100)");
  in.value("--powers", "LOW:HIGH", "power of a slot of each, drawn evenly (1)");
  in.value("--slots", "N", "slots of each (1)");
  in.value("--iterations", "N", "of the job (10000)");
  in.value("--cost", "DURATION", "mean length of an iteration on power 1, up to a day (1s)");
  in.value("--lengths", "KIND", "constant, exponential, pareto:ALPHA (1 to 100), lognormal:SIGMA (up to 4) (constant)");
  in.value("-b,--branch-number", "N", "helpers that one master may have (8)");
  in.value("--kill", "N%", "so many machines die on the way, never the one that launches (0%)");
  in.value("--rtt", "DURATION", "round trip between two machines, up to a second (0.5ms)");
  in.value("--seed", "N", "the same seed, the same run (1)");
  in.value("--trace", "FILE", "write what ran where and when, for ui.perfetto.dev");
}

struct CommandText {
  const char* name;
  const char* about;
};

constexpr CommandText command_texts[] = {
    {"run", "run a command for each item of a list, on pieces of a range, or once"},
    {"agent", "run this machine's agent in the foreground"},
    {"up", "start this machine's agent in the background"},
    {"down", "stop this machine's agent"},
    {"status", "show this machine's agent"},
    {"ps", "list jobs"},
    {"cancel", "cancel jobs"},
    {"invite", "let another machine into this one's pool, or found one"},
    {"join", "bring this machine into a pool"},
    {"leave", "take this machine out of its pool"},
    {"peers", "list the machines of the pool that are linked with this one"},
    {"simulate", "run a job on simulated machines, and say how it went"},
    {"version", "print the version"},
    {"completion", "print a script that completes commands and options in a shell"},
    {"help", "show help on a command"},
};

void declare_command(CLI::App& app, std::string_view name) {
  if (name == "run") declare_run(app);
  if (name == "agent" || name == "up") declare_agent(app);
  if (name == "invite") declare_invite(app);
  if (name == "join") declare_join(app);
  if (name == "leave") Declarer(app, options_group).flag("--now", "although jobs are running; they end with it");
  if (name == "peers") Declarer(app, options_group).flag("--porcelain", "columns for scripts, that stay as they are");
  if (name == "down") Declarer(app, options_group).flag("--now", "stop it although jobs are running; they end with it");
  if (name == "simulate") declare_simulate(app);
  if (name == "cancel") Declarer(app, options_group).flag("--now", "kill running tasks at once");
  if (name == "ps") Declarer(app, options_group).flag("-a,--all", "ended jobs too");
  if (name == "ps" || name == "status" || name == "version" || name == "simulate" || name == "peers")
    declare_json(app, options_group);
  declare_global(app);
}

Words split_at_bars(const std::string& text) {
  Words parts(1);
  for (const char c : text) {
    if (c == '|') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

OptionShape shape_of(const CLI::Option& option) {
  OptionShape shape{.about = option.get_description()};
  for (const auto& name : option.get_snames()) shape.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) shape.names.push_back("--" + name);
  if (option.get_items_expected_max() == 0) return shape;
  shape.value = OptionShape::Value::required;
  shape.value_name = option.get_type_name();
  if (shape.value_name.starts_with("[=")) {
    shape.value = OptionShape::Value::attached;
    shape.value_name = shape.value_name.substr(2, shape.value_name.size() - 3);
  }
  const bool fixed_set =
      std::ranges::all_of(shape.value_name, [](char c) { return c == '|' || (c >= 'a' && c <= 'z'); });
  if (fixed_set) shape.choices = split_at_bars(shape.value_name);
  return shape;
}

CommandShape shape_of(const CLI::App& app, std::string name) {
  CommandShape shape{.name = std::move(name), .about = app.get_description()};
  for (const auto* option : app.get_options()) shape.options.push_back(shape_of(*option));
  return shape;
}

// The usage line is ours: what follows the options of run is none of CLI11's business.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(help_column);
    label("Subcommands", "Commands");
  }
  std::string make_usage(const CLI::App* app, std::string /*name*/) const override {
    return std::string(usage_of(app->get_name())) + "\n";
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const auto& type = option->get_type_name();
    if (option->get_items_expected_max() == 0) return "";
    return type.starts_with("[=") ? type : " " + type;
  }
};

}  // namespace

struct OptionTree::Apps {
  CLI::App program{"Runs loops of commands on every idle processor."};
  std::map<std::string, CLI::App*, std::less<>> commands;
};

OptionTree::OptionTree() : apps_(std::make_unique<Apps>()) {
  auto& program = apps_->program;
  program.set_help_flag();
  program.formatter(std::make_shared<HelpFormatter>());
  declare_global(program);
  Declarer(program, global_group).flag("--version", "print the version");
  apps_->commands.emplace("", &program);
  shapes_.push_back(shape_of(program, ""));
  for (const auto& [name, about] : command_texts) {
    auto* command = program.add_subcommand(name, about);
    command->set_help_flag();
    declare_command(*command, name);
    apps_->commands.emplace(name, command);
    shapes_.push_back(shape_of(*command, name));
  }
  for (auto& shape : shapes_) {
    if (shape.name == "completion") shape.operand_choices = {"bash", "zsh", "fish"};
    if (shape.name != "help") continue;
    for (const auto& [name, about] : command_texts) shape.operand_choices.emplace_back(name);
  }
}

OptionTree::~OptionTree() = default;

const CommandShape* OptionTree::find(std::string_view name) const {
  const auto found = std::ranges::find(shapes_, name, &CommandShape::name);
  return found == shapes_.end() ? nullptr : &*found;
}

std::optional<RawOptions> OptionTree::read(std::string_view command, const std::vector<std::string>& words) const {
  const auto found = apps_->commands.find(command);
  assert(found != apps_->commands.end());
  auto& app = *found->second;
  Words reversed(words.rbegin(), words.rend());  // as CLI11 wants them
  try {
    app.clear();
    app.parse(std::move(reversed));
  } catch (const CLI::Error&) {
    return std::nullopt;
  }
  RawOptions raw;
  for (const auto* option : app.get_options()) {
    const auto key = key_of(shape_of(*option));
    for (const auto& value : option->results()) raw.add(key, value);
  }
  return raw;
}

std::string OptionTree::help(std::string_view command, HelpDepth depth) const {
  const auto found = apps_->commands.find(command);
  assert(found != apps_->commands.end());
  found->second->footer(std::string(depth == HelpDepth::full ? examples_of(command) : ""));
  auto text = found->second->help();
  for (auto gap = text.find("\n\n\n"); gap != text.npos; gap = text.find("\n\n\n", gap)) text.erase(gap, 1);
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::optional<std::string> RawOptions::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> RawOptions::all(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? Words{} : found->second;
}

const OptionShape* find_option(const CommandShape& command, std::string_view name) {
  const auto found = std::ranges::find_if(
      command.options, [&](const OptionShape& option) { return std::ranges::count(option.names, name) > 0; });
  return found == command.options.end() ? nullptr : &*found;
}

std::string key_of(const OptionShape& option) {
  assert(!option.names.empty());
  const auto& name = option.names.back();
  return name.substr(name.starts_with("--") ? 2 : 1);
}

}  // namespace agent::cli
