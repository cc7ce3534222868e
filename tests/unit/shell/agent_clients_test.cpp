// Clients as they come: leaving at any moment, hostile, slow, many, and talking out of turn.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstring>

#include "protocol/framing.h"
#include "tests/unit/shell/agent_client.h"
#include "tests/unit/shell/open_files.h"

namespace agent::shell {
namespace {

using client::Ending;
using client::RefusalCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class AgentClientsTest : public AgentTest {
 protected:
  // The code and message of the only refusal.
  static std::string refusal_of(const AgentClient& client) {
    const auto refused = client.heard<client::Refused>();
    if (refused.size() != 1) return std::to_string(refused.size()) + " refusals";
    return std::string(to_string(refused[0].code)) + ": " + refused[0].message;
  }
  [[nodiscard]] AgentClient& silent() {
    return *clients.emplace_back(std::make_unique<AgentClient>(loop.get(), socket()));
  }
};

TEST_F(AgentClientsTest, TheWelcomeTellsWhoIsThere) {
  start_agent(3);
  const auto welcome = greeted().heard<client::Welcome>()[0];
  EXPECT_EQ(welcome.version, client::socket_version);
  EXPECT_EQ(welcome.program_version, "9.9");
  EXPECT_EQ(welcome.node, node_name());
  EXPECT_EQ(welcome.slots, 3U);
  EXPECT_EQ(welcome.pid, static_cast<std::uint64_t>(getpid()));
}

TEST_F(AgentClientsTest, HelloComesFirst) {
  start_agent(1);
  AgentClient& rude = silent();
  rude.say(client::GetStatus{});
  rude.say(client::Hello{});
  ASSERT_TRUE(wait_for([&] { return rude.closed; }));
  EXPECT_EQ(refusal_of(rude), "bad message: hello comes first");
  EXPECT_THAT(rude.messages, SizeIs(1));
}

TEST_F(AgentClientsTest, AnotherVersionIsRefusedWithBothNames) {
  start_agent(1);
  AgentClient& newer = silent();
  newer.say(client::Hello{.version = client::socket_version + 1, .program_version = "10.0"});
  newer.say(client::GetStatus{});
  ASSERT_TRUE(wait_for([&] { return newer.closed; }));
  EXPECT_EQ(refusal_of(newer), "version: this agent is gibbon 9.9, the command is 10.0");
}

TEST_F(AgentClientsTest, WhatOnlyAgentsSayEndsTheConversation) {
  start_agent(1);
  const std::vector<client::ClientMessage> words = {
      client::Welcome{}, client::Refused{}, client::Accepted{}, client::Stored{}, client::Results{}, client::Progress{},
      client::Verdict{}, client::Status{},  client::Jobs{},     client::Done{},   client::Warning{}};
  for (const client::ClientMessage& word : words) {
    AgentClient& liar = greeted();
    liar.say(word);
    liar.say(client::GetStatus{});
    ASSERT_TRUE(wait_for([&] { return liar.closed; }));
    EXPECT_EQ(refusal_of(liar), "bad message: only an agent says that");
    EXPECT_EQ(liar.count<client::Status>(), 0U);
  }
  expect_service();
}

TEST_F(AgentClientsTest, GarbageEndsTheConversationOnly) {
  start_agent(1);
  for (const std::string& bytes : {std::string("\xff\xff\xff\xff", 4), std::string("\0\0\0\0", 4),
                                   std::string("\0\0\0\1\xc1", 5), std::string("GET / HTTP/1.1\r\n\r\n")}) {
    const exec::Descriptor raw(socket());
    ASSERT_GT(write(raw.get(), bytes.data(), bytes.size()), 0);
    char byte = 0;
    EXPECT_TRUE(wait_for([&] { return read(raw.get(), &byte, 1) == 0; }));
  }
  expect_service();
}

TEST_F(AgentClientsTest, AJobIsLaunchedOnceWhetherItRunsOrHasEnded) {
  start_agent(1);
  AgentClient& one = greeted();
  const SampleJob job = SampleJob::line("sleep 0.3; echo {}");
  one.say(job.submit(user));
  one.say(job.submit(user));
  one.say(items_of(job.id(), 0, 0, {"a"}));
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.count<client::Accepted>(), 1U);
  EXPECT_EQ(refusal_of(one), "bad manifest: this job was launched before");
  AgentClient& two = greeted();
  two.say(job.submit(user));
  ASSERT_TRUE(wait_for([&] { return two.count<client::Refused>() == 1; }));
  EXPECT_EQ(refusal_of(two), "bad manifest: this job was launched before");
}

TEST_F(AgentClientsTest, OtherClientsJobsCanNotBeFedNorAcknowledged) {
  start_agent(1);
  AgentClient& one = greeted();
  const SampleJob job;
  one.acknowledging = false;
  one.say(job.submit(user));
  one.say(items_of(job.id(), 0, 0, {"mine"}, false));
  ASSERT_TRUE(wait_for([&] { return one.results.size() == 1; }));
  AgentClient& two = greeted();
  two.say(items_of(job.id(), 1, 1, {"yours"}, true));
  ASSERT_TRUE(wait_for([&] { return two.count<client::Refused>() == 1; }));
  EXPECT_EQ(two.heard<client::Refused>()[0].code, RefusalCode::no_such_job);
  two.say(client::GetProgress{.job = job.id()});
  ASSERT_TRUE(wait_for([&] { return two.count<client::Progress>() == 1; }));
  EXPECT_EQ(two.heard<client::Progress>()[0].counts.committed, 1U);
  two.say(client::Shown{.job = job.id(), .sequence = 0});
  ASSERT_TRUE(wait_for([&] { return two.closed; }));
  one.say(items_of(job.id(), 1, 1, {}, true));
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts.committed, 1U);
}

TEST_F(AgentClientsTest, AcknowledgingWhatWasNeverSentEndsTheConversation) {
  start_agent(1);
  AgentClient& one = greeted();
  const SampleJob job = SampleJob::line("sleep 60 # {}");
  launch(one, job, {"a"});
  one.say(client::Shown{.job = job.id(), .sequence = 0});
  ASSERT_TRUE(wait_for([&] { return one.closed; }));
  EXPECT_EQ(refusal_of(one), "bad message: results were acknowledged that were never sent");
  EXPECT_TRUE(wait_for_rest()) << "and the job ends with it";
}

TEST_F(AgentClientsTest, BadItemsCancelTheirJob) {
  start_agent(1);
  AgentClient& one = greeted();
  const SampleJob job = SampleJob::line("sleep 60 # {}");
  one.say(job.submit(user));
  one.say(items_of(job.id(), 0, 0, {"a"}, false));
  one.say(items_of(job.id(), 5, 1, {"b"}, true));
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].ending, Ending::cancelled);
  const auto refused = one.heard<client::Refused>();
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused[0].code, RefusalCode::bad_items);
  EXPECT_EQ(refused[0].job, job.id());
  one.say(items_of(job.id(), 6, 1, {"late"}, true));
  expect_service();
}

TEST_F(AgentClientsTest, AtMostTwoBatchesAreAheadOfTheAcknowledgements) {
  start_agent(2);
  AgentClient& one = greeted();
  one.acknowledging = false;
  const SampleJob job = SampleJob::line("echo {}");
  launch(one, job, std::vector<std::string>(30, "x"));
  ASSERT_TRUE(wait_for([&] { return agent->jobs(true).rows[0].state == client::JobState::ended; }));
  loop.settle();
  EXPECT_EQ(one.count<client::Results>(), 2U);
  EXPECT_LT(one.results.size(), 30U);
  EXPECT_EQ(one.count<client::Verdict>(), 0U);
  one.say(client::Shown{.job = job.id(), .sequence = 0});
  ASSERT_TRUE(wait_for([&] { return one.count<client::Results>() == 3; }));
  EXPECT_THAT(one.results, SizeIs(30)) << "what waited came together";
  ASSERT_TRUE(wait_for_verdict(one));
}

// A client that hangs up at one of the moments of a job's life.
class LeavingClientTest : public AgentClientsTest, public testing::WithParamInterface<int> {};

TEST_P(LeavingClientTest, LeavesNothingBehind) {
  start_agent(2);
  AgentClient& one = GetParam() == 0 ? silent() : greeted();
  const SampleJob job = SampleJob::line("head -c 70000 /dev/zero; test {} = last && sleep 60; true");
  one.acknowledging = false;
  switch (GetParam()) {
    case 0: break;                             // before hello
    case 1: break;                             // before any job
    case 2: one.say(job.submit(user)); break;  // on the answer
    case 3:                                    // in the middle of the input
      one.say(job.submit(user));
      one.say(items_of(job.id(), 0, 0, {"a", "b"}, false));
      break;
    case 4:  // while a task runs, with results unacknowledged
      launch(one, job, {"a", "last"});
      ASSERT_TRUE(wait_for([&] { return one.results.size() == 1 && agent->status().running == 1; }));
      break;
    case 5:  // with the verdict, and results unacknowledged
      launch(one, job, {"a"});
      ASSERT_TRUE(wait_for_verdict(one));
      break;
    case 6:  // after its own cancel
      launch(one, job, {"last"});
      one.say(client::CancelJob{.selector = "all"});
      break;
  }
  one.leave();
  ASSERT_TRUE(wait_for_rest());
  EXPECT_TRUE(wait_for([this] { return output_file_count() == 0; }));
  expect_service();
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, LeavingClientTest, testing::Range(0, 7));

TEST_F(AgentClientsTest, AClientThatAsksAndNeverReadsIsHungUpOn) {
  start_agent(1);
  const exec::Descriptor raw(socket());
  std::vector<std::byte> words;
  protocol::append_framed(words, client::encode(client::Hello{}));
  std::vector<std::byte> question;
  protocol::append_framed(question, client::encode(client::GetStatus{}));
  ASSERT_GT(write(raw.get(), words.data(), words.size()), 0);
  EXPECT_TRUE(wait_for([&] {
    for (int i = 0; i < 1'000; ++i) {
      if (write(raw.get(), question.data(), question.size()) < 0) return errno == EPIPE || errno == ECONNRESET;
    }
    return false;
  }));
  expect_service();
}

TEST_F(AgentClientsTest, AClientThatStopsReadingWithAJobIsHungUpOnAtNoCost) {
  start_agent(2);
  const exec::Descriptor raw(socket());
  const SampleJob job = SampleJob::line("head -c 60000 /dev/zero # {}");
  std::vector<std::byte> words;
  protocol::append_framed(words, client::encode(client::Hello{}));
  protocol::append_framed(words, client::encode(job.submit(user)));
  protocol::append_framed(words, client::encode(items_of(job.id(), 0, 0, std::vector<std::string>(150, "x"))));
  ASSERT_EQ(write(raw.get(), words.data(), words.size()), static_cast<ssize_t>(words.size()));
  ASSERT_TRUE(wait_for([&] { return !agent->jobs(true).rows.empty() && agent->status().jobs == 0; }));
  expect_service();
  EXPECT_EQ(agent->jobs(true).rows.back().counts.ok, 150U) << "the job went on without it being read";
}

TEST_F(AgentClientsTest, ClientsConnectThroughTheSocketAndTooManyAreTurnedAway) {
  start_agent(1);
  ASSERT_TRUE(agent->listen());
  std::vector<exec::Descriptor> held;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, state.socket_path().c_str());
  for (std::size_t i = 0; i < Agent::clients_max + 10; ++i) {
    held.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ASSERT_EQ(connect(held.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << i;
    loop.settle();
  }
  char byte = 0;
  EXPECT_TRUE(wait_for([&] { return read(held.back().get(), &byte, 1) == 0; }));
  EXPECT_EQ(read(held.front().get(), &byte, 1), -1) << "still served";
  held.clear();
  loop.settle();
  expect_service();
  clients.clear();
  agent->shut_down(core::StopHow::terminate);
  ASSERT_TRUE(wait_for([this] { return ended == 1; }));
  EXPECT_EQ(::access(state.file("agent.sock").c_str(), F_OK), -1) << "no socket is left";
}

TEST_F(AgentClientsTest, ASocketLeftByADeadAgentIsReplaced) {
  start_agent(1);
  write_file(state.file("agent.sock"), "");
  EXPECT_TRUE(agent->listen());
}

TEST_F(AgentClientsTest, ShuttingDownStopsWhatRunsAndTellsItsClient) {
  start_agent(2);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("sleep 60 # {}"), {"a", "b"});
  ASSERT_TRUE(wait_for([&] { return agent->status().running == 2; }));
  agent->shut_down(core::StopHow::terminate);
  AgentClient& late = *clients.front();
  late.say(SampleJob().submit(user));
  ASSERT_TRUE(wait_for([this] { return ended == 1; }));
  loop.settle();
  EXPECT_EQ(one.heard<client::Verdict>().at(0).ending, Ending::cancelled);
  EXPECT_EQ(refusal_of(one), "shutting down: the agent is stopping");
  EXPECT_TRUE(one.closed);
  EXPECT_TRUE(std::filesystem::is_empty(state.file("scratch")));
}

TEST_F(AgentClientsTest, ShuttingDownHarderKillsWhatIgnoresThePoliteWay) {
  start_agent(1);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("trap '' TERM; sleep 60; sleep 60 # {}"), {"a"});
  ASSERT_TRUE(wait_for([&] { return agent->status().running == 1; }));
  const auto began = std::chrono::steady_clock::now();
  agent->shut_down(core::StopHow::terminate);
  loop.settle();
  EXPECT_EQ(ended, 0);
  agent->shut_down(core::StopHow::kill);
  ASSERT_TRUE(wait_for([this] { return ended == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4));
}

TEST_F(AgentClientsTest, AClientMayStopAnIdleAgentAndAnyAgentInHaste) {
  start_agent(1);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("sleep 60 # {}"), {"a"});
  AgentClient& two = greeted();
  two.say(client::StopAgent{.how = client::Haste::polite});
  ASSERT_TRUE(wait_for([&] { return two.count<client::Refused>() == 1; }));
  EXPECT_EQ(refusal_of(two), "limit: 1 job is running on " + node_name());
  two.say(client::StopAgent{.how = client::Haste::now});
  ASSERT_TRUE(wait_for([this] { return ended == 1; }));
  loop.settle();
  EXPECT_EQ(two.heard<client::Done>(), (std::vector{client::Done{.text = "stopping"}}));
  EXPECT_EQ(one.count<client::Verdict>(), 1U);
}

TEST_F(AgentClientsTest, JobsAndStatusTellWhatIs) {
  start_agent(2);
  AgentClient& one = greeted();
  SampleJob job = SampleJob::line("sleep 60 # {}");
  job.manifest.policy.name = "sleepers";
  launch(one, job, {"a", "b", "c"});
  launch(one, SampleJob(), {});
  ASSERT_TRUE(wait_for_verdict(one));
  one.say(client::ListJobs{.all = false});
  one.say(client::ListJobs{.all = true});
  one.say(client::GetStatus{});
  ASSERT_TRUE(wait_for([&] { return one.count<client::Status>() == 1; }));
  const auto jobs = one.heard<client::Jobs>();
  ASSERT_THAT(jobs[0].rows, SizeIs(1));
  ASSERT_THAT(jobs[1].rows, SizeIs(2));
  EXPECT_EQ(jobs[0].rows[0].name, "sleepers");
  EXPECT_EQ(jobs[0].rows[0].number, 1U);
  EXPECT_EQ(jobs[0].rows[0].counts, (client::Counts{.total = 3, .running = 2}));
  EXPECT_GT(jobs[0].rows[0].elapsed_ns, 0U);
  EXPECT_EQ(jobs[1].rows[1].ending, Ending::done);
  const client::Status status = one.heard<client::Status>()[0];
  EXPECT_EQ(status.slots, 2U);
  EXPECT_EQ(status.running, 2U);
  EXPECT_EQ(status.jobs, 1U);
  EXPECT_EQ(status.state_directory, state.path());
  EXPECT_THAT(status.notes, IsEmpty());
}

TEST_F(AgentClientsTest, JobsThatDiedWithTheAgentBeforeAreNamedOnce) {
  ASSERT_TRUE(state.note_job({.id = "0123456789abcdef0123456789abcdef", .name = "long run"}));
  start_agent(1, true);
  EXPECT_THAT(agent->status().notes,
              ElementsAre("job 01234567 (long run) ended unfinished with the agent before this one"));
  AgentClient& one = greeted();
  launch(one, SampleJob::line("sleep 60 # {}"), {"a"});
  EXPECT_THAT(state.noted_jobs(), SizeIs(1)) << "the new one only";
  one.say(client::CancelJob{.selector = "all"});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_THAT(state.noted_jobs(), IsEmpty());
}

TEST_F(AgentClientsTest, ManyJobsThatDiedBeforeFitIntoTheStatus) {
  for (int i = 0; i < 300; ++i) {
    const std::string id = std::to_string(100'000 + i);
    ASSERT_TRUE(state.note_job({.id = id + std::string(32 - id.size(), '0'), .name = std::string(1'000, 'n')}));
  }
  start_agent(1, true);
  AgentClient& one = greeted();
  one.say(client::GetStatus{});
  ASSERT_TRUE(wait_for([&] { return one.count<client::Status>() == 1; }));
  const auto notes = one.heard<client::Status>()[0].notes;
  EXPECT_THAT(notes, SizeIs(protocol::limits::notes_max));
  EXPECT_EQ(notes.back(), "and 237 more jobs did");
  EXPECT_THAT(state.noted_jobs(), IsEmpty());
}

TEST_F(AgentClientsTest, JobsWhoseResultsNobodyTakesCountAsHeld) {
  start_agent(1);
  AgentClient& one = greeted();
  one.acknowledging = false;
  for (std::size_t i = 0; i <= Agent::jobs_max; ++i) {
    SampleJob job = SampleJob::single({"true"});
    job.manifest.policy.halt = {};
    one.say(job.submit(user));
    if (i % 50 == 0) loop.settle();
  }
  EXPECT_TRUE(wait_for([&] { return one.count<client::Refused>() > 0; }));
  EXPECT_EQ(one.heard<client::Refused>()[0].code, RefusalCode::limit);
  one.leave();
  EXPECT_TRUE(wait_for_rest());
  expect_service();
}

}  // namespace
}  // namespace agent::shell
