// What peers claim that no honest peer would: nothing of it ends the agent, runs what it must not, or keeps it busy.

#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class AgentClaims : public PlayedPeers {
 protected:
  static InstanceKey another_instance() {
    protocol::Bytes32 bytes{};
    bytes[0] = std::byte(9);
    return InstanceKey(bytes);
  }
  protocol::Orphan orphan() const {
    return {.loop = {.job = job_named(1), .path = {}}, .master = peer_named(9), .branch = BranchId(7), .last = true};
  }
  void run_all_here() {
    while (!tasks.empty()) exit_with(tasks.begin()->first, 0, 1s);
  }
};

TEST_F(AgentClaims, half_of_a_piece_that_is_done_is_not_taken_again) {
  link(1);
  earn_lease(1);
  protocol::Grant whole{.branch = BranchId(1), .loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 4)};
  whole.pieces = single(0, 4);
  Proofs proofs = proofs_of(100);
  proofs.terms->body = Body::command_per_piece;
  say(1, whole, proofs);
  exit_with(task_at(0), 0);
  say(1, protocol::Cancel{.branch = BranchId(1), .intervals = single(0, 2)});
  forget();
  grant(1, single(0, 2));
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(told<protocol::Refuse>(1).size(), 1U);
}

TEST_F(AgentClaims, who_claims_all_of_a_loop_with_many_gaps_is_not_adopted) {
  JobTerms terms = terms_of(0);
  terms.size.reset();
  submit(terms);
  link(1);
  link(2);
  std::uint64_t known = 0;
  checks_each_step = false;
  for (int i = 0; i < 2'100; ++i) {
    forget();
    step(ItemsAdded{.job = job_named(1), .known = ++known});  // runs here
    step(ItemsAdded{.job = job_named(1), .known = ++known});
    advance(600ms);
    const protocol::Grant given = lend_to(1);
    report(1, given.branch, given.intervals);
    exit_with(tasks.begin()->first, 0);
  }
  checks_each_step = true;
  forget();
  protocol::Orphan claim = orphan();
  claim.finished = single(0, ~std::uint64_t{0} - 1);
  say(2, claim);
  EXPECT_TRUE(told<protocol::Adopt>(2).empty());
}

TEST_F(AgentClaims, an_orphaned_branch_that_loses_its_refuges_waits_for_its_master) {
  link(1);
  link(2);
  earn_lease(1);
  grant(1, single(0, 10), 10, 1,
        {{.role = protocol::RefugeRole::ancestor, .node = peer_named(2), .address = address_named(2)}});
  live.erase(1);
  advance(4s);
  EXPECT_EQ(notices(Notice::What::orphaned), 1U);
  step(MessageReceived{.from = peer_named(1),
                       .sequence = 1,  // an old one
                       .heard = heard_by(1),
                       .message = protocol::Grant{.branch = BranchId(1),
                                                  .loop = {.job = job_named(1), .path = {}},
                                                  .intervals = single(0, 10),
                                                  .refuges = {}},
                       .proofs = proofs_of(10)});
  now += 4s;
  for (int steps = 0; steps < 100 && agent.next_deadline() && agent.next_deadline()->at <= now; ++steps)
    step(DeadlinePassed{});
  EXPECT_TRUE(!agent.next_deadline() || agent.next_deadline()->at > now);
}

TEST_F(AgentClaims, a_loss_that_halts_a_job_closes_the_loops_of_what_is_stopped) {
  JobTerms terms = terms_of(10);
  terms.started_at_most_once = true;
  terms.halt = {.when = HaltRule::When::now, .what = HaltRule::What::failed, .amount = 1};
  submit(terms);
  link(1);
  (void)lend_to(1);
  ASSERT_EQ(tasks.size(), 1U);
  const StartTask start = tasks.begin()->second;
  step(LoopForked{.task = start.task,
                  .terms = {.path = {{.iteration = start.piece.begin, .ordinal = 0}},
                            .size = 4,
                            .branch_number = 0,
                            .opener = peer_named(0)}});
  unlink(1);
  Up anew;
  anew.instance = another_instance();
  link(1, anew);  // and the agent's own check after it
  EXPECT_EQ(stops.size(), 1U);
}

TEST_F(AgentClaims, several_iterations_of_a_list_that_run_as_one_are_no_piece) {
  submit(terms_of(10));
  link(1);
  const protocol::Grant given = lend_to(1);
  ASSERT_GT(given.intervals.front().count(), 1U);
  say(1, protocol::Report{.branch = given.branch, .number = 0, .batches = {}, .started = given.intervals});
  unlink(1);
  Up anew;
  anew.instance = another_instance();
  link(1, anew);
  for (int i = 0; i < 20 && !tasks.empty(); ++i) {
    EXPECT_EQ(tasks.begin()->second.piece.count(), 1U);
    exit_with(tasks.begin()->first, 0, 1s);
  }
  EXPECT_EQ(done<CommitResult>().size(), 10U);
}

TEST_F(AgentClaims, one_result_for_several_iterations_of_a_list_is_none) {
  submit(terms_of(10));
  link(1);
  const protocol::Grant given = lend_to(1);
  runs_pieces = true;
  say(1, protocol::Report{.branch = given.branch, .number = 0, .batches = {}}, batch_of(1, given.intervals));
  EXPECT_TRUE(done<CommitReceived>().empty());
  EXPECT_GE(notices(Notice::What::strange), 1U);
}

TEST_F(AgentClaims, several_iterations_of_a_list_are_not_granted_as_one_piece) {
  link(1);
  earn_lease(1);
  protocol::Grant several{.branch = BranchId(1), .loop = {.job = job_named(1), .path = {}}, .intervals = single(0, 4)};
  several.pieces = single(0, 4);
  say(1, several, proofs_of(100));
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks.begin()->second.piece.count(), 1U);
}

TEST_F(AgentClaims, telling_what_it_holds_is_no_work) {
  submit(terms_of(10));
  link(1);
  const protocol::Grant given = lend_to(1);
  run_all_here();
  for (int i = 0; i < 30 && agent.job_count() > 0; ++i) {
    say(1, protocol::Holds{.branch = {.sender_is = protocol::Side::helper, .branch = given.branch},
                           .attempt = {},
                           .todo = given.intervals});
    advance(20s);
    run_all_here();
  }
  EXPECT_EQ(agent.job_count(), 0U);
}

TEST_F(AgentClaims, who_was_found_hoarding_is_not_adopted) {
  submit(terms_of(100));
  link(1);
  (void)lend_to(1);
  for (int second = 0; second < 600 && agent.job_count() > 0; ++second) {
    forget();
    advance(1s);
    const bool cancelled = !told<protocol::Cancel>(1).empty();
    if (!tasks.empty()) exit_with(tasks.begin()->first, 0, 1s);
    if (!cancelled) continue;
    protocol::Orphan claim = orphan();
    claim.todo = single(0, 100);
    say(1, claim);
    EXPECT_TRUE(told<protocol::Adopt>(1).empty());
  }
  EXPECT_EQ(agent.job_count(), 0U);
}

// Whoever runs an iteration of ours may open loops in it, and lend us some of them.
TEST_F(AgentClaims, an_inner_loop_that_others_lend_us_does_not_keep_our_own_job_from_ending) {
  submit(terms_of(3));
  link(1);
  earn_lease(1);
  const LoopPath path{{.iteration = 0, .ordinal = 0}};
  auto grant_inner = [&] {
    Proofs proofs = proofs_of(3);
    proofs.loops.push_back(
        {.path = path, .size = 1'000'000, .branch_number = 8, .opener = peer_named(1), .instance = 5});
    say(1,
        protocol::Grant{
            .branch = BranchId(1), .loop = {.job = job_named(1), .path = path}, .intervals = single(0, 1'000'000)},
        proofs);
  };
  grant_inner();
  EXPECT_EQ(told<protocol::Accept>(1).size(), 1U);
  for (std::uint64_t i = 0; i < 2; ++i) exit_with(task_at(i), 0);
  EXPECT_EQ(tasks.begin()->second.path, LoopPath()) << "what is ours goes first";
  // The iteration whose loop that is said to be has its result: nobody waits for it.
  forget();
  grant_inner();
  EXPECT_EQ(told<protocol::Refuse>(1).size(), 1U);
  run_all_here();
  EXPECT_EQ(agent.job_count(), 0U);
}

}  // namespace
}  // namespace agent::core
