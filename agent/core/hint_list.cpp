#include "agent/core/hint_list.h"

#include <algorithm>
#include <cassert>
#include <set>

namespace agent::core {

std::uint64_t prefix_of(const NodeId& node) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i) prefix = prefix << 8 | static_cast<std::uint64_t>(node.value().at(i));
  return prefix;
}

Hint hint_of(const Peer& peer) {
  return {.node_prefix = prefix_of(peer.node), .address = peer.address};
}

HintList::HintList(std::size_t hints_max, std::size_t per_teller_max)
    : hints_max_(hints_max), per_teller_max_(per_teller_max) {
  assert(per_teller_max >= 1 && per_teller_max <= hints_max);
}

void HintList::add(const Entry& entry) {
  drop_node(entry.hint.node_prefix);
  const auto by_same = [&](const Entry& other) { return other.teller == entry.teller; };
  if (entry.teller != 0 && std::ranges::count_if(entries_, by_same) >= static_cast<std::ptrdiff_t>(per_teller_max_)) {
    entries_.erase(std::ranges::find_if(entries_, by_same));
  } else if (entries_.size() >= hints_max_) {
    entries_.erase(entries_.begin());
  }
  entries_.push_back(entry);
}

Hint HintList::take(std::size_t index) {
  const Hint taken = entries_.at(index).hint;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
  return taken;
}

void HintList::drop_address(const Address& address) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.hint.address == address; });
}

void HintList::drop_node(std::uint64_t prefix) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.hint.node_prefix == prefix; });
}

void HintList::drop_heard_until(Instant latest) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.heard_at <= latest; });
}

void HintList::check_invariants() const {
  assert(entries_.size() <= hints_max_);
  std::set<std::uint64_t> nodes;
  for (const Entry& entry : entries_) {
    assert(nodes.insert(entry.hint.node_prefix).second);
    const auto of_teller = std::ranges::count(entries_, entry.teller, &Entry::teller);
    assert(entry.teller == 0 || of_teller <= static_cast<std::ptrdiff_t>(per_teller_max_));
  }
}

}  // namespace agent::core
