#pragma once
// Bytes by hand, for messages that no encoder would make.

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <tl/expected.hpp>
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

// Why it was refused; nothing if it was not.
template <class T, class E>
std::optional<E> error_of(const tl::expected<T, E>& result) {
  return result ? std::nullopt : std::optional<E>(result.error());
}

// Those that mean most as a change: every header of msgpack that is not a mere number, and the edges of the rest.
inline constexpr int telling_bytes[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x92, 0x9f, 0xa0,
                                        0xa1, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9,
                                        0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd8,
                                        0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff};

inline Raw repeated(int value, std::size_t count) {
  return Raw(count, static_cast<std::byte>(value));
}

}  // namespace protocol::test
