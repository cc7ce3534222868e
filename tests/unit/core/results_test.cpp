#include "agent/core/results.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"

namespace agent::core {
namespace {

namespace limits = protocol::limits;

// Task n has computed iteration n, or the `count` iterations from there.
KeptResult of_ours(std::uint64_t begin, Outcome outcome = Outcome::ok, std::uint64_t size_bytes = 10,
                   std::uint64_t count = 1) {
  return {.piece = {.begin = begin, .end = begin + count},
          .attempt = {},
          .outcome = outcome,
          .size_bytes = size_bytes,
          .source = {.task = TaskId(begin)}};
}

KeptResult of_batch(std::uint64_t begin, std::uint64_t batch, std::uint32_t index, std::uint64_t size_bytes = 1'000) {
  return {.piece = {.begin = begin, .end = begin + 1},
          .attempt = {},
          .outcome = Outcome::ok,
          .size_bytes = size_bytes,
          .source = {.task = {}, .batch = BatchId(batch), .index = index, .executor = {}}};
}

IntervalSet span(std::uint64_t begin, std::uint64_t end) {
  return IntervalSet(Interval{.begin = begin, .end = end});
}

class ResultsTest : public testing::Test {
 protected:
  void TearDown() override { results.check_invariants(); }

  std::vector<TaskId> tasks(std::initializer_list<std::uint64_t> numbers) {
    std::vector<TaskId> all;
    for (std::uint64_t number : numbers) all.emplace_back(number);
    return all;
  }

  Results results;
  std::vector<Action> actions;
};

TEST_F(ResultsTest, hits_and_failures_go_first) {
  results.keep(of_ours(0));
  results.keep(of_ours(1));
  EXPECT_FALSE(results.has_urgent());
  results.keep(of_ours(5, Outcome::failed));
  results.keep(of_ours(7, Outcome::hit));
  EXPECT_TRUE(results.has_urgent());
  const auto first = results.send(0, 3);
  EXPECT_EQ(first.results, tasks({5, 7, 0}));
  EXPECT_FALSE(results.has_urgent());
  EXPECT_EQ(results.send(1, 3).results, tasks({1}));
  EXPECT_FALSE(results.has_unsent());
}

TEST_F(ResultsTest, a_report_of_our_own_results_is_no_larger_than_one_batch) {
  for (std::uint64_t i = 0; i < 10; ++i) results.keep(of_ours(i, Outcome::ok, 60'000));
  const auto first = results.send(0, 1'000);
  EXPECT_EQ(first.results.size(), 8U);  // the ninth would make more than 512 KiB
  EXPECT_EQ(first.covers, span(0, 8));
  EXPECT_EQ(results.send(1, 1'000).covers, span(8, 10));
}

TEST_F(ResultsTest, what_is_larger_than_a_report_goes_alone) {
  results.keep(of_ours(0, Outcome::ok, limits::message_bytes_max));
  results.keep(of_ours(1));
  EXPECT_EQ(results.send(0, 1'000).results, tasks({0}));
  EXPECT_EQ(results.send(1, 1'000).results, tasks({1}));
}

TEST_F(ResultsTest, a_report_carries_so_many_bytes_of_batches_and_no_more) {
  results.keep(of_batch(0, 1, 0, 400'000));
  results.keep(of_batch(1, 2, 0, 200'000));
  results.keep(of_batch(2, 3, 0, 200'000));
  EXPECT_EQ(results.send(0, 1'000).batches, (std::vector{BatchId(1), BatchId(2)}));
  EXPECT_EQ(results.send(1, 1'000).batches, (std::vector{BatchId(3)}));
}

TEST_F(ResultsTest, the_batches_of_a_report_and_our_own_are_no_more_than_a_message_carries) {
  for (std::uint32_t i = 0; i < 300; ++i) results.keep(of_batch(i, i + 1, 0, 10));
  results.keep(of_ours(1'000, Outcome::hit));
  const auto out = results.send(0, 1'000);
  EXPECT_EQ(out.results.size(), 1U);
  EXPECT_EQ(out.batches.size() + 1, limits::batches_per_report_max);
}

TEST_F(ResultsTest, a_batch_is_sent_once_whole_and_dropped_with_its_last_result) {
  for (std::uint32_t i = 0; i < 3; ++i) results.keep(of_batch(i, 9, i));
  const auto out = results.send(0, 1'000);
  EXPECT_EQ(out.batches, (std::vector{BatchId(9)}));
  EXPECT_EQ(out.covers, span(0, 3));
  results.let_go(span(0, 1), {}, actions);
  results.let_go(span(2, 3), {}, actions);
  EXPECT_TRUE(actions.empty());
  results.let_go(span(1, 2), {}, actions);
  EXPECT_EQ(actions, (std::vector<Action>{DropBatch{.batch = BatchId(9)}}));
}

TEST_F(ResultsTest, what_is_received_is_not_sent_again_when_the_link_breaks) {
  for (std::uint64_t i = 0; i < 3; ++i) results.keep(of_ours(i));
  for (std::uint64_t number = 0; number < 3; ++number) (void)results.send(number, 1);
  EXPECT_EQ(results.credit_used().results, 3U);
  results.on_stored(2);
  EXPECT_EQ(results.credit_used().results, 1U);
  results.unsend();
  EXPECT_EQ(results.send(3, 1'000).results, tasks({2}));
  EXPECT_EQ(results.kept_count(), 3U);
}

TEST_F(ResultsTest, what_was_sent_again_is_received_with_the_later_report_only) {
  results.keep(of_ours(0));
  (void)results.send(0, 1);
  results.unsend();
  (void)results.send(1, 1);
  results.on_stored(1);
  EXPECT_EQ(results.credit_used().results, 1U);
  results.on_stored(2);
  EXPECT_EQ(results.credit_used().results, 0U);
}

TEST_F(ResultsTest, what_is_wanted_again_is_sent_again_though_it_was_received) {
  for (std::uint64_t i = 0; i < 6; ++i) results.keep(of_ours(i, i == 3 ? Outcome::failed : Outcome::ok));
  (void)results.send(0, 1'000);
  results.on_stored(1);
  results.resend(span(2, 4));
  EXPECT_TRUE(results.has_urgent());
  EXPECT_EQ(results.send(1, 1'000).results, tasks({3, 2}));
}

TEST_F(ResultsTest, what_is_settled_in_parts_is_let_go_with_the_last_part) {
  results.keep(of_ours(0, Outcome::ok, 10, 10));
  results.let_go(span(0, 4), span(4, 10), actions);
  EXPECT_EQ(results.kept(), span(0, 10));
  results.let_go(span(6, 10), span(4, 6), actions);
  EXPECT_TRUE(actions.empty());
  results.let_go(span(4, 6), {}, actions);
  EXPECT_EQ(actions, (std::vector<Action>{DropResult{.task = TaskId(0)}}));
  EXPECT_EQ(results.kept_count(), 0U);
}

TEST_F(ResultsTest, what_is_let_go_unsent_is_never_sent) {
  results.keep(of_ours(0, Outcome::failed));
  results.keep(of_ours(1));
  results.let_go(span(0, 1), {}, actions);
  EXPECT_FALSE(results.has_urgent());
  EXPECT_EQ(results.send(0, 1'000).results, tasks({1}));
  results.let_go_all(actions);
  EXPECT_EQ(actions.size(), 2U);
  EXPECT_EQ(results.kept(), IntervalSet());
}

TEST_F(ResultsTest, no_more_results_are_under_way_than_there_is_credit_for) {
  for (std::uint64_t i = 0; i < limits::credit_results_max + 100; ++i) results.keep(of_ours(i, Outcome::ok, 1));
  std::uint64_t number = 0;
  EXPECT_EQ(results.send(number++, 1).covers, span(0, 1));
  EXPECT_FALSE(results.credit_used().above_a_quarter());
  while (results.has_credit()) EXPECT_FALSE(results.send(number++, 1'000).covers.empty());
  EXPECT_EQ(results.credit_used().results, limits::credit_results_max);
  EXPECT_TRUE(results.credit_used().above_a_quarter());
  EXPECT_TRUE(results.send(number++, 1'000).covers.empty());
  EXPECT_TRUE(results.has_unsent());
  EXPECT_TRUE(results.on_stored(1));
  EXPECT_FALSE(results.on_stored(1));
  EXPECT_EQ(results.send(number++, 1'000).covers.count(), 1U);
  EXPECT_FALSE(results.has_credit());
}

TEST_F(ResultsTest, no_more_bytes_are_under_way_than_there_is_credit_for) {
  const std::uint64_t half_a_mebibyte = 512 * 1'024;
  for (std::uint32_t i = 0; i < 10; ++i) results.keep(of_batch(i, i + 1, 0, half_a_mebibyte));
  for (std::uint64_t number = 0; number < 8; ++number) {
    EXPECT_EQ(results.credit_used().bytes, number * half_a_mebibyte);
    EXPECT_EQ(results.credit_used().above_a_quarter(), number > 2);
    EXPECT_EQ(results.send(number, 1'000).covers, span(number, number + 1));
  }
  EXPECT_FALSE(results.has_credit());
  EXPECT_TRUE(results.send(8, 1'000).covers.empty());
  (void)results.on_stored(2);
  EXPECT_EQ(results.credit_used().bytes, 6 * half_a_mebibyte);
  EXPECT_EQ(results.send(9, 1'000).covers, span(8, 9));
}

TEST_F(ResultsTest, what_is_let_go_while_it_is_under_way_takes_up_no_credit) {
  for (std::uint64_t i = 0; i < 3; ++i) results.keep(of_ours(i));
  (void)results.send(0, 2);
  (void)results.send(1, 1);
  results.let_go(span(0, 2), {}, actions);
  EXPECT_EQ(results.credit_used().results, 1U);
  results.let_go(span(2, 3), {}, actions);
  EXPECT_EQ(results.credit_used().results, 0U);
  EXPECT_EQ(results.credit_used().bytes, 0U);
  EXPECT_FALSE(results.has_unstored());
}

TEST_F(ResultsTest, a_batch_takes_up_its_bytes_once_until_its_last_result_is_gone) {
  for (std::uint32_t i = 0; i < 3; ++i) results.keep(of_batch(i, 9, i, 1'000));
  results.keep(of_ours(5, Outcome::ok, 70));
  EXPECT_EQ(results.kept_bytes(), 1'070U);
  (void)results.send(0, 1'000);
  (void)results.on_stored(1);
  EXPECT_EQ(results.kept_bytes(), 1'070U);  // stored there is not settled
  results.let_go(span(0, 2), {}, actions);
  EXPECT_EQ(results.kept_bytes(), 1'070U);
  results.let_go(span(2, 3), {}, actions);
  EXPECT_EQ(results.kept_bytes(), 70U);
  results.let_go_all(actions);
  EXPECT_EQ(results.kept_bytes(), 0U);
}

TEST_F(ResultsTest, what_is_wanted_again_is_sent_again_though_its_piece_began_before) {
  results.keep(of_ours(10, Outcome::ok, 10, 8));
  (void)results.send(0, 10);
  (void)results.on_stored(1);
  results.resend(span(14, 15));
  EXPECT_EQ(results.send(1, 10).covers, span(10, 18));
}

}  // namespace
}  // namespace agent::core
