#include "agent/cli/program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/agent_command.h"
#include "agent/cli/completion.h"
#include "agent/cli/dry_run.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/join_command.h"
#include "agent/cli/options.h"
#include "agent/cli/pool_command.h"
#include "agent/cli/present.h"
#include "agent/cli/present_json.h"
#include "agent/cli/query_command.h"
#include "agent/cli/run_command.h"
#include "agent/cli/simulate_command.h"
#include "agent/exec/descriptor.h"
#include "agent/shell/state_dir.h"
#include "agent/shell/system.h"
#include "crypto/start.h"

extern char** environ;

namespace agent::cli {

namespace {

constexpr const char* version = GIBBON_VERSION;

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

std::uint32_t core_count() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&cores)));
}

std::string own_path() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : "gibbon";
}

std::string current_directory() {
  std::array<char, PATH_MAX> path{};
  return getcwd(path.data(), path.size()) == nullptr ? "" : path.data();
}

std::uint32_t current_umask() {
  const mode_t mask = umask(0);
  (void)umask(mask);
  return mask;
}

int complain(const std::string& message, const std::string& hint, int exit_code) {
  const std::string text = error_text(message, hint);
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  return exit_code;
}

// The event loop gives up without a word where it gets no descriptors, so that they are counted before.
bool has_descriptors() {
  std::array<exec::Descriptor, 16> trial;
  return std::ranges::all_of(trial, [](exec::Descriptor& one) {
    one = exec::Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return static_cast<bool>(one);
  });
}

shell::Problem too_few_descriptors() {
  return {.message = "this process may open too few files", .hint = "raise the limit: ulimit -n 1024"};
}

int print(const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? exit_ok : exit_failed;
}

// What keeps a run from beginning, in the form that was asked for.
int fail_run(const RunOptions& options, const shell::Problem& problem) {
  if (options.format == OutputFormat::text) return complain(problem.message, problem.hint, exit_gibbon);
  (void)print(json_error("run", problem.message, problem.hint));
  return exit_gibbon;
}

class Program {
 public:
  explicit Program(const GlobalOptions& global)
      : global_(global), state_directory_(resolve_state_directory(global, environment)) {}

  int run(const RunOptions& options) const {
    RunContext context{.state_directory = state_directory_,
                       .private_parent = private_parent(),
                       .private_parent_hint = state_is_explicit() ? "choose another place: --state DIR or GIBBON_STATE"
                                                                  : "set TMPDIR to a directory that you can write to",
                       .verbosity = global_.verbosity,
                       .surroundings = {.environment = environment,
                                        .environment_names = environment_names(),
                                        .directory = options.directory.value_or(""),
                                        .umask = current_umask(),
                                        .cores = core_count(),
                                        .now_wall_ms = shell::wall_now_ms()},
                       .program = own_path(),
                       .version = version};
    const std::string here = current_directory();
    std::string& directory = context.surroundings.directory;
    if (here.empty() && !directory.starts_with('/'))
      return fail_run(options, {.message = "the current directory does not exist any more",
                                .hint = "cd to another one, or name one: --cwd DIR"});
    if (directory.empty()) directory = here;
    if (!directory.starts_with('/')) directory = here + "/" + directory;
    if (!has_descriptors()) return fail_run(options, too_few_descriptors());
    if (options.dry_run) return dry_run(options, context.surroundings);
    if (!state_is_explicit()) return RunCommand(options, context).execute();
    auto state = shell::StateDir::open(*state_directory_);
    if (!state) return fail_run(options, state.error());
    const int exit_code = RunCommand(options, context).execute();
    if (exit_code >= exit_gibbon) state->remove_if_made_and_empty();
    return exit_code;
  }

  int run(const AgentOptions& options) const {
    if (!has_descriptors()) return complain(too_few_descriptors().message, too_few_descriptors().hint, exit_failed);
    return with_state([&] { return run_agent(options, agent_context()); });
  }
  int run(const UpOptions& options) const {
    return with_state([&] { return bring_up(options, agent_context()); });
  }
  int run(const DownOptions& options) const {
    return with_state([&] { return take_down(options, agent_context()); });
  }
  int run(const StatusOptions& options) const {
    return with_state([&] { return show_status(options, query_context()); });
  }
  int run(const PsOptions& options) const {
    return with_state([&] { return list_jobs(options, query_context()); });
  }
  int run(const CancelOptions& options) const {
    return with_state([&] { return cancel_jobs(options, query_context()); });
  }
  int run(const PeersOptions& options) const {
    return with_state([&] { return list_peers(options, query_context()); });
  }
  int run(const InviteOptions& options) const {
    return with_state([&] { return invite_others(options, agent_context()); });
  }
  int run(const JoinOptions& options) const {
    if (!has_descriptors()) return complain(too_few_descriptors().message, too_few_descriptors().hint, exit_failed);
    return with_state([&] { return join_pool(options, agent_context()); });
  }
  int run(const LeaveOptions& options) const {
    return with_state([&] { return leave_pool(options, agent_context()); });
  }
  int run(const SimulateOptions& options) const { return simulate(options, global_.verbosity); }
  int run(const VersionOptions& options) const {
    return print(options.format == OutputFormat::text ? "gibbon " + std::string(version) + "\n"
                                                      : json_version(version));
  }
  int run(const CompletionOptions& options) const { return print(completion_script(options.shell)); }

 private:
  [[nodiscard]] bool state_is_explicit() const {
    return global_.state_directory || !environment("GIBBON_STATE").value_or("").empty();
  }
  // Everything of an agent is in its state directory, if one was named; else a private one lives with other temporary
  // files.
  [[nodiscard]] std::string private_parent() const {
    if (state_is_explicit()) return *state_directory_;
    const std::string temporary = environment("TMPDIR").value_or("");
    return temporary.starts_with('/') ? temporary : "/tmp";
  }
  [[nodiscard]] AgentContext agent_context() const {
    return {.state_directory = *state_directory_,
            .program = own_path(),
            .version = version,
            .cores = core_count(),
            .verbosity = global_.verbosity};
  }
  [[nodiscard]] QueryContext query_context() const {
    return {.state_directory = *state_directory_, .version = version, .verbosity = global_.verbosity};
  }
  template <class Command>
  int with_state(const Command& command) const {
    if (state_directory_) return command();
    return complain("neither HOME nor XDG_STATE_HOME is set", "name a directory: --state DIR", exit_usage);
  }

  const GlobalOptions global_;
  const std::optional<std::string> state_directory_;
};

}  // namespace

int run_program(int argc, char** argv) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  if (!crypto::start()) return complain("this system has no source of randomness", "", exit_gibbon);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string shell = environment("GIBBON_SHELL").value_or("");
  const bool terminal = isatty(STDIN_FILENO) == 1;
  const Parsed parsed = parse(
      words, {.standard_input = terminal ? Surroundings::StandardInput::terminal : Surroundings::StandardInput::other,
              .shell = shell});
  if (const auto* help = std::get_if<HelpText>(&parsed)) return print(help->text);
  if (const auto* error = std::get_if<UsageError>(&parsed)) {
    if (error->format == OutputFormat::text) return complain(error->message, error->hint, error->exit_code);
    (void)print(json_error("usage", error->message, error->hint));
    return error->exit_code;
  }
  const auto& invocation = std::get<Invocation>(parsed);
  const Program program(invocation.global);
  return std::visit([&](const auto& options) { return program.run(options); }, invocation.command);
}

}  // namespace agent::cli
