#include "agent/core/slots.h"

#include <algorithm>
#include <cassert>

namespace agent::core {

Slots::Slots(std::uint32_t count) : stacks_(count) {
  for (SlotNumber slot = 1; slot <= count; ++slot) empty_.insert(empty_.end(), slot);
}

std::optional<SlotNumber> Slots::place(TaskId task, const LoopId& loop, Interval piece) {
  assert(piece.begin < piece.end);
  const auto slot = open_for(loop);
  if (!slot) return std::nullopt;
  const bool placed = slot_of_.emplace(task, *slot).second;
  assert(placed);
  stacks_[*slot - 1].push_back({.task = task, .loop = loop, .piece = piece});
  empty_.erase(*slot);
  parked_tops_.erase(*slot);
  ++running_count_;
  return slot;
}

std::optional<SlotNumber> Slots::open_for(const LoopId& loop) const {
  if (loop.path.size() >= depth_max) return std::nullopt;
  std::optional<SlotNumber> deepest;
  std::size_t depth = 0;
  if (!loop.path.empty()) {  // nothing is an ancestor of a root loop
    for (const SlotNumber slot : parked_tops_) {
      const Occupant& top = stacks_[slot - 1].back();
      if (!is_ancestor(top, loop)) continue;
      if (deepest && top.loop.path.size() <= depth) continue;
      deepest = slot;
      depth = top.loop.path.size();
    }
  }
  if (deepest) return deepest;
  return empty_.empty() ? std::nullopt : std::optional(*empty_.begin());
}

bool Slots::is_stuck(const LoopId& loop) const {
  return running_count_ == 0 && !can_place(loop) && std::ranges::all_of(stacks_, [&](const Stack& stack) {
           return !stack.empty() && stack.back().loop.path.size() < loop.path.size();
         });
}

bool Slots::is_ancestor(const Occupant& occupant, const LoopId& loop) {
  const LoopPath& above = occupant.loop.path;
  if (occupant.loop.job != loop.job || above.size() >= loop.path.size()) return false;
  const std::uint64_t opener = loop.path[above.size()].iteration;
  return occupant.piece.begin <= opener && opener < occupant.piece.end &&
         std::equal(above.begin(), above.end(), loop.path.begin());
}

void Slots::park(TaskId task) {
  Occupant& top = stack_of(task).back();
  assert(top.task == task && !top.parked);
  top.parked = true;
  parked_tops_.insert(slot_of_.at(task));
  --running_count_;
}

bool Slots::can_resume(TaskId task) const {
  const Occupant& top = stack_of(task).back();
  return top.task == task && top.parked;
}

void Slots::resume(TaskId task) {
  assert(can_resume(task));
  stack_of(task).back().parked = false;
  parked_tops_.erase(slot_of_.at(task));
  ++running_count_;
}

void Slots::remove(TaskId task) {
  Stack& stack = stack_of(task);
  const SlotNumber slot = slot_of_.at(task);
  const auto found = std::ranges::find(stack, task, &Occupant::task);
  assert(found != stack.end());
  if (!found->parked) --running_count_;
  stack.erase(found);
  slot_of_.erase(task);
  parked_tops_.erase(slot);
  if (stack.empty()) {
    empty_.insert(slot);
  } else if (stack.back().parked) {
    parked_tops_.insert(slot);
  }
}

std::optional<SlotNumber> Slots::slot_of(TaskId task) const {
  const auto found = slot_of_.find(task);
  return found == slot_of_.end() ? std::nullopt : std::optional(found->second);
}

bool Slots::parked(TaskId task) const {
  return std::ranges::find(stack_of(task), task, &Occupant::task)->parked;
}

Slots::Stack& Slots::stack_of(TaskId task) {
  const auto found = slot_of_.find(task);
  assert(found != slot_of_.end());
  return stacks_[found->second - 1];
}

const Slots::Stack& Slots::stack_of(TaskId task) const {
  const auto found = slot_of_.find(task);
  assert(found != slot_of_.end());
  return stacks_[found->second - 1];
}

void Slots::check_invariants() const {
  std::size_t tasks = 0;
  std::uint32_t running = 0;
  for (SlotNumber slot = 1; slot <= count(); ++slot) {
    const Stack& stack = stacks_[slot - 1];
    assert(stack.size() <= depth_max);
    assert(empty_.contains(slot) == stack.empty());
    assert(parked_tops_.contains(slot) == (!stack.empty() && stack.back().parked));
    for (std::size_t i = 0; i < stack.size(); ++i) {
      assert(slot_of_.at(stack[i].task) == slot);
      assert(stack[i].parked || i + 1 == stack.size());
      assert(i == 0 || is_ancestor(stack[i - 1], stack[i].loop));
      if (!stack[i].parked) ++running;
    }
    tasks += stack.size();
  }
  assert(tasks == slot_of_.size() && running == running_count_);
}

}  // namespace agent::core
