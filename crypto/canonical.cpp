#include "crypto/canonical.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace crypto {

namespace {

constexpr unsigned group_bits = 7;
constexpr std::uint64_t group_mask = 0x7f;
constexpr std::uint64_t more = 0x80;
constexpr unsigned top_shift = 63;  // of the tenth and last group, which has one bit

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

}  // namespace

std::vector<std::byte> Writer::take() {
  assert(fault_ == WireFault::none);
  return std::move(written_);
}

std::uint64_t Writer::zigzag(std::int64_t value) {
  return (std::bit_cast<std::uint64_t>(value) << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0);
}

void Writer::varint(std::uint64_t value) {
  std::array<std::byte, 10> groups{};
  std::size_t used = 0;
  while (value > group_mask) {
    groups[used++] = static_cast<std::byte>((value & group_mask) | more);
    value >>= group_bits;
  }
  groups[used++] = static_cast<std::byte>(value);
  append(std::span(groups).first(used));
}

void Writer::append(std::span<const std::byte> bytes) {
  require(bytes.size() <= bytes_max_ - written_.size());
  if (fault_ == WireFault::none) written_.insert(written_.end(), bytes.begin(), bytes.end());
}

void Writer::bytes(const std::vector<std::byte>& value, std::size_t bytes_max) {
  number(value.size(), 0, bytes_max);
  append(value);
}

void Writer::text(const std::string& value, std::size_t bytes_max) {
  require(!has_nul(value));
  number(value.size(), 0, bytes_max);
  append(std::as_bytes(std::span(value)));
}

WireFault Reader::finish() {
  fail_unless(left_.empty(), WireFault::malformed);
  return fault_;
}

std::int64_t Reader::from_zigzag(std::uint64_t raw) {
  return std::bit_cast<std::int64_t>((raw >> 1U) ^ ((raw & 1U) != 0 ? ~std::uint64_t{0} : 0));
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; ok(); shift += group_bits) {
    const std::span<const std::byte> next = take(1);
    if (next.empty()) break;
    const auto group = std::to_integer<std::uint64_t>(next[0]);
    fail_unless(shift < top_shift || group <= 1, WireFault::malformed);  // more than 64 bits
    fail_unless(shift == 0 || group != 0, WireFault::malformed);         // a leading zero group
    value |= (group & group_mask) << shift;
    if ((group & more) == 0) break;
  }
  return ok() ? value : 0;
}

std::size_t Reader::count(ListBounds bounds) {
  std::size_t elements = 0;
  number(elements, bounds.least, bounds.most);
  fail_unless(elements <= left_.size() / bounds.element_bytes_min, WireFault::malformed);
  return ok() ? elements : 0;
}

std::span<const std::byte> Reader::take(std::size_t size) {
  fail_unless(size <= left_.size(), WireFault::malformed);
  if (!ok()) return {};
  const std::span<const std::byte> taken = left_.first(size);
  left_ = left_.subspan(size);
  return taken;
}

void Reader::flag(bool& value) {
  const std::uint64_t raw = varint();
  fail_unless(raw <= 1, WireFault::malformed);
  if (ok()) value = raw == 1;
}

void Reader::bytes(std::vector<std::byte>& value, std::size_t bytes_max) {
  std::size_t size = 0;
  number(size, 0, bytes_max);
  const std::span<const std::byte> taken = take(size);
  if (ok()) value.assign(taken.begin(), taken.end());
}

void Reader::text(std::string& value, std::size_t bytes_max) {
  std::size_t size = 0;
  number(size, 0, bytes_max);
  const std::span<const std::byte> taken = take(size);
  if (!ok()) return;
  value.resize(size);
  std::ranges::transform(taken, value.begin(), [](std::byte byte) { return std::to_integer<char>(byte); });
  require(!has_nul(value));
}

}  // namespace crypto
