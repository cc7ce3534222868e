#include "crypto/revocation.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "crypto/wall_time.h"
#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::Bytes;
using Added = RevocationSet::Added;

OpenedRevocation entry(Revoked what, std::int64_t since_ms = 100, std::int64_t until_ms = 1'000) {
  Revocation it = samples::revocation();
  it.what = what;
  it.since_ms = since_ms;
  it.until_ms = until_ms;
  const Sealed sealed = sign_revocation(it, samples::admin_pair()).value();
  return open_revocation(sealed.bytes, samples::pool()).value();
}

RevokedSerial serial(unsigned char which) {
  return {samples::filled<Bytes16>(which)};
}

// Made without signing: only the set looks at it.
OpenedRevocation unsigned_entry(std::uint32_t number) {
  OpenedRevocation it{samples::revocation(), {}, {}};
  RevokedSerial what;
  for (std::size_t i = 0; i < 4; ++i) what.serial[i] = static_cast<std::byte>(number >> (8 * i) & 0xffU);
  it.revocation.what = what;
  it.id = content_digest(what.serial);
  return it;
}

TEST(revocation, comes_back_as_it_was_signed_with_its_bytes) {
  const Sealed sealed = samples::RevocationKind::sealed();
  const auto opened = open_revocation(sealed.bytes, samples::pool());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->revocation, samples::revocation());
  EXPECT_EQ(opened->id, sealed.id);
  EXPECT_EQ(opened->bytes, sealed.bytes);
}

TEST(revocation, of_another_pool_is_refused_and_so_is_one_that_ends_before_it_begins) {
  EXPECT_EQ(open_revocation(samples::RevocationKind::sealed().bytes, samples::filled<Bytes32>(1)).error(),
            StatementError::bad_field);
  Revocation it = samples::revocation();
  it.until_ms = it.since_ms;
  EXPECT_TRUE(sign_revocation(it, samples::admin_pair()));
  it.until_ms -= 1;
  EXPECT_EQ(sign_revocation(it, samples::admin_pair()), tl::unexpected(StatementError::bad_field));
  it = samples::revocation();
  it.since_ms = -1;
  EXPECT_EQ(sign_revocation(it, samples::admin_pair()), tl::unexpected(StatementError::bad_field));
  it.since_ms = it.until_ms = wall_ms_max + 1;
  EXPECT_EQ(sign_revocation(it, samples::admin_pair()), tl::unexpected(StatementError::bad_field));
}

TEST(revocation, is_signed_only_by_the_administrator_that_it_names) {
  EXPECT_EQ(sign_revocation(samples::revocation(), samples::user_pair()), tl::unexpected(StatementError::bad_field));
}

TEST(revocation_set, knows_what_is_revoked_and_since_when) {
  RevocationSet set;
  EXPECT_EQ(set.since(serial(1)), std::nullopt);
  EXPECT_EQ(set.add(entry(serial(1), 300)), Added::added);
  EXPECT_EQ(set.add(entry(RevokedSigner{samples::node_pair().public_key()}, 400)), Added::added);
  EXPECT_EQ(set.since(serial(1)), 300);
  EXPECT_EQ(set.since(RevokedSigner{samples::node_pair().public_key()}), 400);
  // The same bytes as another kind of thing are another thing.
  EXPECT_EQ(set.since(RevokedJob{serial(1).serial}), std::nullopt);
  EXPECT_EQ(set.since(RevokedNode{ExchangeKey{samples::node_pair().public_key().bytes}}), std::nullopt);
  EXPECT_EQ(set.size(), 2u);
}

TEST(revocation_set, of_several_entries_about_one_thing_the_earliest_counts_as_long_as_it_lives) {
  RevocationSet set;
  EXPECT_EQ(set.add(entry(serial(1), 300, 2'000)), Added::added);
  EXPECT_EQ(set.add(entry(serial(1), 200, 1'000)), Added::added);
  EXPECT_EQ(set.add(entry(serial(1), 250, 3'000)), Added::added);
  EXPECT_EQ(set.add(entry(serial(1), 250, 3'000)), Added::known);
  EXPECT_EQ(set.size(), 3u);
  EXPECT_EQ(set.since(serial(1)), 200);
  EXPECT_EQ(set.forget_ended(1'000), 0u);
  EXPECT_EQ(set.forget_ended(1'001), 1u);
  EXPECT_EQ(set.since(serial(1)), 250);
  EXPECT_EQ(set.forget_ended(3'001), 2u);
  EXPECT_EQ(set.since(serial(1)), std::nullopt);
  EXPECT_EQ(set.size(), 0u);
}

TEST(revocation_set, has_one_digest_for_the_same_entries_in_whatever_order_they_came) {
  RevocationSet one;
  RevocationSet other;
  EXPECT_EQ(one.digest(), other.digest());
  one.add(entry(serial(1)));
  EXPECT_NE(one.digest(), other.digest());
  one.add(entry(serial(2)));
  other.add(entry(serial(2)));
  EXPECT_NE(one.digest(), other.digest());
  other.add(entry(serial(1)));
  EXPECT_EQ(one.digest(), other.digest());
  EXPECT_EQ(one.entries().begin()->first, other.entries().begin()->first);
}

TEST(revocation_set, union_is_the_same_from_both_sides) {
  RevocationSet one;
  RevocationSet other;
  one.add(entry(serial(1)));
  one.add(entry(serial(2)));
  other.add(entry(serial(2)));
  other.add(entry(serial(3), 50));
  RevocationSet both = one;
  EXPECT_TRUE(both.unite(other));
  EXPECT_TRUE(other.unite(one));
  EXPECT_EQ(both.digest(), other.digest());
  EXPECT_EQ(both.size(), 3u);
  EXPECT_EQ(both.since(serial(3)), 50);
  EXPECT_TRUE(both.contains(entry(serial(3), 50).id));
  const Digest before = both.digest();
  EXPECT_TRUE(both.unite(both));
  EXPECT_EQ(both.digest(), before);
}

TEST(revocation_set, that_is_full_takes_nothing_new_and_loses_nothing) {
  RevocationSet set;
  for (std::uint32_t i = 0; i < RevocationSet::entries_max; ++i) {
    ASSERT_EQ(set.add(unsigned_entry(i)), Added::added);
  }
  EXPECT_EQ(set.add(unsigned_entry(0)), Added::known);
  EXPECT_EQ(set.add(unsigned_entry(10'000)), Added::full);
  EXPECT_EQ(set.size(), 10'000u);
  EXPECT_FALSE(set.since(unsigned_entry(10'000).revocation.what));
  EXPECT_TRUE(set.since(unsigned_entry(9'999).revocation.what));
  RevocationSet other;
  other.add(unsigned_entry(20'000));
  EXPECT_FALSE(set.unite(other));
  EXPECT_FALSE(other.unite(set));
  EXPECT_EQ(other.size(), 10'000u);
}

}  // namespace
}  // namespace crypto
