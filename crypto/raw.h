#pragma once
// Bytes as the C library below wants them. For the .cpp files of this room.

#include <cstddef>
#include <span>

namespace crypto {

inline unsigned char* raw_out(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
inline const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace crypto
