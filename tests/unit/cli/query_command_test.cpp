#include "agent/cli/query_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli/exit_code.h"
#include "tests/unit/cli/listening_socket.h"
#include "tests/unit/cli/scripted_agent.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {
namespace {

namespace client = protocol::client;
using client::RefusalCode;
using testing::HasSubstr;

class QueryCommandTest : public testing::Test {
 protected:
  // The command's exit code, with an agent that welcomes it and answers so.
  template <class Command>
  int with_answer(const client::ClientMessage& answer, const Command& command) {
    const ListeningSocket socket(root.path());
    std::vector<client::ClientMessage> heard;
    std::thread serving([&] {
      ScriptedAgent agent(socket.accepted());
      agent.answer({client::Welcome{.node = "here", .slots = 2, .pid = 4711}});
      agent.answer({answer});
      agent.serve_to_the_end();
      heard = agent.heard();
    });
    const int code = captured(command);
    serving.join();
    std::filesystem::remove(root.file("agent.sock"));
    if (!heard.empty()) question = heard.back();
    return code;
  }
  template <class Command>
  int captured(const Command& command) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = command();
    err = testing::internal::GetCapturedStderr();
    out = testing::internal::GetCapturedStdout();
    return code;
  }
  [[nodiscard]] QueryContext context(Verbosity verbosity = Verbosity::normal) const {
    return {.state_directory = root.path(), .version = "1", .verbosity = verbosity};
  }
  static client::Jobs two_jobs() {
    client::Jobs jobs;
    for (unsigned number : {2U, 1U}) {
      client::JobRow row;
      row.job = protocol::JobId(protocol::Bytes16{static_cast<std::byte>(0xa0 + number)});
      row.number = number;
      row.name = "name" + std::to_string(number);
      row.state = client::JobState::running;
      jobs.rows.push_back(row);
    }
    return jobs;
  }

  shell::TemporaryDirectory root;
  client::ClientMessage question;
  std::string out;
  std::string err;
};

TEST_F(QueryCommandTest, StatusIsShownToPeopleAndPrograms) {
  const client::Status status{.node = "here", .program_version = "9.8", .slots = 2, .state_directory = "/the/state"};
  EXPECT_EQ(with_answer(status, [&] { return show_status({}, context()); }), exit_ok);
  EXPECT_TRUE(std::holds_alternative<client::GetStatus>(question));
  EXPECT_THAT(out, testing::AllOf(HasSubstr("here"), HasSubstr("4711"), HasSubstr("/the/state")));
  EXPECT_TRUE(out.ends_with("\n"));
  EXPECT_EQ(err, "");
  EXPECT_EQ(with_answer(status, [&] { return show_status({.format = OutputFormat::json}, context()); }), exit_ok);
  EXPECT_THAT(out, testing::AllOf(testing::StartsWith("{"), HasSubstr("\"v\":1"), HasSubstr("4711")));
}

TEST_F(QueryCommandTest, JobsAreListedInThreeForms) {
  EXPECT_EQ(with_answer(two_jobs(), [&] { return list_jobs({.all = true}, context()); }), exit_ok);
  EXPECT_TRUE(std::get<client::ListJobs>(question).all);
  EXPECT_THAT(out, testing::AllOf(HasSubstr("name1"), HasSubstr("name2")));
  EXPECT_EQ(with_answer(two_jobs(), [&] { return list_jobs({}, context(Verbosity::quiet)); }), exit_ok);
  EXPECT_EQ(out, "a200\na100\n");
  EXPECT_EQ(with_answer(two_jobs(), [&] { return list_jobs({.format = OutputFormat::json}, context()); }), exit_ok);
  EXPECT_THAT(out, HasSubstr("\"name1\""));
}

TEST_F(QueryCommandTest, CancellingSaysWhatWasDoneOnStandardError) {
  EXPECT_EQ(with_answer(client::Done{.text = "1 job cancelled"},
                        [&] { return cancel_jobs({.selector = "%3", .now = true}, context()); }),
            exit_ok);
  EXPECT_EQ(question, client::ClientMessage(client::CancelJob{.selector = "%3", .how = client::Haste::now}));
  EXPECT_EQ(out, "");
  EXPECT_EQ(err, "gibbon: 1 job cancelled\n");
}

TEST_F(QueryCommandTest, RefusalsHaveExitCodesOfTheirOwn) {
  const std::vector<std::pair<RefusalCode, int>> codes = {{RefusalCode::no_such_job, exit_no_such_job},
                                                          {RefusalCode::ambiguous_job, exit_no_such_job},
                                                          {RefusalCode::job_ended, exit_no_such_job},
                                                          {RefusalCode::not_owner, exit_refused},
                                                          {RefusalCode::limit, exit_failed},
                                                          {RefusalCode::shutting_down, exit_failed}};
  for (const auto& [code, expected] : codes) {
    const client::Refused refused{.code = code, .message = "because", .hint = "do that"};
    EXPECT_EQ(with_answer(refused, [&] { return cancel_jobs({.selector = "x"}, context()); }), expected);
    EXPECT_EQ(err, "gibbon: because\ngibbon: do that\n");
    EXPECT_EQ(out, "");
  }
}

TEST_F(QueryCommandTest, WithoutAnAgentTheCodeIsThree) {
  EXPECT_EQ(captured([&] { return show_status({}, context()); }), exit_no_agent);
  EXPECT_EQ(err, "gibbon: no agent runs here (" + root.path() + ")\ngibbon: gibbon up starts one\n");
  EXPECT_EQ(captured([&] { return list_jobs({.format = OutputFormat::json}, context()); }), exit_no_agent);
  EXPECT_THAT(out, HasSubstr("\"code\":\"no_agent\""));
  EXPECT_EQ(captured([&] { return cancel_jobs({.selector = "x"}, context()); }), exit_no_agent);
}

TEST_F(QueryCommandTest, AnAgentThatHangsUpIsNotReachable) {
  const ListeningSocket socket(root.path());
  std::thread serving([&] { (void)socket.accepted(); });
  EXPECT_EQ(captured([&] { return show_status({}, context()); }), exit_no_agent);
  serving.join();
  EXPECT_THAT(err, HasSubstr("the agent"));
}

TEST_F(QueryCommandTest, AnotherAnswerThanAskedForIsAFailure) {
  EXPECT_EQ(with_answer(client::Done{.text = "what?"}, [&] { return show_status({}, context()); }), exit_failed);
  EXPECT_THAT(err, HasSubstr("the agent answered something else"));
}

}  // namespace
}  // namespace agent::cli
