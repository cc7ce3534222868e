#include "crypto/signed.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using samples::bytes_of;

TEST(signed_statement, is_the_body_and_64_bytes_of_signature) {
  const Signed statement{bytes_of("body"), Signature{samples::filled<Bytes64>(0x5a)}};
  const auto bytes = encode(statement);
  ASSERT_EQ(bytes.size(), 4 + signature_bytes);
  EXPECT_EQ(bytes.front(), std::byte{'b'});
  EXPECT_EQ(bytes.back(), std::byte{0x5a});
  EXPECT_EQ(decode_signed(bytes, bytes.size()), statement);
}

TEST(signed_statement, without_a_body_or_above_its_size_is_refused) {
  const std::vector<std::byte> bytes(signature_bytes + 1);
  EXPECT_TRUE(decode_signed(bytes, bytes.size()));
  EXPECT_FALSE(decode_signed(bytes, bytes.size() - 1));
  EXPECT_FALSE(decode_signed(std::span(bytes).first(signature_bytes), bytes.size()));
  EXPECT_FALSE(decode_signed({}, bytes.size()));
}

TEST(signed_statement, sealed_by_a_key_verifies_under_it_in_its_domain_only) {
  const SigningPair signer = samples::node_pair();
  const Sealed sealed = seal(batch_domain, bytes_of("body"), signer);
  const auto statement = decode_signed(sealed.bytes, sealed.bytes.size());
  ASSERT_TRUE(statement);
  EXPECT_EQ(statement->body, bytes_of("body"));
  EXPECT_TRUE(verify(batch_domain, *statement, signer.public_key()));
  EXPECT_FALSE(verify(chunk_domain, *statement, signer.public_key()));
  EXPECT_FALSE(verify(batch_domain, *statement, samples::user_pair().public_key()));
}

TEST(signed_statement, has_an_id_that_leaves_the_signature_out) {
  const Sealed one = seal(batch_domain, bytes_of("body"), samples::node_pair());
  const Sealed other = seal(batch_domain, bytes_of("body"), samples::user_pair());
  EXPECT_NE(one.bytes, other.bytes);
  EXPECT_EQ(one.id, other.id);
  EXPECT_EQ(one.id, statement_id(batch_domain, bytes_of("body")));
  EXPECT_EQ(one.id, digest(batch_domain, bytes_of("body")));
  EXPECT_NE(one.id, seal(chunk_domain, bytes_of("body"), samples::node_pair()).id);
}

TEST(signed_statement, errors_have_words) {
  EXPECT_STREQ(to_string(StatementError::malformed), "malformed");
  EXPECT_STREQ(to_string(StatementError::bad_field), "a field is out of bounds");
  EXPECT_STREQ(to_string(StatementError::bad_signature), "bad signature");
  EXPECT_STREQ(to_string(StatementError::wrong_job), "about another job");
}

}  // namespace
}  // namespace crypto
