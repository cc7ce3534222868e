#pragma once
// msgpack out: single values appended to a byte vector. Integers take their shortest form.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace protocol {

class WireWriter {
 public:
  void array(std::size_t count);
  void number(std::uint64_t value);
  void negative(std::int64_t value);  // REQUIRES: value < 0
  void boolean(bool value);
  void nothing();
  void text(std::string_view value);
  void bytes(std::span<const std::byte> value);

  [[nodiscard]] std::vector<std::byte> take() { return std::move(written_); }

 private:
  std::vector<std::byte> written_;
};

}  // namespace protocol
