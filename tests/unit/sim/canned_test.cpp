#include "agent/sim/canned.h"

#include <gtest/gtest.h>

#include "agent/sim/names.h"
#include "protocol/limits.h"

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

core::JobTerms sample_terms() {
  return {.job = job_id(3),
          .body = core::Body::command_per_piece,
          .size = 1'000'000'000'007U,
          .grain = 3s,
          .retries = 2,
          .slots_max = 5,
          .found = 42,
          .lowest_hit = true,
          .halt = {.when = core::HaltRule::When::soon,
                   .what = core::HaltRule::What::done,
                   .amount = 30,
                   .unit = core::HaltRule::Unit::percent},
          .user = user_id(4),
          .branch_number = 6,
          .started_at_most_once = true};
}

Batch sample_batch() {
  return {.executor = node_id(9),
          .loop = {.job = job_id(1), .path = {{.iteration = 5, .ordinal = 1}}},
          .results = {{.piece = {3, 5}, .attempt = core::Attempt(2), .outcome = core::Outcome::hit, .ran = 7ms},
                      {.piece = {8, 9}, .attempt = core::Attempt(0), .outcome = core::Outcome::failed, .ran = 1ns}}};
}

TEST(Canned, TermsComeBackWhole) {
  const core::JobTerms terms = sample_terms();
  const auto opened = open_terms(can(terms));
  ASSERT_TRUE(opened);
  EXPECT_EQ(can(*opened), can(terms));
  EXPECT_EQ(opened->size, terms.size);
  EXPECT_EQ(opened->found, 42);
  EXPECT_EQ(opened->halt.amount, 30U);
  EXPECT_EQ(opened->branch_number, 6U);
  EXPECT_TRUE(opened->started_at_most_once);
}

TEST(Canned, OtherFactsComeBackEqual) {
  const core::LoopTerms loop{.path = {{.iteration = 1, .ordinal = 0}, {.iteration = 2, .ordinal = 3}},
                             .size = 12,
                             .branch_number = 3,
                             .opener = node_id(1),
                             .instance = 99};
  EXPECT_EQ(open_loop(can(loop)), loop);
  const core::Peer peer{.node = node_id(7), .instance = instance_key(7, 2), .address = address_of(7)};
  EXPECT_EQ(open_peer(can(peer)), peer);
  const core::MandateFact mandate{
      .job = job_id(2), .epoch = {.number = 1, .root = node_id(0)}, .sequence = 5, .time_to_live = 60s};
  EXPECT_EQ(open_mandate(can(mandate)), mandate);
  EXPECT_EQ(open_batch(can(sample_batch())), sample_batch());
  EXPECT_EQ(open_job(can(job_id(8))), job_id(8));
}

TEST(Canned, WhatIsCutOrLongerOrOfAnotherKindIsRefused) {
  Bytes bytes = can(sample_batch());
  for (std::size_t kept = 0; kept < bytes.size(); ++kept)
    EXPECT_FALSE(open_batch(std::span(bytes).first(kept))) << kept;
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(open_batch(bytes));
  EXPECT_FALSE(open_terms(can(job_id(1))));
  EXPECT_FALSE(open_mandate(can(sample_batch())));
}

TEST(Canned, FitsTheLimitsOfTheWire) {
  const core::Peer peer{.node = node_id(7), .instance = instance_key(7, 2), .address = address_of(7)};
  EXPECT_LE(can(peer).size(), protocol::limits::record_bytes_max);
  core::LoopTerms loop{.path = core::LoopPath(protocol::limits::path_depth_max)};
  EXPECT_LE(can(loop).size(), protocol::limits::statement_bytes_max);
  EXPECT_LE(can(core::MandateFact{}).size(), protocol::limits::mandate_bytes_max);
}

}  // namespace
}  // namespace agent::sim
