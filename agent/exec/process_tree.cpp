#include "agent/exec/process_tree.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/exec/descriptor.h"
#include "agent/exec/proc_file.h"

namespace agent::exec {

namespace {

void append_children(pid_t parent, std::vector<Process>& found) {
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  for (pid_t thread : numbered_entries(tasks)) {
    const std::string listed = read_proc_file(tasks + "/" + std::to_string(thread) + "/children");
    const char* at = listed.data();
    const char* const end = at + listed.size();
    while (at < end) {
      pid_t child = 0;
      const auto [after, error] = std::from_chars(at, end, child);
      if (error == std::errc() && child > 0) found.push_back({.pid = child, .parent = parent});
      at = after + 1;
    }
  }
}

struct Status {
  char state = 0;
  pid_t parent = -1;
};

// Nothing if the process is gone. The name in parentheses may contain anything, so what follows the last one counts.
std::optional<Status> status_of(pid_t pid) {
  const std::string text = read_proc_file("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= text.size()) return std::nullopt;
  Status status{.state = text[name_end + 2]};
  const char* const digits = text.data() + name_end + 4;  // ") S 123"
  const auto [after, error] = std::from_chars(digits, text.data() + text.size(), status.parent);
  if (error != std::errc()) return std::nullopt;
  return status;
}

using ChildrenOf = std::multimap<pid_t, pid_t>;

ChildrenOf read_process_table() {
  ChildrenOf table;
  for (pid_t pid : numbered_entries("/proc")) {
    if (const auto status = status_of(pid)) table.emplace(status->parent, pid);
  }
  return table;
}

void append_children(pid_t parent, const ChildrenOf& table, std::vector<Process>& found) {
  const auto [first, last] = table.equal_range(parent);
  for (auto child = first; child != last; ++child) found.push_back({.pid = child->second, .parent = parent});
}

// Children of ours are safe to signal by number; of anybody else we must be sure that it is still the one we mean.
// True if the signal was sent to somebody who can still do something.
bool signal_one(const Process& process, int signal) {
  const pid_t us = ::getpid();
  if (process.parent == us) return ::kill(process.pid, signal) == 0;
  const Descriptor pinned(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U)));
  const bool unsupported = !pinned && errno == ENOSYS;
  const auto status = status_of(process.pid);
  const bool same = status && (status->parent == process.parent || status->parent == us);
  if (!same || status->state == 'Z') return false;
  if (unsupported) return ::kill(process.pid, signal) == 0;
  return pinned && ::syscall(SYS_pidfd_send_signal, pinned.get(), signal, nullptr, 0U) == 0;
}

// Calls `visit` for each process below us, parents before children, as soon as it was listed. It says whether to look
// below that process, which is done later.
template <class Visit>
void walk_below_us(const std::set<pid_t>& spared, TreeSource source, Visit visit) {
  const bool by_files = source == TreeSource::children_files;
  const ChildrenOf table = by_files ? ChildrenOf{} : read_process_table();
  std::vector<Process> listed;
  std::vector<pid_t> waiting{::getpid()};
  // A process that moves while we read could be seen in two places, and with reused numbers even in a circle. Only
  // children of ours can be in `spared`.
  std::set<pid_t> seen = spared;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    listed.clear();
    by_files ? append_children(waiting[i], listed) : append_children(waiting[i], table, listed);
    for (const Process& process : listed) {
      if (seen.insert(process.pid).second && visit(process)) waiting.push_back(process.pid);
    }
  }
}

}  // namespace

TreeSource best_tree_source() {
  static const TreeSource source =
      ::access("/proc/thread-self/children", R_OK) == 0 ? TreeSource::children_files : TreeSource::process_table;
  return source;
}

std::vector<Process> tree_below_us(const std::set<pid_t>& spared, TreeSource source) {
  std::vector<Process> found;
  walk_below_us(spared, source, [&found](const Process& process) {
    found.push_back(process);
    return true;
  });
  return found;
}

void signal_all(const std::vector<Process>& processes, int signal) {
  for (const Process& process : processes) signal_one(process, signal);
}

bool stop_tree_below_us(const std::set<pid_t>& spared, std::set<pid_t>& stopped) {
  bool anybody_new = false;
  std::set<pid_t> still_there;  // who is gone gives up his number, which may come back
  walk_below_us(spared, best_tree_source(), [&](const Process& process) {
    const bool is_new = !stopped.contains(process.pid);
    if (is_new && !signal_one(process, SIGSTOP)) return false;
    anybody_new |= is_new;
    still_there.insert(process.pid);
    return true;
  });
  stopped = std::move(still_there);
  return anybody_new;
}

void kill_tree_below_us(const std::set<pid_t>& spared) {
  signal_all(tree_below_us(spared), SIGKILL);
}

}  // namespace agent::exec
