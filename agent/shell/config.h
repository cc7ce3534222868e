#pragma once
// gibbon.toml: what the owner of this machine has settled for its agent.
//
//   slots = 4                               # how many tasks may run here at once; default: one per core
//   listen = "0.0.0.0:4422"                 # where other agents of the pool reach this one, or a list; default: port
//                                           # 4422 on all addresses, another one if that is taken
//   seeds = ["alpha.example.org:4422"]      # where agents of the pool are likely to be found
//   allow_weak_sandbox = true               # jobs of every user of the pool run here, without a sandbox

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/shell/endpoint.h"
#include "agent/shell/problem.h"

namespace agent::shell {

struct Config {
  static constexpr std::uint32_t slots_max = 4'096;
  static constexpr std::size_t endpoints_max = 64;
  std::optional<std::uint32_t> slots;
  std::vector<Endpoint> listen;  // empty: nothing is said
  std::vector<Endpoint> seeds;
  bool allow_weak_sandbox = false;
};

// A missing file is an empty one. Unknown keys, wrong types and values are problems that name file and line.
[[nodiscard]] tl::expected<Config, Problem> read_config(const std::string& path);

}  // namespace agent::shell
