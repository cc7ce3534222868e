#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/shell/pool_agents.h"

namespace agent::shell {
namespace {

using testing::HasSubstr;

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < count; ++i) items.push_back("item-" + std::to_string(i));
  return items;
}

std::string text_of(const client::Output& output) {
  const auto& bytes = std::get<protocol::Bytes>(output);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class AgentPoolTest : public PoolAgentsTest {
 protected:
  // Every item once, with the output that it must have.
  static void expect_all(const AgentClient& client, const std::vector<std::string>& items) {
    std::set<std::uint64_t> seen;
    for (const client::Result& result : client.results) {
      EXPECT_TRUE(seen.insert(result.covers.begin).second);
      EXPECT_EQ(result.outcome, client::Outcome::ok) << result.reason;
      EXPECT_EQ(text_of(result.label), items.at(result.covers.begin));
      EXPECT_EQ(text_of(result.out), items.at(result.covers.begin) + "\n");
    }
    EXPECT_EQ(seen.size(), items.size());
  }
};

TEST_F(AgentPoolTest, a_list_that_is_launched_on_one_machine_is_done_by_two) {
  start_pool(2);
  AgentClient& client = agents[0]->greeted();
  const auto items = numbered(60);
  agents[0]->launch(client, SampleJob::line("sleep 0.05; echo {}"), items);
  ASSERT_TRUE(wait_for_verdict(client));
  expect_all(client, items);
  EXPECT_GE(done_by(client, "beta"), 10U);
  EXPECT_GE(done_by(client, "alpha"), 10U);
}

}  // namespace
}  // namespace agent::shell
