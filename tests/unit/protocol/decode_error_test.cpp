#include "protocol/decode_error.h"

#include <gtest/gtest.h>

#include <set>

namespace protocol {
namespace {

TEST(DecodeError, each_has_its_own_words) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(DecodeError::bad_value); ++i)
    words.insert(to_string(static_cast<DecodeError>(i)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(DecodeError::bad_value) + 1);
  EXPECT_FALSE(words.contains(""));
}

}  // namespace
}  // namespace protocol
