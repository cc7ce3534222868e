#include "protocol/wire_reader.h"

#include <bit>
#include <cassert>
#include <limits>
#include <msgpack.hpp>

#include "protocol/limits.h"

namespace protocol {
namespace {

static_assert(sizeof(std::size_t) > 4, "msgpack-cxx throws on an ext of 4 GiB only where size_t has 32 bits");

const char* chars(std::span<const std::byte> bytes) {
  return reinterpret_cast<const char*>(bytes.data());
}

// Lets one whole value pass, if it is neither too deep nor too large.
struct Skipped : msgpack::null_visitor {
  std::size_t elements_left = 0;
  std::size_t depth = 0;
  std::optional<DecodeError> error;

  bool count(std::size_t elements) {
    if (elements > elements_left) return refuse(DecodeError::too_long);
    elements_left -= elements;
    return true;
  }
  bool refuse(DecodeError why) {
    error = why;
    return false;
  }
  bool visit_float32(float) { return refuse(DecodeError::wrong_type); }
  bool visit_float64(double) { return refuse(DecodeError::wrong_type); }
  bool visit_ext(const char*, std::uint32_t) { return refuse(DecodeError::wrong_type); }
  bool start_map(std::uint32_t) { return refuse(DecodeError::wrong_type); }
  bool start_array(std::uint32_t elements) {
    if (++depth > limits::depth_max) return refuse(DecodeError::too_deep);
    return count(elements);
  }
  bool end_array() {
    --depth;
    return true;
  }
  void parse_error(std::size_t, std::size_t) { error = DecodeError::wrong_type; }
  void insufficient_bytes(std::size_t, std::size_t) { error = DecodeError::truncated; }
};

}  // namespace

// Takes one value and stops the parser by refusing to go on.
struct WireReader::OneValue : msgpack::null_visitor {
  Value value;
  bool malformed = false;

  bool take(Type type, std::uint64_t number = 0, std::string_view content = {}) {
    value = {type, number, content};
    return false;
  }
  bool visit_nil() { return take(Type::nil); }
  bool visit_boolean(bool v) { return take(Type::boolean, v ? 1 : 0); }
  bool visit_positive_integer(std::uint64_t v) { return take(Type::number, v); }
  bool visit_negative_integer(std::int64_t v) {
    return take(v < 0 ? Type::negative : Type::number, std::bit_cast<std::uint64_t>(v));
  }
  bool visit_float32(float) { return take(Type::unwanted); }
  bool visit_float64(double) { return take(Type::unwanted); }
  bool visit_str(const char* v, std::uint32_t size) { return take(Type::text, 0, view(v, size)); }
  bool visit_bin(const char* v, std::uint32_t size) { return take(Type::bytes, 0, view(v, size)); }
  bool visit_ext(const char*, std::uint32_t) { return take(Type::unwanted); }
  bool start_array(std::uint32_t count) { return take(Type::array, count); }
  bool start_map(std::uint32_t) { return take(Type::unwanted); }
  void parse_error(std::size_t, std::size_t) { malformed = true; }

  // The parser names no address for an empty string.
  static std::string_view view(const char* v, std::uint32_t size) {
    return size == 0 ? std::string_view{} : std::string_view(v, size);
  }
};

WireReader::Value WireReader::next() {
  if (error_) return {};
  OneValue one;
  std::size_t last = offset_;
  msgpack::parse(chars(input_), input_.size(), last, one);
  if (one.value.type == Type::none) {
    fail(one.malformed ? DecodeError::wrong_type : DecodeError::truncated);
    return {};
  }
  offset_ = last + 1;
  assert(offset_ <= input_.size());
  return one.value;
}

WireReader::Value WireReader::next(Type wanted) {
  const Value value = next();
  if (ok() && value.type != wanted) fail(DecodeError::wrong_type);
  return ok() ? value : Value{};
}

std::size_t WireReader::array() {
  const Value value = next(Type::array);
  if (value.number > left()) {
    fail(DecodeError::truncated);
    return 0;
  }
  return value.number;
}

std::uint64_t WireReader::number(std::uint64_t max) {
  const Value value = next();
  if (ok() && value.type == Type::negative) fail(DecodeError::bad_value);
  if (ok() && value.type != Type::number) fail(DecodeError::wrong_type);
  if (ok() && value.number > max) fail(DecodeError::bad_value);
  return ok() ? value.number : 0;
}

std::int64_t WireReader::signed_number(std::int64_t min, std::int64_t max) {
  const Value value = next();
  if (!ok()) return 0;
  if (value.type != Type::negative && value.type != Type::number) {
    fail(DecodeError::wrong_type);
    return 0;
  }
  const auto number = std::bit_cast<std::int64_t>(value.number);
  const bool too_large = value.type == Type::number && number < 0;
  if (too_large || number < min || number > max) {
    fail(DecodeError::bad_value);
    return 0;
  }
  return number;
}

bool WireReader::boolean() {
  return next(Type::boolean).number != 0;
}

bool WireReader::nothing() {
  const std::size_t before = offset_;
  if (next().type == Type::nil) return true;
  offset_ = before;
  return false;
}

std::string_view WireReader::text(std::size_t bytes_max) {
  const Value value = next(Type::text);
  if (value.content.size() > bytes_max) fail(DecodeError::too_long);
  return ok() ? value.content : std::string_view{};
}

std::span<const std::byte> WireReader::bytes(std::size_t bytes_max) {
  const Value value = next(Type::bytes);
  if (value.content.size() > bytes_max) fail(DecodeError::too_long);
  return ok() ? std::as_bytes(std::span(value.content)) : std::span<const std::byte>{};
}

void WireReader::skip(std::size_t count) {
  Skipped skipped;
  skipped.elements_left = limits::unknown_elements_max;
  for (; count > 0 && ok(); --count) {
    if (skipped.count(1)) msgpack::parse(chars(input_), input_.size(), offset_, skipped);
    if (skipped.error) fail(*skipped.error);
  }
}

void WireReader::finish() {
  if (ok() && left() > 0) fail(DecodeError::trailing_bytes);
}

void WireReader::fail(DecodeError error) {
  if (!error_) error_ = error;
}

}  // namespace protocol
