#include "crypto/loop_statement.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

const SigningPair node_key = samples::node_pair();

TEST(loop_statement, comes_back_as_it_was_signed_with_the_name_of_its_opener) {
  const Sealed sealed = samples::LoopStatementKind::sealed();
  const auto opened = open_loop_statement(sealed.bytes, samples::job);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->statement, samples::loop_statement());
  EXPECT_EQ(opened->id, sealed.id);
  EXPECT_EQ(opened->opener, key_id(node_domain, node_key.public_key()));
}

TEST(loop_statement, is_signed_only_by_the_opener_that_it_names) {
  EXPECT_EQ(sign_loop_statement(samples::loop_statement(), samples::job_pair()).error(), StatementError::bad_field);
}

TEST(loop_statement, of_another_job_is_refused) {
  EXPECT_EQ(open_loop_statement(samples::LoopStatementKind::sealed().bytes, samples::filled<Bytes16>(1)).error(),
            StatementError::wrong_job);
}

TEST(loop_statement, of_the_deepest_loop_fits_its_size) {
  LoopStatement statement = samples::loop_statement();
  statement.path.assign(path_depth_max, PathStep{~std::uint64_t{0}, ~std::uint32_t{0}});
  statement.count = ~std::uint64_t{0};
  statement.branch_number = ~std::uint32_t{0};
  const auto sealed = sign_loop_statement(statement, node_key);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(open_loop_statement(sealed->bytes, samples::job)->statement, statement);
  statement.path.push_back({});
  EXPECT_EQ(sign_loop_statement(statement, node_key).error(), StatementError::bad_field);
}

TEST(loop_statement, of_the_root_loop_does_not_exist) {
  LoopStatement statement = samples::loop_statement();
  statement.path.clear();
  EXPECT_EQ(sign_loop_statement(statement, node_key).error(), StatementError::bad_field);
}

TEST(loop_statement, describes_the_same_loop_whoever_opens_it_and_no_other) {
  const LoopStatement one = samples::loop_statement();
  LoopStatement again = one;
  again.opener = samples::user_pair().public_key();
  again.instance = samples::filled<Bytes16>(1);
  EXPECT_TRUE(same_loop(one, again));
  auto differs = [&](auto change) {
    LoopStatement other = again;
    change(other);
    return !same_loop(one, other);
  };
  EXPECT_TRUE(differs([](LoopStatement& it) { it.job[0] ^= std::byte{1}; }));
  EXPECT_TRUE(differs([](LoopStatement& it) { it.path.back().ordinal += 1; }));
  EXPECT_TRUE(differs([](LoopStatement& it) { it.body.bytes[0] ^= std::byte{1}; }));
  EXPECT_TRUE(differs([](LoopStatement& it) { it.count += 1; }));
  EXPECT_TRUE(differs([](LoopStatement& it) { it.branch_number += 1; }));
  EXPECT_TRUE(differs([](LoopStatement& it) { it.arguments.bytes[0] ^= std::byte{1}; }));
}

}  // namespace
}  // namespace crypto
