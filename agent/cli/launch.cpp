#include "agent/cli/launch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "agent/exec/command.h"
#include "agent/shell/job_tasks.h"
#include "agent/shell/pool_files.h"
#include "agent/shell/system.h"

namespace agent::cli {

namespace {

constexpr int exit_own_failure = 125;
constexpr int exit_not_executable = 126;
constexpr int exit_not_found = 127;

LaunchProblem own_failure(std::string message, std::string hint = {}) {
  return {.problem = {.message = std::move(message), .hint = std::move(hint)}, .exit_code = exit_own_failure};
}

crypto::Halt halt_of(const Halt& halt) {
  if (halt.when == HaltWhen::never) return {};
  crypto::Halt signed_halt;
  signed_halt.when = halt.when == HaltWhen::now ? crypto::HaltWhen::now : crypto::HaltWhen::soon;
  switch (halt.event) {
    case HaltEvent::fail: signed_halt.what = crypto::HaltWhat::fail; break;
    case HaltEvent::success: signed_halt.what = crypto::HaltWhat::success; break;
    case HaltEvent::done: signed_halt.what = crypto::HaltWhat::done; break;
  }
  signed_halt.amount = static_cast<std::uint32_t>(std::min<std::uint64_t>(halt.threshold, UINT32_MAX));
  signed_halt.unit = halt.unit == Halt::Unit::percent ? crypto::HaltUnit::percent : crypto::HaltUnit::count;
  return signed_halt;
}

std::map<std::string, std::string> task_environment(const RunOptions& options, const LaunchSurroundings& surroundings) {
  std::map<std::string, std::string> variables;
  auto take = [&](const std::string& name) {
    if (name.find('=') != std::string::npos || name.starts_with("GIBBON_SCRATCH") || name == "GIBBON_AGENT") return;
    if (auto value = surroundings.environment(name)) variables[name] = *value;
  };
  for (const char* name : {"PATH", "LANG", "HOME", "GIBBON_SHELL"}) take(name);
  for (const std::string& name : options.environment_names) {
    if (name == "_") {
      for (const std::string& every : surroundings.environment_names) take(every);
    } else {
      take(name);
    }
  }
  return variables;
}

std::string job_name(const RunOptions& options) {
  if (options.name) return *options.name;
  std::string name;
  for (const std::string& word : options.command) name += (name.empty() ? "" : " ") + word;
  if (name.empty()) name = "command lines";
  return name.substr(0, crypto::job_name_bytes_max);
}

// What will be executed: the first word as agent/exec takes the command apart (a single command of several words is
// kept as it is, everything else is split at blanks).
std::string program_of(const crypto::Manifest& manifest) {
  const std::string& first = manifest.command.front();
  const bool single = std::holds_alternative<crypto::BoundedSpace>(manifest.space) && !manifest.range;
  if (single && manifest.command.size() > 1) return first;
  constexpr const char* blanks = " \t\n";
  const std::size_t begin = std::min(first.find_first_not_of(blanks), first.size());
  return first.substr(begin, first.find_first_of(blanks, begin) - begin);
}

std::string kib(std::size_t bytes) {
  return std::to_string((bytes + 1) / 1024) + " KiB";
}

// Which bound of crypto/manifest.h it is that the job passes.
LaunchProblem refused_manifest(const crypto::Manifest& manifest, crypto::ManifestError error) {
  if (manifest.policy.name.size() > crypto::job_name_bytes_max)
    return own_failure("the name of the job is longer than " + std::to_string(crypto::job_name_bytes_max) + " bytes",
                       "choose a shorter one: --name TEXT");
  if (manifest.directory.size() > crypto::file_name_bytes_max)
    return own_failure("the path of the tasks' directory is longer than " + kib(crypto::file_name_bytes_max),
                       "name it by a shorter one: --cwd DIR");
  if (manifest.command.size() > crypto::command_words_max)
    return own_failure("the command has " + std::to_string(manifest.command.size()) + " words; a job takes at most " +
                           std::to_string(crypto::command_words_max),
                       "put the command into a script");
  std::size_t bytes = 0;
  for (const std::string& word : manifest.command) {
    bytes += word.size();
    if (word.size() > crypto::word_bytes_max)
      return own_failure("a word of the command is longer than the " + kib(crypto::word_bytes_max) +
                             " that the system passes to a program",
                         "put it into a file");
  }
  if (manifest.environment.size() > crypto::environment_max)
    return own_failure(std::to_string(manifest.environment.size()) + " variables are exported; a job takes at most " +
                           std::to_string(crypto::environment_max),
                       "name those that the tasks need: --env NAME");
  for (const auto& [name, value] : manifest.environment) {
    bytes += name.size() + value.size();
    if (name.empty() || name.size() + 1 + value.size() > crypto::word_bytes_max)
      return own_failure("the variable " + name.substr(0, 60) + " is longer than the " + kib(crypto::word_bytes_max) +
                             " that the system passes to a program",
                         "put its value into a file");
  }
  if (bytes > crypto::manifest_signed_bytes_max / 2)
    return own_failure("the job does not fit into a manifest: its command and environment have at most " +
                           kib(crypto::manifest_signed_bytes_max),
                       "export fewer variables, or put the command into a script");
  return own_failure("the job's manifest cannot be signed: " + std::string(to_string(error)));
}

LaunchProblem nothing_started(std::string message, int exit_code) {
  return {.problem = {.message = std::move(message), .hint = "nothing was started"}, .exit_code = exit_code};
}

std::optional<LaunchProblem> unusable_directory(const std::string& directory) {
  struct stat status {};
  int error = 0;
  if (stat(directory.c_str(), &status) != 0) {
    error = errno;
  } else if (!S_ISDIR(status.st_mode)) {
    error = ENOTDIR;
  } else if (access(directory.c_str(), X_OK) != 0) {
    error = errno;
  }
  if (error == 0) return std::nullopt;
  return nothing_started("cannot enter " + directory + ": " + std::strerror(error), exit_not_executable);
}

// A program as a task of this job would look for it. `called` is what people know it by.
std::optional<LaunchProblem> unusable_program(const std::string& program, const std::string& called,
                                              const crypto::Manifest& manifest) {
  if (program.find('/') != std::string::npos) {
    const std::string path = program.front() == '/' ? program : manifest.directory + "/" + program;
    struct stat status {};
    if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
      return nothing_started(called + ": is a directory", exit_not_executable);
    if (access(path.c_str(), X_OK) == 0) return std::nullopt;
    if (errno == ENOENT || errno == ENOTDIR) return nothing_started(called + ": no such file", exit_not_found);
    return nothing_started(called + ": cannot be executed: " + std::strerror(errno), exit_not_executable);
  }
  const auto path = manifest.environment.find("PATH");
  std::string_view rest = path == manifest.environment.end() ? "/bin:/usr/bin" : std::string_view(path->second);
  bool seen = false;
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::string folder(rest.substr(0, colon));
    const std::string candidate = (folder.empty() ? manifest.directory : folder) + "/" + program;
    struct stat status {};
    if (stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      if (access(candidate.c_str(), X_OK) == 0) return std::nullopt;
      seen = true;
    }
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (seen) return nothing_started(called + ": found on PATH, but it cannot be executed", exit_not_executable);
  return nothing_started(called + ": command not found", exit_not_found);
}

// The value of the last iteration of a range that is not empty.
crypto::ValueRange value_range(const Range& range) {
  assert(range.count > 0);
  return {.low = range.low, .step = range.step, .high = range.low + (range.count - 1) * range.step};
}

}  // namespace

exec::BodyKind body_kind(RunMode mode) {
  switch (mode) {
    case RunMode::list: return exec::BodyKind::list;
    case RunMode::range: return exec::BodyKind::range;
    case RunMode::single: return exec::BodyKind::single;
  }
  return exec::BodyKind::list;
}

tl::expected<crypto::Manifest, LaunchProblem> manifest_for(const RunOptions& options,
                                                           const LaunchSurroundings& surroundings) {
  crypto::Manifest manifest;
  manifest.created_ms = surroundings.now_wall_ms;
  manifest.not_after_ms = surroundings.now_wall_ms + crypto::manifest_life_ms_max;
  manifest.environment = task_environment(options, surroundings);
  const std::string shell = surroundings.environment("GIBBON_SHELL").value_or("");
  const exec::Form form = exec::choose_form(options.command, body_kind(options.mode), shell);
  manifest.through_shell = form == exec::Form::shell;
  manifest.command = options.command;
  if (manifest.command.empty()) manifest.command.emplace_back();  // each item is a command line (exec/command.h)
  const bool named = !options.command.empty() && !options.command.front().empty();
  manifest.program = crypto::NamedProgram{.name = named ? options.command.front().substr(0, 256) : std::string("sh")};
  manifest.directory = surroundings.directory;
  manifest.umask = surroundings.umask;
  switch (options.mode) {
    case RunMode::list: manifest.space = crypto::OpenSpace{}; break;
    case RunMode::single: manifest.space = crypto::BoundedSpace{.count = 1}; break;
    case RunMode::range:
      manifest.space = crypto::BoundedSpace{.count = options.range->count};
      manifest.body = crypto::BodyKind::command_per_piece;
      if (options.range->count > 0) manifest.range = value_range(*options.range);
      break;
  }
  if (options.timeout) manifest.limits.time_ns = static_cast<std::uint64_t>(options.timeout->count());
  manifest.policy.name = job_name(options);
  manifest.policy.retries = options.retries;
  manifest.policy.branch_number = options.branch_number;
  manifest.policy.started_at_most_once = options.start_at_most_once;
  manifest.policy.halt = halt_of(options.halt);
  manifest.policy.grain_ns = static_cast<std::uint64_t>(options.grain.count());
  if (options.found_code) manifest.policy.found = static_cast<std::uint8_t>(*options.found_code);
  auto at_once = resolve(options.tasks_at_once, surroundings.cores);
  if (!at_once) return tl::unexpected(own_failure("-j: " + std::string(to_string(at_once.error()))));
  manifest.policy.slots_max = at_once->value_or(0);
  return manifest;
}

std::optional<LaunchProblem> missing_program(const crypto::Manifest& manifest) {
  if (auto problem = unusable_directory(manifest.directory)) return problem;
  if (manifest.through_shell) {
    const auto shell = manifest.environment.find("GIBBON_SHELL");
    if (shell == manifest.environment.end() || shell->second.empty()) return std::nullopt;
    return unusable_program(shell->second, "GIBBON_SHELL=" + shell->second, manifest);
  }
  if (manifest.command.empty()) return std::nullopt;
  const std::string program = program_of(manifest);
  if (program.empty() || program.find('{') != std::string::npos) return std::nullopt;
  return unusable_program(program, program, manifest);
}

std::optional<LaunchProblem> address_to_pool(crypto::Manifest& manifest, const shell::StateDir& state,
                                             const protocol::client::Welcome& agent) {
  if (agent.pool == crypto::Bytes32{}) return std::nullopt;
  const auto pool = shell::load_pool(state);
  if (!pool) return LaunchProblem{.problem = pool.error()};
  if (!*pool || (*pool)->credentials.trust.pool != agent.pool)
    return own_failure("the agent that runs here is in another pool than its state directory says",
                       "start it again: gibbon down; gibbon up");
  manifest.pool = agent.pool;
  manifest.user_certificate = (*pool)->user_chain;
  const auto name = std::as_bytes(std::span(agent.node));
  manifest.extensions[shell::root_node_extension] = {name.begin(), name.end()};
  return std::nullopt;
}

tl::expected<protocol::client::Submit, LaunchProblem> sign_submission(crypto::Manifest manifest,
                                                                      const RunOptions& options,
                                                                      const crypto::SigningPair& user) {
  const crypto::Seed job_seed = shell::random_seed();
  manifest.job = shell::random_bytes16();
  manifest.user_key = user.public_key();
  manifest.job_key = crypto::SigningPair(job_seed).public_key();
  auto sealed = crypto::sign_manifest(manifest, user);
  if (!sealed) return tl::unexpected(refused_manifest(manifest, sealed.error()));
  protocol::client::Submit submission;
  submission.manifest = std::move(sealed->bytes);
  std::ranges::copy(job_seed.bytes(), submission.job_secret_seed.begin());
  submission.keep_order = options.keep_order;
  submission.want_items = options.mode == RunMode::list;
  submission.want_events = options.event_file || options.trace_file;
  return submission;
}

}  // namespace agent::cli
