#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

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

TEST_F(AgentPoolTest, every_argument_comes_along_with_what_is_granted) {
  start_pool(3, {.slots = 2});
  AgentClient& client = agents[0]->greeted();
  const auto items = numbered(1'500);  // fifteen chunks
  agents[0]->launch(client, SampleJob({"echo", "{}"}), items);
  ASSERT_TRUE(wait_for_verdict(client));
  expect_all(client, items);
  EXPECT_GE(done_by(client, "beta"), 1U);
  EXPECT_GE(done_by(client, "gamma"), 1U);
}

// As joined: the one who invited may run jobs on the newcomer's machine, and not the other way round.
TEST_F(AgentPoolTest, a_job_of_a_user_whom_the_owner_has_not_agreed_to_stays_at_home_and_it_is_said_why) {
  start_pool(2);
  AgentClient& client = agents[1]->greeted();
  const auto items = numbered(20);
  agents[1]->launch(client, SampleJob::line("sleep 0.05; echo {}"), items);
  ASSERT_TRUE(wait_for_verdict(client));
  expect_all(client, items);
  EXPECT_EQ(done_by(client, "beta"), 20U);
  const auto warnings = client.heard<client::Warning>();
  ASSERT_EQ(warnings.size(), 1U) << "once for each node";
  EXPECT_THAT(warnings.front().text, HasSubstr("alpha does not help: it has no sandbox"));
  EXPECT_THAT(warnings.front().text, HasSubstr("allow_weak_sandbox = true"));
}

TEST_F(AgentPoolTest, where_every_owner_agrees_jobs_run_everywhere_from_wherever_they_are_launched) {
  start_pool(3, {.allow_weak_sandbox = true});
  const auto items = numbered(60);
  for (std::size_t root : {1U, 2U}) {
    AgentClient& client = agents[root]->greeted();
    agents[root]->launch(client, SampleJob::line("sleep 0.05; echo {}"), items);
    ASSERT_TRUE(wait_for_verdict(client));
    expect_all(client, items);
    for (const char* name : {"alpha", "beta", "gamma"}) EXPECT_GE(done_by(client, name), 5U) << root << " " << name;
  }
}

TEST_F(AgentPoolTest, a_range_is_covered_without_gap_or_overlap_whoever_runs_its_pieces) {
  start_pool(3);
  AgentClient& client = agents[0]->greeted();
  SampleJob job = SampleJob::range({"/bin/sh -c 'sleep 0.02; echo {lo} {hi}'"}, {.low = 0, .step = 1, .high = 199});
  job.manifest.through_shell = true;
  job.manifest.policy.grain_ns = 20'000'000;
  job.keep_order = true;
  agents[0]->launch(client, job, {});
  ASSERT_TRUE(wait_for_verdict(client));
  std::uint64_t next = 0;
  std::set<std::string> nodes;
  for (const client::Result& result : client.results) {
    EXPECT_EQ(result.covers.begin, next);
    next = result.covers.end;
    nodes.insert(result.node);
    EXPECT_EQ(text_of(result.out), result.low + " " + result.high + "\n");
  }
  EXPECT_EQ(next, 200U);
  EXPECT_EQ(nodes.size(), 3U);
}

TEST_F(AgentPoolTest, what_a_helper_takes_along_is_done_again) {
  start_pool(3);
  AgentClient& client = agents[0]->greeted();
  const auto items = numbered(60);
  agents[0]->launch(client, SampleJob::line("sleep 0.1; echo {}"), items);
  ASSERT_TRUE(wait_for([&] { return done_by(client, "beta") >= 3; }));
  agents[1]->agent.reset();
  ASSERT_TRUE(wait_for_verdict(client));
  expect_all(client, items);
}

TEST_F(AgentPoolTest, a_failure_elsewhere_is_told_as_it_was) {
  start_pool(2);
  AgentClient& client = agents[0]->greeted();
  agents[0]->launch(client, SampleJob::line("sleep 0.05; echo said >&2; test $GIBBON_NODE = alpha || exit 42"),
                    numbered(20));
  ASSERT_TRUE(wait_for_verdict(client));
  for (const client::Result& result : client.results) {
    EXPECT_EQ(text_of(result.err), "said\n");
    EXPECT_EQ(result.exit, result.node == "alpha" ? 0 : 42);
    EXPECT_EQ(result.outcome, result.node == "alpha" ? client::Outcome::ok : client::Outcome::failed);
    EXPECT_GT(result.duration_ns, 50'000'000U);
  }
  EXPECT_GE(done_by(client, "beta"), 3U);
}

TEST_F(AgentPoolTest, many_outputs_of_some_length_come_back_in_several_batches) {
  start_pool(2);
  AgentClient& client = agents[0]->greeted();
  agents[0]->launch(client, SampleJob::line("head -c 10000 /dev/zero | tr '\\0' {}"),
                    std::vector<std::string>(400, "x"));
  ASSERT_TRUE(wait_for_verdict(client));
  ASSERT_EQ(client.results.size(), 400U);
  for (const client::Result& result : client.results) EXPECT_EQ(text_of(result.out), std::string(10'000, 'x'));
  EXPECT_GE(done_by(client, "beta"), 1U);
}

TEST_F(AgentPoolTest, an_output_that_cannot_travel_is_a_failure_that_says_so) {
  start_pool(2);
  AgentClient& client = agents[0]->greeted();
  agents[0]->launch(client, SampleJob::line("sleep 0.05; : {}; head -c 100000 /dev/zero"), numbered(20));
  ASSERT_TRUE(wait_for_verdict(client));
  for (const client::Result& result : client.results) {
    EXPECT_EQ(result.outcome == client::Outcome::ok, result.node == "alpha");
    if (result.node == "beta") {
      EXPECT_THAT(result.reason, HasSubstr("it printed 100000 bytes on another machine"));
    }
  }
  EXPECT_GE(done_by(client, "beta"), 1U);
}

TEST_F(AgentPoolTest, a_guest_leaves_nothing_behind) {
  start_pool(2);
  AgentClient& client = agents[0]->greeted();
  agents[0]->launch(client, SampleJob::line("sleep 0.02; touch here; echo {} > $TMPDIR/there; echo {}"), numbered(20));
  ASSERT_TRUE(wait_for_verdict(client));
  EXPECT_GE(done_by(client, "beta"), 3U);
  // A launcher cleans up when its task has ended.
  const auto files = [&] {
    std::size_t count = 0;
    for (const char* folder : {"scratch", "output"}) {
      std::error_code gone;
      std::filesystem::recursive_directory_iterator at(agents[1]->state.file(folder), gone), end;
      for (; at != end; at.increment(gone)) count += at->is_regular_file(gone) ? 1U : 0U;
    }
    return count;
  };
  EXPECT_TRUE(wait_for([&] { return agents[1]->agent->status().running == 0 && files() == 0; }));
}

TEST_F(AgentPoolTest, the_event_record_tells_who_was_asked_what_was_lent_and_what_came_of_it) {
  start_pool(2);
  AgentClient& client = agents[0]->greeted();
  SampleJob job = SampleJob::line("sleep 0.05; echo {}");
  job.want_events = true;
  agents[0]->launch(client, job, numbered(20));
  ASSERT_TRUE(wait_for_verdict(client));
  std::map<std::string, std::size_t> count;
  std::uint64_t granted = 0, committed = 0;
  for (const client::Events& events : client.heard<client::Events>()) {
    std::istringstream lines(events.lines);
    for (std::string line; std::getline(lines, line);) {
      const auto event = nlohmann::json::parse(line);
      EXPECT_EQ(event.at("node"), "alpha");
      ++count[event.at("what")];
      if (event.at("what") == "grant") granted += event.at("iterations").get<std::uint64_t>();
      if (event.at("what") == "commit" && event.at("by") == "beta") ++committed;
    }
  }
  EXPECT_EQ(count["commit"], 20U);
  EXPECT_EQ(count["verdict"], 1U);
  EXPECT_GE(count["grant"], 1U);
  EXPECT_EQ(count["grant"], count["accept"]);
  EXPECT_EQ(committed, done_by(client, "beta"));
  EXPECT_GE(granted, committed);
}

TEST_F(AgentPoolTest, nobody_is_asked_for_a_job_that_stays_at_home) {
  start_pool(2);
  AgentClient& client = agents[0]->greeted();
  SampleJob job = SampleJob::line("sleep 0.02; echo {}");
  job.manifest.policy.branch_number = 0;
  job.want_events = true;
  agents[0]->launch(client, job, numbered(20));
  ASSERT_TRUE(wait_for_verdict(client));
  EXPECT_EQ(done_by(client, "alpha"), 20U);
  for (const client::Events& events : client.heard<client::Events>()) {
    EXPECT_THAT(events.lines, testing::Not(HasSubstr("\"probe\"")));
    EXPECT_THAT(events.lines, testing::Not(HasSubstr("\"grant\"")));
  }
}

}  // namespace
}  // namespace agent::shell
