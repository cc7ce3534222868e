#include "protocol/wire.h"

#include <algorithm>

namespace protocol {

bool is_canonical(std::span<const Interval> intervals) {
  std::uint64_t end = 0;
  for (const Interval& interval : intervals) {
    if (interval.begin < end || interval.begin >= interval.end) return false;
    end = interval.end;
  }
  return true;
}

std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  // Continuation bytes are 10xxxxxx, at most three of them in a character (RFC 3629, 3).
  std::size_t end = bytes_max;
  const std::size_t least = end < 3 ? 0 : end - 3;
  while (end > least && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

void Encoder::blobs(const std::vector<Bytes>& values, std::size_t count_max, std::size_t bytes_max,
                    std::size_t all_bytes_max) {
  array(values.size(), count_max);
  std::size_t all = 0;
  for (const Bytes& value : values) {
    all += value.size();
    bytes(value, bytes_max);
  }
  assert(all <= all_bytes_max);
}

void Encoder::intervals(const Intervals& values) {
  assert(is_canonical(values));
  assert(values.size() <= intervals_left_);
  intervals_left_ -= values.size();
  out_.array(2 * values.size());
  for (const Interval& interval : values) {
    out_.number(interval.begin);
    out_.number(interval.end);
  }
}

bool Decoder::charge(std::size_t size) {
  if (size > bytes_left_) {
    in_.fail(DecodeError::too_much);
    return false;
  }
  bytes_left_ -= size;
  return true;
}

void Decoder::exactly(std::span<std::byte> value) {
  const auto read = in_.bytes(value.size());
  if (!in_.ok()) return;
  if (read.size() != value.size()) return in_.fail(DecodeError::bad_value);
  std::ranges::copy(read, value.begin());
}

void Decoder::exact(std::string& value, std::size_t bytes_max) {
  const auto read = in_.text(bytes_max);
  if (charge(read.size() + string_bytes)) value.assign(read);
}

void Decoder::bytes(Bytes& value, std::size_t bytes_max) {
  const auto read = in_.bytes(bytes_max);
  if (charge(read.size())) value.assign(read.begin(), read.end());
}

void Decoder::texts(std::vector<std::string>& values, std::size_t count_max, std::size_t bytes_max) {
  resize(values, in_.array(), count_max);
  for (std::string& value : values) {
    if (in_.ok()) text(value, bytes_max);
  }
}

void Decoder::blobs(std::vector<Bytes>& values, std::size_t count_max, std::size_t bytes_max,
                    std::size_t all_bytes_max) {
  resize(values, in_.array(), count_max);
  std::size_t left = all_bytes_max;
  for (Bytes& value : values) {
    if (!in_.ok()) return;
    bytes(value, std::min(bytes_max, left));
    left -= value.size();
  }
}

void Decoder::intervals(Intervals& values) {
  const std::size_t numbers = in_.array();
  if (numbers % 2 != 0) return in_.fail(DecodeError::bad_value);
  resize(values, numbers / 2, intervals_left_);
  intervals_left_ -= values.size();
  std::uint64_t end = 0;
  for (Interval& interval : values) {
    (*this)(interval.begin);
    (*this)(interval.end);
    if (!in_.ok()) return;
    if (interval.begin < end || interval.begin >= interval.end) return in_.fail(DecodeError::bad_value);
    end = interval.end;
  }
}

}  // namespace protocol
