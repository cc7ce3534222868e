#pragma once
// From an order to a running process: fork, layers, exec.

#include <sys/types.h>

#include <array>
#include <climits>
#include <cstddef>

#include <tl/expected.hpp>

#include "agent/exec/task.h"

namespace agent::exec {

// The launcher's side of starting a process. The child shares our memory until it executes its program (CLONE_VM), and
// we sleep meanwhile (CLONE_VFORK), so starting costs the same however large the launcher is; it has a stack of its
// own. In the child only system calls are made: nothing allocates, nothing locks. Its failures come back through the
// shared memory.
//
// The child inherits from the launcher what is the same for all tasks: descriptors 0, 1 and 2, no_new_privs, the OOM
// score, no core dumps, default signal actions. REQUIRES of the caller: single-threaded; all signals blocked; every
// descriptor but those three close-on-exec.
class Spawner {
 public:
  struct Program {
    char** argv = nullptr;  // argv[-1] is writable
    char** environment = nullptr;
    const char* search_path = nullptr;  // null: the system's default
    const char* directory = nullptr;
    mode_t umask = 0;
    Priority priority = Priority::normal;
    TaskLimits limits;
  };

  Spawner();
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  // Returns when the program runs, or after its failed process was reaped.
  [[nodiscard]] tl::expected<pid_t, StartFailure> spawn(const Program& program);

  // What the child reads and writes while we sleep.
  struct Shared {
    const Program* program = nullptr;
    pid_t launcher = -1;
    SetUpStep step = SetUpStep::fork;
    int error_number = 0;
    bool exists = false;  // the program was there, though execve says that it was not
    std::array<char, PATH_MAX> candidate{};
  };

 private:
  Shared shared_;
  char* stack_ = nullptr;  // null if there was no memory for it
};

}  // namespace agent::exec
