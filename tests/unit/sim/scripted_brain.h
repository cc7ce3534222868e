#pragma once
// A node's core that does what a test says, and remembers what it was told.

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "agent/sim/world.h"

namespace agent::sim {

// What all nodes of one world were told, by node, with the time by its clock.
struct Heard {
  core::Instant now;
  core::Event event;
};
using HeardBy = std::map<NodeIndex, std::vector<Heard>>;

using Script = std::function<void(NodeIndex, core::Instant, const core::Event&, std::vector<core::Action>&)>;

class ScriptedBrain : public Brain {
 public:
  ScriptedBrain(const BrainOptions& options, HeardBy& heard, const Script& script)
      : index_(*index_of(options.self.node)), heard_(heard), script_(script) {}

  void step(core::Instant now, const core::Event& event, std::vector<core::Action>& actions) override {
    heard_[index_].push_back({.now = now, .event = event});
    if (std::holds_alternative<core::DeadlinePassed>(event)) started_ = true;
    if (script_) script_(index_, now, event, actions);
  }
  // One deadline, at once: the occasion to do something first.
  std::optional<core::Instant> next_deadline() const override {
    if (started_) return std::nullopt;
    return core::Instant{};
  }

 private:
  NodeIndex index_;
  HeardBy& heard_;
  const Script& script_;
  bool started_ = false;
};

// Events of one kind that a node heard.
template <class Kind>
std::vector<std::pair<core::Instant, Kind>> heard_of(const HeardBy& heard, NodeIndex node) {
  std::vector<std::pair<core::Instant, Kind>> all;
  const auto at = heard.find(node);
  if (at == heard.end()) return all;
  for (const Heard& each : at->second) {
    if (const auto* kind = std::get_if<Kind>(&each.event)) all.emplace_back(each.now, *kind);
  }
  return all;
}

// Messages of one kind that a node heard.
template <class Kind>
std::vector<Kind> messages_of(const HeardBy& heard, NodeIndex node) {
  std::vector<Kind> all;
  for (const auto& [now, received] : heard_of<core::MessageReceived>(heard, node)) {
    if (const auto* kind = std::get_if<Kind>(&received.message)) all.push_back(*kind);
  }
  return all;
}

}  // namespace agent::sim
