#pragma once
// Events and actions as lines of text, and back: for transcripts, logs and people.
//
//   task_ended task=T3 exit=1 ran=250ms
//   send to=N2 sequence=4 heard=3 message=recall{branch=B1 what=#5}
//
// A value that is what it would be by default is left out. T task, C client, J job, N node, B branch, K batch, # count;
// nodes and jobs are those that the simulator names. Durations are exact, in the largest unit that fits; instants are
// durations since the beginning. A path is /3.0/5.1 (iteration.ordinal), the root's is /; intervals are 0..4 and 7..8.

#include <optional>
#include <string>
#include <string_view>

#include "agent/core/action.h"
#include "agent/core/event.h"

namespace sim_test {

[[nodiscard]] std::string print(const agent::core::Event& event);
[[nodiscard]] std::string print(const agent::core::Action& action);

// Nothing: not one event, or not all of the line.
[[nodiscard]] std::optional<agent::core::Event> parse_event(std::string_view line);
[[nodiscard]] std::optional<agent::core::Action> parse_action(std::string_view line);

}  // namespace sim_test
