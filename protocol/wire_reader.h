#pragma once
// msgpack in: one value after the other, pulled by whoever knows what must come next.
//
// Pulling keeps memory out of the parser: no tree and no list of tokens is built, so what the bytes claim costs nothing
// before the caller has judged it. Parsing itself is msgpack-cxx's, one value a time: a visitor takes the value and
// stops the parser, which leaves its offset on the value's last byte. Map, ext and float are wanted nowhere and
// refused.
//
// Errors stick: the first is kept, and every later pull gives an empty value. Callers that loop look at ok().
// Invariants: `offset_ <= input_.size()`; the input outlives the reader, and so do the views it gives.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/decode_error.h"

namespace protocol {

class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> input) : input_(input) {}

  // The number of elements that follow, each at least a byte: never more than left().
  std::size_t array();
  std::uint64_t number(std::uint64_t max);
  std::int64_t signed_number(std::int64_t min, std::int64_t max);
  bool boolean();
  // Takes a nil if one comes next.
  bool nothing();
  std::string_view text(std::size_t bytes_max);
  std::span<const std::byte> bytes(std::size_t bytes_max);
  // Passes over `count` whole values, within limits::depth_max and limits::unknown_elements_max.
  void skip(std::size_t count);
  // Refuses what follows the last value.
  void finish();

  void fail(DecodeError error);
  [[nodiscard]] bool ok() const { return !error_; }
  [[nodiscard]] std::optional<DecodeError> error() const { return error_; }
  [[nodiscard]] std::size_t left() const { return input_.size() - offset_; }

 private:
  enum class Type : std::uint8_t { none, nil, boolean, number, negative, text, bytes, array, unwanted };
  struct Value {
    Type type = Type::none;
    std::uint64_t number = 0;    // value; count of an array; bits of a negative; 0 or 1
    std::string_view content{};  // of text and bytes
  };
  struct OneValue;

  Value next();
  Value next(Type wanted);

  std::span<const std::byte> input_;
  std::size_t offset_ = 0;
  std::optional<DecodeError> error_;
};

}  // namespace protocol
