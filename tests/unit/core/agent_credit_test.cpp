// What bounds the results that are under way, and those that are kept: credit, receipts, and a full cache.

#include <gtest/gtest.h>

#include "tests/unit/core/played_peers.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

class AgentCredit : public PlayedPeers {
 protected:
  void be_helper(std::uint64_t iterations) {
    link(1);
    earn_lease(1);
    grant(1, single(0, iterations));
  }
  static constexpr std::uint64_t half_a_mebibyte = 512 * 1'024;
  // Peer 1 is our master, and peer 2 a helper of ours that holds half of it.
  void be_relay() {
    be_helper(100'000);
    link(2);
    given = lend_to(2);
    next_piece = given.intervals.front().begin;
  }
  // Peer 2 reports so many results, one iteration each, in one batch.
  void pass_on(std::uint64_t results, std::uint64_t size_bytes = 1) {
    std::vector<Interval> pieces;
    for (std::uint64_t i = 0; i < results; ++i, ++next_piece)
      pieces.push_back({.begin = next_piece, .end = next_piece + 1});
    Proofs proofs = batch_of(2, pieces);
    proofs.batches.front().size_bytes = size_bytes;
    passed_.insert({.begin = pieces.front().begin, .end = pieces.back().end});
    say(2, protocol::Report{.branch = given.branch, .number = ++latest_report, .batches = {}}, proofs);
  }
  // Half a mebibyte each.
  void fill_the_cache(int batches) {
    for (int i = 0; i < batches; ++i) pass_on(1, half_a_mebibyte);
  }
  void settle_what_was_passed() {
    say(1, protocol::Settled{.loop = {.job = job_named(1), .path = {}}, .intervals = passed_.intervals()});
  }
  // What went on to peer 1, by the number of the report that carried it.
  std::map<std::uint64_t, std::vector<BatchId>> batches_by_report() const {
    std::map<std::uint64_t, std::vector<BatchId>> found;
    const auto reports = told<protocol::Report>(1);
    const auto extras = attached<protocol::Report>(1);
    for (std::size_t i = 0; i < reports.size(); ++i) {
      if (!extras[i].batches.empty()) found[reports[i].number] = extras[i].batches;
    }
    return found;
  }
  std::size_t passed_on() const {
    std::set<BatchId> batches;
    for (const auto& [number, carried] : batches_by_report()) batches.insert(carried.begin(), carried.end());
    return batches.size();
  }

  protocol::Grant given;
  std::uint64_t next_piece = 0;
  std::uint64_t latest_report = 0;

 private:
  IntervalSet passed_;
};

TEST_F(AgentCredit, a_stream_stops_when_its_credit_is_used_up_and_goes_on_with_what_is_received) {
  be_relay();
  for (int i = 0; i < 5; ++i) pass_on(1'024);
  advance(3s);
  EXPECT_EQ(passed_on(), 4U);
  const std::uint64_t last = told<protocol::Report>(1).back().number;
  say(1, protocol::Received{.branch = BranchId(1), .number = batches_by_report().begin()->first});
  advance(2s);
  EXPECT_EQ(passed_on(), 5U);
  EXPECT_GT(told<protocol::Report>(1).back().number, last);
}

TEST_F(AgentCredit, a_beat_that_says_what_is_stored_frees_credit_as_well) {
  be_relay();
  for (int i = 0; i < 9; ++i) pass_on(1, half_a_mebibyte);
  advance(3s);
  EXPECT_EQ(passed_on(), 8U);
  // That the report which waits for credit is due is no reason to send more.
  exit_with(tasks.begin()->first, 0);
  advance(1s);
  EXPECT_EQ(passed_on(), 8U);
  say(1, protocol::Beat{.stall_ns = 0,
                        .mandates = {},
                        .branches = {{.branch = {.sender_is = protocol::Side::master, .branch = BranchId(1)},
                                      .reports_stored = batches_by_report().begin()->first + 1}}});
  advance(1s);
  EXPECT_EQ(passed_on(), 9U);
}

TEST_F(AgentCredit, a_report_is_received_at_once_above_a_quarter_of_the_credit_and_else_with_the_beat) {
  be_relay();
  forget();
  pass_on(1'024);
  EXPECT_TRUE(told<protocol::Received>(2).empty());
  pass_on(1);
  EXPECT_EQ(told<protocol::Received>(2),
            (std::vector{protocol::Received{.branch = given.branch, .number = latest_report}}));
  forget();
  pass_on(2, 1'024 * 1'024);
  EXPECT_TRUE(told<protocol::Received>(2).empty());
  advance(2s);
  ASSERT_FALSE(told<protocol::Beat>(2).empty());
  // What the beat has told is not counted again.
  pass_on(1);
  EXPECT_TRUE(told<protocol::Received>(2).empty());
  pass_on(1, 1'024 * 1'024);
  EXPECT_EQ(told<protocol::Received>(2),
            (std::vector{protocol::Received{.branch = given.branch, .number = latest_report}}));
}

TEST_F(AgentCredit, who_keeps_too_much_that_is_not_settled_begins_nothing_and_asks_nobody) {
  be_relay();
  for (unsigned number : {3U, 4U}) {
    link(number);
    introduce(number);
  }
  fill_the_cache(127);
  exit_with(tasks.begin()->first, 0);
  ASSERT_EQ(tasks.size(), 1U);
  fill_the_cache(1);
  exit_with(tasks.begin()->first, 0);
  EXPECT_TRUE(tasks.empty());
  forget();
  say(3, protocol::Probe{.request = 7, .path = {}});
  ASSERT_EQ(told<protocol::Busy>(3).size(), 1U);
  EXPECT_EQ(told<protocol::Busy>(3).front().request, 7U);
  EXPECT_TRUE(told<protocol::Offer>(3).empty());
  advance(20s);
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(told_all<protocol::Probe>() + told_all<protocol::Ask>() + told_all<protocol::Want>(), 0U);
  // Whoever asks gets its share all the same.
  say(3, protocol::Ask{.request = 8, .slots = 1, .tags = {}});
  EXPECT_EQ(told<protocol::Grant>(3).size(), 1U);
  settle_what_was_passed();
  EXPECT_EQ(tasks.size(), 1U);
  advance(20s);
  EXPECT_GE(told<protocol::Probe>(4).size(), 1U);
}

TEST_F(AgentCredit, who_keeps_too_much_wants_no_more_of_its_master_until_that_is_settled) {
  be_helper(2);
  link(2);
  given = lend_to(2);
  say(2, protocol::Want{.branch = given.branch, .iterations = 1});
  ASSERT_EQ(told<protocol::Want>(1).size(), 1U);  // nothing unstarted is left
  grant(1, single(10, 1'000));
  say(2, protocol::Want{.branch = given.branch, .iterations = 1'000});
  next_piece = told<protocol::Grant>(2).back().intervals.front().begin;
  fill_the_cache(128);
  forget();
  say(1, protocol::Recall{.branch = BranchId(1), .what = std::uint64_t{1'000}});
  advance(2s);
  EXPECT_TRUE(told<protocol::Want>(1).empty());
  settle_what_was_passed();
  EXPECT_EQ(told<protocol::Want>(1).size(), 1U);
}

}  // namespace
}  // namespace agent::core
