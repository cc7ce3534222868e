#include "agent/link/signed_notary.h"

#include <gtest/gtest.h>

#include <array>

#include "agent/link/exchange.h"
#include "crypto/ending.h"
#include "tests/unit/link/notary_pool.h"

namespace agent::link::test {
namespace {

constexpr std::uint32_t every_role = 31;
const core::LoopId root_loop{.job = job, .path = {}};

// Three nodes in a row, each a member that met its neighbours: 0 is the root.
class SignedNotaryTest : public ::testing::Test {
 protected:
  SignedNotaryTest() {
    meet(0, 1);
    meet(1, 2);
    exchange(0).on_submitted(job, signed_manifest());
    const core::MandateFact fact = mandate_fact(4);
    exchange(0).on_signed(fact, SignedNotary::sign_mandate(fact, samples::job_pair()), core::Instant(100s));
  }
  struct End : NotaryEnd {
    explicit End(unsigned char number) : NotaryEnd(number), exchange(node_id(number), notary, Exchange::Checks::on) {
      exchange.set_own_record(
          notary.sign_record(link_key(number).public_key(), {}, {samples::address(number), samples::address(99)}));
    }
    Exchange exchange;
  };
  Exchange& exchange(std::size_t node) { return ends[node].exchange; }
  SignedNotary& notary(std::size_t node) { return ends[node].notary; }
  void meet(unsigned char a, unsigned char b) {
    exchange(a).on_link_up(node_id(b), every_role);
    exchange(b).on_link_up(node_id(a), every_role);
    ends[a].meet(certificate_of(b));
    ends[b].meet(certificate_of(a));
  }
  tl::expected<core::MessageReceived, Refusal> pass(unsigned char from, unsigned char to, core::Message message,
                                                    core::Attached attached = {}) {
    const Bytes bytes = exchange(from).seal(
        {.to = node_id(to), .sequence = 7, .heard = 3, .message = std::move(message), .attached = std::move(attached)},
        core::Instant(103s));
    return exchange(to).open(node_id(from), bytes, core::Instant(103s));
  }
  static protocol::Grant grant(std::uint64_t branch, core::LoopId loop = root_loop) {
    return {.branch = core::BranchId(branch), .loop = std::move(loop), .intervals = {{0, 10}}};
  }
  void grant_down() {
    ASSERT_TRUE(pass(0, 1, grant(1)));
    ASSERT_TRUE(pass(1, 2, grant(8)));
  }

  std::array<End, 3> ends{End(0), End(1), End(2)};
};

TEST_F(SignedNotaryTest, AGrantBringsTheTermsOfTheManifestAndTheMandate) {
  const auto received = pass(0, 1, grant(1));
  ASSERT_TRUE(received);
  ASSERT_TRUE(received->proofs.terms);
  EXPECT_EQ(received->proofs.terms->size, job_size);
  EXPECT_EQ(received->proofs.terms->user.value(),
            crypto::key_id(crypto::user_domain, samples::user_pair().public_key()).bytes);
  core::MandateFact fact = mandate_fact(4);
  fact.age = 3s;
  EXPECT_EQ(received->proofs.mandates, std::vector{fact});
  ASSERT_NE(notary(1).jobs().find(job), nullptr);
  EXPECT_EQ(notary(1).jobs().find(job)->opened.manifest, job_manifest());
}

TEST_F(SignedNotaryTest, ALoopThatWasOpenedIsGrantedWithItsStatement) {
  grant_down();
  const core::LoopTerms inner = opening(1);
  exchange(1).on_forked(job, inner, notary(1).sign_statement(job, inner, {}, {}));
  const auto received = pass(1, 2, grant(9, {.job = job, .path = inner.path}), {.loops = {inner}});
  ASSERT_TRUE(received);
  EXPECT_EQ(received->proofs.loops, std::vector{inner});
}

TEST_F(SignedNotaryTest, ResultsComeToTheRootAsTheirExecutorSignedThem) {
  grant_down();
  ends[2].results.results[core::TaskId(5)] = {.loop = root_loop, .result = result_of(3, 4)};
  ends[2].results.results[core::TaskId(6)] = {.loop = root_loop, .result = result_of(7, 9)};
  const auto near =
      pass(2, 1, protocol::Report{.branch = core::BranchId(8)}, {.results = {core::TaskId(5), core::TaskId(6)}});
  ASSERT_TRUE(near);
  ASSERT_EQ(near->proofs.batches.size(), 1U);
  const auto far =
      pass(1, 0, protocol::Report{.branch = core::BranchId(1)}, {.batches = {near->proofs.batches[0].batch}});
  ASSERT_TRUE(far);
  ASSERT_EQ(far->proofs.batches.size(), 1U);
  const core::BatchFact& batch = far->proofs.batches[0];
  EXPECT_EQ(batch.executor, node_id(2));
  const core::ResultFact first{
      .piece = {3, 4}, .attempt = core::Attempt(2), .outcome = core::Outcome::failed, .ran = 1'500ms};
  core::ResultFact second = first;
  second.piece = {7, 9};
  EXPECT_EQ(batch.results, (std::vector{first, second}));
  const auto opened = crypto::open_batch(*exchange(0).batch(batch.batch));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->batch.results.front(), result_of(3, 4));
  EXPECT_EQ(notary(1).unmet(), 0U);
  EXPECT_EQ(notary(0).unmet(), 1U);
}

TEST_F(SignedNotaryTest, AnEndingIsPassedOnAsTheRootSignedIt) {
  grant_down();
  notary(0).sign_ending(job, mandate_fact(4).epoch, core::Verdict::hit, samples::job_pair());
  ASSERT_TRUE(pass(0, 1, protocol::Ended{.job = job}));
  notary(1).retain([](const core::JobId&) { return false; });
  ASSERT_TRUE(pass(1, 2, protocol::Ended{.job = job}));
  EXPECT_EQ(notary(2).ending_of(job), notary(0).ending_of(job));
  const auto opened = crypto::open_ending(notary(2).ending_of(job), samples::job, samples::job_pair().public_key());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->verdict, crypto::Verdict::hit);
  EXPECT_EQ(opened->epoch.number, 3U);
}

TEST_F(SignedNotaryTest, RecordsSayWhereANodeCanBeReached) {
  const auto received = pass(0, 1, protocol::Shuffle{}, {.records = {node_id(0)}});
  ASSERT_TRUE(received);
  EXPECT_EQ(received->proofs.records,
            std::vector{(core::Peer{.node = node_id(0),
                                    .instance = core::InstanceKey(link_key(0).public_key().bytes),
                                    .address = {.ip = samples::address(0).ip, .port = 4'422}})});
}

TEST_F(SignedNotaryTest, AnOldRecordReplacesNoNewOneAndNobodyElsesReplacesOurs) {
  const auto made_at = [](unsigned char number, std::int64_t made_ms, unsigned char host) {
    const crypto::PeerRecord record{.node_key = node_key(number).public_key(),
                                    .instance = link_key(number).public_key(),
                                    .certificate = {},
                                    .made_ms = made_ms,
                                    .addresses = {samples::address(host)}};
    return crypto::sign_peer_record(record, node_key(number)).value().bytes;
  };
  const auto told = [&](Bytes record) {
    const protocol::Envelope walk{.message = protocol::Walk{.record = std::move(record), .hops_left = 1}};
    const auto received = exchange(1).open(node_id(0), walk, core::Instant(103s));
    EXPECT_TRUE(received);
    return received ? received->proofs.records.size() : 0U;
  };
  EXPECT_EQ(told(made_at(2, 1'000, 5)), 1U);
  EXPECT_EQ(told(made_at(2, 1'000, 5)), 1U) << "the same again";
  EXPECT_EQ(told(made_at(2, 999, 6)), 0U);
  EXPECT_EQ(told(made_at(2, 1'001, 7)), 1U);
  EXPECT_EQ(told(made_at(1, wall_ms * 2, 8)), 0U) << "its own";
  const auto passed_on = pass(1, 0, protocol::Shuffle{}, {.records = {node_id(1), node_id(2)}});
  ASSERT_TRUE(passed_on);
  ASSERT_EQ(passed_on->proofs.records.size(), 2U);
  EXPECT_EQ(passed_on->proofs.records[0].address.ip, samples::address(1).ip);
  EXPECT_EQ(passed_on->proofs.records[1].address.ip, samples::address(7).ip);
}

TEST_F(SignedNotaryTest, AMandateOfAJobThatIsForgottenSaysNothing) {
  grant_down();
  notary(1).retain([](const core::JobId&) { return false; });
  exchange(1).retain([](const core::JobId&) { return false; }, [](const core::NodeId&) { return true; });
  const auto beat = pass(0, 1, protocol::Beat{}, {.mandates = {job}});
  ASSERT_TRUE(beat);
  EXPECT_TRUE(beat->proofs.mandates.empty());
}

// --- what is judged by a manifest ------------------------------------------------------------------------------------

// A notary of node 1 that knows the job.
class KnownJobTest : public ::testing::Test {
 protected:
  KnownJobTest() { EXPECT_TRUE(judged(end, job_manifest())); }
  [[nodiscard]] std::optional<OpenedBatch> opened(const crypto::ResultBatch& batch, unsigned char executor) {
    return end.notary.open_batch(signed_batch(batch, executor));
  }
  // Whether the statement of an opening by node 2, changed, is accepted.
  template <class Change>
  bool opens(Change change) {
    NotaryEnd opener(2);
    crypto::LoopStatement it =
        crypto::open_loop_statement(opener.notary.sign_statement(job, opening(2), {}, {}), samples::job)->statement;
    change(it);
    return end.notary.open_statement(job, crypto::sign_loop_statement(it, node_key(2)).value().bytes).has_value();
  }
  NotaryEnd end{1};
  const SignedSamples good;
};

TEST_F(KnownJobTest, EveryKindOpensAsItWasSignedAndWithNoByteChanged) {
  const auto only_as_it_is = [](const Bytes& whole, const auto& opens) {
    EXPECT_TRUE(opens(whole));
    for (std::size_t at = 0; at < whole.size(); at += 3) {
      Bytes bytes = whole;
      bytes[at] ^= std::byte{0x10};
      EXPECT_FALSE(opens(bytes)) << at;
    }
    EXPECT_FALSE(opens(std::span(whole).first(whole.size() - 1)));
    EXPECT_FALSE(opens(Bytes{}));
  };
  SignedNotary& notary = end.notary;
  only_as_it_is(good.mandate, [&](auto bytes) { return notary.open_mandate(bytes).has_value(); });
  only_as_it_is(good.statement, [&](auto bytes) { return notary.open_statement(job, bytes).has_value(); });
  only_as_it_is(good.batch, [&](auto bytes) { return notary.open_batch(bytes).has_value(); });
  only_as_it_is(good.record, [&](auto bytes) { return notary.open_record(bytes).has_value(); });
  only_as_it_is(good.ending, [&](auto bytes) { return notary.open_ending(job, bytes); });
  only_as_it_is(good.manifest, [&](auto bytes) { return notary.open_manifest(bytes).has_value(); });
}

TEST_F(KnownJobTest, AMandateIsOfTheJobsKeyAlone) {
  EXPECT_EQ(end.notary.open_mandate(good.mandate), mandate_fact(1));
  EXPECT_EQ(end.notary.open_mandate(SignedNotary::sign_mandate(mandate_fact(1), samples::user_pair())),
            tl::unexpected(MandateFault::bad));
  core::MandateFact of_another = mandate_fact(1);
  of_another.job = core::JobId(samples::filled<crypto::Bytes16>(0x12));
  EXPECT_EQ(end.notary.open_mandate(SignedNotary::sign_mandate(of_another, samples::job_pair())),
            tl::unexpected(MandateFault::unknown_job));
}

TEST_F(KnownJobTest, ARevokedJobOrAJobOfARevokedUserGetsNoMoreMandatesAndNobodyIsBlamed) {
  end.revoke(crypto::RevokedJob{samples::filled<crypto::Bytes16>(0x12)});
  EXPECT_TRUE(end.notary.open_mandate(good.mandate));
  end.revoke(crypto::RevokedJob{samples::job});
  EXPECT_EQ(end.notary.open_mandate(good.mandate), tl::unexpected(MandateFault::unknown_job));
  NotaryEnd other(3);
  ASSERT_TRUE(judged(other, job_manifest()));
  other.revoke(crypto::RevokedSigner{samples::user_pair().public_key()});
  EXPECT_EQ(other.notary.open_mandate(good.mandate), tl::unexpected(MandateFault::unknown_job));
}

TEST_F(KnownJobTest, WhatExpiresEndsNoJobThatRuns) {
  end.wall = samples::created_ms + 300 * crypto::day_ms;
  EXPECT_TRUE(end.notary.open_mandate(good.mandate));
}

TEST_F(KnownJobTest, ABatchNamesTheManifestOfItsJob) {
  crypto::ResultBatch batch = batch_by(0);
  EXPECT_TRUE(opened(batch, 0));
  batch.manifest.bytes[0] ^= std::byte{1};
  EXPECT_FALSE(opened(batch, 0));
}

TEST_F(KnownJobTest, ABatchOfAJobThatIsNotKnownHereHasNoResults) {
  crypto::ResultBatch batch = batch_by(0);
  batch.job[0] ^= std::byte{1};
  const auto strange = opened(batch, 0);
  ASSERT_TRUE(strange);
  EXPECT_TRUE(strange->results.empty());
  EXPECT_EQ(strange->executor, node_id(0));
}

TEST_F(KnownJobTest, ABatchOfPiecesThatAreNoIntervalsIsNone) {
  crypto::ResultBatch batch = batch_by(0);
  batch.results.back().covers = {{7, 9}, {10, 20}};
  EXPECT_FALSE(opened(batch, 0));
}

TEST_F(KnownJobTest, AnExecutorThatWasMetNeedsTheRoleAndOneThatWasNotIsCounted) {
  EXPECT_TRUE(opened(batch_by(2), 2));
  EXPECT_EQ(end.notary.unmet(), 1U);
  end.meet(certificate_of(2));
  EXPECT_TRUE(opened(batch_by(2), 2));
  EXPECT_TRUE(opened(batch_by(1), 1));
  EXPECT_EQ(end.notary.unmet(), 1U);
  crypto::Certificate no_runner = certificate_of(2);
  no_runner.roles = {};
  end.meet(no_runner);
  EXPECT_FALSE(opened(batch_by(2), 2));
}

TEST_F(KnownJobTest, ARevokedExecutorIsRefusedMetOrNot) {
  end.meet(certificate_of(2));
  end.meet(certificate_of(3));
  end.revoke(crypto::RevokedSerial{certificate_of(2).serial});
  end.revoke(crypto::RevokedNode{link_key(3).public_key()});
  end.revoke(crypto::RevokedSigner{node_key(4).public_key()});
  EXPECT_FALSE(opened(batch_by(2), 2));
  EXPECT_FALSE(opened(batch_by(3), 3));
  EXPECT_FALSE(opened(batch_by(4), 4));
  EXPECT_TRUE(opened(batch_by(5), 5));
}

TEST_F(KnownJobTest, OfTheMembersThatWereMetTheFirstAreForgotten) {
  crypto::Certificate no_runner = certificate_of(2);
  no_runner.roles = {};
  end.meet(no_runner);
  crypto::Membership member{.certificate = certificate_of(3), .roles = {crypto::Role::run}};
  for (std::size_t other = 0; other < SignedNotary::members_max; ++other) {
    EXPECT_FALSE(other == 1 && opened(batch_by(2), 2));
    member.certificate.sign_key.bytes[0] = static_cast<std::byte>(other);
    member.certificate.sign_key.bytes[1] = static_cast<std::byte>(other >> 8U);
    end.notary.on_member(member);
  }
  EXPECT_TRUE(opened(batch_by(2), 2));
}

TEST_F(KnownJobTest, ALoopIsOpenedByWhoSignedIt) {
  EXPECT_EQ(end.notary.open_statement(job, good.statement), opening(0));
  EXPECT_TRUE(opens([](crypto::LoopStatement&) {}));
  EXPECT_FALSE(opens([](crypto::LoopStatement& it) { it.job[0] ^= std::byte{1}; }));
  EXPECT_FALSE(opens([](crypto::LoopStatement& it) { it.instance[15] = std::byte{1}; }));
  end.revoke(crypto::RevokedSigner{node_key(2).public_key()});
  EXPECT_FALSE(opens([](crypto::LoopStatement&) {}));
}

TEST_F(KnownJobTest, ALoopIsOpenedByAnIterationOfTheJob) {
  EXPECT_TRUE(opens([](crypto::LoopStatement& it) { it.path.front().iteration = job_size - 1; }));
  EXPECT_FALSE(opens([](crypto::LoopStatement& it) { it.path.front().iteration = job_size; }));
}

TEST_F(KnownJobTest, WhereNestingForbidsItNoLoopIsOpened) {
  crypto::Manifest flat = job_manifest();
  flat.nesting = crypto::Nesting::none;
  NotaryEnd other(1);
  EXPECT_FALSE(other.notary.open_statement(job, good.statement));  // its job is not known yet
  ASSERT_TRUE(judged(other, flat));
  EXPECT_FALSE(other.notary.open_statement(job, good.statement));
}

TEST_F(KnownJobTest, AnEndingIsOfTheJobsKeyAloneAndThatOfTheLowerEpochStands) {
  NotaryEnd root(0);
  const auto ending = [&](std::uint64_t epoch, const crypto::SigningPair& key) {
    return crypto::sign_ending({.job = samples::job, .epoch = {.number = epoch, .root = {}}, .verdict = {}}, key)
        .value()
        .bytes;
  };
  EXPECT_FALSE(end.notary.open_ending(job, ending(1, samples::user_pair())));
  EXPECT_TRUE(end.notary.ending_of(job).empty());
  ASSERT_TRUE(end.notary.open_ending(job, ending(5, samples::job_pair())));
  ASSERT_TRUE(end.notary.open_ending(job, ending(6, samples::job_pair())));
  EXPECT_EQ(end.notary.ending_of(job), ending(5, samples::job_pair()));
  ASSERT_TRUE(end.notary.open_ending(job, ending(4, samples::job_pair())));
  EXPECT_EQ(end.notary.ending_of(job), ending(4, samples::job_pair()));
}

TEST_F(KnownJobTest, AnEndingOfAJobThatIsNotKnownHereIsPassedOver) {
  NotaryEnd stranger(2);
  EXPECT_TRUE(stranger.notary.open_ending(job, good.ending));
  EXPECT_TRUE(stranger.notary.ending_of(job).empty());
  EXPECT_FALSE(stranger.notary.open_ending(core::JobId{}, good.ending));
  EXPECT_FALSE(stranger.notary.open_ending(job, good.mandate));
}

TEST_F(KnownJobTest, OfTheEndingsTheFirstAreForgotten) {
  end.notary.sign_ending(job, {}, core::Verdict::done, samples::job_pair());
  crypto::Bytes16 name{};
  for (std::size_t other = 0; other < SignedNotary::endings_max; ++other) {
    EXPECT_FALSE(end.notary.ending_of(job).empty());
    name[0] = static_cast<std::byte>(other);
    name[1] = static_cast<std::byte>(other >> 8U);
    end.notary.sign_ending(core::JobId(name), {}, core::Verdict::cancelled, samples::job_pair());
  }
  EXPECT_TRUE(end.notary.ending_of(job).empty());
  EXPECT_FALSE(end.notary.ending_of(core::JobId(name)).empty());
}

TEST_F(KnownJobTest, ReasonsAreLeftOutOfABatchThatWouldBeTooLongWithThem) {
  std::vector<core::TaskId> tasks;
  for (std::uint64_t task = 0; task < crypto::batch_results_max; ++task) {
    tasks.emplace_back(task);
    crypto::Result result = result_of(task, task + 1);
    result.reason = std::string(crypto::result_reason_bytes_max, 'r');
    result.out = result.err = Bytes{};
    end.results.results[tasks.back()] = {.loop = root_loop, .result = result};
  }
  const Bytes bytes = end.notary.batch_of(tasks);
  EXPECT_LE(bytes.size(), protocol::limits::batch_bytes_max);
  const auto facts = end.notary.open_batch(bytes);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->results.size(), tasks.size());
  EXPECT_TRUE(crypto::open_batch(bytes)->batch.results.front().reason.empty());
  const Bytes one = end.notary.batch_of(std::span(tasks).first(1));
  EXPECT_FALSE(crypto::open_batch(one)->batch.results.front().reason.empty());
}

TEST_F(KnownJobTest, ANodeThatOnlyDialsHasARecordToo) {
  const Bytes bytes = end.notary.sign_record(link_key(1).public_key(), {}, {});
  const auto peer = end.notary.open_record(bytes);
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->node, node_id(1));
  EXPECT_EQ(peer->address, core::Address{});
}

}  // namespace
}  // namespace agent::link::test
