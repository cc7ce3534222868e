#include "agent/core/overview.h"

#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

TEST(Overview, counts_helpers_by_loop_and_follows_what_is_lent) {
  const JobTerms terms{.job = job_named(1), .size = 100};
  const LoopId loop{.job = terms.job, .path = {}};
  Branch ours(loop, terms, ClientId(1));
  Branch theirs(loop, terms, std::vector<LoopTerms>{}, Master{.node = peer_named(9), .id = BranchId(1)});
  theirs.on_granted(IntervalSet(Interval{.begin = 0, .end = 10}), {}, {});
  Overview overview;
  overview.recount(ours);
  EXPECT_EQ(overview.helpers_of(loop), 0U);
  (void)ours.lend(peer_named(1), BranchId(1), ours.share_back(5), Instant{});
  (void)theirs.lend(peer_named(2), BranchId(2), theirs.share_back(5), Instant{});
  overview.recount(ours);
  overview.recount(theirs);
  EXPECT_EQ(overview.helpers_of(loop), 2U);
  EXPECT_EQ(overview.helpers_of({.job = job_named(2), .path = {}}), 0U);
  ours.forget(peer_named(1));
  overview.recount(ours);
  EXPECT_EQ(overview.helpers_of(loop), 1U);
}

TEST(Overview, helpers_of_another_opening_of_the_same_inner_loop_are_known) {
  const JobTerms terms{.job = job_named(1), .size = 100};
  const LoopId loop{.job = terms.job, .path = {{.iteration = 3, .ordinal = 0}}};
  LoopTerms opening{.path = loop.path, .size = 10, .branch_number = 4, .opener = peer_named(0), .instance = 1};
  Branch former(loop, terms, std::vector{opening}, TaskId(1));
  opening.instance = 2;
  Branch latter(loop, terms, std::vector{opening}, TaskId(2));
  (void)former.lend(peer_named(1), BranchId(1), former.share_back(5), Instant{});
  Overview overview;
  overview.recount(former);
  overview.recount(latter);
  EXPECT_TRUE(overview.helps_with_another(latter, peer_named(1)));
  EXPECT_FALSE(overview.helps_with_another(former, peer_named(1)));
  EXPECT_FALSE(overview.helps_with_another(latter, peer_named(2)));
}

// Many jobs, each with something to lend and a helper.
class ManyJobs : public PlayedPeers {
 protected:
  // The most branches that were looked at in one step.
  std::uint64_t cost_with(unsigned jobs) {
    link(1);
    introduce(1);
    for (unsigned job = 1; job <= jobs; ++job) submit(terms_of(1'000, job));
    std::uint64_t most = 0;
    std::vector<Action> actions;
    const auto measure = [&](const Event& event) {
      const std::uint64_t before = agent.looked_at();
      agent.step(now, event, actions);
      most = std::max(most, agent.looked_at() - before);
    };
    measure(MessageReceived{.from = peer_named(1),
                            .sequence = 1'000,
                            .heard = 0,
                            .message = protocol::Ask{.request = 1, .slots = 1, .tags = {}},
                            .proofs = {}});
    EXPECT_GE(std::ranges::count_if(actions,
                                    [](const Action& action) {
                                      const auto* send = std::get_if<Send>(&action);
                                      return send != nullptr && std::holds_alternative<protocol::Grant>(send->message);
                                    }),
              static_cast<std::ptrdiff_t>(jobs));
    for (int i = 0; i < 30; ++i) {
      now += 500ms;
      measure(DeadlinePassed{});
    }
    return most;
  }
};

TEST_F(ManyJobs, the_cost_of_a_step_grows_as_the_number_of_branches) {
  EXPECT_LE(cost_with(200), 200U * 20U);
}

}  // namespace
}  // namespace agent::core
