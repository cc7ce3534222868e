#pragma once
// How the simulator names its nodes, and how these look to the core.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "agent/core/peer_event.h"

namespace agent::sim {

// A place in the world's list of nodes; it stays the same through crashes.
using NodeIndex = std::uint32_t;

// Node ids look random (their prefixes differ), and tell the index to whoever knows how.
[[nodiscard]] core::NodeId node_id(NodeIndex node);
[[nodiscard]] std::optional<NodeIndex> index_of(const core::NodeId& id);

// One address per node, for ever: 10.x.y.z, port 4747.
[[nodiscard]] core::Address address_of(NodeIndex node);
[[nodiscard]] std::optional<NodeIndex> index_of(const core::Address& address);

// Each start of an agent has an instance of its own, counted from 1.
[[nodiscard]] core::InstanceKey instance_key(NodeIndex node, std::uint32_t instance);

// Jobs are numbered from 1.
[[nodiscard]] core::JobId job_id(std::uint32_t number);
[[nodiscard]] std::uint32_t number_of(const core::JobId& job);
[[nodiscard]] core::UserId user_id(std::uint32_t number);

// A number that looks random, always the same for the same input (SplitMix64's finaliser).
[[nodiscard]] std::uint64_t mixed(std::uint64_t value);

}  // namespace agent::sim
