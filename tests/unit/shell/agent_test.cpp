#include "agent/shell/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/shell/agent_client.h"
#include "tests/unit/shell/open_files.h"

namespace agent::shell {
namespace {

using client::Ending;
using client::RefusalCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string out_of(const client::Result& result) {
  const auto* bytes = std::get_if<protocol::Bytes>(&result.out);
  return bytes == nullptr ? "(a file)" : text_of(*bytes);
}

TEST_F(AgentTest, ItemsComeBackAsResultsAndAVerdict) {
  start_agent(2);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("echo got {}; echo oops >&2; exit {#}"), {"a", "b"});
  ASSERT_TRUE(wait_for_verdict(one));
  ASSERT_EQ(one.results.size(), 2U);
  std::ranges::sort(one.results, {}, [](const auto& result) { return result.covers.begin; });
  EXPECT_EQ(out_of(one.results[0]), "got a\n");
  EXPECT_EQ(std::get<protocol::Bytes>(one.results[0].err), bytes_of("oops\n"));
  EXPECT_EQ(one.results[0].exit, 1);
  EXPECT_EQ(one.results[0].outcome, client::Outcome::failed);
  EXPECT_EQ(one.results[1].exit, 2);
  EXPECT_EQ(text_of(one.results[1].label), "b");
  EXPECT_GT(one.results[1].duration_ns, 0U);
  EXPECT_GT(one.results[1].start_wall_ms, 1'600'000'000'000);
  const client::Verdict verdict = one.heard<client::Verdict>()[0];
  EXPECT_EQ(verdict.ending, Ending::done);
  EXPECT_EQ(verdict.counts, (client::Counts{.total = 2, .committed = 2, .failed = 2}));
  EXPECT_EQ(verdict.task_time_ns, one.results[0].duration_ns + one.results[1].duration_ns);
  EXPECT_TRUE(std::holds_alternative<client::Verdict>(one.messages.back())) << "nothing comes after it";
  EXPECT_EQ(one.heard<client::Stored>(), (std::vector{client::Stored{.job = verdict.job, .chunk = 0}}));
}

TEST_F(AgentTest, AnEmptyListIsDone) {
  start_agent(1);
  AgentClient& one = greeted();
  launch(one, SampleJob(), {});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts, (client::Counts{.total = 0}));
  EXPECT_THAT(one.results, IsEmpty());
}

TEST_F(AgentTest, WorkStartsBeforeTheInputEnds) {
  start_agent(1);
  AgentClient& one = greeted();
  const SampleJob job;
  one.say(job.submit(user));
  one.say(items_of(job.id(), 0, 0, {"first"}, false));
  ASSERT_TRUE(wait_for([&] { return one.results.size() == 1; }));
  EXPECT_EQ(one.count<client::Verdict>(), 0U);
  one.say(items_of(job.id(), 1, 1, {"second"}, true));
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_THAT(one.indices(), ElementsAre(0, 1));
}

TEST_F(AgentTest, KeptOrderIsThatOfTheItems) {
  start_agent(4);
  AgentClient& one = greeted();
  SampleJob job = SampleJob::line("sleep 0.{}");
  job.keep_order = true;
  launch(one, job, {"4", "3", "2", "1", "0", "1"});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_THAT(one.indices(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(AgentTest, InAKeptOrderTheLowestHitWinsAndNothingAboveItIsShown) {
  start_agent(4);
  AgentClient& one = greeted();
  SampleJob job =
      SampleJob::range({"/bin/sh", "-c", "'test {lo} -ge 3 && exit 7; sleep 0.2'"}, {.low = 0, .step = 1, .high = 40});
  job.manifest.through_shell = true;
  job.manifest.policy.found = 7;
  job.manifest.policy.grain_ns = 1;
  job.keep_order = true;
  one.say(job.submit(user));
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].ending, Ending::hit);
  ASSERT_FALSE(one.results.empty());
  EXPECT_EQ(one.results.back().outcome, client::Outcome::hit);
  for (std::size_t i = 0; i + 1 < one.results.size(); ++i) {
    EXPECT_EQ(one.results[i].outcome, client::Outcome::ok);
    EXPECT_EQ(one.results[i].covers.end, one.results[i + 1].covers.begin);
  }
}

TEST_F(AgentTest, LargeOutputsAreFilesUntilTheyAreShown) {
  start_agent(1);
  AgentClient& one = greeted();
  one.acknowledging = false;
  launch(one, SampleJob::line("head -c 100000 /dev/zero | tr '\\0' {}"), {"x"});
  ASSERT_TRUE(wait_for_verdict(one));
  ASSERT_EQ(one.results.size(), 1U);
  const auto* file = std::get_if<client::File>(&one.results[0].out);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->size_bytes, 100'000U);
  EXPECT_EQ(read_file(file->path), std::string(100'000, 'x'));
  one.say(client::Shown{.job = one.heard<client::Results>()[0].job, .sequence = 0});
  EXPECT_TRUE(wait_for([&] { return output_file_count() == 0; }));
}

TEST_F(AgentTest, OutputsOfTriesThatDoNotCountAreRemoved) {
  start_agent(1);
  AgentClient& one = greeted();
  SampleJob job = SampleJob::line("head -c 100000 /dev/zero; test $GIBBON_ATTEMPT -ge 2 # {}");
  job.manifest.policy.retries = 5;
  one.acknowledging = false;
  launch(one, job, {"x"});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.results[0].attempt, 2U);
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts.retried, 2U);
  EXPECT_EQ(output_file_count(), 1U);
}

TEST_F(AgentTest, WhatCannotStartFailsWithItsReason) {
  start_agent(1);
  AgentClient& one = greeted();
  launch(one, SampleJob({"/no/such/program", "{}"}), {"x"});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.results[0].exit, 127);
  EXPECT_EQ(one.results[0].reason, "/no/such/program: command not found");
  AgentClient& two = greeted();
  two.say(client::Submit(SampleJob().submit(user)));
  two.say(client::Items{.job = {}, .items = {}, .last = true});
  ASSERT_TRUE(wait_for([&] { return two.count<client::Refused>() == 1; })) << "no such job";
}

TEST_F(AgentTest, AnArgumentThatIsTooLongFailsAloneWithItsReason) {
  start_agent(1);
  AgentClient& one = greeted();
  const SampleJob job;
  one.say(job.submit(user));
  client::Items items = items_of(job.id(), 0, 0, {"short"});
  items.items.emplace_back(client::TooLong{.size_bytes = 10'000'000});
  one.say(items);
  ASSERT_TRUE(wait_for_verdict(one));
  ASSERT_EQ(one.results.size(), 2U);
  EXPECT_EQ(one.results[1].exit, 126);
  EXPECT_THAT(one.results[1].reason, HasSubstr("10000000 bytes"));
  EXPECT_EQ(out_of(one.results[0]), "short\n");
}

TEST_F(AgentTest, ATaskThatKillsItsLauncherEachTimeFailsAfterTheThird) {
  start_agent(2);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("test {} = bad && kill -9 $PPID; echo {}"), {"good", "bad", "fine"});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(one.heard<client::Verdict>()[0].counts,
            (client::Counts{.total = 3, .committed = 3, .ok = 2, .failed = 1, .redone = 2}));
  const auto failed = std::ranges::find(one.results, client::Outcome::failed, &client::Result::outcome);
  ASSERT_NE(failed, one.results.end());
  EXPECT_EQ(text_of(failed->label), "bad");
  EXPECT_EQ(failed->reason, "its launcher died, 3 times");
  EXPECT_GE(one.count<client::Warning>(), 3U);
}

TEST_F(AgentTest, ALauncherThatDiedIdleCostsNothingButANewOne) {
  start_agent(1);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("echo $PPID"), {"x"});
  ASSERT_TRUE(wait_for_verdict(one));
  const pid_t launcher = std::stoi(out_of(one.results[0]));
  kill(launcher, SIGKILL);
  siginfo_t gone{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(launcher), &gone, WEXITED | WNOWAIT), 0);
  launch(one, SampleJob::line("echo {}"), {"y"});
  ASSERT_TRUE(wait_for_verdict(one, 2));
  EXPECT_EQ(out_of(one.results.back()), "y\n");
}

TEST_F(AgentTest, ACancelledJobStopsWhatRunsAndStartsNothing) {
  start_agent(2);
  AgentClient& one = greeted();
  const SampleJob job = SampleJob::line("echo {}; sleep 60");
  launch(one, job, {"a", "b", "c", "d"});
  ASSERT_TRUE(wait_for([&] { return agent->status().running == 2; }));
  AgentClient& two = greeted();
  two.say(client::CancelJob{.selector = to_hex(job.manifest.job).substr(0, 12)});
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_EQ(two.heard<client::Done>(), (std::vector{client::Done{.text = "1 job cancelled"}}));
  EXPECT_EQ(one.heard<client::Verdict>()[0].ending, Ending::cancelled);
  EXPECT_THAT(one.results, IsEmpty());
  two.say(client::CancelJob{.selector = "last"});
  two.say(client::CancelJob{.selector = "1"});
  ASSERT_TRUE(wait_for([&] { return two.count<client::Refused>() == 2; }));
  EXPECT_EQ(two.heard<client::Refused>()[0].message, "the last job has ended already");
  EXPECT_EQ(two.heard<client::Refused>()[0].code, RefusalCode::job_ended);
  EXPECT_EQ(two.heard<client::Refused>()[1].code, RefusalCode::job_ended);
  expect_service();
}

TEST_F(AgentTest, AHastyCancelKillsWhatIgnoresThePoliteOne) {
  start_agent(1);
  AgentClient& one = greeted();
  launch(one, SampleJob::line("trap '' TERM; sleep 60; sleep 60"), {"a"});
  ASSERT_TRUE(wait_for([&] { return agent->status().running == 1; }));
  one.say(client::CancelJob{.selector = "all", .how = client::Haste::polite});
  one.say(client::CancelJob{.selector = "all", .how = client::Haste::now});
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_for_verdict(one));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4));
}

TEST_F(AgentTest, TwoClientsShareTheSlotsFairly) {
  start_agent(2);
  AgentClient& one = greeted();
  AgentClient& two = greeted();
  const std::vector<std::string> many(60, "x");
  launch(one, SampleJob::line("sleep 0.02"), many);
  launch(two, SampleJob::line("sleep 0.02"), many);
  ASSERT_TRUE(wait_for([&] { return one.results.size() >= 30 && two.results.size() >= 20; }));
  EXPECT_LT(one.results.size(), 60U) << "the first did not go through before the second began";
  ASSERT_TRUE(wait_for_verdict(one) && wait_for_verdict(two));
}

TEST_F(AgentTest, NoDescriptorIsLeftByClientsAndJobs) {
  start_agent(2);
  expect_service();
  clients.clear();
  loop.settle();
  const std::size_t before = open_descriptor_count();
  for (int round = 0; round < 10; ++round) {
    AgentClient& one = greeted();
    launch(one, SampleJob::line("head -c 70000 /dev/zero; echo {} >&2"), {"a", "b", "c"});
    ASSERT_TRUE(round % 2 == 0 || wait_for_verdict(one));
    clients.clear();
    ASSERT_TRUE(wait_for_rest());
    loop.settle();
    EXPECT_EQ(output_file_count(), 0U);
  }
  // Two launchers may have been told to use new output files meanwhile.
  EXPECT_LE(open_descriptor_count(), before + 8);
}

}  // namespace
}  // namespace agent::shell
