#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;
using What = Notice::What;

protocol::Refuge refuge(unsigned number) {
  return {.role = protocol::RefugeRole::ancestor, .node = peer_named(number), .address = address_named(number)};
}

const LoopId root_loop{.job = job_named(1), .path = {}};

// Peer 1 is our master until its link breaks; peers 2 and 3 are the refuges that it named.
class AgentOrphaned : public PlayedPeers {
 protected:
  void be_helper(std::vector<protocol::Refuge> refuges = {refuge(2)}) {
    link(1);
    earn_lease(1);
    grant(1, single(0, 10), 10, 1, std::move(refuges));
  }
  // ... and to the refuge there is a link, which carries nothing.
  void be_orphaned() {
    link(2);
    be_helper();
    forget();
    unlink(1);
  }
  std::size_t dials_to(unsigned number) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(done<Dial>(), [&](const Dial& dial) { return dial.address == address_named(number); }));
  }
  protocol::Adopt adoption(std::vector<Interval> wanted) const {
    return {.loop = root_loop, .former = BranchId(1), .branch = BranchId(9), .wanted = std::move(wanted)};
  }
};

TEST_F(AgentOrphaned, an_orphan_tells_its_refuge_all_that_it_holds) {
  link(2);
  be_helper();
  exit_with(task_at(0), 0);
  forget();
  unlink(1);
  EXPECT_EQ(notices(What::orphaned), 1U);
  const auto tales = told<protocol::Orphan>(2);
  ASSERT_EQ(tales.size(), 1U);
  EXPECT_EQ(tales.front().loop, root_loop);
  EXPECT_EQ(tales.front().master, peer_named(1));
  EXPECT_EQ(tales.front().branch, BranchId(1));
  EXPECT_EQ(tales.front().todo, single(2, 10));
  EXPECT_EQ(tales.front().started, single(1, 2));
  EXPECT_EQ(tales.front().finished, single(0, 1));
  EXPECT_TRUE(tales.front().last);
  EXPECT_EQ(attached<protocol::Orphan>(2).front().mandates, (std::vector{job_named(1)}));
}

TEST_F(AgentOrphaned, a_refuge_without_a_link_is_dialled_and_told_when_it_is_up) {
  be_helper();
  forget();
  unlink(1);
  EXPECT_EQ(dials_to(2), 1U);
  EXPECT_EQ(dials_to(1), 1U);  // the master may come back
  link(2);
  EXPECT_EQ(told<protocol::Orphan>(2).size(), 1U);
}

TEST_F(AgentOrphaned, a_silent_master_is_as_good_as_a_broken_link) {
  link(2);
  be_helper();
  forget();
  live = {2};
  advance(2s);
  EXPECT_EQ(notices(What::orphaned), 0U);
  advance(2s);
  EXPECT_EQ(notices(What::orphaned), 1U);
  EXPECT_EQ(told<protocol::Orphan>(2).size(), 1U);
}

TEST_F(AgentOrphaned, who_is_adopted_works_and_reports_for_its_new_master) {
  be_orphaned();
  const TaskId task = task_at(0);
  say(2, adoption(single(0, 10)));
  EXPECT_FALSE(stops.contains(task));
  advance(20s);  // longer than the lease to the old one
  EXPECT_TRUE(stops.empty());
  forget();
  exit_with(task, 0);
  ASSERT_FALSE(told<protocol::Report>(2).empty());
  EXPECT_EQ(told<protocol::Report>(2).front().branch, BranchId(9));
  EXPECT_EQ(attached<protocol::Report>(2).front().results, (std::vector{task}));
  EXPECT_FALSE(tasks.empty());
}

TEST_F(AgentOrphaned, who_is_adopted_drops_what_is_not_wanted) {
  be_orphaned();
  const TaskId task = task_at(0);
  say(2, adoption(single(4, 6)));
  EXPECT_TRUE(stops.contains(task));
  obey(task);
  EXPECT_EQ(tasks.begin()->second.piece, (Interval{.begin = 4, .end = 5}));
  exit_with(task_at(4), 0);
  exit_with(task_at(5), 0);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(AgentOrphaned, a_master_that_comes_back_first_keeps_its_branch) {
  be_orphaned();
  link(1);
  EXPECT_EQ(told<protocol::Holds>(1).size(), 1U);
  say(1, protocol::Beat{});
  const TaskId task = task_at(0);
  say(2, adoption({}));
  EXPECT_TRUE(stops.empty());
  forget();
  exit_with(task, 0);
  advance(1s);
  ASSERT_FALSE(told<protocol::Report>(1).empty());
  EXPECT_EQ(told<protocol::Report>(1).front().branch, BranchId(1));
  EXPECT_TRUE(told<protocol::Report>(2).empty());
}

TEST_F(AgentOrphaned, nobody_adopts_who_was_not_asked) {
  link(3);
  be_orphaned();
  say(3, adoption({}));
  protocol::Adopt of_another = adoption({});
  of_another.former = BranchId(2);
  say(2, of_another);
  EXPECT_TRUE(stops.empty());
}

TEST_F(AgentOrphaned, a_refuge_that_knows_nothing_is_followed_by_the_next_one) {
  link(2);
  link(3);
  be_helper({refuge(2), refuge(3)});
  forget();
  const Instant broken = now;
  unlink(1);
  advance(8s);
  EXPECT_EQ(times_of<protocol::Orphan>(2).front(), broken);
  ASSERT_FALSE(times_of<protocol::Orphan>(3).empty());
  EXPECT_GE(times_of<protocol::Orphan>(3).front(), broken + 1s);
  EXPECT_LE(times_of<protocol::Orphan>(3).front(), broken + 3s);
  EXPECT_GE(told<protocol::Orphan>(2).size(), 2U);  // then the first one again
}

TEST_F(AgentOrphaned, an_orphan_of_a_job_that_has_ended_drops_everything) {
  be_orphaned();
  const TaskId task = task_at(0);
  say(2, protocol::Ended{.job = job_named(1), .statement = {}});
  EXPECT_TRUE(stops.contains(task));
  obey(task);
  EXPECT_EQ(agent.sizes().branches, 0U);
}

TEST_F(AgentOrphaned, results_are_kept_when_the_lease_has_ended_and_given_up_a_minute_after_the_mandate) {
  link(1);
  earn_lease(1);
  Proofs proofs = proofs_of(10);
  proofs.mandates.front().time_to_live = 60s;
  say(1, protocol::Grant{.branch = BranchId(1), .loop = root_loop, .intervals = single(0, 2), .refuges = {refuge(2)}},
      proofs);
  exit_with(task_at(0), 0);
  unlink(1);
  forget();
  const TaskId task = task_at(1);
  advance(11s);
  EXPECT_EQ(stops.at(task), StopHow::kill);
  obey(task);
  forget();
  advance(100s);
  EXPECT_EQ(agent.sizes().branches, 1U);
  EXPECT_TRUE(done<DropResult>().empty());
  advance(30s);
  EXPECT_EQ(agent.sizes().branches, 0U);
  EXPECT_EQ(done<DropResult>().size(), 1U);
}

TEST_F(AgentOrphaned, an_orphan_that_holds_very_much_tells_it_in_parts) {
  link(2);
  link(1);
  earn_lease(1);
  grant(1, scattered(10'000), 1'000'000, 1, {refuge(2)});
  forget();
  unlink(1);
  const auto parts = told<protocol::Orphan>(2);
  ASSERT_EQ(parts.size(), 3U);
  for (const protocol::Orphan& part : parts) EXPECT_EQ(part.last, &part == &parts.back());
  EXPECT_EQ(sum(2, &protocol::Orphan::todo).count(), 9'999U);
}

// The other end: a job of ours, whose helper 1 lent some of it to peer 3 and is gone.
class AgentRefuge : public PlayedPeers {
 protected:
  Interval lose_helper(std::uint64_t size = 100) {
    submit(terms_of(size));
    link(1);
    const protocol::Grant given = lend_to(1);
    const Interval lent = given.intervals.front();
    say(1, protocol::Report{.branch = given.branch,
                            .batches = {},
                            .lent = {{.helper = peer_named(3), .attempt = {}, .what = given.intervals}}});
    link(3);
    unlink(1);
    forget();
    return lent;
  }
  protocol::Orphan tale(std::vector<Interval> todo) const {
    return {.loop = root_loop, .epoch = {}, .master = peer_named(1), .branch = BranchId(4), .todo = std::move(todo)};
  }
};

TEST_F(AgentRefuge, an_orphan_is_adopted_with_what_it_holds_and_its_results_count) {
  const Interval lent = lose_helper();
  protocol::Orphan orphan = tale(single(lent.begin + 2, lent.end));
  orphan.started = single(lent.begin + 1, lent.begin + 2);
  orphan.finished = single(lent.begin, lent.begin + 1);
  say(3, orphan);
  const auto adoptions = told<protocol::Adopt>(3);
  ASSERT_EQ(adoptions.size(), 1U);
  EXPECT_EQ(notices(What::adopted), 1U);
  EXPECT_EQ(adoptions.front().former, BranchId(4));
  EXPECT_EQ(adoptions.front().wanted, single(lent.begin + 1, lent.end));
  EXPECT_EQ(adoptions.front().to_send, single(lent.begin, lent.begin + 1));
  EXPECT_TRUE(adoptions.front().settled.empty());
  EXPECT_EQ(attached<protocol::Adopt>(3).front().mandates, (std::vector{job_named(1)}));
  report(3, adoptions.front().branch, single(lent.begin, lent.begin + 1));
  EXPECT_EQ(done<CommitReceived>().size(), 1U);
}

TEST_F(AgentRefuge, a_tale_in_parts_is_answered_once_at_its_end) {
  const Interval lent = lose_helper();
  protocol::Orphan part = tale(single(lent.begin, lent.begin + 3));
  part.last = false;
  say(3, part);
  EXPECT_TRUE(told<protocol::Adopt>(3).empty());
  say(3, tale(single(lent.begin + 3, lent.begin + 5)));
  ASSERT_EQ(told<protocol::Adopt>(3).size(), 1U);
  EXPECT_EQ(told<protocol::Adopt>(3).front().wanted, single(lent.begin, lent.begin + 5));
}

TEST_F(AgentRefuge, a_tale_of_very_many_gaps_is_not_answered_in_one_part_or_in_several) {
  (void)lose_helper(100'000);
  const std::vector<Interval> gaps = scattered(3'000);
  say(3, tale(gaps));
  for (std::size_t begin = 0; begin < gaps.size(); begin += 1'000) {
    const auto from = gaps.begin() + static_cast<std::ptrdiff_t>(begin);
    protocol::Orphan part = tale({from, from + 1'000});
    part.last = begin + 1'000 == gaps.size();
    say(3, part);
  }
  EXPECT_TRUE(told<protocol::Adopt>(3).empty());
  // What it told then is forgotten.
  say(3, tale({gaps.begin(), gaps.begin() + 5}));
  EXPECT_EQ(told<protocol::Adopt>(3).size(), 1U);
}

TEST_F(AgentRefuge, what_an_orphan_began_to_tell_is_forgotten_with_its_link) {
  const Interval lent = lose_helper();
  protocol::Orphan part = tale(single(lent.begin, lent.begin + 3));
  part.last = false;
  say(3, part);
  unlink(3);
  link(3);
  say(3, tale(single(lent.begin + 3, lent.begin + 5)));
  EXPECT_EQ(told<protocol::Adopt>(3).front().wanted, single(lent.begin + 3, lent.begin + 5));
}

TEST_F(AgentRefuge, what_has_its_result_is_settled_and_what_runs_here_is_dropped) {
  const Interval lent = lose_helper();
  advance(3s);  // it is todo here again
  for (std::uint64_t i = 0; i <= lent.begin; ++i) exit_with(task_at(i), 0);
  protocol::Orphan orphan = tale(single(lent.begin + 1, lent.begin + 2));  // runs here
  orphan.finished = single(lent.begin, lent.begin + 1);
  say(3, orphan);
  ASSERT_EQ(told<protocol::Adopt>(3).size(), 1U);
  EXPECT_TRUE(told<protocol::Adopt>(3).front().wanted.empty());
  EXPECT_EQ(told<protocol::Adopt>(3).front().settled, single(lent.begin, lent.begin + 1));
}

TEST_F(AgentRefuge, who_knows_nothing_of_the_loop_is_no_refuge) {
  link(3);
  forget();
  say(3, tale(single(0, 1)));
  EXPECT_TRUE(told<protocol::Adopt>(3).empty());
  EXPECT_TRUE(told<protocol::Ended>(3).empty());
}

TEST_F(AgentRefuge, an_orphan_of_a_job_that_has_ended_learns_it) {
  submit(terms_of(1));
  exit_with(task_at(0), 0);
  ASSERT_EQ(done<AnswerVerdict>().size(), 1U);
  link(3);
  say(3, tale(single(0, 1)));
  ASSERT_EQ(told<protocol::Ended>(3).size(), 1U);
  EXPECT_EQ(told<protocol::Ended>(3).front().job, job_named(1));
}

}  // namespace
}  // namespace agent::core
