#include "agent/link/job_terms.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/samples.h"

namespace agent::link {
namespace {

namespace samples = crypto::samples;
using namespace std::chrono_literals;

constexpr std::uint64_t centuries_ns = std::uint64_t{1} << 63U;
const crypto::KeyId user{samples::filled<crypto::Bytes32>(0x0e)};

crypto::Manifest manifest() {
  crypto::Manifest it = samples::manifest();
  it.redundancy = 1;
  return it;
}

TEST(JobTerms, SayWhatTheManifestSays) {
  const auto terms = terms_of(manifest(), user);
  ASSERT_TRUE(terms);
  EXPECT_EQ(terms->job, core::JobId(samples::job));
  EXPECT_EQ(terms->body, core::Body::command_per_piece);
  EXPECT_EQ(terms->size, 334U);
  EXPECT_EQ(terms->grain, 1s);
  EXPECT_EQ(terms->retries, 4U);
  EXPECT_EQ(terms->slots_max, 16U);
  EXPECT_EQ(terms->found, 10);
  EXPECT_FALSE(terms->lowest_hit);
  EXPECT_EQ(terms->halt.when, core::HaltRule::When::soon);
  EXPECT_EQ(terms->halt.what, core::HaltRule::What::succeeded);
  EXPECT_EQ(terms->halt.amount, 50U);
  EXPECT_EQ(terms->halt.unit, core::HaltRule::Unit::percent);
  EXPECT_EQ(terms->user, core::UserId(user.bytes));
  EXPECT_EQ(terms->branch_number, crypto::branch_number_automatic);
  EXPECT_TRUE(terms->started_at_most_once);
}

TEST(JobTerms, OfAnOpenLoopHaveNoSize) {
  crypto::Manifest open = manifest();
  open.range.reset();
  open.space = crypto::OpenSpace{};
  open.body = crypto::BodyKind::command_per_iteration;
  open.policy.found.reset();
  open.policy.halt = {};
  const auto terms = terms_of(open, user);
  ASSERT_TRUE(terms);
  EXPECT_FALSE(terms->size);
  EXPECT_FALSE(terms->found);
  EXPECT_EQ(terms->body, core::Body::command_per_iteration);
  EXPECT_EQ(terms->halt.when, core::HaltRule::When::never);
}

TEST(JobTerms, HaltRulesAreToldApart) {
  crypto::Manifest it = manifest();
  it.policy.halt = {crypto::HaltWhen::now, crypto::HaltWhat::fail, 7, crypto::HaltUnit::count};
  EXPECT_EQ(terms_of(it, user)->halt.when, core::HaltRule::When::now);
  EXPECT_EQ(terms_of(it, user)->halt.what, core::HaltRule::What::failed);
  EXPECT_EQ(terms_of(it, user)->halt.unit, core::HaltRule::Unit::count);
  it.policy.halt.what = crypto::HaltWhat::done;
  EXPECT_EQ(terms_of(it, user)->halt.what, core::HaltRule::What::done);
}

TEST(JobTerms, WhatTheCoreHasNoRoomForIsRefusedAndNotCut) {
  const auto refused = [](const auto& change) {
    crypto::Manifest it = manifest();
    change(it);
    return !terms_of(it, user);
  };
  EXPECT_FALSE(refused([](crypto::Manifest&) {}));
  EXPECT_TRUE(refused([](crypto::Manifest& it) { it.body = crypto::BodyKind::linked_function; }));
  EXPECT_TRUE(refused([](crypto::Manifest& it) { it.redundancy = 2; }));
  EXPECT_TRUE(refused([](crypto::Manifest& it) { it.policy.grain_ns = 0; }));
  EXPECT_TRUE(refused([](crypto::Manifest& it) { it.policy.grain_ns = centuries_ns; }));
  EXPECT_FALSE(refused([](crypto::Manifest& it) { it.policy.grain_ns = centuries_ns - 1; }));
}

TEST(LoopTerms, AreThoseOfTheStatementAndTheirOpeningIsItsInstance) {
  crypto::LoopStatement statement = samples::loop_statement();
  statement.instance = instance_of(0x0102030405060708);
  EXPECT_EQ(statement.instance[0], std::byte{1});
  EXPECT_EQ(statement.instance[7], std::byte{8});
  const crypto::KeyId opener{samples::filled<crypto::Bytes32>(0x0f)};
  const auto terms = loop_terms_of(statement, opener);
  ASSERT_TRUE(terms);
  EXPECT_EQ(*terms, (core::LoopTerms{.path = {{.iteration = 4, .ordinal = 0}, {.iteration = 17, .ordinal = 1}},
                                     .size = 300,
                                     .branch_number = 6,
                                     .opener = core::NodeId(opener.bytes),
                                     .instance = 0x0102030405060708}));
  EXPECT_EQ(path_of(terms->path), statement.path);
}

TEST(LoopTerms, AreNoneOfAnInstanceOfMoreThanANumberOrThroughAnIterationThatThereIsNot) {
  crypto::LoopStatement statement = samples::loop_statement();
  EXPECT_FALSE(loop_terms_of(statement, {}));
  statement.instance = instance_of(~std::uint64_t{0});
  EXPECT_TRUE(loop_terms_of(statement, {}));
  statement.instance[15] = std::byte{1};
  EXPECT_FALSE(loop_terms_of(statement, {}));
  statement.instance = instance_of(1);
  statement.path.back().iteration = ~std::uint64_t{0};
  EXPECT_FALSE(loop_terms_of(statement, {}));
}

TEST(MandateFact, GoesBothWays) {
  const core::MandateFact fact = fact_of(samples::mandate());
  EXPECT_EQ(fact.job, core::JobId(samples::job));
  EXPECT_EQ(fact.epoch.number, 7U);
  EXPECT_EQ(fact.epoch.root, core::NodeId(samples::filled<crypto::Bytes32>(0x55)));
  EXPECT_EQ(fact.sequence, 1'000'000U);
  EXPECT_EQ(fact.time_to_live, 59'999ms);
  EXPECT_EQ(mandate_of(fact), samples::mandate());
}

TEST(MandateFact, OfTimesThatNoMandateHasGivesNone) {
  core::MandateFact fact = fact_of(samples::mandate());
  for (const core::Duration life :
       {core::Duration(0), core::Duration(1ms) - 1ns, core::Duration(-1ms), core::Duration(600'001ms)}) {
    fact.time_to_live = life;
    EXPECT_FALSE(mandate_of(fact)) << life.count();
  }
  fact.time_to_live = 600s;
  EXPECT_TRUE(mandate_of(fact));
}

crypto::OpenedBatch batch() {
  crypto::OpenedBatch it{.batch = samples::batch(), .id = {}, .executor = {samples::filled<crypto::Bytes32>(0x10)}};
  it.batch.path = {{4, 2}};
  it.batch.results.front().covers = {{5, 10}};
  return it;
}

TEST(BatchFacts, AreTheResultsInOrder) {
  crypto::OpenedBatch it = batch();
  const auto facts = facts_of(it);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->executor, core::NodeId(it.executor.bytes));
  EXPECT_EQ(facts->loop, (core::LoopId{.job = core::JobId(samples::job), .path = {{.iteration = 4, .ordinal = 2}}}));
  const core::ResultFact first{
      .piece = {5, 10}, .attempt = core::Attempt(2), .outcome = core::Outcome::failed, .ran = 1'500ms};
  core::ResultFact second = first;
  second.piece = {20, 21};
  second.outcome = core::Outcome::hit;
  EXPECT_EQ(facts->results, (std::vector{first, second}));
}

TEST(BatchFacts, WhatWasKilledHasFailedAndWhatIsLostIsLost) {
  crypto::OpenedBatch it = batch();
  const auto outcome_of = [&](crypto::Outcome outcome) {
    it.batch.results.front().outcome = outcome;
    return facts_of(it)->results.front().outcome;
  };
  EXPECT_EQ(outcome_of(crypto::Outcome::ok), core::Outcome::ok);
  EXPECT_EQ(outcome_of(crypto::Outcome::hit), core::Outcome::hit);
  EXPECT_EQ(outcome_of(crypto::Outcome::failed), core::Outcome::failed);
  EXPECT_EQ(outcome_of(crypto::Outcome::killed), core::Outcome::failed);
  EXPECT_EQ(outcome_of(crypto::Outcome::lost), core::Outcome::lost);
}

TEST(BatchFacts, AreNoneIfAnyResultIsNotOfOneIntervalOrTookCenturies) {
  crypto::OpenedBatch it = batch();
  it.batch.results.back().covers = {{20, 21}, {30, 31}};
  EXPECT_FALSE(facts_of(it));
  it = batch();
  it.batch.results.back().covers.clear();
  EXPECT_FALSE(facts_of(it));
  it = batch();
  it.batch.results.back().duration_ns = centuries_ns;
  EXPECT_FALSE(facts_of(it));
  it = batch();
  it.batch.path.front().iteration = ~std::uint64_t{0};
  EXPECT_FALSE(facts_of(it));
}

TEST(PeerOfARecord, IsReachedAtTheFirstOfItsAddresses) {
  crypto::OpenedPeerRecord it{
      .record = samples::peer_record(), .id = {}, .node = {samples::filled<crypto::Bytes32>(0x12)}};
  const core::Peer peer = peer_of(it);
  EXPECT_EQ(peer.node, core::NodeId(it.node.bytes));
  EXPECT_EQ(peer.instance, core::InstanceKey(samples::noise_pair().public_key().bytes));
  EXPECT_EQ(peer.address, (core::Address{.ip = samples::address(1).ip, .port = 4'422}));
  it.record.addresses.clear();
  EXPECT_EQ(peer_of(it).address, core::Address{});
}

}  // namespace
}  // namespace agent::link
