#include "agent/cli/private_agent.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "agent/exec/orphans.h"
#include "agent/shell/message_stream.h"
#include "agent/shell/state_dir.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/sample_job.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {
namespace {

namespace client = protocol::client;
using shell::TemporaryDirectory;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class PrivateAgentTest : public testing::Test {
 protected:
  void start() {
    auto started = PrivateAgent::start(
        loop.get(),
        {.parent = root.path(), .slots = 1, .program = "p", .version = "1", .on_ended = [this] { ++ended; }});
    ASSERT_TRUE(started) << started.error().message;
    agent = *std::move(started);
  }
  void end() {
    agent->shut_down(core::StopHow::terminate);
    ASSERT_TRUE(loop.run_until([this] { return ended > 0; }));
    agent.reset();
  }
  // A directory as an agent leaves it that was killed: with a mark, and nobody holds the lock.
  [[nodiscard]] std::string dead_one(const std::string& mark) {
    auto state = *shell::StateDir::make_private(root.path(), "");
    EXPECT_TRUE(state.write_mark(mark));
    return state.path();
  }

  TemporaryDirectory root;
  shell::EventLoop loop;
  int ended = 0;
  std::unique_ptr<PrivateAgent> agent;
};

TEST_F(PrivateAgentTest, RunsAJobOfItsOwnUserAndLeavesNothing) {
  const std::size_t before = shell::open_descriptor_count();
  start();
  EXPECT_THAT(root.entries(), SizeIs(1));
  const auto socket = agent->connect();
  ASSERT_TRUE(socket);
  std::vector<client::ClientMessage> heard;
  const shell::SampleJob job({"echo", "{}"});
  {
    shell::MessageStream stream(
        loop.get(), *socket,
        {.on_message = [&](client::ClientMessage message) { heard.push_back(std::move(message)); },
         .on_closed = [](const std::string&) {}});
    stream.send(client::Hello{});
    stream.send(job.submit(agent->user()));
    stream.send(shell::items_of(job.id(), 0, 0, {"x"}));
    ASSERT_TRUE(
        loop.run_until([&] { return !heard.empty() && std::holds_alternative<client::Verdict>(heard.back()); }));
    EXPECT_EQ(std::get<client::Verdict>(heard.back()).counts.ok, 1U);
    const auto& results = std::get<client::Results>(heard.at(heard.size() - 2));
    EXPECT_EQ(shell::text_of(std::get<protocol::Bytes>(results.results.at(0).out)), "x\n");
  }
  end();
  EXPECT_THAT(root.entries(), IsEmpty());
  loop.settle();
  EXPECT_LE(shell::open_descriptor_count(), before + 8) << "the loop's threads keep some";
}

TEST_F(PrivateAgentTest, TrustsNoOtherUser) {
  start();
  const auto socket = agent->connect();
  ASSERT_TRUE(socket);
  std::vector<client::ClientMessage> heard;
  {
    shell::MessageStream stream(
        loop.get(), *socket,
        {.on_message = [&](client::ClientMessage message) { heard.push_back(std::move(message)); },
         .on_closed = [](const std::string&) {}});
    stream.send(client::Hello{});
    stream.send(shell::SampleJob().submit(crypto::SigningPair(shell::random_seed())));
    ASSERT_TRUE(loop.run_until([&] { return heard.size() == 2; }));
    EXPECT_EQ(std::get<client::Refused>(heard[1]).code, client::RefusalCode::not_owner);
  }
  end();
}

TEST_F(PrivateAgentTest, RemovesWhatDeadOnesLeftWithTheirProcesses) {
  const std::string dead = dead_one("mark-of-a-dead-one");
  std::filesystem::create_directories(dead + "/scratch/x/y");
  const pid_t remnant = fork();
  if (remnant == 0) {
    const char* const arguments[] = {"/bin/sleep", "60", nullptr};
    const char* const environment[] = {"GIBBON_AGENT=mark-of-a-dead-one", nullptr};
    execve("/bin/sleep", const_cast<char**>(arguments), const_cast<char**>(environment));
    _exit(1);
  }
  // Until it has become what it is to be, it does not carry the mark.
  const std::string environment_file = "/proc/" + std::to_string(remnant) + "/environ";
  ASSERT_TRUE(loop.run_until([&] { return shell::read_file(environment_file).starts_with("GIBBON_AGENT=mark-of"); }));
  start();
  EXPECT_FALSE(root.entries().contains(std::filesystem::path(dead).filename()));
  int status = 0;
  EXPECT_EQ(waitpid(remnant, &status, 0), remnant);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  end();
}

TEST_F(PrivateAgentTest, LeavesLivingOnesAloneAndThoseThatAreBeingMade) {
  auto living = *shell::StateDir::make_private(root.path(), "");
  ASSERT_TRUE(living.write_mark("living"));
  auto beginning = *shell::StateDir::make_private(root.path(), "");
  shell::write_file(root.file("somebody-elses"), "");
  // Another process holds the lock, as it would be.
  start();
  EXPECT_THAT(root.entries(), SizeIs(4));
  end();
  EXPECT_THAT(root.entries(), SizeIs(3));
  EXPECT_EQ(living.read_mark(), "living");
}

TEST_F(PrivateAgentTest, FollowsNoLinkThatSomebodyLaidInASharedDirectory) {
  const TemporaryDirectory elsewhere;
  auto state = *shell::StateDir::open(elsewhere.file("state"));
  ASSERT_TRUE(state.write_mark("mine"));
  const std::string link = root.file(shell::StateDir::private_prefix() + "abcdef");
  ASSERT_EQ(symlink(state.path().c_str(), link.c_str()), 0);
  start();
  EXPECT_EQ(state.read_mark(), "mine");
  end();
  struct stat status {};
  EXPECT_EQ(lstat(link.c_str(), &status), 0);
}

TEST_F(PrivateAgentTest, NoPlaceIsAProblemThatSaysWhatToDo) {
  const auto refused = PrivateAgent::start(loop.get(), {.parent = "/nonexistent",
                                                        .parent_hint = "elsewhere",
                                                        .slots = 1,
                                                        .program = "p",
                                                        .version = "1",
                                                        .on_ended = [] {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "cannot make a private directory in /nonexistent: No such file or directory");
  EXPECT_EQ(refused.error().hint, "elsewhere");
}

TEST_F(PrivateAgentTest, IsGoneWithItsTasksWhenItIsDestroyed) {
  start();
  const auto socket = agent->connect();
  ASSERT_TRUE(socket);
  std::size_t accepted = 0;
  shell::MessageStream stream(loop.get(), *socket,
                              {.on_message =
                                   [&](const client::ClientMessage& message) {
                                     if (std::holds_alternative<client::Accepted>(message)) ++accepted;
                                   },
                               .on_closed = [](const std::string&) {}});
  const shell::SampleJob job = shell::SampleJob::line("echo $$ > " + root.file("pid") + "; sleep 60 # {}");
  stream.send(client::Hello{});
  stream.send(job.submit(agent->user()));
  stream.send(shell::items_of(job.id(), 0, 0, {"x"}));
  ASSERT_TRUE(loop.run_until([&] { return !shell::read_file(root.file("pid")).empty(); }));
  const pid_t task = std::stoi(shell::read_file(root.file("pid")));
  agent.reset();
  EXPECT_EQ(kill(task, 0), -1);
  EXPECT_THAT(root.entries(), ElementsAre("pid"));
}

TEST_F(PrivateAgentTest, OneThatIsAbandonedLeavesNoDirectory) {
  const pid_t pid = fork();
  if (pid == 0) {
    shell::EventLoop own;
    auto started = PrivateAgent::start(
        own.get(), {.parent = root.path(), .slots = 1, .program = "p", .version = "1", .on_ended = [] {}});
    if (!started || root.entries().size() != 1) std::_Exit(1);
    (*started)->abandon();
    std::_Exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(loop.run_until([this] { return root.entries().empty(); }));
}

}  // namespace
}  // namespace agent::cli
