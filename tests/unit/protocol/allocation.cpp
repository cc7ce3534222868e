#include "tests/unit/protocol/allocation.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> held{0};
std::atomic<std::size_t> peak{0};

void* take(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (!memory) std::abort();
  const std::size_t now = held.fetch_add(malloc_usable_size(memory)) + malloc_usable_size(memory);
  peak.store(std::max(peak.load(), now));
  return memory;
}

void give_back(void* memory) {
  if (!memory) return;
  held.fetch_sub(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  return take(size);
}
void* operator new[](std::size_t size) {
  return take(size);
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete[](void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  give_back(memory);
}

namespace protocol::test {

std::size_t bytes_held() {
  return held;
}
std::size_t peak_bytes_held() {
  return peak;
}
void reset_peak() {
  peak.store(held.load());
}

}  // namespace protocol::test
