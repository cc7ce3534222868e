#include "agent/core/hint_list.h"

#include <gtest/gtest.h>

#include "agent/core/random.h"
#include "tests/unit/core/peers_driver.h"

namespace agent::core {
namespace {

using namespace std::chrono_literals;

std::vector<std::uint64_t> nodes_of(const HintList& list) {
  std::vector<std::uint64_t> nodes;
  for (const HintList::Entry& entry : list.entries()) nodes.push_back(entry.hint.node_prefix);
  return nodes;
}

HintList::Entry told(std::uint64_t teller, std::uint32_t of, Instant at = start) {
  return {.hint = hint_of(peer(of)), .teller = teller, .heard_at = at};
}

TEST(hint_list, a_hint_carries_the_first_eight_bytes_of_a_node) {
  EXPECT_EQ(prefix_of(node(0x01020304)), 0x01020304U);
  EXPECT_EQ(hint_of(peer(7)), (Hint{.node_prefix = 7, .address = address(7)}));
}

TEST(hint_list, a_full_list_loses_its_oldest) {
  HintList list(3, 2);
  for (std::uint32_t i = 1; i <= 4; ++i) list.add(told(10 + i, i));
  EXPECT_EQ(nodes_of(list), (std::vector<std::uint64_t>{2, 3, 4}));
}

TEST(hint_list, a_teller_at_its_quota_loses_its_own_oldest) {
  HintList list(4, 2);
  list.add(told(10, 1));
  for (std::uint32_t i = 2; i <= 4; ++i) list.add(told(11, i));
  EXPECT_EQ(nodes_of(list), (std::vector<std::uint64_t>{1, 3, 4}));
  list.check_invariants();
}

TEST(hint_list, we_ourselves_have_no_quota) {
  HintList list(4, 1);
  for (std::uint32_t i = 1; i <= 4; ++i) list.add(told(0, i));
  EXPECT_EQ(nodes_of(list), (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST(hint_list, what_is_told_last_of_a_node_is_its_only_hint) {
  HintList list(4, 2);
  list.add(told(10, 1));
  list.add(told(10, 2));
  HintList::Entry moved = told(11, 1);
  moved.hint.address = address(7);
  list.add(moved);
  EXPECT_EQ(nodes_of(list), (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(list.take(1), moved.hint);
  EXPECT_EQ(nodes_of(list), (std::vector<std::uint64_t>{2}));
}

TEST(hint_list, is_dropped_by_address_by_node_and_by_age) {
  HintList list(8, 8);
  for (std::uint32_t i = 1; i <= 5; ++i) list.add(told(10, i, start + i * 1s));
  list.drop_address(address(3));
  list.drop_node(4);
  list.drop_heard_until(start + 1s);
  EXPECT_EQ(nodes_of(list), (std::vector<std::uint64_t>{2, 5}));
}

TEST(hint_list, keeps_its_bounds_whatever_is_told) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    HintList list(16, 4);
    for (int i = 0; i < 500; ++i) {
      const auto of = static_cast<std::uint32_t>(random.below(40));
      list.add(told(random.below(6), of));
      ASSERT_EQ(nodes_of(list).back(), of);
      list.check_invariants();
    }
  }
}

}  // namespace
}  // namespace agent::core
