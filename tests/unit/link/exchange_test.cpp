#include "agent/sim/link_layer.h"

#include <gtest/gtest.h>

#include "protocol/codec.h"

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

core::Peer peer_of(NodeIndex node) {
  return {.node = node_id(node), .instance = instance_key(node, 1), .address = address_of(node)};
}

const core::LoopId root_loop{.job = job_id(1), .path = {}};
const core::LoopId inner_loop{.job = job_id(1), .path = {{.iteration = 3, .ordinal = 0}}};

// Three nodes in a row, linked to their neighbours: 0 is the root.
class LinkLayerTest : public ::testing::Test {
 protected:
  LinkLayerTest() {
    link(0, 1);
    link(1, 2);
    layers[0].on_submitted({.job = job_id(1), .size = 100, .branch_number = 5});
    layers[0].on_signed({.job = job_id(1), .sequence = 4, .time_to_live = 60s}, Instant(100s));
  }
  void link(NodeIndex a, NodeIndex b) {
    layers[a].on_link_up(node_id(b));
    layers[b].on_link_up(node_id(a));
  }
  std::optional<core::MessageReceived> pass(NodeIndex from, NodeIndex to, core::Message message,
                                            core::Attached attached = {}) {
    last = layers[from].seal({.to = node_id(to), .sequence = 7, .heard = 3, .message = message, .attached = attached},
                             Instant(now));
    return layers[to].open(node_id(from), last, Instant(now));
  }
  static protocol::Grant grant(std::uint64_t branch, core::LoopId loop = root_loop) {
    return {.branch = core::BranchId(branch), .loop = loop, .intervals = {{0, 10}}};
  }

  std::vector<LinkLayer> layers{LinkLayer(peer_of(0), LinkLayer::Standing::checked),
                                LinkLayer(peer_of(1), LinkLayer::Standing::checked),
                                LinkLayer(peer_of(2), LinkLayer::Standing::checked)};
  Duration now = 103s;
  Bytes last;
};

TEST_F(LinkLayerTest, AGrantCarriesTermsAndMandateAndTheCoreSeesTheOpaqueFieldsEmpty) {
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

TEST_F(LinkLayerTest, TheManifestTravelsOncePerLinkAndAgainOverANewOne) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  const std::size_t first = last.size();
  const auto again = pass(0, 1, grant(2));
  ASSERT_TRUE(again);
  EXPECT_LT(last.size() + 50, first);
  EXPECT_TRUE(again->proofs.terms);
  layers[0].on_link_down(node_id(1));
  link(0, 1);
  ASSERT_TRUE(pass(0, 1, grant(3)));
  EXPECT_EQ(last.size(), first);
}

TEST_F(LinkLayerTest, AGrantWhoseManifestWasLostSaysNothingAndTheNextOneBringsItAgain) {
  (void)layers[0].seal({.to = node_id(1), .sequence = 1, .heard = 0, .message = grant(1), .attached = {}},
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

TEST_F(LinkLayerTest, MandateAgesAddUpOverHops) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  now = 110s;
  const auto second = pass(1, 2, grant(1));
  ASSERT_TRUE(second);
  ASSERT_EQ(second->proofs.mandates.size(), 1U);
  EXPECT_EQ(second->proofs.mandates[0].age, 10s);
}

TEST_F(LinkLayerTest, ABeatCarriesTheFreshestMandate) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  layers[0].on_signed({.job = job_id(1), .sequence = 5, .time_to_live = 60s}, Instant(103s));
  const auto beat = pass(0, 1, protocol::Beat{}, {.mandates = {job_id(1)}});
  ASSERT_TRUE(beat);
  ASSERT_EQ(beat->proofs.mandates.size(), 1U);
  EXPECT_EQ(beat->proofs.mandates[0].sequence, 5U);
  EXPECT_TRUE(std::get<protocol::Beat>(beat->message).mandates.empty());
}

TEST_F(LinkLayerTest, AGrantOfAnInnerLoopCarriesTheStatementsAlongThePath) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  const core::LoopTerms opening{.path = inner_loop.path, .size = 12, .opener = node_id(1), .instance = 5};
  layers[1].on_forked(job_id(1), opening);
  const auto received = pass(1, 2, grant(1, inner_loop), {.loops = {opening}});
  ASSERT_TRUE(received);
  ASSERT_EQ(received->proofs.loops.size(), 1U);
  EXPECT_EQ(received->proofs.loops[0], opening);
}

TEST_F(LinkLayerTest, ResultsBecomeABatchThatIsPassedOnAsItCame) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  ASSERT_TRUE(pass(1, 2, grant(8)));
  const core::ResultFact fact{.piece = {3, 4}, .attempt = core::Attempt(1), .outcome = core::Outcome::hit, .ran = 2s};
  layers[2].keep_result(core::TaskId(5), {.loop = root_loop, .fact = fact});
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
  EXPECT_EQ(layers[0].result_of(core::BatchId(1), 0), fact);
  EXPECT_EQ(layers[0].result_of(core::BatchId(1), 1), std::nullopt);
  EXPECT_EQ(layers[1].batch_count(), 1U);
  EXPECT_TRUE(layers[1].forget_batch(core::BatchId(1)));
  EXPECT_FALSE(layers[1].forget_batch(core::BatchId(1)));
  EXPECT_EQ(layers[1].batch_count(), 0U);
}

TEST_F(LinkLayerTest, OnlyAHelperReportsAndOnlyAMasterRecalls) {
  EXPECT_FALSE(pass(1, 0, protocol::Report{.branch = core::BranchId(1)}));
  EXPECT_FALSE(pass(0, 1, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}));
  ASSERT_TRUE(pass(0, 1, grant(1)));
  EXPECT_TRUE(pass(1, 0, protocol::Report{.branch = core::BranchId(1)}));
  EXPECT_FALSE(pass(1, 0, protocol::Report{.branch = core::BranchId(2)}));
  EXPECT_TRUE(pass(0, 1, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}));
  EXPECT_FALSE(pass(1, 0, protocol::Recall{.branch = core::BranchId(1), .what = 2UL}));
  EXPECT_EQ(layers[0].dropped()[static_cast<std::size_t>(protocol::Kind::report)], 2U);
}

TEST_F(LinkLayerTest, AnswersNeedAQuestionThatIsNotTooOld) {
  EXPECT_FALSE(pass(1, 0, protocol::Offer{.request = 9}));
  ASSERT_TRUE(pass(0, 1, protocol::Probe{.request = 9, .job = job_id(1)}));
  EXPECT_TRUE(pass(1, 0, protocol::Busy{.request = 9, .kept = true}));
  EXPECT_FALSE(pass(1, 0, protocol::Busy{.request = 8}));
  now += 30s;
  EXPECT_TRUE(pass(1, 0, protocol::Offer{.request = 9}));
  now += 31s;
  EXPECT_FALSE(pass(1, 0, protocol::Offer{.request = 9}));
}

TEST_F(LinkLayerTest, HoldsNamesABranchFromEitherEnd) {
  ASSERT_TRUE(pass(0, 1, grant(1)));
  const core::BranchId branch(1);
  EXPECT_TRUE(pass(0, 1, protocol::Holds{.branch = {.sender_is = protocol::Side::master, .branch = branch}}));
  EXPECT_TRUE(pass(1, 0, protocol::Holds{.branch = {.sender_is = protocol::Side::helper, .branch = branch}}));
  EXPECT_FALSE(pass(1, 0, protocol::Holds{.branch = {.sender_is = protocol::Side::master, .branch = branch}}));
}

TEST_F(LinkLayerTest, OnlyMastersSettleAndOnlyRefugesAdopt) {
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

TEST_F(LinkLayerTest, RecordsTravelAndAreKnownAfterwards) {
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

TEST_F(LinkLayerTest, NonsenseIsRefused) {
  EXPECT_FALSE(layers[1].open(node_id(0), Bytes{std::byte{1}, std::byte{2}}, Instant(now)));
  protocol::Report forged{.branch = core::BranchId(1), .batches = {Bytes{std::byte{9}}}};
  LinkLayer open_to_all(peer_of(1), LinkLayer::Standing::unchecked);
  EXPECT_FALSE(open_to_all.open(node_id(0), protocol::encode({.message = forged}), Instant(now)));
  EXPECT_EQ(open_to_all.batch_count(), 0U);
}

}  // namespace
}  // namespace agent::sim
