#pragma once
// What dead launchers and dead agents left behind: found, killed, reaped, removed.

#include <sys/types.h>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace agent::exec {

// Descendants whose parents have died become children of this process from now on, instead of init's. For the agent, at
// its start; without it, grandchildren of a launcher that was killed would escape.
void become_subreaper();

struct OrphanCount {
  std::size_t reaped = 0;
  std::size_t left = 0;  // killed, but not dead yet: call again soon
};

// Kills all children of this process that are not in `ours`, with everything below them, and reaps them one by one, by
// their numbers: the statuses of `ours` (launchers, and whatever else the agent waits for) are left alone. For the
// agent, after each `LauncherGone`. Does not block.
OrphanCount reap_orphans(const std::set<pid_t>& ours);

// Kills every process of this user, but this one, whose environment has GIBBON_AGENT=<marker>; returns how many. For
// the agent, at its start, when it holds the lock of its state directory: whoever carries its marker then is a remnant.
std::size_t sweep_processes(std::string_view marker);

// Removes the scratch directories below `scratch_parent` whose launchers are dead (a living one holds a lock on its
// own); returns how many. Links are not followed. May take long if a task left much: for a worker thread. For the
// agent, at its start and after a `LauncherGone`.
std::size_t sweep_scratch(const std::string& scratch_parent);

}  // namespace agent::exec
