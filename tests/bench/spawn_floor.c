// The floor of what running commands costs: posix_spawn and waitid in one loop, nothing captured, nothing set up.
//
//   spawn_floor CHILDREN COUNT PROGRAM [ARGUMENT...]
//
// Runs PROGRAM COUNT times with CHILDREN of them outstanding, in the environment it has itself, its streams on
// /dev/null. Prints wall and CPU seconds (its own and its children's). Exit code 1 if a child fails.

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double cpu_seconds(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static int start(char** argv) {
  pid_t pid;
  return posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
}

static int wait_for_one(void) {
  siginfo_t ended;
  if (waitid(P_ALL, 0, &ended, WEXITED) != 0) return -1;
  return ended.si_code == CLD_EXITED ? ended.si_status : -1;
}

int main(int argc, char** argv) {
  const long children = argc > 3 ? strtol(argv[1], NULL, 10) : 0;
  const long count = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
  if (children < 1 || count < 1) {
    fprintf(stderr, "usage: spawn_floor CHILDREN COUNT PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  // The children inherit our streams, which is cheaper than opening them for each.
  const int result = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  for (int stream = 0; stream <= 2; ++stream) {
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (result < 0 || nothing < 0 || dup2(nothing, stream) < 0) return 2;
    close(nothing);
  }
  const double begun = seconds_now();
  long failures = 0;
  long started = 0;
  for (long ended = 0; ended < count; ++ended) {
    while (started < count && started - ended < children) {
      if (start(argv + 3) != 0) return 2;
      ++started;
    }
    failures += wait_for_one() != 0;
  }
  const double wall = seconds_now() - begun;
  dprintf(result, "wall %.4f cpu %.4f\n", wall, cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN));
  return failures == 0 ? 0 : 1;
}
