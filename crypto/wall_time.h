#pragma once
// The wall clock, as far as signed statements speak of it: milliseconds since 1970, never before and never after the
// year 9999. Time always comes in as a parameter. What judges by it is given the later of the clock and of the latest
// time known for certain (of the build, of the last run, of what was validly signed), so that a clock that has fallen
// back revives nothing that has expired.

#include <cstdint>

namespace crypto {

inline constexpr std::int64_t wall_ms_max = 253'402'300'799'999;  // the end of the year 9999
inline constexpr std::int64_t second_ms = 1'000;
inline constexpr std::int64_t day_ms = std::int64_t{24} * 3'600 * second_ms;

// Clocks of two machines may differ by so much; the last millisecond of it is still good.
inline constexpr std::int64_t clock_tolerance_ms = std::int64_t{10} * 60 * second_ms;

}  // namespace crypto
