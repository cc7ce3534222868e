#include "agent/cli/agent_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "tests/unit/cli/listening_socket.h"
#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {
namespace {

using shell::TemporaryDirectory;
using testing::HasSubstr;

TEST(AgentConnectionTest, WithoutAnAgentThereIsNoneAndNothingIsMade) {
  const TemporaryDirectory root;
  const auto found = connect_to_agent(root.file("missing"));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  EXPECT_TRUE(root.entries().empty());
}

TEST(AgentConnectionTest, ADeadAgentsSocketIsNone) {
  const TemporaryDirectory root;
  { const ListeningSocket dead(root.path()); }
  ASSERT_EQ(root.entries().size(), 1U);
  const auto found = connect_to_agent(root.path());
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  shell::write_file(root.file("agent.sock"), "no socket at all");
  EXPECT_FALSE(*connect_to_agent(root.path()));
}

TEST(AgentConnectionTest, ALivingAgentIsReachedHoweverLongThePathIs) {
  const TemporaryDirectory root;
  const std::string place = root.file(std::string(150, 'x'));
  ASSERT_EQ(mkdir(place.c_str(), 0700), 0);
  const ListeningSocket agent(place);
  const auto found = connect_to_agent(place);
  ASSERT_TRUE(found && *found);
  EXPECT_GE(agent.accepted().get(), 0);
}

TEST(AgentConnectionTest, ADirectoryThatOthersMayEnterIsNotTrusted) {
  const TemporaryDirectory root;
  const ListeningSocket agent(root.path());
  ASSERT_EQ(chmod(root.path().c_str(), 0755), 0);
  const auto refused = connect_to_agent(root.path());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("can be entered or read by others"));
  ASSERT_EQ(chmod(root.path().c_str(), 0700), 0);
}

TEST(AgentConnectionTest, AFullQueueIsWaitedFor) {
  const TemporaryDirectory root;
  const ListeningSocket agent(root.path(), 0);
  std::vector<exec::Descriptor> queued;
  queued.push_back(*std::move(*connect_to_agent(root.path())));
  std::thread late([&] {
    (void)usleep(50'000);
    (void)agent.accepted();
  });
  const auto found = connect_to_agent(root.path());
  late.join();
  ASSERT_TRUE(found);
  EXPECT_TRUE(*found);
}

TEST(AgentConnectionTest, NoDescriptorIsLeft) {
  const TemporaryDirectory root;
  const ListeningSocket agent(root.path());
  const std::size_t before = shell::open_descriptor_count();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(*connect_to_agent(root.path()));
    (void)agent.accepted();
    EXPECT_FALSE(*connect_to_agent(root.file("missing")));
  }
  EXPECT_EQ(shell::open_descriptor_count(), before);
}

}  // namespace
}  // namespace agent::cli
