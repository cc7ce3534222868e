#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using What = Notice::What;

// A link is calm where all has come and is known to have come, but not all of it is settled: with a relay's helper, and
// with the master of one that has nothing left to do.
class AgentCalmLinks : public PlayedPeers {
 protected:
  // For peer 1, so many iterations.
  void be_helper(std::uint64_t iterations) {
    link(1);
    earn_lease(1);
    grant(1, single(0, iterations));
  }
  // ... some of which peer 2 has, and has done.
  protocol::Grant relay_that_waits() {
    be_helper(10);
    link(2);
    const protocol::Grant given = lend_to(2);
    report(2, given.branch, given.intervals);
    return given;
  }
  // Peer 1 says with a beat that it has the reports below that number.
  void say_stored(std::uint64_t below) {
    say(1, protocol::Beat{.stall_ns = 0,
                          .mandates = {},
                          .branches = {{.branch = {.sender_is = protocol::Side::master, .branch = BranchId(1)},
                                        .reports_stored = below}}});
  }
  Duration gap_between_beats(unsigned number) {
    forget();
    advance(20s);
    const auto times = times_of<protocol::Beat>(number);
    EXPECT_GE(times.size(), 2U);
    Duration most{};
    for (std::size_t i = 1; i < times.size(); ++i) most = std::max(most, times[i] - times[i - 1]);
    return most;
  }
};

TEST_F(AgentCalmLinks, a_helper_that_has_reported_all_and_knows_it_is_beaten_every_three_seconds) {
  const protocol::Grant given = relay_that_waits();
  forget();
  advance(2s);
  const auto beats = told<protocol::Beat>(2);
  ASSERT_FALSE(beats.empty());
  ASSERT_EQ(beats.front().branches.size(), 1U);
  EXPECT_EQ(beats.front().branches.front().branch.branch, given.branch);
  EXPECT_EQ(beats.front().branches.front().reports_stored, 2U);  // it sent report 1
  EXPECT_EQ(gap_between_beats(2), 3s);
}

TEST_F(AgentCalmLinks, a_helper_that_rests_is_suspected_after_nine_seconds_of_silence) {
  (void)relay_that_waits();
  advance(5s);
  live.erase(2);
  const Instant fell_silent = now;
  advance(12s);
  const auto suspected = times_of(What::suspected);
  ASSERT_EQ(suspected.size(), 1U);
  EXPECT_GT(suspected.front(), fell_silent + 8s);  // what it said last may be half a second old
  EXPECT_LE(suspected.front(), fell_silent + 9s);
}

TEST_F(AgentCalmLinks, with_the_next_grant_a_link_is_brisk_again) {
  (void)relay_that_waits();
  advance(5s);
  (void)lend_to(2);
  EXPECT_LE(gap_between_beats(2), 2s);
  live.erase(2);
  forget();
  advance(3s);
  EXPECT_EQ(notices(What::suspected), 1U);
}

TEST_F(AgentCalmLinks, who_has_nothing_left_to_do_beats_calmly_once_its_master_has_everything) {
  be_helper(1);
  exit_with(task_at(0), 0);
  advance(1s);
  EXPECT_LE(gap_between_beats(1), 2s);
  say_stored(told<protocol::Report>(1).empty() ? 100 : told<protocol::Report>(1).back().number + 1);
  EXPECT_EQ(gap_between_beats(1), 3s);
  EXPECT_TRUE(told<protocol::Report>(1).empty());
  grant(1, single(5, 9));
  EXPECT_LE(gap_between_beats(1), 2s);
}

}  // namespace
}  // namespace agent::core
