#pragma once
// Bare hints of peers that were heard of, the oldest first, so many and no more.
//
// Anybody may tell a hint, so each teller has a quota: at the quota, his new hints push out his own old ones; only a
// list that is full of many tellers' hints loses its oldest. What is told of a node replaces what was told of it
// before. Invariants: a node stands once; at most `hints_max` in all and `per_teller_max` of one teller.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/core/names.h"
#include "agent/core/peer_event.h"
#include "agent/core/time.h"

namespace agent::core {

using protocol::Hint;

// The part of a node's name that a hint carries.
[[nodiscard]] std::uint64_t prefix_of(const NodeId& node);
[[nodiscard]] Hint hint_of(const Peer& peer);

class HintList {
 public:
  struct Entry {
    Hint hint;
    std::uint64_t teller = 0;  // prefix; 0: ourselves, who have no quota
    Instant heard_at;
  };
  HintList(std::size_t hints_max, std::size_t per_teller_max);

  void add(const Entry& entry);
  Hint take(std::size_t index);
  void drop_address(const Address& address);
  void drop_node(std::uint64_t prefix);
  void drop_heard_until(Instant latest);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  void check_invariants() const;

 private:
  std::size_t hints_max_;
  std::size_t per_teller_max_;
  std::vector<Entry> entries_;
};

}  // namespace agent::core
