#include "crypto/start.h"

#include <gtest/gtest.h>

namespace crypto {
namespace {

TEST(start, may_be_repeated) {
  EXPECT_TRUE(start());
  EXPECT_TRUE(start());
}

}  // namespace
}  // namespace crypto
