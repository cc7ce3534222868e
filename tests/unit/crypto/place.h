#pragma once
// A place whose memory can be looked at, also when the object in it is gone.

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace crypto::samples {

template <class T>
struct Place {
  alignas(T) std::array<std::byte, sizeof(T)> memory{};
  template <class... From>
  T* make(From&&... from) {
    return new (memory.data()) T(std::forward<From>(from)...);
  }
  [[nodiscard]] bool contains(std::span<const std::byte> what) const {
    return std::search(memory.begin(), memory.end(), what.begin(), what.end()) != memory.end();
  }
};

}  // namespace crypto::samples
