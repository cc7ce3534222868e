#pragma once
// The names by which the core speaks of things: the protocol's, and those of this agent alone.

#include <cstdint>

#include "protocol/ids.h"
#include "protocol/message.h"

namespace agent::core {

using protocol::Address;
using protocol::Attempt;
using protocol::BranchId;
using protocol::Epoch;
using protocol::InstanceKey;
using protocol::Interval;
using protocol::JobId;
using protocol::LoopId;
using protocol::LoopPath;
using protocol::Message;
using protocol::NodeId;
using protocol::UserId;

using TaskId = protocol::Id<struct TaskIdTag, std::uint64_t>;
using ClientId = protocol::Id<struct ClientIdTag, std::uint64_t>;
// The bytes of a signed result batch that came from a peer, as the shell keeps them. Counted by the shell, from 1.
using BatchId = protocol::Id<struct BatchIdTag, std::uint64_t>;

enum class Outcome {
  ok,
  hit,
  failed,
  lost,  // of a job whose iterations start at most once: it was started, and nobody knows how it ended
};

}  // namespace agent::core
