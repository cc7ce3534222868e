#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "crypto/keys.h"
#include "tests/unit/crypto/place.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using samples::Place;

const Bytes32 content = samples::filled<Bytes32>(0xc5);

TEST(secret, is_moved_never_copied_and_never_compared_in_the_open) {
  static_assert(!std::is_copy_constructible_v<Secret<32>> && !std::is_copy_assignable_v<Secret<32>>);
  static_assert(std::is_nothrow_move_constructible_v<Secret<32>> && std::is_nothrow_move_assignable_v<Secret<32>>);
  static_assert(!std::equality_comparable<Secret<32>>);
  static_assert(!std::is_copy_constructible_v<SigningPair> && !std::is_copy_constructible_v<ExchangePair>);
}

TEST(secret, leaves_zeros_where_it_was_destroyed) {
  Place<Secret<32>> place;
  Secret<32>* secret = place.make(content);
  ASSERT_TRUE(place.contains(content));
  secret->~Secret();
  EXPECT_EQ(place.memory, (std::array<std::byte, sizeof(Secret<32>)>{}));
}

TEST(secret, leaves_zeros_when_it_is_cleared) {
  Place<Secret<32>> place;
  Secret<32>* secret = place.make(content);
  secret->clear();
  EXPECT_EQ(place.memory, (std::array<std::byte, sizeof(Secret<32>)>{}));
  secret->~Secret();
}

TEST(secret, leaves_zeros_where_it_was_moved_from) {
  Place<Secret<32>> place;
  Secret<32>* secret = place.make(content);
  Secret<32> built(std::move(*secret));
  EXPECT_FALSE(place.contains(std::span(content).first(4)));
  EXPECT_TRUE(std::ranges::equal(built.bytes(), content));
  *secret = std::move(built);
  EXPECT_TRUE(place.contains(content));
  Secret<32> assigned;
  assigned = std::move(*secret);
  EXPECT_FALSE(place.contains(std::span(content).first(4)));
  EXPECT_TRUE(std::ranges::equal(assigned.bytes(), content));
  secret->~Secret();
}

TEST(secret, survives_being_moved_to_itself) {
  Secret<32> secret{content};
  Secret<32>& same = secret;
  secret = std::move(same);
  EXPECT_TRUE(std::ranges::equal(secret.bytes(), content));
}

TEST(secret, a_signing_pair_leaves_no_seed_behind) {
  Place<SigningPair> place;
  const Seed seed{content};
  SigningPair* pair = place.make(seed);
  ASSERT_TRUE(place.contains(content));
  {
    const SigningPair moved(std::move(*pair));
    EXPECT_FALSE(place.contains(std::span(content).first(4)));
  }
  pair->~SigningPair();
}

TEST(secret, an_exchange_pair_takes_its_secret_with_it) {
  Secret<32> entropy{content};
  Place<ExchangePair> place;
  ExchangePair* pair = place.make(std::move(entropy));
  EXPECT_TRUE(entropy.same(Secret<32>{}));
  ASSERT_TRUE(place.contains(content));
  pair->~ExchangePair();
  EXPECT_FALSE(place.contains(std::span(content).first(4)));
}

TEST(secret, same_sees_a_difference_in_any_byte) {
  const Secret<32> secret{content};
  EXPECT_TRUE(secret.same(Secret<32>{content}));
  for (std::size_t i = 0; i < content.size(); ++i) {
    Secret<32> other{content};
    other.writable()[i] ^= std::byte{1};
    EXPECT_FALSE(secret.same(other)) << i;
  }
}

}  // namespace
}  // namespace crypto
