#include "agent/sim/brain.h"

#include "agent/core/agent.h"

namespace agent::sim {

namespace {

class AgentBrain : public Brain {
 public:
  explicit AgentBrain(const BrainOptions& options)
      : agent_(core::Options{.slots = options.slots,
                             .node = options.self.node,
                             .instance = options.self.instance,
                             .address = options.self.address,
                             .seeds = options.seeds,
                             .random_seed = options.seed}) {}

  void step(core::Instant now, const core::Event& event, std::vector<core::Action>& actions) override {
    agent_.step(now, event, actions);
  }
  std::optional<core::Instant> next_deadline() const override {
    const auto deadline = agent_.next_deadline();
    if (!deadline) return std::nullopt;
    return deadline->at;
  }
  void check_invariants() const override { agent_.check_invariants(); }
  Sizes sizes() const override { return {.jobs = agent_.job_count(), .running = agent_.running_count()}; }

 private:
  core::Agent agent_;
};

}  // namespace

std::unique_ptr<Brain> make_agent(const BrainOptions& options) {
  return std::make_unique<AgentBrain>(options);
}

}  // namespace agent::sim
