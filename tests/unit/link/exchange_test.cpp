#include "agent/link/exchange.h"

#include <gtest/gtest.h>

#include <array>

#include "agent/sim/canned_notary.h"
#include "agent/sim/names.h"
#include "protocol/codec.h"

namespace agent::link {
namespace {

using namespace std::chrono_literals;
using sim::address_of;
using sim::can;
using sim::instance_key;
using sim::job_id;
using sim::node_id;
using sim::NodeIndex;

constexpr std::uint32_t every_role = 31;

core::Peer peer_of(NodeIndex node) {
  return {.node = node_id(node), .instance = instance_key(node, 1), .address = address_of(node)};
}

const core::LoopId root_loop{.job = job_id(1), .path = {}};
const core::LoopId inner_loop{.job = job_id(1), .path = {{.iteration = 3, .ordinal = 0}}};

// Three nodes in a row, linked to their neighbours: 0 is the root.
class ExchangeTest : public ::testing::Test {
 protected:
  ExchangeTest() {
    link(0, 1);
    link(1, 2);
    exchange(0).on_submitted(job_id(1), can(core::JobTerms{.job = job_id(1), .size = 100, .branch_number = 5}));
    sign(4, Instant(100s));
  }
  Exchange& exchange(NodeIndex node) { return ends[node].exchange; }
  void link(NodeIndex a, NodeIndex b, std::uint32_t roles_of_a = every_role) {
    exchange(a).on_link_up(node_id(b), every_role);
    exchange(b).on_link_up(node_id(a), roles_of_a);
  }
  void sign(std::uint64_t sequence, Instant at) {
    const core::MandateFact fact{.job = job_id(1),
                                 .epoch = {.number = 1, .root = node_id(0)},
                                 .sequence = sequence,
                                 .time_to_live = 60s,
                                 .age = {}};
    exchange(0).on_signed(fact, can(fact), at);
  }
  tl::expected<core::MessageReceived, Refusal> pass(NodeIndex from, NodeIndex to, core::Message message,
                                                    core::Attached attached = {}) {
    last = exchange(from).seal({.to = node_id(to), .sequence = 7, .heard = 3, .message = message, .attached = attached},
                               Instant(now));
    return exchange(to).open(node_id(from), last, Instant(now));
  }
  static protocol::Grant grant(std::uint64_t branch, core::LoopId loop = root_loop) {
    return {.branch = core::BranchId(branch), .loop = loop, .intervals = {{0, 10}}};
  }

  struct End {
    explicit End(NodeIndex node) : notary(node_id(node)), exchange(node_id(node), notary, Exchange::Checks::on) {
      exchange.set_own_record(can(peer_of(node)));
    }
    sim::CannedNotary notary;
    Exchange exchange;
  };
  std::array<End, 3> ends{End(0), End(1), End(2)};
  Duration now = 103s;
  Bytes last;
};

TEST_F(ExchangeTest, AGrantCarriesTermsAndMandateAndTheCoreSeesTheOpaqueFieldsEmpty) {
  const auto received = pass(0, 1, grant(1));
  ASSERT_TRUE(received);
  EXPECT_EQ(received->sequence, 7U);
  EXPECT_EQ(received->heard, 3U);
  ASSERT_TRUE(received->proofs.terms);
  EXPECT_EQ(received->proofs.terms->branch_number, 5U);
  ASSERT_EQ(received->proofs.mandates.size(), 1U);
  EXPECT_EQ(received->proofs.mandates[0].sequence, 4U);
  EXPECT_EQ(received->proofs.mandates[0].age, 3s);
  const auto& seen = std::get<protocol::Grant>(received->message);
  EXPECT_TRUE(seen.manifest.empty());
  EXPECT_TRUE(seen.mandate.mandate.empty());
  EXPECT_EQ(seen.intervals, (protocol::Intervals{{0, 10}}));
}

TEST_F(ExchangeTest, TheManifestTravelsOncePerLinkAndAgainOverANewOne) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  const std::size_t first = last.size();
  const auto again = pass(0, 1, grant(2));
  ASSERT_TRUE(again);
  EXPECT_LT(last.size() + 50, first);
  EXPECT_TRUE(again->proofs.terms);
  exchange(0).on_link_down(node_id(1));
  link(0, 1);
  ASSERT_TRUE(pass(0, 1, grant(3)));
  EXPECT_EQ(last.size(), first);
}

TEST_F(ExchangeTest, AGrantWhoseManifestWasLostSaysNothingAndTheNextOneBringsItAgain) {
  (void)exchange(0).seal({.to = node_id(1), .sequence = 1, .heard = 0, .message = grant(1), .attached = {}},
                         Instant(now));
  const auto bare = pass(0, 1, grant(1));
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->proofs.terms);
  EXPECT_TRUE(bare->proofs.mandates.empty());
  ASSERT_TRUE(pass(
      1, 0,
      protocol::Refuse{.branch = core::BranchId(1), .why = protocol::RefuseReason::content_missing, .reason = {}}));
  const auto whole = pass(0, 1, grant(2));
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->proofs.terms);
}

TEST_F(ExchangeTest, MandateAgesAddUpOverHops) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  now = 110s;
  const auto second = pass(1, 2, grant(1));
  ASSERT_TRUE(second);
  ASSERT_EQ(second->proofs.mandates.size(), 1U);
  EXPECT_EQ(second->proofs.mandates[0].age, 10s);
}

TEST_F(ExchangeTest, ABeatCarriesTheFreshestMandate) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  sign(5, Instant(103s));
  const auto beat = pass(0, 1, protocol::Beat{}, {.mandates = {job_id(1)}});
  ASSERT_TRUE(beat);
  ASSERT_EQ(beat->proofs.mandates.size(), 1U);
  EXPECT_EQ(beat->proofs.mandates[0].sequence, 5U);
  EXPECT_TRUE(std::get<protocol::Beat>(beat->message).mandates.empty());
}

TEST_F(ExchangeTest, AGrantOfAnInnerLoopCarriesTheStatementsAlongThePath) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  const core::LoopTerms opening{.path = inner_loop.path, .size = 12, .opener = node_id(1), .instance = 5};
  exchange(1).on_forked(job_id(1), opening, can(opening));
  const auto received = pass(1, 2, grant(1, inner_loop), {.loops = {opening}});
  ASSERT_TRUE(received);
  ASSERT_EQ(received->proofs.loops.size(), 1U);
  EXPECT_EQ(received->proofs.loops[0], opening);
}

TEST_F(ExchangeTest, ResultsBecomeABatchThatIsPassedOnAsItCame) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  ASSERT_TRUE(pass(1, 2, grant(8)));
  const core::ResultFact fact{.piece = {3, 4}, .attempt = core::Attempt(1), .outcome = core::Outcome::hit, .ran = 2s};
  ends[2].notary.keep_result(core::TaskId(5), {.loop = root_loop, .fact = fact});
  const auto near = pass(2, 1, protocol::Report{.branch = core::BranchId(8)}, {.results = {core::TaskId(5)}});
  ASSERT_TRUE(near);
  ASSERT_EQ(near->proofs.batches.size(), 1U);
  const core::BatchFact batch = near->proofs.batches[0];
  EXPECT_EQ(batch.batch, core::BatchId(1));
  EXPECT_EQ(batch.executor, node_id(2));
  EXPECT_EQ(batch.results, std::vector<core::ResultFact>{fact});
  const auto far = pass(1, 0, protocol::Report{.branch = core::BranchId(1)}, {.batches = {batch.batch}});
  ASSERT_TRUE(far);
  ASSERT_EQ(far->proofs.batches.size(), 1U);
  EXPECT_EQ(far->proofs.batches[0].executor, node_id(2));
  EXPECT_EQ(far->proofs.batches[0].size_bytes, batch.size_bytes);
  ASSERT_NE(exchange(0).batch(core::BatchId(1)), nullptr);
  EXPECT_EQ(*exchange(0).batch(core::BatchId(1)), *exchange(1).batch(batch.batch));
  EXPECT_EQ(exchange(0).batch(core::BatchId(2)), nullptr);
  EXPECT_EQ(exchange(1).batch_count(), 1U);
  EXPECT_TRUE(exchange(1).forget_batch(core::BatchId(1)));
  EXPECT_FALSE(exchange(1).forget_batch(core::BatchId(1)));
  EXPECT_EQ(exchange(1).batch_count(), 0U);
}

TEST_F(ExchangeTest, OnlyAHelperReportsAndOnlyAMasterRecalls) {
  EXPECT_FALSE(pass(1, 0, protocol::Report{.branch = core::BranchId(1)}));
  EXPECT_FALSE(pass(0, 1, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}));
  ASSERT_TRUE(pass(0, 1, grant(1)));
  EXPECT_TRUE(pass(1, 0, protocol::Report{.branch = core::BranchId(1)}));
  EXPECT_FALSE(pass(1, 0, protocol::Report{.branch = core::BranchId(2)}));
  EXPECT_TRUE(pass(0, 1, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}));
  EXPECT_FALSE(pass(1, 0, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}));
  EXPECT_EQ(exchange(0).stale()[static_cast<std::size_t>(protocol::Kind::report)], 2U);
}

TEST_F(ExchangeTest, AnswersNeedAQuestionThatIsNotTooOld) {
  EXPECT_FALSE(pass(1, 0, protocol::Offer{.request = 9}));
  ASSERT_TRUE(pass(0, 1, protocol::Probe{.request = 9, .job = job_id(1)}));
  EXPECT_TRUE(pass(1, 0, protocol::Busy{.request = 9, .kept = true}));
  EXPECT_FALSE(pass(1, 0, protocol::Busy{.request = 8}));
  now += 30s;
  EXPECT_TRUE(pass(1, 0, protocol::Offer{.request = 9}));
  now += 31s;
  EXPECT_FALSE(pass(1, 0, protocol::Offer{.request = 9}));
}

TEST_F(ExchangeTest, WhoeverGrantsMayAskAboutAGrantThatWasLost) {
  (void)exchange(0).seal({.to = node_id(1), .sequence = 1, .heard = 0, .message = grant(1), .attached = {}},
                         Instant(now));
  protocol::Holds holds{.branch = {.sender_is = protocol::Side::master, .branch = core::BranchId(1)}};
  EXPECT_TRUE(pass(0, 1, holds));
  holds.branch.sender_is = protocol::Side::helper;
  EXPECT_TRUE(pass(1, 0, holds));
  holds.branch.branch = core::BranchId(2);
  EXPECT_FALSE(pass(1, 0, holds));
}

TEST_F(ExchangeTest, OnlyMastersSettleAndOnlyRefugesAdopt) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  protocol::Grant further = grant(8);
  further.refuges = {{.role = protocol::RefugeRole::root, .node = node_id(0), .address = address_of(0)}};
  ASSERT_TRUE(pass(1, 2, further));
  link(0, 2);
  EXPECT_FALSE(pass(0, 2, protocol::Settled{.loop = root_loop, .intervals = {{0, 1}}}));
  EXPECT_TRUE(pass(1, 2, protocol::Settled{.loop = root_loop, .intervals = {{0, 1}}}));
  EXPECT_TRUE(pass(2, 0, protocol::Orphan{.loop = root_loop, .master = node_id(1), .branch = core::BranchId(8)}));
  EXPECT_TRUE(pass(0, 2, protocol::Adopt{.loop = root_loop, .branch = core::BranchId(3)}));
  EXPECT_FALSE(pass(2, 1, protocol::Adopt{.loop = root_loop, .branch = core::BranchId(3)}));
  EXPECT_TRUE(pass(0, 2, protocol::Settled{.loop = root_loop, .intervals = {{0, 1}}}));
}

TEST_F(ExchangeTest, RecordsTravelAndAreKnownAfterwards) {
  const auto received = pass(0, 1, protocol::Shuffle{}, {.records = {node_id(0)}});
  ASSERT_TRUE(received);
  EXPECT_EQ(received->proofs.records, std::vector<core::Peer>{peer_of(0)});
  EXPECT_TRUE(std::get<protocol::Shuffle>(received->message).records.empty());
  const auto walk = pass(1, 2, protocol::Walk{.hops_left = 2}, {.records = {node_id(0)}});
  ASSERT_TRUE(walk);
  EXPECT_EQ(walk->proofs.records, std::vector<core::Peer>{peer_of(0)});
  EXPECT_TRUE(pass(1, 0, protocol::Shuffled{}, {.records = {node_id(1)}}));
  EXPECT_FALSE(pass(2, 1, protocol::Shuffled{}, {.records = {}}));
}

TEST_F(ExchangeTest, NonsenseIsRefused) {
  EXPECT_EQ(exchange(1).open(node_id(0), Bytes{std::byte{1}, std::byte{2}}, Instant(now)).error(), Refusal::malformed);
  const protocol::Report forged{.branch = core::BranchId(1), .batches = {Bytes{std::byte{9}}}};
  sim::CannedNotary notary(node_id(1));
  Exchange open_to_all(node_id(1), notary, Exchange::Checks::off);
  EXPECT_EQ(open_to_all.open(node_id(0), protocol::encode({.message = forged}), Instant(now)).error(), Refusal::proof);
  EXPECT_EQ(open_to_all.batch_count(), 0U);
}

TEST_F(ExchangeTest, OneBadBatchAmongGoodOnesLeavesNothing) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  ends[1].notary.keep_result(core::TaskId(5), {.loop = root_loop, .fact = {.piece = {3, 4}}});
  const protocol::Report report{.branch = core::BranchId(1),
                                .batches = {ends[1].notary.batch_of(std::array{core::TaskId(5)}), Bytes{std::byte{9}}}};
  EXPECT_EQ(exchange(0).open(node_id(1), protocol::encode({.message = report}), Instant(now)).error(), Refusal::proof);
  EXPECT_EQ(exchange(0).batch_count(), 0U);
}

TEST_F(ExchangeTest, ABatchOfAnotherLoopIsNothingAboutTheBranch) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  const core::LoopId inner{.job = root_loop.job, .path = {{.iteration = 1, .ordinal = 0}}};
  ends[1].notary.keep_result(core::TaskId(5), {.loop = inner, .fact = {.piece = {3, 4}}});
  const protocol::Report report{.branch = core::BranchId(1),
                                .batches = {ends[1].notary.batch_of(std::array{core::TaskId(5)})}};
  EXPECT_EQ(exchange(0).open(node_id(1), protocol::encode({.message = report}), Instant(now)).error(), Refusal::proof);
  EXPECT_EQ(exchange(0).batch_count(), 0U);
}

TEST_F(ExchangeTest, WhoMayNotRunAnythingOffersNothing) {
  constexpr std::uint32_t member_only = 1;
  link(1, 2, member_only);
  EXPECT_EQ(pass(1, 2, protocol::Note{.slots = 1}).error(), Refusal::role);
  EXPECT_TRUE(pass(1, 2, protocol::Probe{.request = 1, .job = job_id(1)}));
  link(1, 2);
  EXPECT_TRUE(pass(1, 2, protocol::Note{.slots = 1}));
}

TEST_F(ExchangeTest, OneJobHasOneManifest) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  protocol::Grant other = grant(2);
  other.manifest = can(core::JobTerms{.job = job_id(1), .size = 7, .branch_number = 5});
  other.manifest_id = protocol::Digest(protocol::Bytes32{std::byte{1}});
  EXPECT_EQ(exchange(1).open(node_id(0), protocol::encode({.message = other}), Instant(now)).error(), Refusal::proof);
  EXPECT_EQ(pass(1, 2, grant(1))->proofs.terms->size, 100U);
}

TEST_F(ExchangeTest, AManifestOfAnotherJobIsNoProof) {
  protocol::Grant other = grant(2);
  other.manifest = can(core::JobTerms{.job = job_id(2), .size = 7});
  other.manifest_id = ends[0].notary.manifest_id(other.manifest);
  EXPECT_EQ(exchange(1).open(node_id(0), protocol::encode({.message = other}), Instant(now)).error(), Refusal::proof);
}

// A notary that has never opened a manifest knows no job's key.
class Stranger : public sim::CannedNotary {
 public:
  using CannedNotary::CannedNotary;
  tl::expected<core::MandateFact, MandateFault> open_mandate(std::span<const std::byte>) override {
    return tl::unexpected(fault);
  }
  MandateFault fault = MandateFault::unknown_job;
};

TEST_F(ExchangeTest, AMandateOfAJobThatIsNotKnownHereSaysNothingAndIsNoFault) {
  Stranger notary(node_id(1));
  Exchange stranger(node_id(1), notary, Exchange::Checks::on);
  stranger.on_link_up(node_id(0), every_role);
  const Bytes beat = exchange(0).seal(
      {.to = node_id(1), .sequence = 1, .heard = 0, .message = protocol::Beat{}, .attached = {.mandates = {job_id(1)}}},
      Instant(now));
  const auto received = stranger.open(node_id(0), beat, Instant(now));
  ASSERT_TRUE(received);
  EXPECT_TRUE(received->proofs.mandates.empty());
  notary.fault = MandateFault::bad;
  EXPECT_EQ(stranger.open(node_id(0), beat, Instant(now)).error(), Refusal::proof);
}

TEST_F(ExchangeTest, AnAgeBeyondAllTimeIsAnOldMandateAndNoOverflow) {
  const core::MandateFact fact{
      .job = job_id(1), .epoch = {.number = 1, .root = node_id(0)}, .sequence = 9, .time_to_live = 60s, .age = {}};
  protocol::Beat beat;
  beat.mandates.push_back({.mandate = can(fact), .age_ns = ~std::uint64_t{0}});
  const auto received = exchange(1).open(node_id(0), protocol::encode({.message = beat}), Instant(now));
  ASSERT_TRUE(received);
  EXPECT_EQ(received->proofs.mandates.front().age, Duration::max());
}

TEST_F(ExchangeTest, WhoNamesMoreThanAnybodyWouldMakesUsForgetHisOldest) {
  for (std::uint64_t branch = 1; branch <= Exchange::names_per_peer_max + 1; ++branch)
    ASSERT_TRUE(pass(0, 1, grant(branch)));
  EXPECT_EQ(pass(0, 1, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}).error(), Refusal::stale);
  EXPECT_TRUE(pass(0, 1, protocol::Recall{.branch = core::BranchId(2), .what = 2UL}));
}

TEST_F(ExchangeTest, OfThoseWhoLeftTheFirstAreForgotten) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  exchange(1).on_link_down(node_id(0));
  for (NodeIndex other = 10; other < 10 + Exchange::unlinked_peers_max - 1; ++other) {
    exchange(1).on_link_up(node_id(other), every_role);
    exchange(1).on_link_down(node_id(other));
  }
  EXPECT_TRUE(pass(0, 1, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}));
  exchange(1).on_link_up(node_id(2'000), every_role);
  exchange(1).on_link_down(node_id(2'000));
  EXPECT_EQ(pass(0, 1, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}).error(), Refusal::stale);
}

TEST_F(ExchangeTest, WhatTheCoreHasForgottenIsForgotten) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  ASSERT_TRUE(pass(0, 1, protocol::Shuffle{}, {.records = {node_id(0)}}));
  exchange(1).retain([](const core::JobId&) { return false; }, [](const core::NodeId&) { return false; });
  const auto bare = pass(0, 1, grant(2));  // its manifest was sent before
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->proofs.terms);
  EXPECT_TRUE(pass(1, 2, protocol::Walk{.hops_left = 2}, {.records = {node_id(1)}}));  // its own stays
}

}  // namespace
}  // namespace agent::link
