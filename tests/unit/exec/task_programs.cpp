#include "tests/unit/exec/task_programs.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

namespace agent::exec {

namespace {

int list_descriptors() {
  for (int number = 0; number < 1024; ++number) {
    if (::fcntl(number, F_GETFD) >= 0) std::printf("%d ", number);
  }
  return 0;
}

int tell_session() {
  std::printf("%d %d %d", ::getsid(0) == ::getpid(), ::getpgrp() == ::getpid(), ::open("/dev/tty", O_RDWR) >= 0);
  return 0;
}

int tell_priority() {
  constexpr int who_process = 1;
  std::printf("%d %d %ld", ::getpriority(PRIO_PROCESS, 0), ::sched_getscheduler(0),
              ::syscall(SYS_ioprio_get, who_process, 0) >> 13);
  return 0;
}

int clear_append() {
  ::fcntl(STDOUT_FILENO, F_SETFL, 0);
  const std::string_view words = "0123456789";
  return ::write(STDOUT_FILENO, words.data(), words.size()) == 10 ? 0 : 1;
}

int touch_memory() {
  std::vector<char> pages(std::size_t{100} << 20);
  for (std::size_t at = 0; at < pages.size(); at += 4096) pages[at] = 1;
  return pages[4096];
}

[[noreturn]] void sleep_for_ever() {
  while (true) ::pause();
}

// Until the child has ended or stopped; it is not reaped.
void await_state(pid_t child, int state) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, state | WNOWAIT) != 0 && errno == EINTR) {
  }
}

// Leaves a process that has escaped by double fork and a session of its own, deaf to SIGTERM, and one that is stopped.
int leave_survivors() {
  const pid_t between = ::fork();
  if (between == 0) {
    ::setsid();
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    if (::fork() == 0) sleep_for_ever();
    ::_exit(0);
  }
  const pid_t stopped = ::fork();
  if (stopped == 0) {
    ::raise(SIGSTOP);
    sleep_for_ever();
  }
  await_state(between, WEXITED);
  await_state(stopped, WSTOPPED);
  return 3;
}

// As `leave_survivors`, but it stays with them and ignores SIGTERM too.
int stay_with_survivors() {
  ::signal(SIGTERM, SIG_IGN);
  leave_survivors();
  std::puts("ready");
  std::fflush(stdout);
  sleep_for_ever();
}

int leave_zombies() {
  for (int i = 0; i < 50; ++i) {
    const pid_t zombie = ::fork();
    if (zombie == 0) ::_exit(0);
    await_state(zombie, WEXITED);
  }
  if (::fork() == 0) sleep_for_ever();
  return 0;
}

// Up to 150 processes at a time, each of which lives for a few milliseconds and makes others wherever one has died: its
// numbers change all the time, and who kills some only makes room. The first one leaves. After a minute it ends by
// itself.
class ForkBomb {
 public:
  ForkBomb() {
    constexpr int flags = MAP_SHARED | MAP_ANONYMOUS;
    void* const memory = ::mmap(nullptr, sizeof(Places), PROT_READ | PROT_WRITE, flags, -1, 0);
    places_ = new (memory) Places;
  }

  int run() {
    const std::time_t end = std::time(nullptr) + 60;
    for (int turns = 0; std::time(nullptr) < end; turns = is_first_ ? 0 : turns + 1) {
      if (is_first_ && places_->made >= 500) break;
      if (turns >= 5) ::_exit(0);
      make_others();
    }
    return 0;
  }

 private:
  struct Places {
    std::array<std::atomic<pid_t>, 150> pids{};
    std::atomic<int> made = 0;
  };

  void make_others() {
    for (std::atomic<pid_t>& place : places_->pids) {
      pid_t previous = place;
      const bool is_free = previous == 0 || ::kill(previous, 0) != 0;
      if (!is_free || !place.compare_exchange_strong(previous, ::getpid())) continue;
      const pid_t made = ::fork();
      if (made == 0) {
        is_first_ = false;
        if (++places_->made % 3 == 0) ::setsid();
        return;
      }
      place = made > 0 ? made : 0;
    }
  }

  Places* places_ = nullptr;
  bool is_first_ = true;
};

int fork_bomb() {
  return ForkBomb().run();
}

}  // namespace

std::optional<int> run_task_program(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--task") != 0) return std::nullopt;
  struct Program {
    std::string_view name;
    int (*run)();
  };
  constexpr std::array<Program, 9> programs{{{"list_descriptors", list_descriptors},
                                             {"tell_session", tell_session},
                                             {"tell_priority", tell_priority},
                                             {"clear_append", clear_append},
                                             {"touch_memory", touch_memory},
                                             {"leave_survivors", leave_survivors},
                                             {"stay_with_survivors", stay_with_survivors},
                                             {"leave_zombies", leave_zombies},
                                             {"fork_bomb", fork_bomb}}};
  for (const Program& program : programs) {
    if (program.name == argv[2]) return program.run();
  }
  return 99;
}

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  return {path.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

}  // namespace agent::exec
