#include "agent/cli/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/scripted_agent.h"

namespace agent::cli {
namespace {

namespace client = protocol::client;
using testing::ElementsAre;

TEST(ConversationTest, OpensWithHelloAndWelcome) {
  ScriptedAgent agent;
  agent.answer({client::Welcome{.node = "n", .slots = 4, .pid = 99}});
  const auto open = Conversation::open(agent.take_socket(), "1.2");
  ASSERT_TRUE(open);
  EXPECT_EQ(open->welcome().slots, 4U);
  EXPECT_THAT(agent.heard(), ElementsAre(client::ClientMessage(client::Hello{.program_version = "1.2"})));
}

TEST(ConversationTest, ARefusalAtTheDoorIsTheProblem) {
  ScriptedAgent agent;
  agent.answer({client::Refused{.code = client::RefusalCode::version, .message = "too old", .hint = "update"}});
  const auto refused = Conversation::open(agent.take_socket(), "1.2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (shell::Problem{.message = "too old", .hint = "update"}));
}

TEST(ConversationTest, AnotherFirstWordIsAProblem) {
  ScriptedAgent agent;
  agent.answer({client::Done{.text = "?"}});
  EXPECT_EQ(Conversation::open(agent.take_socket(), "1.2").error().message, "the agent's first word was no welcome");
}

TEST(ConversationTest, QuestionsGetTheirAnswersInTurn) {
  ScriptedAgent agent;
  agent.answer({client::Welcome{}});
  agent.answer({client::Done{.text = "one"}});
  agent.answer({client::Jobs{.rows = std::vector<client::JobRow>(200)}});
  auto open = Conversation::open(agent.take_socket(), "1");
  ASSERT_TRUE(open);
  EXPECT_EQ(*open->ask(client::CancelJob{.selector = "all"}), client::ClientMessage(client::Done{.text = "one"}));
  const auto jobs = open->ask(client::ListJobs{});
  ASSERT_TRUE(jobs);
  EXPECT_EQ(std::get<client::Jobs>(*jobs).rows.size(), 200U) << "longer than one read";
}

TEST(ConversationTest, AnswersMayComeByteByByte) {
  ScriptedAgent agent;
  agent.answer_in_bytes({client::Welcome{.node = "slow"}});
  const auto open = Conversation::open(agent.take_socket(), "1");
  ASSERT_TRUE(open);
  EXPECT_EQ(open->welcome().node, "slow");
}

TEST(ConversationTest, AnAgentThatHangsUpIsAProblem) {
  ScriptedAgent agent;
  agent.hang_up();
  EXPECT_EQ(Conversation::open(agent.take_socket(), "1").error().message, "the agent hung up");
  ScriptedAgent later;
  later.answer({client::Welcome{}});
  later.hang_up();
  auto open = Conversation::open(later.take_socket(), "1");
  ASSERT_TRUE(open);
  EXPECT_FALSE(open->ask(client::GetStatus{}));
  EXPECT_TRUE(open->wait_for_end(std::chrono::seconds(10)));
}

TEST(ConversationTest, GarbageIsAProblem) {
  for (const std::string& garbage :
       {std::string("\0\0\0\1\xc1", 5), std::string("\xff\xff\xff\xff"), std::string("\0\0\0\0", 4)}) {
    ScriptedAgent agent;
    agent.answer_raw(garbage);
    EXPECT_EQ(Conversation::open(agent.take_socket(), "1").error().message,
              "the agent said something that is no message");
  }
}

TEST(ConversationTest, TheEndIsWaitedForAsLongAsAsked) {
  ScriptedAgent agent;
  agent.answer({client::Welcome{}, client::Warning{.text = "something more"}});
  auto open = Conversation::open(agent.take_socket(), "1");
  ASSERT_TRUE(open);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(open->wait_for_end(std::chrono::milliseconds(50)));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(50));
}

}  // namespace
}  // namespace agent::cli
