#include "agent/cli/options.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "agent/cli/duration.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/help_text.h"
#include "agent/cli/option_scan.h"
#include "agent/cli/option_tree.h"
#include "agent/cli/present.h"
#include "agent/cli/run_options.h"
#include "agent/cli/simulate_command.h"
#include "agent/shell/invitations.h"
#include "crypto/certificate.h"

namespace agent::cli {
namespace {

using Words = std::vector<std::string>;

// How errors are to be written, judged by the words alone: they may not be understood yet.
OutputFormat wanted_format(const Words& options) {
  if (std::ranges::count(options, "--jsonl") > 0) return OutputFormat::jsonl;
  return std::ranges::count(options, "--json") > 0 ? OutputFormat::json : OutputFormat::text;
}

UsageError usage_error(std::string_view command, const ScanError& error, const Words& options) {
  return {.message = error.message,
          .hint = error.hint,
          .exit_code = command == "run" ? exit_gibbon : exit_usage,
          .format = wanted_format(options)};
}

// Options before the command are read first; those behind it count more.
tl::expected<void, ScanError> read_global(const RawOptions& raw, GlobalOptions& global) {
  if (raw.has("quiet") && raw.has("verbose"))
    return tl::make_unexpected(ScanError{"--quiet and --verbose exclude each other", ""});
  if (raw.has("quiet")) global.verbosity = Verbosity::quiet;
  if (raw.has("verbose")) global.verbosity = Verbosity::verbose;
  if (const auto directory = raw.value("state")) {
    if (directory->empty()) return tl::make_unexpected(ScanError{"--state needs a directory", ""});
    global.state_directory = *directory;
  }
  const auto color = raw.value("color");
  if (color == "auto") global.color = ColorChoice::automatic;
  if (color == "always") global.color = ColorChoice::always;
  if (color == "never") global.color = ColorChoice::never;
  return {};
}

tl::expected<std::optional<std::uint32_t>, ScanError> read_slots(const RawOptions& raw) {
  const auto text = raw.value("slots");
  if (!text) return std::nullopt;
  const auto slots = bounded_number("--slots", *text, 1, slots_max);
  if (!slots) return tl::make_unexpected(slots.error());
  return *slots;
}

tl::expected<std::vector<shell::Endpoint>, ScanError> read_endpoints(const RawOptions& raw, const std::string& option,
                                                                     shell::EndpointUse use) {
  std::vector<shell::Endpoint> endpoints;
  for (const std::string& text : raw.all(option)) {
    const auto endpoint = shell::parse_endpoint(text);
    std::optional<std::string_view> wrong;
    if (!endpoint) wrong = to_string(endpoint.error());
    if (endpoint) wrong = shell::why_no_use(*endpoint, use);
    if (wrong) {
      return tl::make_unexpected(ScanError{"--" + option + " \"" + printable(text) + "\": " + std::string(*wrong),
                                           "write it as HOST:PORT, as in --" + option + " alpha.example.org:4422"});
    }
    endpoints.push_back(*endpoint);
  }
  return endpoints;
}

tl::expected<AgentOptions, ScanError> agent_options(const RawOptions& raw) {
  const auto slots = read_slots(raw);
  if (!slots) return tl::make_unexpected(slots.error());
  auto listen = read_endpoints(raw, "listen", shell::EndpointUse::listen);
  if (!listen) return tl::make_unexpected(listen.error());
  auto seeds = read_endpoints(raw, "seed", shell::EndpointUse::seed);
  if (!seeds) return tl::make_unexpected(seeds.error());
  return AgentOptions{.slots = *slots, .listen = *std::move(listen), .seeds = *std::move(seeds), .event_file = raw.value("events")};
}

tl::expected<std::optional<std::string>, ScanError> read_name(const RawOptions& raw) {
  auto name = raw.value("name");
  if (!name) return std::nullopt;
  if (!crypto::sensible_holder_name(*name) || name->size() > crypto::holder_name_bytes_max) {
    return tl::make_unexpected(
        ScanError{"--name \"" + printable(*name) + "\" is no name for a machine",
                  "1 to " + std::to_string(crypto::holder_name_bytes_max) + " bytes without control characters"});
  }
  return name;
}

tl::expected<InviteOptions, ScanError> invite_options(const RawOptions& raw) {
  InviteOptions invite;
  auto name = read_name(raw);
  if (!name) return tl::make_unexpected(name.error());
  invite.name = *std::move(name);
  if (const auto text = raw.value("ttl")) {
    const auto life = parse_duration(*text);
    const auto life_ms = std::chrono::duration_cast<std::chrono::milliseconds>(life.value_or(std::chrono::seconds(0)));
    if (!life || life_ms.count() < shell::Invitations::life_ms_min || life_ms.count() > shell::Invitations::life_ms_max)
      return tl::make_unexpected(
          ScanError{"--ttl takes a time from 1m to 30d, not \"" + printable(*text) + "\"", "as in --ttl 2h"});
    invite.life = life_ms;
  }
  if (const auto text = raw.value("uses")) {
    const auto uses = bounded_number("--uses", *text, 1, shell::Invitations::uses_max);
    if (!uses) return tl::make_unexpected(uses.error());
    invite.uses = *uses;
  }
  return invite;
}

tl::expected<JoinOptions, ScanError> join_options(const RawOptions& raw, const std::string& token) {
  auto name = read_name(raw);
  if (!name) return tl::make_unexpected(name.error());
  return JoinOptions{.token = token, .start = !raw.has("no-start"), .name = *std::move(name)};
}

std::string usage_hint(std::string_view command) {
  return std::string(usage_of(command).substr(std::string_view("Usage: ").size()));
}

std::optional<ScanError> check_operands(std::string_view command, const Words& operands) {
  constexpr auto objects = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"cancel", "a job"}, {"completion", "the name of a shell"}, {"join", "a token"}});
  const auto* const object = std::ranges::find(objects, command, &std::pair<std::string_view, std::string_view>::first);
  const std::size_t wanted = object == objects.end() ? 0 : 1;
  const std::string name(command);
  if (operands.size() > wanted)
    return ScanError{"gibbon " + name + " cannot make anything of \"" + printable(operands[wanted]) + "\"",
                     usage_hint(command)};
  if (operands.size() < wanted || (wanted == 1 && operands.front().empty()))
    return ScanError{"gibbon " + name + " needs " + std::string(object->second), usage_hint(command)};
  return std::nullopt;
}

tl::expected<CommandOptions, ScanError> completion_options(const std::string& shell) {
  if (shell == "bash") return CompletionOptions{Shell::bash};
  if (shell == "zsh") return CompletionOptions{Shell::zsh};
  if (shell == "fish") return CompletionOptions{Shell::fish};
  return tl::make_unexpected(
      ScanError{"there is no completion for \"" + printable(shell) + "\"", "gibbon completion bash, zsh or fish"});
}

tl::expected<CommandOptions, ScanError> command_options(std::string_view command, const RawOptions& raw,
                                                        const Scan& scan, const Surroundings& surroundings) {
  if (command == "run") {
    auto run = run_options(raw, scan, surroundings);
    if (!run) return tl::make_unexpected(run.error());
    return std::move(*run);
  }
  if (auto error = check_operands(command, scan.operands)) return tl::make_unexpected(std::move(*error));
  if (command == "simulate") {
    auto simulation = simulate_options(raw);
    if (!simulation) return tl::make_unexpected(simulation.error());
    return std::move(*simulation);
  }
  const auto format = raw.has("json") ? OutputFormat::json : OutputFormat::text;
  if (command == "agent" || command == "up") {
    auto agent = agent_options(raw);
    if (!agent) return tl::make_unexpected(agent.error());
    if (command == "up") return UpOptions{.agent = *std::move(agent)};
    return *std::move(agent);
  }
  if (command == "invite") {
    auto invite = invite_options(raw);
    if (!invite) return tl::make_unexpected(invite.error());
    return *std::move(invite);
  }
  if (command == "join") {
    auto join = join_options(raw, scan.operands.front());
    if (!join) return tl::make_unexpected(join.error());
    return *std::move(join);
  }
  if (command == "leave") return LeaveOptions{.now = raw.has("now")};
  if (command == "peers") {
    if (raw.has("json") && raw.has("porcelain"))
      return tl::make_unexpected(ScanError{"--json and --porcelain exclude each other", ""});
    return PeersOptions{.format = format, .porcelain = raw.has("porcelain")};
  }
  if (command == "down") return DownOptions{raw.has("now")};
  if (command == "status") return StatusOptions{format};
  if (command == "ps") return PsOptions{.all = raw.has("all"), .format = format};
  if (command == "cancel") return CancelOptions{.selector = scan.operands.front(), .now = raw.has("now")};
  if (command == "version") return VersionOptions{format};
  assert(command == "completion");
  return completion_options(scan.operands.front());
}

// Words that other programs have for ours.
std::optional<std::string> known_elsewhere_as(std::string_view name) {
  constexpr auto words = std::to_array<std::pair<std::string_view, std::string_view>>({{"stop", "down"},
                                                                                       {"shutdown", "down"},
                                                                                       {"kill", "cancel"},
                                                                                       {"list", "ps"},
                                                                                       {"ls", "ps"},
                                                                                       {"jobs", "ps"},
                                                                                       {"start", "up"}});
  for (const auto& [theirs, ours] : words)
    if (theirs == name) return std::string(ours);
  return std::nullopt;
}

ScanError unknown_command(const OptionTree& tree, const std::string& name) {
  Words names;
  for (const auto& command : tree.commands())
    if (!command.name.empty()) names.push_back(command.name);
  auto meant = known_elsewhere_as(name);
  if (!meant) meant = nearest(name, names);
  return {"unknown command " + printable(name),
          meant ? "did you mean gibbon " + *meant + "?" : "for the commands: gibbon help"};
}

Parsed help_on(const OptionTree& tree, const Words& operands) {
  if (operands.size() > 1)
    return usage_error("help", {"gibbon help takes one command at most", usage_hint("help")}, {});
  const std::string name = operands.empty() ? "" : operands.front();
  if (tree.find(name) == nullptr) return usage_error("help", unknown_command(tree, name), {});
  return HelpText{tree.help(name, HelpDepth::full)};
}

// The command and what follows it.
Parsed parse_command(const OptionTree& tree, GlobalOptions global, const Words& words,
                     const Surroundings& surroundings) {
  const auto& name = words.front();
  const auto* command = name.empty() ? nullptr : tree.find(name);
  if (command == nullptr) return usage_error("", unknown_command(tree, name), {});
  const auto operands = name == "run" ? Operands::end_options : Operands::anywhere;
  const auto [scan, error] = scan_options(*command, words, 1, operands);
  if (scan.help) return HelpText{tree.help(name, *scan.help)};
  if (error) return usage_error(name, *error, scan.options);
  if (name == "help") return help_on(tree, scan.operands);

  const auto raw = tree.read(name, scan.options);
  if (!raw) return usage_error(name, {"the options of gibbon " + name + " cannot be read", usage_hint(name)}, {});
  if (const auto read = read_global(*raw, global); !read) return usage_error(name, read.error(), scan.options);
  auto options = command_options(name, *raw, scan, surroundings);
  if (!options) return usage_error(name, options.error(), scan.options);
  return Invocation{.global = std::move(global), .command = std::move(*options)};
}

std::optional<std::string> nonempty(const EnvironmentLookup& environment, std::string_view name) {
  auto value = environment(name);
  return value && !value->empty() ? value : std::nullopt;
}

}  // namespace

Parsed parse(const std::vector<std::string>& words, const Surroundings& surroundings) {
  const OptionTree tree;
  const auto [scan, error] = scan_options(tree.commands().front(), words, 0, Operands::end_options);
  if (scan.help) return HelpText{tree.help("", *scan.help)};
  if (error) return usage_error("", *error, scan.options);
  const auto raw = tree.read("", scan.options);
  if (!raw) return usage_error("", {"the options before the command cannot be read", usage_hint("")}, {});
  GlobalOptions global;
  if (const auto read = read_global(*raw, global); !read) return usage_error("", read.error(), {});
  if (raw->has("version")) return Invocation{.global = std::move(global), .command = VersionOptions{}};
  if (scan.operands.empty()) return usage_error("", {"no command given", "for the commands: gibbon help"}, {});
  return parse_command(tree, std::move(global), scan.operands, surroundings);
}

std::optional<std::string> resolve_state_directory(const GlobalOptions& options, const EnvironmentLookup& environment) {
  if (options.state_directory) return options.state_directory;
  if (auto state = nonempty(environment, "GIBBON_STATE")) return state;
  if (const auto base = nonempty(environment, "XDG_STATE_HOME"); base && base->starts_with('/'))
    return *base + "/gibbon";
  if (const auto home = nonempty(environment, "HOME")) return *home + "/.local/state/gibbon";
  return std::nullopt;
}

bool wants_color(ColorChoice choice, StreamKind stream, const EnvironmentLookup& environment) {
  switch (choice) {
    case ColorChoice::always: return true;
    case ColorChoice::never: return false;
    case ColorChoice::automatic: break;
  }
  if (nonempty(environment, "NO_COLOR")) return false;
  if (const auto force = nonempty(environment, "CLICOLOR_FORCE"); force && *force != "0") return true;
  return stream == StreamKind::terminal && environment("TERM") != "dumb";
}

}  // namespace agent::cli
