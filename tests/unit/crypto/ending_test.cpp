#include "crypto/ending.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

TEST(ending, comes_back_as_it_was_signed) {
  const auto opened = open_ending(samples::EndingKind::sealed().bytes, samples::job, samples::job_pair().public_key());
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, samples::ending());
}

TEST(ending, of_the_largest_numbers_fits_its_size) {
  Ending ending = samples::ending();
  ending.epoch.number = ~std::uint64_t{0};
  const auto body = encode_body(ending);
  ASSERT_TRUE(body);
  EXPECT_EQ(decode_ending_body(*body), ending);
}

TEST(ending, has_one_of_four_verdicts) {
  Ending ending = samples::ending();
  for (const Verdict verdict : {Verdict::done, Verdict::hit, Verdict::halted, Verdict::cancelled}) {
    ending.verdict = verdict;
    EXPECT_TRUE(sign_ending(ending, samples::job_pair()));
  }
  ending.verdict = static_cast<Verdict>(4);
  EXPECT_EQ(sign_ending(ending, samples::job_pair()), tl::unexpected(StatementError::bad_field));
}

TEST(ending, of_another_job_ends_nothing) {
  Ending ending = samples::ending();
  ending.job[0] ^= std::byte{1};
  const SigningPair job_key = samples::job_pair();
  EXPECT_EQ(open_ending(sign_ending(ending, job_key).value().bytes, samples::job, job_key.public_key()),
            tl::unexpected(StatementError::wrong_job));
}

TEST(ending, under_another_key_has_a_bad_signature) {
  EXPECT_EQ(open_ending(samples::EndingKind::sealed().bytes, samples::job, samples::user_pair().public_key()),
            tl::unexpected(StatementError::bad_signature));
}

}  // namespace
}  // namespace crypto
