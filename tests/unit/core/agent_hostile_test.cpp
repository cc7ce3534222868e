// What peers say that lie, or are out of their minds: it is refused, cut to what it can be, or dropped.

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/agent.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

JobId job_numbered(unsigned number) {
  protocol::Bytes16 bytes{};
  bytes[15] = std::byte(number);
  return JobId(bytes);
}

NodeId node_numbered(unsigned number) {
  protocol::Bytes32 bytes{};
  bytes[0] = std::byte(number);
  return NodeId(bytes);
}

Address address_numbered(unsigned number) {
  Address address{.port = 4747};
  address.ip[15] = std::byte(number);
  return address;
}

// One agent (node 0), and peers 1, 2 ... that say whatever a test wants.
class AgentHostile : public testing::Test {
 protected:
  void step(const Event& event) {
    std::vector<Action> actions;
    agent.step(now, event, actions);
    agent.check_invariants();
    for (const Action& action : actions) {
      if (const auto* send = std::get_if<Send>(&action)) received[send->to] = send->sequence;
      if (const auto* sign = std::get_if<SignMandate>(&action)) mandates.push_back(*sign);
      all.push_back(action);
    }
    for (const SignMandate& sign : std::exchange(mandates, {}))
      step(MandateSeen{.job = sign.job, .sequence = sign.sequence, .time_to_live = sign.time_to_live, .age = {}});
  }

  void link(unsigned number) {
    sent[node_numbered(number)] = 0;
    step(LinkUp{.peer = {.node = node_numbered(number), .instance = {}, .address = address_numbered(number)},
                .dialled = false,
                .roles = 7,
                .slots = 1,
                .round_trip = 1ms});
  }

  void say(unsigned number, Message message, Proofs proofs = {}) {
    const NodeId from = node_numbered(number);
    step(MessageReceived{.from = from,
                         .sequence = ++sent[from],
                         .heard = received[from],
                         .message = std::move(message),
                         .proofs = std::move(proofs)});
  }

  // The peer asks, which gives us something to answer, and so an echo: a lease.
  void earn_lease(unsigned number) {
    say(number, protocol::Probe{.request = 1, .path = {}});
    say(number, protocol::Release{.request = 1});
  }

  void grant(unsigned number, std::vector<Interval> intervals, Proofs proofs, Attempt attempt = {}) {
    say(number,
        protocol::Grant{.branch = BranchId(1),
                        .loop = {.job = job_numbered(1), .path = {}},
                        .intervals = std::move(intervals),
                        .attempt = attempt},
        std::move(proofs));
  }

  Proofs proofs_of(std::uint64_t size) {
    Proofs proofs;
    proofs.terms = JobTerms{.job = job_numbered(1), .size = size};
    proofs.mandates.push_back({.job = job_numbered(1), .epoch = {}, .sequence = ++mandate_, .time_to_live = 60s});
    return proofs;
  }

  template <class Kind>
  std::vector<Kind> told(unsigned number) {
    std::vector<Kind> found;
    for (const Action& action : all) {
      const auto* send = std::get_if<Send>(&action);
      if (send == nullptr || send->to != node_numbered(number)) continue;
      if (const auto* message = std::get_if<Kind>(&send->message)) found.push_back(*message);
    }
    return found;
  }

  template <class Kind>
  std::vector<Kind> done() {
    std::vector<Kind> found;
    for (const Action& action : all) {
      if (const auto* each = std::get_if<Kind>(&action)) found.push_back(*each);
    }
    return found;
  }

  // A job of ours of ten iterations; the peer has asked, and has got half of it: 5..10, or what is left of it.
  protocol::Grant lend_to(unsigned number, std::uint32_t branch_number = 8) {
    step(JobSubmitted{.client = ClientId(1),
                      .terms = {.job = job_numbered(1), .size = 10, .branch_number = branch_number}});
    link(number);
    say(number, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
    const auto grants = told<protocol::Grant>(number);
    EXPECT_EQ(grants.size(), 1U);
    say(number, protocol::Accept{.branch = grants.front().branch});
    return grants.front();
  }

  Proofs batch_of(std::vector<ResultFact> results) {
    Proofs proofs;
    proofs.batches.push_back({.batch = BatchId(++batch_), .executor = node_numbered(1), .results = std::move(results)});
    return proofs;
  }

  Instant now{1'000s};
  Agent agent{Options{.slots = 1, .node = node_numbered(0), .instance = {}, .address = address_numbered(0)}};
  std::vector<Action> all;
  std::vector<SignMandate> mandates;
  std::map<NodeId, std::uint64_t> sent, received;
  std::uint64_t mandate_ = 0;
  std::uint64_t batch_ = 0;
};

TEST_F(AgentHostile, a_grant_outside_of_the_loop_is_refused) {
  link(1);
  earn_lease(1);
  grant(1, {{.begin = 5, .end = 11}}, proofs_of(10));
  ASSERT_EQ(told<protocol::Refuse>(1).size(), 1U);
  EXPECT_EQ(told<protocol::Refuse>(1).front().why, protocol::RefuseReason::malformed);
  EXPECT_EQ(agent.job_count(), 0U);
  grant(1, {{.begin = 5, .end = 10}}, proofs_of(10));
  EXPECT_EQ(told<protocol::Accept>(1).size(), 1U);
  EXPECT_EQ(done<StartTask>().size(), 1U);
}

TEST_F(AgentHostile, a_grant_whose_parts_contradict_each_other_is_refused) {
  link(1);
  earn_lease(1);
  Proofs other_job = proofs_of(10);
  other_job.terms->job = job_numbered(2);
  Proofs no_grain = proofs_of(10);
  no_grain.terms->grain = 0s;
  Proofs deeper = proofs_of(10);
  deeper.loops.push_back({.path = {{.iteration = 1, .ordinal = 0}}, .size = 10});
  grant(1, {{.begin = 0, .end = 1}}, other_job);
  grant(1, {{.begin = 0, .end = 1}}, no_grain);
  grant(1, {{.begin = 0, .end = 1}}, deeper);
  grant(1, {}, proofs_of(10));
  grant(1, {{.begin = 0, .end = 1}}, proofs_of(10), Attempt(~0U));
  EXPECT_EQ(told<protocol::Refuse>(1).size(), 5U);
  EXPECT_EQ(agent.job_count(), 0U);
}

TEST_F(AgentHostile, a_branch_of_very_many_parts_grows_no_further) {
  link(1);
  earn_lease(1);
  for (std::uint64_t part = 0; part < 5; ++part) {
    std::vector<Interval> gaps;
    for (std::uint64_t i = 0; i < 10'000; ++i)
      gaps.push_back({.begin = 20'000 * part + 2 * i, .end = 20'000 * part + 2 * i + 1});
    grant(1, std::move(gaps), proofs_of(1'000'000));
  }
  EXPECT_EQ(told<protocol::Accept>(1).size(), 3U);
  EXPECT_EQ(told<protocol::Refuse>(1).size(), 2U);
}

TEST_F(AgentHostile, what_comes_back_while_its_task_is_stopping_waits_for_the_end_of_that_task) {
  link(1);
  earn_lease(1);
  grant(1, {{.begin = 0, .end = 4}}, proofs_of(10));
  const auto first = done<StartTask>();
  ASSERT_EQ(first.size(), 1U);
  say(1, protocol::Cancel{.branch = BranchId(1), .intervals = {}});
  ASSERT_EQ(done<StopTask>().size(), 1U);
  grant(1, {{.begin = 0, .end = 4}}, proofs_of(10), Attempt(1));
  step(TaskEnded{.task = first.front().task, .how = TaskEnded::How::stopped});
  ASSERT_GE(done<StartTask>().size(), 2U);
  EXPECT_GT(done<StartTask>()[1].task, first.front().task);
}

TEST_F(AgentHostile, a_result_for_what_was_never_granted_is_dropped) {
  const protocol::Grant given = lend_to(1);
  const Interval granted = given.intervals.front();
  ASSERT_GT(granted.begin, 1U);
  say(1, protocol::Report{.branch = given.branch, .batches = {}},
      batch_of(
          {{.piece = {.begin = 1, .end = 2}}, {.piece = {.begin = 3, .end = 3}}, {.piece = {.begin = 0, .end = 99}}}));
  EXPECT_TRUE(done<CommitReceived>().empty());
  EXPECT_EQ(done<DropBatch>().size(), 1U);
  say(1, protocol::Report{.branch = given.branch, .number = 1, .batches = {}},
      batch_of({{.piece = {.begin = granted.begin, .end = granted.begin + 1}}}));
  EXPECT_EQ(done<CommitReceived>().size(), 1U);
}

TEST_F(AgentHostile, a_helper_claims_nothing_that_it_was_not_granted) {
  const protocol::Grant given = lend_to(1);
  say(1, protocol::Holds{.branch = {.sender_is = protocol::Side::helper, .branch = given.branch},
                         .todo = given.intervals,
                         .started = {{.begin = 1, .end = 2}, {.begin = 2, .end = 3}},
                         .lent = {},
                         .unsettled = {}});
  link(2);
  say(2, protocol::Ask{.request = 1, .slots = 1, .tags = {}});
  IntervalSet lent(told<protocol::Grant>(2).front().intervals);
  EXPECT_TRUE(lent.intersects({.begin = 1, .end = 5}));
}

TEST_F(AgentHostile, a_thousand_questions_a_second_get_few_answers) {
  link(1);
  for (unsigned i = 0; i < 1'000; ++i) {
    now += 1ms;
    say(1, protocol::Ask{.request = i, .slots = 1, .tags = {}, .hops_left = 255});
    say(1, protocol::Shuffle{});
  }
  const std::size_t answers = told<protocol::Busy>(1).size() + told<protocol::Shuffled>(1).size();
  EXPECT_GE(answers, 4U);
  EXPECT_LE(answers, static_cast<std::size_t>(Patience::with_a_link.burst) + 3);
}

TEST_F(AgentHostile, a_beat_with_a_thousand_unknown_branches_gets_few_answers) {
  link(1);
  protocol::Beat beat;
  for (std::uint64_t i = 0; i < 1'000; ++i)
    beat.branches.push_back(
        {.branch = {.sender_is = i % 2 == 0 ? protocol::Side::master : protocol::Side::helper, .branch = BranchId(i)}});
  say(1, beat);
  EXPECT_LE(told<protocol::Cancel>(1).size() + told<protocol::Holds>(1).size(), 16U);
}

TEST_F(AgentHostile, numbers_at_the_end_of_their_range_are_cut) {
  link(1);
  say(1, protocol::Probe{.request = 1, .path = {}, .priority = 255, .iterations = ~0ULL, .round_trip_ns = ~0ULL});
  ASSERT_EQ(told<protocol::Offer>(1).size(), 1U);
  EXPECT_LE(told<protocol::Offer>(1).front().held_ns, 2'000'000'000U);
}

}  // namespace
}  // namespace agent::core
