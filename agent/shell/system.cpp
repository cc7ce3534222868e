#include "agent/shell/system.h"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace agent::shell {

namespace {

std::int64_t read_clock_ns(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) std::abort();
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

core::Instant boot_now() {
  return core::Instant(core::Duration(read_clock_ns(CLOCK_BOOTTIME)));
}

std::int64_t wall_now_ms() {
  return read_clock_ns(CLOCK_REALTIME) / 1'000'000;
}

void fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno != EINTR) std::abort();
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

crypto::Seed random_seed() {
  crypto::Seed seed;
  fill_random(seed.writable());
  return seed;
}

protocol::Bytes16 random_bytes16() {
  protocol::Bytes16 bytes{};
  fill_random(bytes);
  return bytes;
}

std::string node_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  std::string printable;
  for (const char* c = name.data(); *c != '\0'; ++c) printable.push_back(*c > ' ' && *c < 0x7f ? *c : '?');
  return printable.empty() ? "localhost" : printable;
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (std::byte byte : bytes) {
    hex.push_back(digits[std::to_integer<unsigned>(byte) >> 4]);
    hex.push_back(digits[std::to_integer<unsigned>(byte) & 0xfU]);
  }
  return hex;
}

// The days are counted as in the proleptic Gregorian calendar.
std::string iso_time(std::int64_t wall_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{wall_ms}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text.data();
}

}  // namespace agent::shell
