#include "agent/exec/orphans.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <memory>
#include <vector>

#include "agent/exec/descriptor.h"
#include "agent/exec/proc_file.h"
#include "agent/exec/process_tree.h"
#include "agent/exec/remove_tree.h"
#include "agent/exec/scratch.h"
#include "agent/exec/task.h"

namespace agent::exec {

namespace {

constexpr int rounds_max = 20;

// Children of this process that are not ours by intention, reaped if they are dead.
OrphanCount reap_children_but(const std::set<pid_t>& ours) {
  OrphanCount count;
  for (const Process& process : tree_below_us(ours)) {
    if (process.parent != ::getpid()) continue;
    const pid_t reaped = ::waitpid(process.pid, nullptr, WNOHANG | __WALL);
    if (reaped == process.pid) ++count.reaped;
    if (reaped == 0) ++count.left;
  }
  return count;
}

bool has_entry(std::string_view environment, std::string_view wanted) {
  while (!environment.empty()) {
    const std::size_t end = std::min(environment.find('\0'), environment.size());
    if (environment.substr(0, end) == wanted) return true;
    environment.remove_prefix(std::min(end + 1, environment.size()));
  }
  return false;
}

// Kills the process if it carries the mark. It is pinned before it is looked at, so no successor of its number is hit.
bool kill_if_marked(pid_t pid, std::string_view mark) {
  const std::string place = "/proc/" + std::to_string(pid);
  const Descriptor pinned(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  const bool unsupported = !pinned && errno == ENOSYS;
  struct stat owner {};
  if (::stat(place.c_str(), &owner) != 0 || owner.st_uid != ::geteuid()) return false;
  if (!has_entry(read_proc_file(place + "/environ"), mark)) return false;
  if (unsupported) return ::kill(pid, SIGKILL) == 0;
  return pinned && ::syscall(SYS_pidfd_send_signal, pinned.get(), SIGKILL, nullptr, 0U) == 0;
}

bool remove_if_dead(int parent, const char* name) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor directory(::openat(parent, name, flags));
  const bool locked_shut = !directory && errno == EACCES;  // a task took its permissions away, and ours with them
  if (!directory && !locked_shut) return false;
  if (directory && ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return false;
  return remove_tree(parent, name) == 0;
}

}  // namespace

void become_subreaper() {
  [[maybe_unused]] const int failed = ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  assert(failed == 0);
}

OrphanCount reap_orphans(const std::set<pid_t>& ours) {
  std::size_t reaped = 0;
  OrphanCount count;
  for (int round = 0; round < rounds_max; ++round) {
    std::set<pid_t> stopped;
    for (int stops = 0; stops < stop_rounds_max && stop_tree_below_us(ours, stopped); ++stops) {
      reaped += reap_children_but(ours).reaped;
    }
    kill_tree_below_us(ours);
    count = reap_children_but(ours);
    reaped += count.reaped;
    // The children of whom we reaped may be ours now, and are there in the next round. The others need time to die.
    if (count.reaped == 0) break;
  }
  return {.reaped = reaped, .left = count.left};
}

std::size_t sweep_processes(std::string_view marker) {
  const std::string mark = std::string(marker_variable) + "=" + std::string(marker);
  std::size_t killed = 0;
  for (int round = 0; round < rounds_max; ++round) {
    std::size_t found = 0;
    for (pid_t pid : numbered_entries("/proc")) {
      if (pid != ::getpid() && kill_if_marked(pid, mark)) ++found;
    }
    killed += found;
    if (found == 0) break;
  }
  return killed;
}

std::size_t sweep_scratch(const std::string& scratch_parent) {
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  const std::unique_ptr<DIR, Close> parent(::opendir(scratch_parent.c_str()));
  if (parent == nullptr) return 0;
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(parent.get())) {
    if (std::string_view(entry->d_name).starts_with(scratch_prefix)) names.emplace_back(entry->d_name);
  }
  const auto removed = std::ranges::count_if(
      names, [&](const std::string& name) { return remove_if_dead(::dirfd(parent.get()), name.c_str()); });
  return static_cast<std::size_t>(removed);
}

}  // namespace agent::exec
