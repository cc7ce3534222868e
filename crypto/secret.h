#pragma once
// Bytes that nobody else may learn: seeds and secret keys.
//
// Rules: a secret is never copied, only moved, and a move leaves zeros behind; the destructor leaves zeros behind; it
// is compared by `same` only, in a time that does not depend on the contents; it is never held in a string or a vector.
//
// The bytes are a plain member rather than guarded pages of their own (sodium_malloc): every job has a key, guarded
// memory costs four pages and several system calls each and is bounded by RLIMIT_MEMLOCK. What guarded pages would add
// (no core file, no swap, no reading by a debugger) the agent gets for the whole process by not being dumpable.

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "crypto/bytes.h"

namespace crypto {

// Overwrites with zeros in a way that no compiler removes.
void wipe(std::span<std::byte> bytes);

// Compares two strings of one length in a time that depends on the length only.
[[nodiscard]] bool same_in_constant_time(std::span<const std::byte> left, std::span<const std::byte> right);

template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  // Copies; whoever owns `bytes` wipes them.
  explicit Secret(std::span<const std::byte, N> bytes) { std::ranges::copy(bytes, bytes_.begin()); }
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(bytes_); }

  [[nodiscard]] std::span<const std::byte, N> bytes() const { return bytes_; }
  // To be filled in place: from a file, or by the system's generator.
  [[nodiscard]] std::span<std::byte, N> writable() { return bytes_; }
  // Leaves zeros behind, before its time.
  void clear() { wipe(bytes_); }
  [[nodiscard]] bool same(const Secret& other) const { return same_in_constant_time(bytes_, other.bytes_); }

 private:
  std::array<std::byte, N> bytes_{};
};

}  // namespace crypto
