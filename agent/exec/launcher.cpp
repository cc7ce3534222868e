#include "agent/exec/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "agent/exec/clock.h"
#include "agent/exec/message_socket.h"
#include "agent/exec/orphans.h"
#include "agent/exec/scratch.h"
#include "agent/exec/wire.h"

extern char** environ;

namespace agent::exec {

namespace {

constexpr std::int64_t end_patience_ns = 2 * ns_per_second;

// Unguessable, so that no task knows the directory of another one's launcher beforehand.
std::optional<std::string> new_scratch_path(const std::string& parent) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) return std::nullopt;
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016jx", static_cast<std::uintmax_t>(random));
  return parent + "/" + scratch_prefix + digits.data();
}

constexpr const char* own_program = "/proc/self/exe";

// REQUIRES: errno is that of the attempt to open it.
LaunchFailure why_not_launched(OutputError error, const std::string& directory) {
  const int error_number = errno;
  const bool none_left = error == OutputError::no_descriptors;
  return {.error = none_left ? LaunchError::no_descriptors : LaunchError::output_directory_unusable,
          .error_number = error_number,
          .path = none_left ? "" : directory};
}

// Our environment, marked as ours.
struct MarkedEnvironment {
  explicit MarkedEnvironment(const std::string& marker) : mark(std::string(marker_variable) + "=" + marker) {
    const std::string_view name = std::string_view(mark).substr(0, marker_variable.size() + 1);
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
      if (!std::string_view(*variable).starts_with(name)) pointers.push_back(*variable);
    }
    pointers.push_back(mark.data());
    pointers.push_back(nullptr);
  }
  MarkedEnvironment(const MarkedEnvironment&) = delete;
  MarkedEnvironment& operator=(const MarkedEnvironment&) = delete;

  std::string mark;
  std::vector<char*> pointers;
};

// This program again, as a launcher, with nothing but its end of the socket. The error is an errno.
tl::expected<pid_t, int> spawn_launcher(int socket, const std::string& scratch, const std::string& marker) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (::posix_spawn_file_actions_init(&actions) != 0) return tl::unexpected(ENOMEM);
  if (::posix_spawnattr_init(&attributes) != 0) {
    ::posix_spawn_file_actions_destroy(&actions);
    return tl::unexpected(ENOMEM);
  }
  // The socket first: its number may be one of those that are replaced next.
  int failed = ::posix_spawn_file_actions_adddup2(&actions, socket, wire::socket_number);
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    failed |= ::posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  }
  failed |= ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::string name = wire::launcher_name;
  std::string agent = std::to_string(::getpid());
  std::string path = scratch;
  std::array<char*, 4> argv{name.data(), agent.data(), path.data(), nullptr};
  MarkedEnvironment environment(marker);
  pid_t pid = -1;
  if (failed == 0) {
    failed = ::posix_spawn(&pid, own_program, &actions, &attributes, argv.data(), environment.pointers.data());
  }
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return tl::unexpected(failed);
  return pid;
}

void append_string(std::vector<char>& strings, std::string_view string) {
  strings.insert(strings.end(), string.begin(), string.end());
  strings.push_back('\0');
}

// Nothing if a string has a byte 0 inside.
std::optional<std::vector<char>> strings_of(const TaskOrder& order) {
  std::size_t bytes = order.directory.size() + 1;
  for (const auto* list : {&order.argv, &order.environment}) {
    for (const std::string& string : *list) bytes += string.size() + 1;
  }
  std::vector<char> strings;
  strings.reserve(bytes);
  append_string(strings, order.directory);
  for (const auto* list : {&order.argv, &order.environment}) {
    for (const std::string& string : *list) append_string(strings, string);
  }
  const auto ends = static_cast<std::size_t>(std::ranges::count(strings, '\0'));
  if (ends != 1 + order.argv.size() + order.environment.size()) return std::nullopt;
  return strings;
}

// Nothing if there is no room for it.
Descriptor in_memory_file(const std::vector<char>& bytes) {
  Descriptor file(::memfd_create("gibbon-order", MFD_CLOEXEC));
  std::size_t written = 0;
  while (file && written < bytes.size()) {
    const ssize_t more = ::write(file.get(), bytes.data() + written, bytes.size() - written);
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) file.close();
    written += static_cast<std::size_t>(std::max<ssize_t>(more, 0));
  }
  return file;
}

// True if it has ended and was reaped, or was never ours to reap.
bool reap_now(pid_t pid) {
  const pid_t reaped = ::waitpid(pid, nullptr, WNOHANG);
  return reaped == pid || (reaped < 0 && errno == ECHILD);
}

bool reap_within(pid_t pid, std::int64_t patience_ns) {
  const std::int64_t give_up_at_ns = clock_ns(CLOCK_MONOTONIC) + patience_ns;
  const Descriptor pinned(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  while (!reap_now(pid)) {
    if (clock_ns(CLOCK_MONOTONIC) >= give_up_at_ns) return false;
    constexpr int slice_ms = 10;
    pollfd ended{.fd = pinned.get(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, slice_ms);
  }
  return true;
}

}  // namespace

std::string_view to_string(LaunchError error) {
  switch (error) {
    case LaunchError::no_descriptors: return "no descriptors left";
    case LaunchError::scratch_parent_unusable: return "the directory for scratch directories is unusable";
    case LaunchError::output_directory_unusable: return "the directory for outputs is unusable";
    case LaunchError::no_process: return "the system starts no process";
  }
  assert(false);
  return {};
}

std::string to_string(const LaunchFailure& failure) {
  return std::string(to_string(failure.error)) + " (" + (failure.path.empty() ? "" : failure.path + ": ") +
         std::strerror(failure.error_number) + ")";
}

std::string_view to_string(OrderError error) {
  switch (error) {
    case OrderError::busy: return "a task is running";
    case OrderError::gone: return "the launcher is gone";
    case OrderError::empty_command: return "empty command";
    case OrderError::zero_byte: return "an argument or variable contains a zero byte";
    case OrderError::no_resources: return "no descriptor, memory or output file to be had";
  }
  assert(false);
  return {};
}

tl::expected<std::unique_ptr<Launcher>, LaunchFailure> Launcher::start(const LauncherOptions& options) {
  const auto failed = [](LaunchError error, int error_number, const std::string& path = {}) {
    return tl::unexpected(LaunchFailure{.error = error, .error_number = error_number, .path = path});
  };
  if (::access((options.scratch_parent + "/").c_str(), W_OK | X_OK) != 0) {
    return failed(LaunchError::scratch_parent_unusable, errno, options.scratch_parent);
  }
  auto output = OutputFile::open(options.output_directory);
  if (!output) return tl::unexpected(why_not_launched(output.error(), options.output_directory));
  auto error = OutputFile::open(options.output_directory);
  if (!error) return tl::unexpected(why_not_launched(error.error(), options.output_directory));
  auto scratch = new_scratch_path(options.scratch_parent);
  if (!scratch) return failed(LaunchError::no_process, errno);
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return failed(LaunchError::no_descriptors, errno);
  }
  std::unique_ptr<Launcher> launcher(new Launcher(options, *std::move(scratch)));
  launcher->socket_ = Descriptor(pair[0]);
  const Descriptor theirs(pair[1]);
  const auto pid = spawn_launcher(theirs.get(), launcher->scratch_, options.marker);
  if (!pid) return failed(LaunchError::no_process, pid.error(), own_program);
  launcher->pid_ = *pid;
  launcher->standard_output_ = *std::move(output);
  launcher->standard_error_ = *std::move(error);
  return launcher;
}

Launcher::Launcher(const LauncherOptions& options, std::string scratch)
    : options_(options), scratch_(std::move(scratch)) {}

Launcher::~Launcher() {
  socket_.close();
  if (pid_ < 0 || reap_within(pid_, end_patience_ns)) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

tl::expected<void, OrderError> Launcher::start_task(const TaskOrder& order) {
  if (gone_) return tl::unexpected(OrderError::gone);
  if (busy_) return tl::unexpected(OrderError::busy);
  if (order.argv.empty()) return tl::unexpected(OrderError::empty_command);
  const auto strings = strings_of(order);
  if (!strings) return tl::unexpected(OrderError::zero_byte);
  if (auto renewed = renew_outputs(); !renewed) return renewed;

  wire::Order record{.priority = order.priority,
                     .new_standard_output = !output_is_theirs_,
                     .new_standard_error = !error_is_theirs_,
                     .strings_apart = strings->size() > wire::inline_string_bytes_max,
                     .umask = order.umask,
                     .task = order.task,
                     .limits = order.limits,
                     .time_limit_ns = order.time_limit_ns,
                     .deadline_ns = order.deadline_ns,
                     .grace_ns = options_.grace_ns,
                     .argument_count = order.argv.size(),
                     .variable_count = order.environment.size(),
                     .string_bytes = strings->size()};
  const Descriptor apart = record.strings_apart ? in_memory_file(*strings) : Descriptor();
  if (record.strings_apart && !apart) return tl::unexpected(OrderError::no_resources);
  std::array<int, wire::descriptors_max> passed{};
  std::size_t passed_count = 0;
  if (record.new_standard_output) passed[passed_count++] = standard_output_->descriptor();
  if (record.new_standard_error) passed[passed_count++] = standard_error_->descriptor();
  if (record.strings_apart) passed[passed_count++] = apart.get();
  const MessagePart inline_strings{strings->data(), record.strings_apart ? 0 : strings->size()};
  if (!send_message(socket_.get(), {{&record, sizeof record}, inline_strings}, {passed.data(), passed_count})) {
    const bool hung_up = errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN;
    return tl::unexpected(hung_up ? OrderError::gone : OrderError::no_resources);
  }
  busy_ = true;
  output_is_theirs_ = true;
  error_is_theirs_ = true;
  return {};
}

// Both streams empty, both files there.
tl::expected<void, OrderError> Launcher::renew_outputs() {
  const auto renew = [this](std::optional<OutputFile>& stream, bool& is_theirs) {
    if (stream && (!is_dirty_ || stream->empty())) return true;
    auto opened = OutputFile::open(options_.output_directory);
    if (!opened) return false;
    stream = *std::move(opened);
    is_theirs = false;
    return true;
  };
  if (!renew(standard_output_, output_is_theirs_) || !renew(standard_error_, error_is_theirs_)) {
    return tl::unexpected(OrderError::no_resources);
  }
  is_dirty_ = true;
  return {};
}

void Launcher::stop_task(std::uint64_t task, StopHow how) {
  const wire::Stop stop{.how = how, .task = task};
  send(&stop, sizeof stop);
}

void Launcher::extend_deadline(std::uint64_t task, std::int64_t deadline_ns) {
  const wire::Extend extend{.task = task, .deadline_ns = deadline_ns};
  send(&extend, sizeof extend);
}

void Launcher::send(const void* record, std::size_t length) {
  if (gone_ || !busy_) return;
  if (unanswered_since_ns_ == 0) unanswered_since_ns_ = clock_ns(CLOCK_MONOTONIC);
  // A launcher that has died is told of by `read_events`; one that reads nothing owes the answer.
  static_cast<void>(send_message(socket_.get(), {{record, length}}, {}));
}

void Launcher::finish() {
  ::shutdown(socket_.get(), SHUT_WR);
}

void Launcher::kill() {
  ::kill(pid_, SIGKILL);
}

bool Launcher::is_stopped() const {
  siginfo_t told{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &told, WSTOPPED | WNOHANG) == 0 && told.si_pid == pid_;
}

bool Launcher::is_silent_for(std::int64_t patience_ns) const {
  if (!owes_answer() || clock_ns(CLOCK_MONOTONIC) - unanswered_since_ns_ < patience_ns) return false;
  pollfd unread{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&unread, 1, 0) == 0;
}

std::vector<Event> Launcher::read_events() {
  std::vector<Event> events;
  std::array<Descriptor, wire::descriptors_max> none;
  while (!gone_) {
    wire::Report report;
    const std::span<char> buffer(reinterpret_cast<char*>(&report), sizeof report);
    const auto length = receive_message(socket_.get(), buffer, none);
    if (!length) break;
    if (*length != sizeof report) {
      gone_ = true;
      busy_ = false;
      events.emplace_back(LauncherGone{});
      break;
    }
    unanswered_since_ns_ = 0;
    if (report.has_started) events.emplace_back(report.started);
    if (!report.has_exited) continue;
    busy_ = false;
    events.emplace_back(report.exited);
    // It has nothing more to say before it gets another order, save that it died: that shows at the next call.
    break;
  }
  return events;
}

tl::expected<Outputs, OutputError> Launcher::take_outputs() {
  assert(!busy_);
  auto output = take(standard_output_);
  if (!output) return tl::unexpected(output.error());
  auto error = take(standard_error_);
  if (!error) return tl::unexpected(error.error());
  is_dirty_ = false;
  return Outputs{.standard_output = *std::move(output), .standard_error = *std::move(error)};
}

tl::expected<Output, OutputError> Launcher::take(std::optional<OutputFile>& stream) {
  Output taken;
  if (!stream) return taken;
  const auto size = stream->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > inline_output_bytes_max) {
    taken.file = std::exchange(stream, std::nullopt);
    return taken;
  }
  if (*size > 0) {
    auto bytes = stream->read(0, static_cast<std::size_t>(*size));
    if (!bytes) return tl::unexpected(bytes.error());
    taken.bytes = *std::move(bytes);
  }
  if (auto emptied = stream->empty(); !emptied) return tl::unexpected(emptied.error());
  return taken;
}

}  // namespace agent::exec
