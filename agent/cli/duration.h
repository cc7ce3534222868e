#pragma once
// Lengths of time as users type them: 10s, 1.5m, 2h, 500ms, 1d; a plain number counts seconds.

#include <chrono>
#include <string_view>
#include <tl/expected.hpp>

namespace agent::cli {

enum class DurationError { empty, bad_number, bad_unit, negative, too_long };

// Units ms, s, m, h, d; a decimal fraction is allowed; at most 36,500 days. Rounded to the nearest nanosecond.
[[nodiscard]] tl::expected<std::chrono::nanoseconds, DurationError> parse_duration(std::string_view text);

[[nodiscard]] std::string_view to_string(DurationError error);

}  // namespace agent::cli
