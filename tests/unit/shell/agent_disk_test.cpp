// The agent whose state directory lies on a disk that is too small.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/unit/shell/agent_client.h"
#include "tests/unit/shell/small_disk.h"

namespace agent::shell {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Made before the fixture whose directory lies on it.
struct Disk {
  SmallDisk disk{24};
};

class AgentDiskTest : private Disk, public AgentTest {
 protected:
  AgentDiskTest() : AgentTest(disk.path()) {}
  void SetUp() override {
    if (!disk.is_mounted()) GTEST_SKIP() << "only root can mount a small disk";
  }
  [[nodiscard]] static bool warned(const AgentClient& client, const std::string& of) {
    return std::ranges::any_of(client.heard<client::Warning>(), [&](const client::Warning& warning) {
      return warning.text.find(of) != std::string::npos;
    });
  }
};

TEST_F(AgentDiskTest, ASlowReaderOnAFullDiskPausesTheJobAndLosesNothing) {
  start_agent(2);
  AgentClient& one = greeted();
  one.acknowledging = false;
  const SampleJob job = SampleJob::line("head -c 64000 /dev/zero; echo {#}");
  launch(one, job, std::vector<std::string>(700, "x"));
  ASSERT_TRUE(wait_for([&] { return warned(one, "is full: nothing more is started until results were taken"); }));
  ASSERT_TRUE(wait_for([&] { return agent->status().running == 0; }));
  const std::uint64_t done = agent->jobs(false).rows.at(0).counts.committed;
  EXPECT_GT(done, 200U);
  EXPECT_LT(done, 450U) << "45 MB do not fit";
  loop.settle();
  EXPECT_EQ(agent->jobs(false).rows.at(0).counts.committed, done) << "nothing is started";
  one.acknowledging = true;
  one.say(client::Shown{.job = job.id(), .sequence = one.heard<client::Results>().back().sequence});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts.ok, 700U);
  ASSERT_THAT(one.results, SizeIs(700));
  for (const client::Result& result : one.results) {
    const std::string number = std::to_string(result.covers.begin + 1) + "\n";
    EXPECT_EQ(text_of(std::get<protocol::Bytes>(result.out)).substr(64'000), number);
  }
  EXPECT_FALSE(warned(one, "lost"));
}

TEST_F(AgentDiskTest, AClientThatLeavesAFullDiskFreesIt) {
  start_agent(2);
  AgentClient& one = greeted();
  one.acknowledging = false;
  launch(one, SampleJob::line("head -c 64000 /dev/zero; echo {#}"), std::vector<std::string>(700, "x"));
  ASSERT_TRUE(wait_for([&] { return warned(one, "is full"); }));
  one.leave();
  ASSERT_TRUE(wait_for_rest());
  expect_service();
}

TEST_F(AgentDiskTest, ItemsThatDoNotFitEndTheirJobWithTheReason) {
  start_agent(1);
  AgentClient& one = greeted();
  const SampleJob job = SampleJob::line("sleep 60 # {}");
  one.say(job.submit(user));
  std::uint64_t chunk = 0;
  ASSERT_TRUE(wait_for([&] {
    for (; chunk < 300 && chunk < one.count<client::Stored>() + 8; ++chunk) {
      one.say(items_of(job.id(), chunk, chunk, {std::string(130'000, 'x')}, false));
    }
    return one.count<client::Verdict>() > 0;
  }));
  EXPECT_EQ(one.heard<client::Verdict>()[0].ending, client::Ending::cancelled);
  const auto refused = one.heard<client::Refused>();
  ASSERT_FALSE(refused.empty());
  EXPECT_EQ(refused[0].code, client::RefusalCode::disk);
  EXPECT_THAT(refused[0].message, HasSubstr("No space left on device"));
  EXPECT_EQ(refused[0].hint, "free some space on that disk");
  const auto said = [&]<class Message>() {
    return std::ranges::find_if(one.messages,
                                [](const auto& message) { return std::holds_alternative<Message>(message); });
  };
  EXPECT_LT(said.operator()<client::Refused>(), said.operator()<client::Verdict>()) << "it explains the verdict";
  EXPECT_TRUE(wait_for([&] { return one.closed || agent->status().running == 0; }));
  expect_service();
}

TEST_F(AgentDiskTest, ATaskThatFillsTheDiskFailsAloneAndGivesItBack) {
  start_agent(1);
  AgentClient& one = greeted();
  // The disk is full until the client has taken what the greedy one wrote.
  launch(one,
         SampleJob::line("test {} = greedy || { until echo {} 2>/dev/null; do sleep 0.01; done; exit; }; "
                         "head -c 100000000 /dev/zero"),
         {"before", "greedy", "after"});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts.ok, 2U);
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts.failed, 1U);
  EXPECT_TRUE(wait_for([this] { return output_file_count() == 0; }));
  expect_service();
}

}  // namespace
}  // namespace agent::shell
