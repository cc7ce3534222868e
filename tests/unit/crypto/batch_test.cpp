#include "crypto/batch.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

constexpr std::uint64_t all = ~std::uint64_t{0};
const SigningPair node_key = samples::node_pair();

bool accepted(const ResultBatch& batch) {
  const auto sealed = sign_batch(batch, node_key);
  if (!sealed) {
    EXPECT_EQ(sealed.error(), StatementError::bad_field);
    return false;
  }
  const auto opened = open_batch(sealed->bytes);
  EXPECT_TRUE(opened && opened->batch == batch && opened->id == sealed->id);
  return true;
}

ResultBatch of_one(Result result) {
  ResultBatch batch = samples::batch();
  batch.results = {std::move(result)};
  return batch;
}

bool accepted(const Result& result) {
  const bool accepted_alone = accepted(of_one(result));
  EXPECT_EQ(encoded_bytes(result) > 0, accepted_alone);
  return accepted_alone;
}

bool covers_accepted(std::vector<Interval> covers) {
  Result result = samples::result();
  result.covers = std::move(covers);
  return accepted(result);
}

TEST(batch, comes_back_as_it_was_signed_with_the_name_of_its_executor) {
  ASSERT_TRUE(accepted(samples::batch()));
  const auto opened = open_batch(samples::BatchKind::sealed().bytes);
  EXPECT_EQ(opened->executor, key_id(node_domain, node_key.public_key()));
}

TEST(batch, is_signed_only_by_the_executor_that_it_names) {
  EXPECT_EQ(sign_batch(samples::batch(), samples::job_pair()).error(), StatementError::bad_field);
}

TEST(batch, covers_are_ascending_and_neither_overlap_nor_touch) {
  EXPECT_TRUE(covers_accepted({{0, all}}));
  EXPECT_TRUE(covers_accepted({{all - 1, all}}));
  EXPECT_TRUE(covers_accepted({{0, 1}, {2, 3}, {4, 9}}));
  EXPECT_FALSE(covers_accepted({}));
  EXPECT_FALSE(covers_accepted({{5, 5}}));
  EXPECT_FALSE(covers_accepted({{5, 4}}));
  EXPECT_FALSE(covers_accepted({{0, 5}, {5, 6}}));
  EXPECT_FALSE(covers_accepted({{0, 5}, {4, 6}}));
  EXPECT_FALSE(covers_accepted({{4, 6}, {0, 2}}));
  EXPECT_FALSE(covers_accepted({{0, all}, {0, 1}}));
}

TEST(batch, has_no_body_whose_intervals_run_past_the_end_of_all_numbers) {
  Result result = samples::result();
  result.covers = {{0x7f, 0x7f + 0x7e}};  // one byte for the gap, one for the length
  const auto body = encode_body(of_one(result)).value();
  // job, manifest, path of two steps (1 + 2 + 11), number of results, number of intervals
  const auto at = static_cast<std::ptrdiff_t>(16 + 32 + 14 + 1 + 1);
  ASSERT_EQ(body[at], std::byte{0x7f});
  ASSERT_EQ(body[at + 1], std::byte{0x7e});
  auto with = [&](std::initializer_list<unsigned char> gap_and_length) {
    std::vector<std::byte> other(body.begin(), body.begin() + at);
    for (const unsigned char byte : gap_and_length) other.push_back(std::byte{byte});
    other.insert(other.end(), body.begin() + at + 2, body.end());
    return decode_batch_body(other);
  };
  EXPECT_TRUE(with({0, 1}));
  EXPECT_EQ(with({0, 0}).error(), StatementError::bad_field);
  EXPECT_TRUE(with({1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}));
  EXPECT_EQ(with({1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}).error(), StatementError::bad_field);
  EXPECT_EQ(with({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1}).error(), StatementError::bad_field);
}

TEST(batch, covers_at_most_4096_intervals_a_result) {
  std::vector<Interval> covers;
  for (std::uint64_t i = 0; i < result_intervals_max; ++i) covers.push_back({4 * i, 4 * i + 1});
  EXPECT_TRUE(covers_accepted(covers));
  covers.push_back({all - 1, all});
  EXPECT_FALSE(covers_accepted(covers));
}

TEST(batch, every_number_of_a_result_may_be_at_either_end) {
  Result result = samples::result();
  result.attempt = ~std::uint32_t{0};
  result.exit_code = std::numeric_limits<std::int32_t>::min();
  result.signal = std::numeric_limits<std::int32_t>::max();
  result.start_wall_ms = std::numeric_limits<std::int64_t>::min();
  result.duration_ns = result.user_ns = result.system_ns = result.peak_kib = all;
  EXPECT_TRUE(accepted(result));
}

TEST(batch, fields_of_a_result_have_bounds) {
  Result result = samples::result();
  result.sandbox_level = sandbox_level_max;
  EXPECT_TRUE(accepted(result));
  result.sandbox_level += 1;
  EXPECT_FALSE(accepted(result));
  result = samples::result();
  result.reason = std::string(result_reason_bytes_max, 'r');
  EXPECT_TRUE(accepted(result));
  result.reason += 'r';
  EXPECT_FALSE(accepted(result));
  result.reason = std::string("a\0b", 3);
  EXPECT_FALSE(accepted(result));
  result = samples::result();
  result.outcome = static_cast<Outcome>(5);
  EXPECT_FALSE(accepted(result));
}

TEST(batch, carries_64_kib_of_each_output_and_no_more) {
  Result result = samples::result();
  result.out = std::vector<std::byte>(inline_output_bytes_max, std::byte{0});
  result.err = result.out;
  EXPECT_TRUE(accepted(result));
  result.err = std::vector<std::byte>(inline_output_bytes_max + 1);
  EXPECT_FALSE(accepted(result));
  result.err = BlobReference{Digest{}, all};
  EXPECT_TRUE(accepted(result));
}

TEST(batch, has_at_least_one_result_and_at_most_4096) {
  ResultBatch batch = samples::batch();
  batch.results.clear();
  EXPECT_FALSE(accepted(batch));
  batch.results.assign(batch_results_max, Result{.covers = {{0, 1}}});
  EXPECT_TRUE(accepted(batch));
  batch.results.push_back(batch.results.front());
  EXPECT_FALSE(accepted(batch));
}

TEST(batch, whose_results_fill_the_size_with_the_longest_head_can_be_signed_and_one_above_the_size_not) {
  ResultBatch batch = samples::batch();
  batch.path.assign(path_depth_max, PathStep{all, ~std::uint32_t{0}});
  batch.results.clear();
  constexpr std::size_t room = batch_signed_bytes_max - batch_head_bytes_max;
  std::size_t used = 0;
  Result result = samples::result();
  result.out = std::vector<std::byte>(60'000);
  while (used + encoded_bytes(result) <= room) {
    used += encoded_bytes(result);
    batch.results.push_back(result);
  }
  result.out = std::vector<std::byte>(room - used - encoded_bytes(samples::result()));
  EXPECT_LE(room - used - encoded_bytes(result), 4u);
  batch.results.push_back(result);
  EXPECT_TRUE(accepted(batch));
  result.out = std::vector<std::byte>(batch_head_bytes_max);
  batch.results.push_back(result);
  EXPECT_FALSE(accepted(batch));
}

TEST(batch, paths_are_bounded) {
  ResultBatch batch = samples::batch();
  batch.path.clear();
  EXPECT_TRUE(accepted(batch));
  batch.path.assign(path_depth_max, PathStep{});
  EXPECT_TRUE(accepted(batch));
  batch.path.push_back({});
  EXPECT_FALSE(accepted(batch));
}

TEST(batch, every_outcome_travels) {
  for (const Outcome outcome : {Outcome::ok, Outcome::hit, Outcome::failed, Outcome::killed, Outcome::lost}) {
    Result result = samples::result();
    result.outcome = outcome;
    EXPECT_TRUE(accepted(result)) << to_string(outcome);
  }
}

TEST(batch, outcomes_have_words) {
  EXPECT_STREQ(to_string(Outcome::ok), "ok");
  EXPECT_STREQ(to_string(Outcome::hit), "hit");
  EXPECT_STREQ(to_string(Outcome::failed), "failed");
  EXPECT_STREQ(to_string(Outcome::killed), "killed");
  EXPECT_STREQ(to_string(Outcome::lost), "lost");
}

}  // namespace
}  // namespace crypto
