#include "agent/core/overview.h"

#include <algorithm>

namespace agent::core {

void Overview::recount(const Branch& branch) {
  if (branch.helpers().empty() && !loops_.contains(&branch.loop())) return;
  Loop& loop = loops_[&branch.loop()];
  std::uint32_t& counted = loop.of[&branch];
  const std::uint32_t now = branch.helper_count();
  loop.helpers += now - counted;
  counted = now;
}

std::uint32_t Overview::helpers_of(const LoopId& loop) const {
  const auto at = loops_.find(&loop);
  return at == loops_.end() ? 0 : at->second.helpers;
}

bool Overview::helps_with_another(const Branch& branch, NodeId node) const {
  if (branch.openings().empty()) return false;  // nobody opens the root loop again
  const auto at = loops_.find(&branch.loop());
  return at != loops_.end() && std::ranges::any_of(at->second.of, [&](const auto& entry) {
           const Branch& other = *entry.first;
           return other.openings() != branch.openings() && other.helpers().contains(node);
         });
}

}  // namespace agent::core
