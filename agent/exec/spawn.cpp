#include "agent/exec/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

// The child runs on its own stack in our memory and never returns: what sanitizers keep about stacks would not hold.
#define GIBBON_IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))

namespace agent::exec {

namespace {

constexpr std::size_t stack_bytes = std::size_t{64} << 10;
constexpr std::size_t guard_bytes = std::size_t{4} << 10;
constexpr const char* default_search_path = "/usr/local/bin:/usr/bin:/bin";
constexpr const char* shell = "/bin/sh";
constexpr int exit_code_never_started = 127;
constexpr int nice_guest = 19;
// ioprio_set(2). Some versions of <linux/ioprio.h> are no C++.
constexpr int io_who_process = 1;
constexpr int io_class_idle = 3;
constexpr int io_class_shift = 13;

using Shared = Spawner::Shared;
using Program = Spawner::Program;

GIBBON_IN_CHILD bool lower_limit(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return false;
  if (hard < limit.rlim_max) limit.rlim_max = hard;
  limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
  return ::setrlimit(resource, &limit) == 0;
}

GIBBON_IN_CHILD bool set_limits(const TaskLimits& limits) {
  if (limits.cpu_seconds != 0 && !lower_limit(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)) return false;
  if (limits.memory_bytes != 0 && !lower_limit(RLIMIT_AS, limits.memory_bytes, limits.memory_bytes)) return false;
  if (limits.file_bytes != 0 && !lower_limit(RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes)) return false;
  return limits.open_files == 0 || lower_limit(RLIMIT_NOFILE, limits.open_files, limits.open_files);
}

GIBBON_IN_CHILD bool set_guest_priority() {
  const sched_param none{};
  constexpr int idle_class = io_class_idle << io_class_shift;
  return ::setpriority(PRIO_PROCESS, 0, nice_guest) == 0 && ::sched_setscheduler(0, SCHED_IDLE, &none) == 0 &&
         ::syscall(SYS_ioprio_set, io_who_process, 0, idle_class) == 0;
}

// Shells run a file that the kernel does not recognise as a script, unless its first line has a byte 0.
GIBBON_IN_CHILD bool looks_like_script(const char* path) {
  char start[128];
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t length = ::read(file, start, sizeof start);
  ::close(file);
  for (ssize_t i = 0; i < length; ++i) {
    if (start[i] == '\n') return true;
    if (start[i] == '\0') return false;
  }
  return length >= 0;
}

// Returns only with the errno of the failure.
GIBBON_IN_CHILD int execute_file(Program& program, char* path) {
  ::execve(path, program.argv, program.environment);
  if (errno != ENOEXEC) return errno;
  if (!looks_like_script(path)) return ENOEXEC;
  program.argv[-1] = const_cast<char*>(shell);
  program.argv[0] = path;
  ::execve(shell, program.argv - 1, program.environment);
  return errno;
}

// Copies the directory that begins at `path`, a slash and `name` to `candidate`; false if there is no room. An empty
// directory is the current one. Moves `path` behind the directory's colon, or to null at the end.
GIBBON_IN_CHILD bool next_candidate(const char*& path, const char* name, std::array<char, PATH_MAX>& candidate) {
  char* const begin = candidate.data();
  char* const end = begin + PATH_MAX;
  char* at = begin;
  while (*path != '\0' && *path != ':') {
    if (at < end) *at++ = *path;
    ++path;
  }
  if (at != begin && at < end) *at++ = '/';
  while (*name != '\0' && at < end) *at++ = *name++;
  path = *path == ':' ? path + 1 : nullptr;
  if (at >= end) return false;
  *at = '\0';
  return true;
}

GIBBON_IN_CHILD bool is_elsewhere_perhaps(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == EACCES || error_number == ENODEV ||
         error_number == ESTALE || error_number == ETIMEDOUT;
}

GIBBON_IN_CHILD bool has_slash(const char* name) {
  while (*name != '\0') {
    if (*name++ == '/') return true;
  }
  return false;
}

// As execvp, but on the task's own PATH.
GIBBON_IN_CHILD int search_and_execute(Shared& shared, Program& program) {
  char* const name = program.argv[0];
  const char* const path = program.search_path != nullptr ? program.search_path : default_search_path;
  bool forbidden = false;
  for (const char* rest = path; rest != nullptr;) {
    if (!next_candidate(rest, name, shared.candidate)) continue;
    const int failure = execute_file(program, shared.candidate.data());
    if (!is_elsewhere_perhaps(failure)) return failure;
    if (failure == EACCES) forbidden = true;
  }
  if (forbidden) return EACCES;
  for (const char* rest = path; rest != nullptr && !shared.exists;) {
    if (next_candidate(rest, name, shared.candidate)) shared.exists = ::access(shared.candidate.data(), F_OK) == 0;
  }
  return ENOENT;
}

GIBBON_IN_CHILD int execute(Shared& shared) {
  Program program = *shared.program;
  if (program.argv[0][0] == '\0') return ENOENT;
  if (!has_slash(program.argv[0])) return search_and_execute(shared, program);
  const int failure = execute_file(program, program.argv[0]);
  if (failure == ENOENT) shared.exists = ::access(program.argv[0], F_OK) == 0;
  return failure;
}

GIBBON_IN_CHILD bool close_others() {
  // A kernel without the call closes them by their close-on-exec flag alone.
  return ::syscall(SYS_close_range, 3U, ~0U, 0U) == 0 || errno == ENOSYS;
}

// True if this step failed; remembers it.
GIBBON_IN_CHILD bool failed(Shared& shared, SetUpStep step, bool done) {
  if (done) return false;
  shared.step = step;
  shared.error_number = errno;
  return true;
}

GIBBON_IN_CHILD int child_main(void* argument) {
  Shared& shared = *static_cast<Shared*>(argument);
  const Program& program = *shared.program;
  if (failed(shared, SetUpStep::parent_death, ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)) return exit_code_never_started;
  if (::getppid() != shared.launcher) ::_exit(exit_code_never_started);
  ::umask(program.umask);
  if (failed(shared, SetUpStep::session, ::setsid() >= 0) ||
      failed(shared, SetUpStep::limits, set_limits(program.limits)) ||
      failed(shared, SetUpStep::priority, program.priority == Priority::normal || set_guest_priority()) ||
      failed(shared, SetUpStep::directory, ::chdir(program.directory) == 0) ||
      failed(shared, SetUpStep::descriptors, close_others())) {
    return exit_code_never_started;
  }
  sigset_t none;
  ::sigemptyset(&none);
  if (failed(shared, SetUpStep::signals, ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0)) {
    return exit_code_never_started;
  }
  shared.error_number = execute(shared);
  shared.step = SetUpStep::execute;
  return exit_code_never_started;
}

StartFailureKind kind_of_execute(const Shared& shared) {
  switch (shared.error_number) {
    case ENOENT: return shared.exists ? StartFailureKind::bad_interpreter : StartFailureKind::not_found;
    case ENOTDIR:
    case ENAMETOOLONG: return StartFailureKind::not_found;
    case E2BIG: return StartFailureKind::too_long;
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
    case ENFILE: return StartFailureKind::no_resources;
    default: return StartFailureKind::not_executable;
  }
}

StartFailureKind kind_of(const Shared& shared) {
  switch (shared.step) {
    case SetUpStep::execute: return kind_of_execute(shared);
    case SetUpStep::directory: return StartFailureKind::bad_directory;
    case SetUpStep::fork: return StartFailureKind::no_resources;
    case SetUpStep::launcher:
    case SetUpStep::order:
    case SetUpStep::scratch:
    case SetUpStep::parent_death:
    case SetUpStep::session:
    case SetUpStep::limits:
    case SetUpStep::priority:
    case SetUpStep::descriptors:
    case SetUpStep::signals: break;
  }
  return StartFailureKind::set_up_failed;
}

}  // namespace

Spawner::Spawner() {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;
  void* const mapped = ::mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (mapped == MAP_FAILED) return;
  stack_ = static_cast<char*>(mapped);
  ::mprotect(stack_, guard_bytes, PROT_NONE);
}

Spawner::~Spawner() {
  if (stack_ != nullptr) ::munmap(stack_, guard_bytes + stack_bytes);
}

tl::expected<pid_t, StartFailure> Spawner::spawn(const Program& program) {
  shared_.program = &program;
  shared_.launcher = ::getpid();
  shared_.step = SetUpStep::fork;
  shared_.error_number = 0;
  shared_.exists = false;
  errno = ENOMEM;
  char* const stack_top = stack_ + guard_bytes + stack_bytes;
  const pid_t pid = stack_ == nullptr ? -1 : ::clone(child_main, stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, &shared_);
  if (pid < 0) shared_.error_number = errno;
  if (shared_.error_number == 0) return pid;
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return tl::unexpected(
      StartFailure{.kind = kind_of(shared_), .step = shared_.step, .error_number = shared_.error_number});
}

}  // namespace agent::exec
