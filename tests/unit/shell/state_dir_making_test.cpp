// What opening a state directory makes, and takes back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/shell/state_dir.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

using testing::HasSubstr;

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

TEST(StateDirMakingTest, WhereItCanNotBeMadeNothingIsLeft) {
  const TemporaryDirectory root;
  const auto refused = StateDir::open(root.file("a/b/" + std::string(300, 'x')));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot make"));
  EXPECT_FALSE(exists(root.file("a")));
}

TEST(StateDirMakingTest, WhatWasMadeIsTakenBackAsFarAsItIsEmpty) {
  const TemporaryDirectory root;
  ASSERT_EQ(mkdir(root.file("there").c_str(), 0700), 0);
  auto state = StateDir::open(root.file("there/a/state"));
  ASSERT_TRUE(state);
  state->remove_if_made_and_empty();
  EXPECT_FALSE(exists(root.file("there/a")));
  EXPECT_TRUE(exists(root.file("there")));
  auto used = StateDir::open(root.file("there/a/state"));
  ASSERT_TRUE(used && used->secret("user.key"));
  used->remove_if_made_and_empty();
  EXPECT_TRUE(exists(root.file("there/a/state/user.key")));
  auto found = StateDir::open(root.file("there"));
  ASSERT_TRUE(found);
  found->remove_if_made_and_empty();
  EXPECT_TRUE(exists(root.file("there")));
}

}  // namespace
}  // namespace agent::shell
