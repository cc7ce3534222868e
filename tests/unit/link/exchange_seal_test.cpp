#include <gtest/gtest.h>

#include <algorithm>

#include "agent/link/exchange.h"
#include "protocol/codec.h"
#include "tests/unit/link/notary_pool.h"

namespace agent::link::test {
namespace {

constexpr std::uint32_t every_role = 31;
const core::LoopId root_loop{.job = job, .path = {}};

// A master and its helper, which know each other as members.
class ExchangeSealTest : public testing::Test {
 protected:
  ExchangeSealTest() {
    one.on_link_up(node_id(2), every_role);
    two.on_link_up(node_id(1), every_role);
    one.on_submitted(job, signed_manifest());
    one.on_signed(mandate_, SignedNotary::sign_mandate(mandate_, samples::job_pair()),
                  core::Instant(std::chrono::seconds(100)));
  }
  // A chunk of the job's items, `number` of them from there on.
  static Bytes chunk_of(std::uint64_t number) {
    crypto::ArgumentChunk chunk = samples::chunk();
    chunk.job = samples::job;
    chunk.number = number;
    chunk.first_index = number;
    return crypto::sign_chunk(chunk, samples::job_pair()).value().bytes;
  }
  // As the helper's core is told of it.
  tl::expected<core::MessageReceived, Refusal> grant(std::uint64_t branch) {
    const protocol::Grant message{
        .branch = core::BranchId(branch), .loop = root_loop, .intervals = {{.begin = 0, .end = 10}}};
    const core::Send send{.to = node_id(2), .sequence = branch, .heard = 0, .message = message, .attached = {}};
    last = one.seal(send, core::Instant(std::chrono::seconds(101)));
    return two.open(node_id(1), last, core::Instant(std::chrono::seconds(101)));
  }
  [[nodiscard]] protocol::Grant on_the_wire() const {
    return std::get<protocol::Grant>(protocol::decode(last).value().message);
  }

  NotaryEnd master{1};
  NotaryEnd helper{2};
  Exchange one{node_id(1), master.notary, Exchange::Checks::on};
  Exchange two{node_id(2), helper.notary, Exchange::Checks::on};
  const core::MandateFact mandate_{.job = job,
                                   .epoch = {.number = 1, .root = node_id(1)},
                                   .sequence = 1,
                                   .time_to_live = std::chrono::seconds(60),
                                   .age = {}};
  Bytes last;
};

TEST_F(ExchangeSealTest, chunks_ride_along_once_on_each_link) {
  for (std::uint64_t number : {0U, 1U}) master.items.chunks[{number, number}] = chunk_of(number);
  ASSERT_TRUE(grant(1));
  EXPECT_EQ(on_the_wire().chunks.size(), 2U);
  EXPECT_EQ(helper.items.chunks, master.items.chunks) << "as they were signed";
  ASSERT_TRUE(grant(2));
  EXPECT_TRUE(on_the_wire().chunks.empty());
}

TEST_F(ExchangeSealTest, chunks_that_the_other_end_sent_are_not_sent_back) {
  master.items.chunks[{0, 0}] = chunk_of(0);
  ASSERT_TRUE(grant(1));
  const protocol::Grant back{.branch = core::BranchId(9), .loop = root_loop, .intervals = {{.begin = 0, .end = 10}}};
  last = two.seal({.to = node_id(1), .sequence = 1, .heard = 0, .message = back, .attached = {}},
                  core::Instant(std::chrono::seconds(101)));
  EXPECT_TRUE(on_the_wire().chunks.empty());
}

TEST_F(ExchangeSealTest, chunks_are_sent_again_to_whom_something_was_missing) {
  master.items.chunks[{0, 0}] = chunk_of(0);
  ASSERT_TRUE(grant(1));
  const protocol::Envelope refuse{
      .sequence = 1,
      .heard = 1,
      .message =
          protocol::Refuse{.branch = core::BranchId(1), .why = protocol::RefuseReason::content_missing, .reason = {}}};
  ASSERT_TRUE(one.open(node_id(2), refuse, core::Instant(std::chrono::seconds(101))));
  ASSERT_TRUE(grant(2));
  EXPECT_EQ(on_the_wire().chunks.size(), 1U);
  EXPECT_FALSE(on_the_wire().manifest.empty());
}

TEST_F(ExchangeSealTest, a_chunk_that_the_job_did_not_sign_is_no_honest_peers) {
  master.items.chunks[{0, 0}] = crypto::sign_chunk(samples::chunk(), samples::user_pair()).value().bytes;
  const auto received = grant(1);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error(), Refusal::proof);
}

TEST_F(ExchangeSealTest, what_the_owner_does_not_want_comes_with_a_grant_as_a_veto) {
  helper.owners_veto = core::Veto{.why = protocol::RefuseReason::sandbox_level, .reason = "not here"};
  const auto received = grant(1);
  ASSERT_TRUE(received);
  EXPECT_TRUE(received->proofs.terms);
  EXPECT_EQ(received->proofs.veto, helper.owners_veto);
}

TEST_F(ExchangeSealTest, a_manifest_that_does_not_hold_any_more_is_refused_and_its_sender_no_forger) {
  helper.revoke(crypto::RevokedJob{samples::job});
  const auto received = grant(1);
  ASSERT_TRUE(received);
  EXPECT_FALSE(received->proofs.terms);
  ASSERT_TRUE(received->proofs.veto);
  EXPECT_EQ(received->proofs.veto->why, protocol::RefuseReason::not_permitted);
  EXPECT_EQ(received->proofs.veto->reason, "the job is revoked");
}

TEST_F(ExchangeSealTest, what_is_revoked_while_it_is_known_is_vetoed_from_then_on) {
  ASSERT_TRUE(grant(1));
  helper.revoke(crypto::RevokedJob{samples::job});
  const auto received = grant(2);
  ASSERT_TRUE(received);
  ASSERT_TRUE(received->proofs.veto);
  EXPECT_EQ(received->proofs.veto->reason, "the job or its user was revoked");
}

TEST_F(ExchangeSealTest, an_ending_that_its_sender_has_forgotten_says_nothing) {
  const protocol::Envelope ended{.sequence = 1, .heard = 1, .message = protocol::Ended{.job = job, .statement = {}}};
  const auto received = two.open(node_id(1), ended, core::Instant(std::chrono::seconds(101)));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error(), Refusal::stale);
}

}  // namespace
}  // namespace agent::link::test
