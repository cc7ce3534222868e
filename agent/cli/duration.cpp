#include "agent/cli/duration.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace agent::cli {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t longest_ns = 36'500LL * 86'400 * second_ns;

std::optional<std::int64_t> unit_ns(std::string_view unit) {
  if (unit.empty() || unit == "s") return second_ns;
  if (unit == "ms") return second_ns / 1000;
  if (unit == "m") return 60 * second_ns;
  if (unit == "h") return 3600 * second_ns;
  if (unit == "d") return 86'400 * second_ns;
  return std::nullopt;
}

}  // namespace

tl::expected<std::chrono::nanoseconds, DurationError> parse_duration(std::string_view text) {
  if (text.empty()) return tl::make_unexpected(DurationError::empty);
  if (text.front() == '-') return tl::make_unexpected(DurationError::negative);
  const auto number_length = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = text.substr(0, number_length);
  const auto unit = unit_ns(text.substr(number_length));
  const auto point = number.find('.');
  const auto whole = number.substr(0, point);
  const auto fraction = point == number.npos ? std::string_view{} : number.substr(point + 1);
  if (whole.size() + fraction.size() == 0 || fraction.find('.') != fraction.npos)
    return tl::make_unexpected(DurationError::bad_number);
  if (!unit) return tl::make_unexpected(DurationError::bad_unit);

  std::int64_t total = 0;
  for (const char c : whole) {
    if (total > longest_ns / 10) return tl::make_unexpected(DurationError::too_long);
    total = total * 10 + (c - '0') * *unit;
    if (total > longest_ns) return tl::make_unexpected(DurationError::too_long);
  }
  // One digit more than the unit has nanoseconds for, then rounded.
  std::int64_t tenths_of_ns = 0, place = *unit * 10;
  for (const char c : fraction) {
    place /= 10;
    tenths_of_ns += (c - '0') * place;
  }
  total += (tenths_of_ns + 5) / 10;
  if (total > longest_ns) return tl::make_unexpected(DurationError::too_long);
  return std::chrono::nanoseconds{total};
}

std::string_view to_string(DurationError error) {
  switch (error) {
    case DurationError::empty:
    case DurationError::bad_number:
    case DurationError::bad_unit:
      return "a duration is a number with ms, s, m, h or d behind it, as in 500ms, 10s or 1.5h; without one it counts "
             "seconds";
    case DurationError::negative: return "a duration cannot be negative";
    case DurationError::too_long: return "a duration is at most 36500d";
  }
  return "unknown";
}

}  // namespace agent::cli
