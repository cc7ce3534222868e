#pragma once
// Processes as a tree: who is below whom, and signals to all of them.
//
// A snapshot of the tree is old as soon as it is taken. Two rules make it safe nevertheless. A number may have been
// given to a stranger meanwhile, if its parent reaped it: so the process is pinned by a pidfd, and its parent is looked
// at again, before it is signalled (children of our own keep their numbers until we reap them ourselves). And a process
// may have made another one: so those that are to die are first stopped, each before we look below it, again and again,
// until nobody new is found; a stopped process makes nothing, and holds its place under whatever limits its kind.

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <vector>

namespace agent::exec {

struct Process {
  pid_t pid = -1;
  pid_t parent = -1;
};

// Where the system tells who is below whom.
enum class TreeSource : std::uint8_t {
  children_files,  // /proc/PID/task/TID/children: as quick as the tree is small; needs CONFIG_PROC_CHILDREN
  process_table,   // the parent of every process of the machine
};

[[nodiscard]] TreeSource best_tree_source();

// All below this process, parents before children; those children of ours that are in `spared`, and what is below them,
// are left out. Zombies are included.
[[nodiscard]] std::vector<Process> tree_below_us(const std::set<pid_t>& spared, TreeSource source = best_tree_source());

// Sends `signal` to each of these that is still what it was.
void signal_all(const std::vector<Process>& processes, int signal);

// Stops whoever below us is neither spared nor in `stopped`, which becomes all who are stopped now. False if nobody new
// was found. To be repeated, and what has become our zombie reaped in between: a fork bomb leaves thousands.
[[nodiscard]] bool stop_tree_below_us(const std::set<pid_t>& spared, std::set<pid_t>& stopped);

// `stop_tree_below_us` is to be repeated no more often than this: who still escapes is killed in a later attempt.
inline constexpr int stop_rounds_max = 1000;

// SIGKILL to all below us who are not spared. After they were reaped, others may have become children of ours: to be
// repeated until nobody is left.
void kill_tree_below_us(const std::set<pid_t>& spared);

}  // namespace agent::exec
