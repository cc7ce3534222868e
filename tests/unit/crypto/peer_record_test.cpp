#include "crypto/peer_record.h"

#include <gtest/gtest.h>

#include "crypto/wall_time.h"
#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

// The node of the samples.
const SigningPair node_key = samples::node_pair();

TEST(peer_record, comes_back_as_it_was_signed_with_the_name_of_its_node) {
  const Sealed sealed = samples::PeerRecordKind::sealed();
  const auto opened = open_peer_record(sealed.bytes);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->record, samples::peer_record());
  EXPECT_EQ(opened->id, sealed.id);
  EXPECT_EQ(opened->node, key_id(node_domain, node_key.public_key()));
}

TEST(peer_record, is_signed_only_by_the_node_that_it_names) {
  EXPECT_EQ(sign_peer_record(samples::peer_record(), samples::user_pair()), tl::unexpected(StatementError::bad_field));
}

TEST(peer_record, with_the_longest_of_everything_fits_its_size) {
  PeerRecord it = samples::peer_record();
  it.made_ms = wall_ms_max;
  it.addresses.assign(addresses_max, Address{samples::filled<Bytes16>(0xff), 65'535});
  const auto sealed = sign_peer_record(it, node_key);
  ASSERT_TRUE(sealed);
  EXPECT_LE(sealed->bytes.size(), peer_record_signed_bytes_max);
  EXPECT_EQ(open_peer_record(sealed->bytes)->record, it);
}

TEST(peer_record, has_up_to_three_addresses_with_a_port) {
  PeerRecord it = samples::peer_record();
  it.addresses.clear();
  EXPECT_TRUE(sign_peer_record(it, node_key));
  it.addresses.assign(4, samples::address(1));
  EXPECT_EQ(sign_peer_record(it, node_key), tl::unexpected(StatementError::bad_field));
  it.addresses.assign(1, samples::address(1));
  it.addresses[0].port = 0;
  EXPECT_EQ(sign_peer_record(it, node_key), tl::unexpected(StatementError::bad_field));
  it = samples::peer_record();
  it.made_ms = -1;
  EXPECT_EQ(sign_peer_record(it, node_key), tl::unexpected(StatementError::bad_field));
}

TEST(peer_record, replaces_an_older_one_of_its_node_and_of_two_made_at_once_everybody_takes_the_same) {
  auto opened = [](const PeerRecord& record, const SigningPair& node) {
    return open_peer_record(sign_peer_record(record, node).value().bytes).value();
  };
  const OpenedPeerRecord known = opened(samples::peer_record(), node_key);
  PeerRecord later = samples::peer_record();
  later.made_ms += 1;
  EXPECT_TRUE(replaces(opened(later, node_key), known));
  EXPECT_FALSE(replaces(known, opened(later, node_key)));
  EXPECT_FALSE(replaces(known, known));

  PeerRecord twin = samples::peer_record();
  twin.addresses.pop_back();
  const OpenedPeerRecord other = opened(twin, node_key);
  EXPECT_NE(replaces(other, known), replaces(known, other));

  later.node_key = samples::user_pair().public_key();
  EXPECT_FALSE(replaces(opened(later, samples::user_pair()), known));
}

}  // namespace
}  // namespace crypto
