#pragma once
// A story of a whole pool: the simulator's machines, one job or more, and what befalls them, with what each agent does.
//
//   # What this shows.
//   pool 3 slots 1 [power 1 0.1 1] [latency 100ms] [seed 7]      N0, N1, N2
//   without beat shuffle                                         actions, messages and agents that are left out
//   1s N0 submits size=8 each=2s branch_number=2                 terms of a job as in the notation, and how its
//                                                                iterations are: each=, hit=, fails_every=, inner=
//   4s N1 dies | vanishes | restarts | pauses | resumes | sleeps | wakes | alone | back
//   4s N1 stalls 5s          its loop stands still
//   4s N1 power 0.1          of each of its slots, from now on
//   4s N1 breaks N2          the link between them
//   9s J1 cancelled
//   9s ...                   nothing is told of what happens until then
//   9s until                 time goes on, and that is told
//   tells notice what=stolen    the story is wrong unless an action told so far says so
//
// Times are the world's. What each agent does is `TIME AGENT ACTION`, to the millisecond; numbers of messages on their
// link, mandates and records are left out of `send`.

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace sim_test {

[[nodiscard]] bool is_pool_story(std::string_view text);
// As run_transcript().
[[nodiscard]] tl::expected<std::string, std::string> run_pool_story(std::string_view text);

}  // namespace sim_test
