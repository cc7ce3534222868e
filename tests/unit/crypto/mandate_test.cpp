#include "crypto/mandate.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

TEST(mandate, comes_back_as_it_was_signed) {
  const SigningPair job_key = samples::job_pair();
  const auto opened = open_mandate(samples::MandateKind::sealed().bytes, samples::job, job_key.public_key());
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, samples::mandate());
}

TEST(mandate, of_the_largest_numbers_fits_its_size) {
  Mandate mandate = samples::mandate();
  mandate.epoch.number = ~std::uint64_t{0};
  mandate.sequence = ~std::uint64_t{0};
  mandate.time_to_live_ms = mandate_life_ms_max;
  const auto body = encode_body(mandate);
  ASSERT_TRUE(body);
  EXPECT_EQ(decode_mandate_body(*body), mandate);
}

TEST(mandate, lives_between_one_millisecond_and_ten_minutes) {
  Mandate mandate = samples::mandate();
  for (const std::uint64_t life : {std::uint64_t{1}, mandate_life_ms_max}) {
    mandate.time_to_live_ms = life;
    EXPECT_TRUE(sign_mandate(mandate, samples::job_pair())) << life;
  }
  for (const std::uint64_t life : {std::uint64_t{0}, mandate_life_ms_max + 1, ~std::uint64_t{0}}) {
    mandate.time_to_live_ms = life;
    EXPECT_EQ(sign_mandate(mandate, samples::job_pair()), tl::unexpected(StatementError::bad_field)) << life;
  }
}

TEST(mandate, of_another_job_is_no_licence) {
  Mandate mandate = samples::mandate();
  mandate.job[15] ^= std::byte{1};
  const SigningPair job_key = samples::job_pair();
  const auto sealed = sign_mandate(mandate, job_key).value();
  EXPECT_EQ(open_mandate(sealed.bytes, samples::job, job_key.public_key()), tl::unexpected(StatementError::wrong_job));
}

TEST(mandate, under_another_key_has_a_bad_signature) {
  EXPECT_EQ(open_mandate(samples::MandateKind::sealed().bytes, samples::job, samples::user_pair().public_key()),
            tl::unexpected(StatementError::bad_signature));
}

TEST(mandate, epochs_compare_by_number_and_then_by_root) {
  const KeyId low{samples::filled<Bytes32>(1)};
  const KeyId high{samples::filled<Bytes32>(2)};
  EXPECT_LT((Epoch{1, high}), (Epoch{2, low}));
  EXPECT_LT((Epoch{1, low}), (Epoch{1, high}));
}

}  // namespace
}  // namespace crypto
