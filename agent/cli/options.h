#pragma once
// The whole command line of the program as plain values. No I/O, no environment: what depends on them is passed in.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/cli/halt.h"
#include "agent/cli/range.h"
#include "agent/cli/sources.h"
#include "agent/shell/endpoint.h"

namespace agent::cli {

enum class Verbosity { quiet, normal, verbose };
enum class ColorChoice { automatic, always, never };
enum class ProgressStyle { automatic, bar, plain, none };
enum class OutputFormat { text, json, jsonl };  // json: one value at the end; jsonl: one line per result as it comes

// Accepted before and behind the name of the command.
struct GlobalOptions {
  std::optional<std::string> state_directory;  // --state as given; see resolve_state_directory
  Verbosity verbosity = Verbosity::normal;
  ColorChoice color = ColorChoice::automatic;
};

// list: one task per item of the sources. range: pieces of a range. single: one command, whose exit code is passed on.
enum class RunMode { list, range, single };

// Where the items of a list come from, in the order given.
struct Source {
  enum class Kind { arguments, file, standard_input } kind = Kind::standard_input;
  Tie tie = Tie::product;
  std::vector<std::string> arguments;  // of Kind::arguments, at least one
  std::string path;                    // of Kind::file
  bool operator==(const Source&) const = default;
};

// Invariants: `sources` is not empty in a list and empty otherwise, with standard input at most once; `range` is
// present in a range only; `found_code` and a `grain` of one's own only in a range; the command is empty only in a
// list.
struct RunOptions {
  RunMode mode = RunMode::list;
  std::vector<std::string> command;  // accepted by exec::parse_template for the mode's body

  std::vector<Source> sources;
  std::string delimiter = "\n";
  std::optional<ColumnSeparator> column_separator;
  std::uint64_t rows_per_item = 1;

  std::optional<Range> range;
  std::chrono::nanoseconds grain = std::chrono::seconds{10};
  std::optional<int> found_code;  // 0..255

  TasksAtOnce tasks_at_once;
  bool keep_order = false;
  bool tag = false;
  bool dry_run = false;
  std::optional<std::chrono::nanoseconds> timeout;  // of one task
  Halt halt;
  std::uint32_t retries = 0;
  bool start_at_most_once = false;  // --no-reexec; without retries
  std::uint32_t branch_number = 8;  // helpers that one master may have at once; 0: everything stays here

  OutputFormat format = OutputFormat::text;
  ProgressStyle progress = ProgressStyle::automatic;
  std::vector<std::string> environment_names;  // --env; "_" stands for all
  std::optional<std::string> directory;        // --cwd
  std::optional<std::string> name;
  std::optional<std::string> event_file;  // --events
  std::optional<std::string> trace_file;  // --trace
  std::optional<std::uint32_t> slots;     // of the private agent, where none is running
};

struct AgentOptions {
  std::optional<std::uint32_t> slots;
  std::vector<shell::Endpoint> listen;  // empty: what gibbon.toml says
  std::vector<shell::Endpoint> seeds;   // likewise
  std::optional<std::string> event_file{};
};
struct UpOptions {
  AgentOptions agent;
};
struct DownOptions {
  bool now = false;  // stop it although jobs are running; they end with it
};
struct StatusOptions {
  OutputFormat format = OutputFormat::text;  // text or json
};
struct PsOptions {
  bool all = false;  // ended jobs too
  OutputFormat format = OutputFormat::text;
};
struct CancelOptions {
  std::string selector;  // not empty; meaning is the agent's affair
  bool now = false;
};
struct InviteOptions {
  std::chrono::milliseconds life = std::chrono::hours(1);
  std::uint32_t uses = 1;
  std::optional<std::string> name;  // of this machine, in a pool that is founded
};
struct JoinOptions {
  std::string token;  // or `-`: it is read from standard input
  bool start = true;  // the agent, afterwards
  std::optional<std::string> name;
};
struct LeaveOptions {
  bool now = false;  // although jobs are running; they end with it
};
struct PeersOptions {
  OutputFormat format = OutputFormat::text;
  bool porcelain = false;  // columns that stay as they are, for scripts
};
struct VersionOptions {
  OutputFormat format = OutputFormat::text;
};
enum class Shell { bash, zsh, fish };
struct CompletionOptions {
  Shell shell = Shell::bash;
};

// One job in a pool of simulated machines.
struct SimulateOptions {
  std::uint32_t nodes = 100;
  double power_low = 1;  // of one slot of a node: cost per second, drawn evenly from low to high; > 0
  double power_high = 1;
  std::uint32_t iterations = 10'000;
  std::chrono::nanoseconds cost = std::chrono::seconds{1};  // mean, of an iteration on power 1
  std::string lengths = "constant";                         // as sim::parse_lengths takes it
  std::uint32_t branch_number = 8;
  std::uint32_t slots = 1;  // of each node
  double killed = 0;        // share of the nodes
  std::chrono::nanoseconds round_trip = std::chrono::microseconds{500};
  std::uint32_t seed = 1;
  std::optional<std::string> trace;  // file to write
  OutputFormat format = OutputFormat::text;
};

using CommandOptions = std::variant<RunOptions, AgentOptions, UpOptions, DownOptions, StatusOptions, PsOptions,
                                    CancelOptions, InviteOptions, JoinOptions, LeaveOptions, PeersOptions,
                                    SimulateOptions, VersionOptions, CompletionOptions>;

struct Invocation {
  GlobalOptions global;
  CommandOptions command;
};

// Text asked for, for standard output; exit 0.
struct HelpText {
  std::string text;
};

// A mistake on the command line, for standard error. `hint` (may be empty) says what to type. `exit_code` is 2, or 125
// where the command is run. `format` tells how errors were asked to be written, as far as that was understood.
struct UsageError {
  std::string message;
  std::string hint;
  int exit_code = 2;
  OutputFormat format = OutputFormat::text;
};

using Parsed = std::variant<Invocation, HelpText, UsageError>;

// What the meaning of a command line depends on besides its words.
struct Surroundings {
  enum class StandardInput { terminal, other } standard_input = StandardInput::terminal;
  std::string_view shell;  // $GIBBON_SHELL, empty if not set
};

// Parses `words`, the command line behind the program's name.
//
// Options of run end at the first word that is none, or behind `--`; the words up to the first of `:::`, `::::`,
// `:::+`,
// `::::+` are the task's command. What run does: --range makes a range; else a source (these separators, -a, or
// standard input that is no terminal unless `--` stood before the command) makes a list; else `-- CMD` is a single
// command; anything else is an error that says what to type.
[[nodiscard]] Parsed parse(const std::vector<std::string>& words, const Surroundings& surroundings);

using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view)>;

// --state, else $GIBBON_STATE, else $XDG_STATE_HOME/gibbon, else $HOME/.local/state/gibbon; empty variables count as
// not set, and XDG_STATE_HOME must be absolute to count. Absent if none is set.
[[nodiscard]] std::optional<std::string> resolve_state_directory(const GlobalOptions& options,
                                                                 const EnvironmentLookup& environment);

// Whether to colour a stream: --color, else NO_COLOR (not empty: no), CLICOLOR_FORCE (neither empty nor 0: yes),
// TERM=dumb (no), else whether it is a terminal.
enum class StreamKind { terminal, other };
[[nodiscard]] bool wants_color(ColorChoice choice, StreamKind stream, const EnvironmentLookup& environment);

}  // namespace agent::cli
