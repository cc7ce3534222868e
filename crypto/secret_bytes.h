#pragma once
// A message with a secret in it, on its way into a sealed frame: as many bytes as it was made with, moved and never
// copied, zeros when it is gone.

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "crypto/secret.h"

namespace crypto {

class SecretBytes {
 public:
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe(bytes_);
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(bytes_); }

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::span<std::byte> writable() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;  // never grows, so that it leaves nothing behind elsewhere
};

}  // namespace crypto
