#pragma once
// Bytes by hand, for messages that no encoder would make.

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace protocol::test {

struct Raw : std::vector<std::byte> {
  using vector::vector;
  Raw(const std::vector<std::byte>& bytes) : vector(bytes) {}  // what an encoder made is raw bytes too

  friend Raw operator+(Raw left, const Raw& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
  }
};

inline Raw raw(std::initializer_list<int> values) {
  Raw bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

inline Raw repeated(int value, std::size_t count) {
  return Raw(count, static_cast<std::byte>(value));
}

}  // namespace protocol::test
