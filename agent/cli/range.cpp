#include "agent/cli/range.h"

#include <limits>
#include <optional>

namespace agent::cli {
namespace {

constexpr std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

// Digits of a base, with single underscores between them.
tl::expected<std::uint64_t, RangeError> parse_digits(std::string_view text, int base) {
  if (text.empty() || text.front() == '_' || text.back() == '_') return tl::make_unexpected(RangeError::bad_number);
  if (text.find("__") != text.npos) return tl::make_unexpected(RangeError::bad_number);
  std::uint64_t value = 0;
  bool overflow = false;
  for (const char c : text) {
    if (c == '_') continue;
    const int digit = digit_value(c);
    if (digit >= base) return tl::make_unexpected(RangeError::bad_number);
    const auto wide_base = static_cast<std::uint64_t>(base);
    overflow |= value > (highest - static_cast<std::uint64_t>(digit)) / wide_base;
    value = value * wide_base + static_cast<std::uint64_t>(digit);
  }
  if (overflow) return tl::make_unexpected(RangeError::overflow);
  return value;
}

tl::expected<std::uint64_t, RangeError> times_power_of_ten(std::uint64_t value, std::uint64_t exponent) {
  for (std::uint64_t i = 0; i < exponent && value != 0; ++i) {
    if (value > highest / 10) return tl::make_unexpected(RangeError::overflow);
    value *= 10;
  }
  return value;
}

struct Bounds {
  std::string_view low, high, step;
  enum class End { exclusive, inclusive } end = End::exclusive;
};

std::optional<Bounds> take_apart(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == text.npos) return std::nullopt;
  Bounds bounds{.low = text.substr(0, dots), .high = text.substr(dots + 2), .step = "1"};
  if (bounds.high.starts_with('=')) {
    bounds.end = Bounds::End::inclusive;
    bounds.high.remove_prefix(1);
  }
  if (const auto colon = bounds.high.find(':'); colon != bounds.high.npos) {
    bounds.step = bounds.high.substr(colon + 1);
    bounds.high = bounds.high.substr(0, colon);
  }
  return bounds;
}

}  // namespace

tl::expected<std::uint64_t, RangeError> parse_natural(std::string_view text) {
  if (text.starts_with('-')) return tl::make_unexpected(RangeError::negative);
  if (text.starts_with("0x") || text.starts_with("0X")) return parse_digits(text.substr(2), 16);
  const auto exponent_mark = text.find_first_of("eE");
  if (exponent_mark == text.npos) return parse_digits(text, 10);
  const auto value = parse_digits(text.substr(0, exponent_mark), 10);
  if (!value) return value;
  const auto exponent = parse_digits(text.substr(exponent_mark + 1), 10);
  if (!exponent) return exponent;
  return times_power_of_ten(*value, *exponent);
}

tl::expected<Range, RangeError> parse_range(std::string_view text) {
  const auto bounds = take_apart(text);
  if (!bounds) return tl::make_unexpected(RangeError::not_a_range);
  const auto low = parse_natural(bounds->low);
  if (!low) return tl::make_unexpected(low.error());
  const auto high = parse_natural(bounds->high);
  if (!high) return tl::make_unexpected(high.error());
  const auto step = parse_natural(bounds->step);
  if (!step) return tl::make_unexpected(step.error());

  if (*step == 0) return tl::make_unexpected(RangeError::zero_step);
  if (*low > *high) return tl::make_unexpected(RangeError::reversed);
  const bool inclusive = bounds->end == Bounds::End::inclusive;
  if (!inclusive && *low == *high) return Range{.low = *low, .step = *step, .count = 0};
  const std::uint64_t steps = (*high - *low - (inclusive ? 0 : 1)) / *step;
  if (steps == highest) return tl::make_unexpected(RangeError::one_too_many);
  return Range{.low = *low, .step = *step, .count = steps + 1};
}

std::string exclusive_high(const Range& range) {
  if (range.count == 0) return std::to_string(range.low);
  return exec::piece_bounds(range, 0, range.count).high;
}

std::string_view to_string(RangeError error) {
  switch (error) {
    case RangeError::not_a_range:
      return "a range is LO..HI (without HI) or LO..=HI (with HI), and :STEP if wanted, as in 0..1e9 or 1..=100:5";
    case RangeError::bad_number: return "the bounds and the step are whole numbers such as 1000, 1_000, 1e9 or 0xff";
    case RangeError::negative:
      return "the numbers of a range cannot be negative: start at 0 and subtract in the command";
    case RangeError::overflow: return "the numbers of a range go up to 18446744073709551615";
    case RangeError::reversed:
      return "the lower bound of the range is above its upper bound: write the smaller number first";
    case RangeError::zero_step: return "the step of a range is at least 1";
    case RangeError::one_too_many:
      return "0..=18446744073709551615 is one value too many: a range has at most 18446744073709551615 values, as "
             "0..18446744073709551615 has";
  }
  return "unknown";
}

}  // namespace agent::cli
