#pragma once
// A story as text: events in, actions out, of one or two real agents.
//
//   # What this shows, in a sentence or two.
//   agents 2 slots 1            first command: so many agents, N0 and N1, of so many slots each
//   0s N0 job_submitted ...     an event, told to an agent at that time of its clock
//      sign_mandate ...         what the agent does about it, one action a line
//   1s N0 until                 its deadlines up to then are reported, one by one
//      at 700ms send ...        what it does at each
//   1s N0 passes                the last message that N0 sent is told to whom it was sent to
//
// A story with a line `pool ...` is one of a simulated pool: pool_story.h says how it is written.
//
// run_transcript() keeps headings and events, and puts the actions of the agents behind them. A transcript whose
// actions are those of the agents comes back as it is; so a golden file is compared, or made, with one call.

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace sim_test {

inline constexpr std::size_t transcript_lines_max = 60;

// The whole text anew; or what is wrong with it, with its line.
[[nodiscard]] tl::expected<std::string, std::string> run_transcript(std::string_view text);

}  // namespace sim_test
