#pragma once
// What the core needs of a verified manifest and of a verified loop statement.

#include <chrono>
#include <cstdint>
#include <optional>

#include "agent/core/names.h"
#include "agent/core/time.h"

namespace agent::core {

enum class Body { command_per_iteration, command_per_piece };

// When a job ends before its time: once `amount` results of the kind have come, or that share of the loop (once
// its size is known).
struct HaltRule {
  enum class When { never, soon, now };  // soon: start nothing more; now: stop what runs, too
  enum class What { failed, succeeded, done };
  enum class Unit { count, percent };
  When when = When::never;
  What what = What::failed;
  std::uint64_t amount = 1;
  Unit unit = Unit::count;
};

// What the core needs of a verified manifest.
struct JobTerms {
  JobId job;
  Body body = Body::command_per_iteration;
  std::optional<std::uint64_t> size;  // iterations of a bounded loop; nothing: open, items will come
  Duration grain = std::chrono::seconds(10);
  std::uint32_t retries = 0;    // further tries after the task's own failure
  std::uint32_t slots_max = 0;  // 0: as many as there are
  std::optional<int> found;     // exit code of a hit
  bool lowest_hit = false;      // a hit waits for everything below it
  HaltRule halt;
  UserId user;
  std::uint32_t branch_number = 8;    // helpers that a master may have at once for the root loop; 0 stays home
  bool started_at_most_once = false;  // --no-reexec: no copies, no retries, and nothing starts again that may have been
};

// A loop that a task opened. The node that runs the task owns it: it settles its results, for the task.
struct LoopTerms {
  LoopPath path;           // never empty
  std::uint64_t size = 0;  // iterations
  std::uint32_t branch_number = 8;
  NodeId opener;
  std::uint64_t instance = 0;  // random: tells this opening from another one of the same loop
  bool operator==(const LoopTerms&) const = default;
};

}  // namespace agent::core
