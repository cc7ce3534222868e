// `gibbon run` as the client of an agent that runs already, which here says what the test wants.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/listening_socket.h"
#include "tests/unit/cli/run_fixture.h"
#include "tests/unit/cli/scripted_agent.h"

namespace agent::cli {
namespace {

namespace client = protocol::client;
using client::ClientMessage;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const protocol::JobId job{protocol::Bytes16{std::byte{0xab}}};

class RunWithAgentTest : public RunTest {
 protected:
  RunWithAgentTest() {
    context.state_directory = root.path();
    context.private_parent = "/nonexistent";
  }
  // The exit code, with an agent that answers the first messages so.
  int run_with(const std::vector<std::vector<ClientMessage>>& answers, std::vector<std::string> items = {"a"},
               bool hang_up = false) {
    const ListeningSocket socket(root.path());
    std::thread serving([&] {
      ScriptedAgent agent(socket.accepted());
      agent.answer({client::Welcome{.node = "here", .slots = 2, .pid = 4711}});
      for (const auto& answer : answers) agent.answer(answer);
      if (hang_up) agent.hang_up();
      agent.serve_to_the_end();
      heard = agent.heard();
    });
    const int code = run({"echo"}, std::move(items));
    serving.join();
    std::filesystem::remove(root.file("agent.sock"));
    return code;
  }
  static client::Results results(std::uint64_t sequence, const std::string& text) {
    client::Result result;
    result.covers = {.begin = sequence, .end = sequence + 1};
    const auto bytes = std::as_bytes(std::span(text));
    result.out = protocol::Bytes(bytes.begin(), bytes.end());
    return {.job = job, .sequence = sequence, .results = {result}};
  }
  static client::Verdict verdict(client::Ending ending, std::uint64_t ok) {
    return {.job = job, .ending = ending, .counts = {.total = ok, .committed = ok, .ok = ok}};
  }
  template <class Kind>
  [[nodiscard]] std::vector<Kind> said() const {
    std::vector<Kind> found;
    for (const ClientMessage& message : heard) {
      if (const auto* one = std::get_if<Kind>(&message)) found.push_back(*one);
    }
    return found;
  }

  std::vector<ClientMessage> heard;
};

TEST_F(RunWithAgentTest, TheWholeConversation) {
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}},
                      {client::Stored{.job = job, .chunk = 0}, results(0, "x\n"), verdict(client::Ending::done, 1)}}),
            exit_ok);
  EXPECT_EQ(out, "x\n");
  EXPECT_THAT(err, AllOf(HasSubstr("1 ok, 0 failed"), Not(HasSubstr("private"))));
  ASSERT_GE(heard.size(), 4U);
  EXPECT_EQ(heard[0], ClientMessage(client::Hello{.program_version = "9.9"}));
  EXPECT_TRUE(std::holds_alternative<client::Submit>(heard[1]));
  ASSERT_FALSE(said<client::Items>().empty());
  EXPECT_TRUE(said<client::Items>().back().last);
  EXPECT_EQ(said<client::Shown>(), (std::vector{client::Shown{.job = job, .sequence = 0}}));
  EXPECT_EQ(shell::read_file(root.file("user.key")).size(), 32U) << "the key that the agent trusts";
}

TEST_F(RunWithAgentTest, AnAgentThatGoesAwayIsOurFailure) {
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}}}, {"a"}, true), exit_gibbon);
  EXPECT_THAT(err, AllOf(HasSubstr("the agent went away"), HasSubstr("gibbon up")));
}

TEST_F(RunWithAgentTest, ResultsThatCameBeforeAreStillWritten) {
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}, results(0, "before\n")}}, {"a"}, true), exit_gibbon);
  EXPECT_EQ(out, "before\n");
}

TEST_F(RunWithAgentTest, ARefusedJobSaysWhyAndWhatToDo) {
  const client::Refused refused{
      .code = client::RefusalCode::not_owner, .message = "not your agent", .hint = "use --state DIR"};
  EXPECT_EQ(run_with({{refused}}), exit_gibbon);
  EXPECT_EQ(err, "gibbon: not your agent\ngibbon: use --state DIR\n");
}

TEST_F(RunWithAgentTest, ManyRefusalsOfOneCauseAreSaidOnce) {
  const client::Refused refused{
      .code = client::RefusalCode::disk, .message = "the disk is full", .hint = "", .job = job};
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}},
                      {refused},
                      {refused},
                      {refused, verdict(client::Ending::cancelled, 0)}},
                     std::vector<std::string>(5'000, "x")),
            exit_gibbon);
  EXPECT_EQ(err.find("the disk is full"), err.rfind("the disk is full")) << err;
}

TEST_F(RunWithAgentTest, AVerdictOfFailureSaysWhy) {
  client::Verdict failed = verdict(client::Ending::failed, 0);
  failed.reason = "the disk did not give back 3 results";
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}}, {failed}}), exit_gibbon);
  EXPECT_THAT(err, HasSubstr("gibbon: the disk did not give back 3 results\n"));
}

TEST_F(RunWithAgentTest, SlotsAreTheAgentsAffair) {
  options.slots = 64;
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}}, {verdict(client::Ending::done, 1)}}), exit_ok);
  EXPECT_THAT(err, HasSubstr("the agent that runs here has 2 slots"));
}

TEST_F(RunWithAgentTest, WarningsAreShownAsTheyCome) {
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}},
                      {client::Warning{.text = "no room \x1b[2J"}, verdict(client::Ending::done, 1)}}),
            exit_ok);
  EXPECT_THAT(err, HasSubstr("gibbon: no room \\e[2J\n"));
}

TEST_F(RunWithAgentTest, AnAgentThatLiesAboutWhatItHoldsDoesNotStopTheFeeding) {
  EXPECT_EQ(run_with({{client::Accepted{.job = job, .number = 1}, client::Stored{.job = job, .chunk = 1'000'000}},
                      {client::Stored{.job = job, .chunk = 0}},
                      {client::Stored{.job = job, .chunk = 1}},
                      {client::Stored{.job = job, .chunk = 2}, verdict(client::Ending::done, 3'000)}},
                     std::vector<std::string>(3'000, "x")),
            exit_ok);
  std::size_t items = 0;
  for (const client::Items& chunk : said<client::Items>()) items += chunk.items.size();
  EXPECT_EQ(items, 3'000U);
}

}  // namespace
}  // namespace agent::cli
