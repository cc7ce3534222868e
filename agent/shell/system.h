#pragma once
// What the rooms below get as parameters: the time and randomness of this machine.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "agent/core/time.h"
#include "crypto/keys.h"
#include "protocol/ids.h"

namespace agent::shell {

// CLOCK_BOOTTIME.
[[nodiscard]] core::Instant boot_now();
// Milliseconds since 1970.
[[nodiscard]] std::int64_t wall_now_ms();

// ISO 8601 in UTC with milliseconds, for years 0 to 9999.
[[nodiscard]] std::string iso_time(std::int64_t wall_ms);

// From the kernel's generator; ends the program if there is none.
void fill_random(std::span<std::byte> bytes);
[[nodiscard]] crypto::Seed random_seed();
[[nodiscard]] protocol::Bytes16 random_bytes16();

// This machine's host name, made printable.
[[nodiscard]] std::string node_name();

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

}  // namespace agent::shell
