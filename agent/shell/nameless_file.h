#pragma once
// Files without a name: what is in them is gone with the process, whatever becomes of it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/exec/descriptor.h"
#include "agent/shell/problem.h"

namespace agent::shell {

[[nodiscard]] tl::expected<exec::Descriptor, Problem> open_nameless_file(const std::string& directory);

// Whole or not at all, as far as the caller may rely on: after a problem the bytes at `offset` are unspecified.
[[nodiscard]] tl::expected<void, Problem> write_at(int file, std::span<const std::byte> bytes, std::uint64_t offset);
[[nodiscard]] tl::expected<std::vector<std::byte>, Problem> read_at(int file, std::uint64_t offset, std::size_t size);

}  // namespace agent::shell
