#pragma once
// What decisions about many branches need to know of all of them: gathered in one pass, and kept up to date by whoever
// lends while it is in use. So looking at all branches costs as much as there are branches, not its square.
//
// REQUIRES: the branches outlive it, and none of them is given or loses a helper without `recount`.

#include <cstdint>
#include <map>

#include "agent/core/branch.h"

namespace agent::core {

class Overview {
 public:
  // For the first time, or after its helpers have changed.
  void recount(const Branch& branch);
  void add_kept(std::uint64_t bytes) { kept_bytes_ += bytes; }

  // Helpers that count against the branch number of that loop.
  [[nodiscard]] std::uint32_t helpers_of(const LoopId& loop) const;
  // That peer helps with another instance of the same loop. (What settles a loop's results does not name the instance.)
  [[nodiscard]] bool helps_with_another(const Branch& branch, NodeId node) const;
  // Results that wait to be settled.
  [[nodiscard]] std::uint64_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Less {
    bool operator()(const LoopId* a, const LoopId* b) const { return *a < *b; }
  };
  struct Loop {
    std::uint32_t helpers = 0;
    std::map<const Branch*, std::uint32_t>
        of;  // those of its branches that have helpers: only counts are read in order
  };

  std::map<const LoopId*, Loop, Less> loops_;  // only those with helpers
  std::uint64_t kept_bytes_ = 0;
};

}  // namespace agent::core
