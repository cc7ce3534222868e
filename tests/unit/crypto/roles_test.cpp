#include "crypto/roles.h"

#include <gtest/gtest.h>

namespace crypto {
namespace {

TEST(roles, have_the_bits_of_their_numbers) {
  EXPECT_EQ(Roles{}.bits(), 0);
  EXPECT_EQ((Roles{Role::run}).bits(), 1U << 1U);
  EXPECT_EQ((Roles{Role::submit, Role::issue}).bits(), (1U << 2U) | (1U << 4U));
  EXPECT_TRUE(all_roles.has(Role::admin));
  EXPECT_FALSE((Roles{Role::run}).has(Role::submit));
}

TEST(roles, of_bits_that_are_none_do_not_exist) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const auto roles = Roles::of_bits(static_cast<std::uint8_t>(bits));
    EXPECT_EQ(roles.has_value(), (bits & ~0x1eU) == 0) << bits;
    EXPECT_EQ(roles.value_or(Roles{}).bits(), roles ? bits : 0);
  }
}

TEST(roles, of_two_sets_those_in_both_remain) {
  EXPECT_EQ((Roles{Role::run, Role::submit} & Roles{Role::submit, Role::admin}), (Roles{Role::submit}));
  EXPECT_EQ((Roles{Role::run} & Roles{Role::submit}), Roles{});
}

TEST(roles, the_narrower_number_of_tasks_counts_and_none_is_no_limit) {
  auto most = [](std::optional<std::uint32_t> left, std::optional<std::uint32_t> right) {
    return within({.parallel_max = left}, {.parallel_max = right}).parallel_max;
  };
  EXPECT_EQ(most(3, 5), 3u);
  EXPECT_EQ(most(5, 3), 3u);
  EXPECT_EQ(most(std::nullopt, 3), 3u);
  EXPECT_EQ(most(3, std::nullopt), 3u);
  EXPECT_EQ(most(0, std::nullopt), 0u);
  EXPECT_EQ(most(std::nullopt, std::nullopt), std::nullopt);
}

TEST(roles, projects_that_have_nothing_in_common_permit_nothing_rather_than_everything) {
  using Projects = std::optional<std::vector<std::string>>;
  auto both = [](Projects left, Projects right) {
    return within({.projects = std::move(left)}, {.projects = std::move(right)}).projects;
  };
  EXPECT_EQ(both({{"a", "b"}}, {{"b", "c"}}), (Projects{{"b"}}));
  EXPECT_EQ(both({{"a"}}, {{"b"}}), Projects{std::vector<std::string>{}});
  EXPECT_EQ(both(std::nullopt, {{"b"}}), (Projects{{"b"}}));
  EXPECT_EQ(both({{"b"}}, std::nullopt), (Projects{{"b"}}));
  EXPECT_EQ(both(std::vector<std::string>{}, std::nullopt), Projects{std::vector<std::string>{}});
  EXPECT_EQ(both(std::nullopt, std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace crypto
