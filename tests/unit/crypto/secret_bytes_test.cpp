#include "crypto/secret_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>

#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

TEST(secret_bytes, are_moved_and_never_copied) {
  static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
  SecretBytes one(3);
  one.writable()[1] = std::byte{7};
  const std::byte* where = one.bytes().data();
  SecretBytes other(std::move(one));
  EXPECT_EQ(other.bytes().data(), where);
  SecretBytes third(8);
  third = std::move(other);
  EXPECT_EQ(third.bytes().data(), where);
  EXPECT_TRUE(std::ranges::equal(third.bytes(), std::array{std::byte{0}, std::byte{7}, std::byte{0}}));
}

}  // namespace
}  // namespace crypto
