// The agent whose own directories are taken away while it runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/shell/agent_client.h"

namespace agent::shell {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST_F(AgentTest, DirectoriesThatVanishedAreMadeAgain) {
  start_agent(3);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("sleep 0.1; echo {}"), {"a", "b", "c"});
  ASSERT_TRUE(wait_for_verdict(one));
  for (const char* name : {"scratch", "output"}) {
    std::filesystem::remove_all(state.file(name));
    AgentClient& next = greeted();
    launch(next, SampleJob::line("test -d $GIBBON_SCRATCH # {}"), {"a", "b", "c"});
    ASSERT_TRUE(wait_for_verdict(next));
    EXPECT_EQ(next.heard<client::Verdict>()[0].counts, (client::Counts{.total = 3, .committed = 3, .ok = 3})) << name;
  }
}

TEST_F(AgentTest, DirectoriesThatVanishUnderARunningJobAreMadeAgain) {
  start_agent(1);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("rm -rf " + state.file("scratch") + " " + state.file("output") + " # {}"),
         {"a", "b", "c"});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts.ok, 3U);
}

TEST_F(AgentTest, WhereNoTaskCanBeStartedForGoodTheyAllFailWithTheReason) {
  start_agent(2);
  std::filesystem::remove_all(state.file("scratch"));
  write_file(state.file("scratch"), "in the way");
  AgentClient& one = greeted();
  launch(one, SampleJob::line("echo {}"), std::vector<std::string>(200, "x"));
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts.failed, 200U);
  ASSERT_THAT(one.results, SizeIs(200));
  for (const client::Result& result : one.results) {
    EXPECT_THAT(result.reason, HasSubstr(state.file("scratch") + ": Not a directory"));
    EXPECT_EQ(result.exit, 126);
  }
  EXPECT_THAT(one.heard<client::Warning>().at(0).text, HasSubstr("Not a directory"));
  std::filesystem::remove(state.file("scratch"));
  expect_service();
}

}  // namespace
}  // namespace agent::shell
