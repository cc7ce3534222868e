#pragma once
// Divisible ranges as typed after --range: LO..HI (half-open), LO..=HI (inclusive), either with :STEP.
//
// Numbers are unsigned 64-bit: decimal with optional `_` between digits, 0x hexadecimal, or a whole number times a
// power of ten (1e9, 25e3). The values are low, low + step, ... below the end. LO == HI is an empty range. At most
// 2^64-1 values, so that their number and each index fit in 64 bits; values themselves stay below 2^64.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "agent/exec/command.h"

namespace agent::cli {

using Range = exec::RangeSpace;

enum class RangeError {
  not_a_range,  // no `..`
  bad_number,
  negative,
  overflow,  // a bound or step of 2^64 or more
  reversed,  // LO > HI
  zero_step,
  one_too_many,  // 2^64 values: 0..=18446744073709551615
};

[[nodiscard]] tl::expected<Range, RangeError> parse_range(std::string_view text);

// One number of a range, as above.
[[nodiscard]] tl::expected<std::uint64_t, RangeError> parse_natural(std::string_view text);

// The exclusive end: one past the last value, or `low` of an empty range. Decimal, since it may be 2^64.
[[nodiscard]] std::string exclusive_high(const Range& range);

// A sentence for the user, naming what to do.
[[nodiscard]] std::string_view to_string(RangeError error);

}  // namespace agent::cli
