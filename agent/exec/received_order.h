#pragma once
// An order as the launcher holds it: strings in place, and the pointers that execve wants.

#include <cstddef>
#include <span>
#include <vector>

#include "agent/exec/descriptor.h"
#include "agent/exec/wire.h"

namespace agent::exec {

// The strings stay where they arrived: in the message buffer, which must live as long as this, or in the mapped memfd.
// Nothing is copied, so a large order costs the launcher its pointers only.
class ReceivedOrder {
 public:
  ReceivedOrder() = default;
  ~ReceivedOrder();
  ReceivedOrder(const ReceivedOrder&) = delete;
  ReceivedOrder& operator=(const ReceivedOrder&) = delete;

  // `strings`: what followed the order in its message; `apart`: the memfd, if there is one. False if it does not add up
  // (counts, lengths, a missing end of string) or cannot be mapped; errno tells then.
  [[nodiscard]] bool read(const wire::Order& order, std::span<char> strings, const Descriptor& apart);

  [[nodiscard]] const wire::Order& order() const { return order_; }
  [[nodiscard]] const char* directory() const { return directory_; }
  // Ends with a null pointer. The slot before the first one is free, for an interpreter.
  [[nodiscard]] char** argv() { return pointers_.data() + 1; }
  // Ends with a null pointer.
  [[nodiscard]] char** environment() { return pointers_.data() + 1 + order_.argument_count + 1; }
  // Value of the task's PATH; null if it has none.
  [[nodiscard]] const char* search_path() const;

  // Gives back what a large order took.
  void forget();

 private:
  [[nodiscard]] bool split(std::span<char> strings);

  wire::Order order_;
  const char* directory_ = nullptr;
  std::vector<char*> pointers_;
  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
};

}  // namespace agent::exec
