#include "tests/unit/exec/task_programs.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdio>
#include <cstring>
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

// Leaves a process that has escaped by double fork and a session of its own, deaf to SIGTERM, and one that is stopped.
int leave_survivors() {
  if (::fork() == 0) {
    ::setsid();
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    if (::fork() == 0) sleep_for_ever();
    ::_exit(0);
  }
  if (::fork() == 0) {
    ::raise(SIGSTOP);
    sleep_for_ever();
  }
  ::usleep(20'000);
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
    if (::fork() == 0) ::_exit(0);
  }
  if (::fork() == 0) sleep_for_ever();
  ::usleep(20'000);
  return 0;
}

// Every process of it makes others as long as fewer than 150 live, and many die: its numbers change all the time. The
// first one leaves. It ends by itself after 60,000 processes, should nobody end it.
int fork_bomb() {
  struct Shared {
    std::atomic<int> living = 1;
    std::atomic<int> made = 0;
  };
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* const shared = new (memory) Shared;
  bool first = true;
  while (shared->made < 60'000) {
    if (first && shared->made > 500) return 0;
    if (shared->living > 150) {
      if (first) continue;
      --shared->living;
      ::_exit(0);
    }
    ++shared->living;
    ++shared->made;
    if (::fork() == 0) {
      first = false;
      if (shared->made % 3 == 0) ::setsid();
    }
  }
  return 0;
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
