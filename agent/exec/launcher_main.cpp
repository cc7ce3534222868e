// From the first instruction of a launcher to its loop: makes of an ordinary process one that has nothing from its
// parent but the socket, outlives it by no moment, and passes on to tasks what is the same for all of them.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "agent/exec/descriptor.h"
#include "agent/exec/launcher.h"
#include "agent/exec/launcher_process.h"
#include "agent/exec/proc_file.h"
#include "agent/exec/wire.h"

namespace agent::exec {

namespace {

constexpr int argument_count = 3;  // its name, the agent's process number, the scratch directory
constexpr std::string_view oom_score = "1000";
constexpr mode_t private_umask = 077;

bool reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    // Children that are merely stopped are no news.
    if (signal == SIGCHLD) action.sa_flags = SA_NOCLDSTOP;
    static_cast<void>(::sigaction(signal, &action, nullptr));
  }
  sigset_t all;
  sigfillset(&all);
  return ::sigprocmask(SIG_SETMASK, &all, nullptr) == 0;
}

void close_all_above(int last_kept) {
  if (::syscall(SYS_close_range, static_cast<unsigned>(last_kept) + 1, ~0U, 0U) == 0) return;
  for (int descriptor : numbered_entries("/proc/self/fd")) {
    if (descriptor > last_kept) ::close(descriptor);
  }
}

bool raise_oom_score() {
  const Descriptor file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), oom_score.data(), oom_score.size()) == static_cast<ssize_t>(oom_score.size());
}

bool forbid_core_dumps() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0;
}

bool is_own_session() {
  return ::getsid(0) == ::getpid() || ::setsid() >= 0;
}

// 0, or the errno of what failed.
int set_up() {
  errno = 0;
  ::umask(private_umask);
  close_all_above(wire::socket_number);
  const bool done = ::fcntl(wire::socket_number, F_SETFD, FD_CLOEXEC) == 0 && is_own_session() &&
                    ::prctl(PR_SET_NAME, wire::launcher_name) == 0 && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 &&
                    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && forbid_core_dumps() && raise_oom_score();
  return done ? 0 : errno;
}

}  // namespace

bool is_launcher_invocation(int argc, char** argv) {
  return argc == argument_count && std::strcmp(argv[0], wire::launcher_name) == 0;
}

int launcher_main(int /*argc*/, char** argv) {
  const std::string_view digits(argv[1]);
  pid_t agent = -1;
  const auto [after, error] = std::from_chars(digits.data(), digits.data() + digits.size(), agent);
  // The death signal speaks of future deaths only, so whether the agent lives is asked after it is ordered. It is the
  // one signal that also wakes a process that somebody has stopped: any other would wait until it is continued.
  const bool watched = reset_signals() && ::prctl(PR_SET_PDEATHSIG, SIGCONT) == 0;
  if (!watched || error != std::errc() || ::getppid() != agent) return 1;
  const int failure = set_up();
  LauncherProcess process(agent, argv[2], failure);
  return process.run();
}

}  // namespace agent::exec
