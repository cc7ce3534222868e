#pragma once
// The core of one node, as the simulator drives it: so that a test can put something simpler in its place.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/event.h"

namespace agent::sim {

struct BrainOptions {
  core::Peer self;
  std::uint32_t slots = 1;
  std::uint64_t seed = 0;
  std::vector<core::Address> seeds;  // whom it may dial first
};

class Brain {
 public:
  Brain() = default;
  Brain(const Brain&) = delete;
  Brain& operator=(const Brain&) = delete;
  virtual ~Brain() = default;

  virtual void step(core::Instant now, const core::Event& event, std::vector<core::Action>& actions) = 0;
  [[nodiscard]] virtual std::optional<core::Instant> next_deadline() const = 0;
  // Stops the program if something is wrong.
  virtual void check_invariants() const {}

  // What is left in it. 0 of each in an agent at rest.
  struct Sizes {
    std::size_t jobs = 0;
    std::size_t running = 0;
    bool operator==(const Sizes&) const = default;
  };
  [[nodiscard]] virtual Sizes sizes() const { return {}; }
};

using BrainMaker = std::function<std::unique_ptr<Brain>(const BrainOptions&)>;

// A core::Agent.
[[nodiscard]] std::unique_ptr<Brain> make_agent(const BrainOptions& options);

}  // namespace agent::sim
