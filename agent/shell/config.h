#pragma once
// gibbon.toml: what the owner of this machine has settled for its agent.
//
//   slots = 4        # how many tasks may run here at once; default: one per core

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/shell/problem.h"

namespace agent::shell {

struct Config {
  static constexpr std::uint32_t slots_max = 4'096;
  std::optional<std::uint32_t> slots;
};

// A missing file is an empty one. Unknown keys, wrong types and values are problems that name file and line.
[[nodiscard]] tl::expected<Config, Problem> read_config(const std::string& path);

}  // namespace agent::shell
