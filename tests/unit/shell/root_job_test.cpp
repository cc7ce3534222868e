#include "agent/shell/root_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/sample_job.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

namespace client = protocol::client;
using client::RefusalCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

core::StartTask start_of(std::uint64_t task, std::uint64_t begin, std::uint64_t end, std::uint32_t attempt = 0) {
  return {.task = core::TaskId(task),
          .job = {},
          .path = {},
          .piece = {.begin = begin, .end = end},
          .attempt = core::Attempt(attempt),
          .slot = 3,
          .deadline = core::Instant(std::chrono::seconds(77))};
}

class RootJobTest : public testing::Test {
 protected:
  RootJobTest() {
    surroundings.node = "here";
    surroundings.mark = "themark";
    surroundings.program = "/opt/gibbon";
    surroundings.output_directory = directory.path();
    surroundings.trusted_user = user.public_key();
  }

  [[nodiscard]] std::unique_ptr<RootJob> opened(const SampleJob& job) {
    auto open = RootJob::open(job.submit(user), pool, surroundings, items);
    if (!open) {
      ADD_FAILURE() << open.error().problem.message;
      return nullptr;
    }
    return *std::move(open);
  }
  // "CODE: message" of a submission that must be refused.
  [[nodiscard]] std::string refusal(const client::Submit& submission) {
    const auto open = RootJob::open(submission, pool, surroundings, items);
    if (open) return "accepted";
    return std::string(to_string(open.error().code)) + ": " + open.error().problem.message;
  }

  TemporaryDirectory directory;
  const crypto::SigningPair user{random_seed()};
  Surroundings surroundings;
  crypto::Bytes32 pool{};
  JobItems items{directory.path()};
};

TEST_F(RootJobTest, TheTermsAreThoseOfTheManifest) {
  SampleJob job = SampleJob::range({"search", "{lo}", "{hi}"}, {.low = 10, .step = 5, .high = 102});
  job.manifest.policy = {.name = "n",
                         .retries = 3,
                         .halt = {crypto::HaltWhen::soon, crypto::HaltWhat::success, 20, crypto::HaltUnit::percent},
                         .slots_max = 7,
                         .found = 9,
                         .grain_ns = 5'000,
                         .started_at_most_once = true};
  job.keep_order = true;
  const core::JobTerms terms = opened(job)->terms();
  EXPECT_EQ(terms.job, job.id());
  EXPECT_EQ(terms.body, core::Body::command_per_piece);
  EXPECT_EQ(terms.size, 19U);
  EXPECT_EQ(terms.grain, std::chrono::microseconds(5));
  EXPECT_EQ(terms.retries, 3U);
  EXPECT_EQ(terms.slots_max, 7U);
  EXPECT_EQ(terms.found, 9);
  EXPECT_TRUE(terms.lowest_hit);
  EXPECT_TRUE(terms.started_at_most_once);
  EXPECT_EQ(terms.halt.when, core::HaltRule::When::soon);
  EXPECT_EQ(terms.halt.what, core::HaltRule::What::succeeded);
  EXPECT_EQ(terms.halt.amount, 20U);
  EXPECT_EQ(terms.halt.unit, core::HaltRule::Unit::percent);

  const core::JobTerms plain = opened(SampleJob())->terms();
  EXPECT_FALSE(plain.size);
  EXPECT_FALSE(plain.found);
  EXPECT_FALSE(plain.lowest_hit);
  EXPECT_FALSE(plain.started_at_most_once);
  EXPECT_EQ(plain.halt.when, core::HaltRule::When::never);
}

TEST_F(RootJobTest, GrainsOfNothingAndBeyondAnyClockAreRefused) {
  SampleJob job;
  for (const std::uint64_t grain_ns : {std::uint64_t{0}, std::uint64_t{1} << 63U, ~std::uint64_t{0}}) {
    job.manifest.policy.grain_ns = grain_ns;
    EXPECT_THAT(refusal(job.submit(user)), HasSubstr("cannot do")) << grain_ns;
  }
  job.manifest.policy.grain_ns = INT64_MAX;
  EXPECT_EQ(opened(job)->terms().grain, core::Duration(INT64_MAX));
}

TEST_F(RootJobTest, ForeignKeysAreRefused) {
  const crypto::SigningPair stranger(random_seed());
  EXPECT_EQ(refusal(SampleJob().submit(stranger)),
            "not owner: the job is signed with another user's key than this agent's");
}

TEST_F(RootJobTest, AnotherJobsSecretIsRefused) {
  client::Submit submission = SampleJob().submit(user);
  submission.job_secret_seed[0] ^= std::byte{1};
  EXPECT_EQ(refusal(submission), "bad manifest: the job's secret does not belong to the key in its manifest");
}

TEST_F(RootJobTest, AlteredCutAndEmptyManifestsAreRefused) {
  const client::Submit good = SampleJob().submit(user);
  for (std::size_t at : {std::size_t{0}, good.manifest.size() / 2, good.manifest.size() - 1}) {
    client::Submit altered = good;
    altered.manifest[at] ^= std::byte{1};
    EXPECT_THAT(refusal(altered), HasSubstr("bad manifest: the job's manifest was refused: "));
    altered.manifest.resize(at);
    EXPECT_THAT(refusal(altered), HasSubstr("bad manifest: the job's manifest was refused: "));
  }
}

TEST_F(RootJobTest, ManifestsOutsideTheirTimeAreRefused) {
  SampleJob late;
  late.manifest.created_ms = wall_now_ms() - 7'200'000;
  late.manifest.not_after_ms = wall_now_ms() - 3'600'000;
  EXPECT_THAT(refusal(late.submit(user)), HasSubstr("bad manifest"));
  SampleJob early;
  early.manifest.created_ms = wall_now_ms() + 3'600'000;
  early.manifest.not_after_ms = early.manifest.created_ms + 1;
  EXPECT_THAT(refusal(early.submit(user)), HasSubstr("bad manifest"));
}

TEST_F(RootJobTest, WhatThisVersionCanNotDoIsRefused) {
  std::vector<SampleJob> jobs(5);
  jobs[0].manifest.body = crypto::BodyKind::linked_function;
  jobs[1].manifest.least_sandbox = 1;
  jobs[2].manifest.redundancy = 2;
  jobs[3].manifest.output_rules = {"*.png"};
  jobs[4].manifest.program = crypto::BlobProgram{.digest = {}, .size_bytes = 1, .name = "p"};
  for (const SampleJob& job : jobs) {
    EXPECT_EQ(refusal(job.submit(user)), "bad manifest: the job asks for something that this agent cannot do");
  }
}

TEST_F(RootJobTest, CommandsThatMakeNoSenseAreRefused) {
  EXPECT_THAT(refusal(SampleJob({"echo", "{lo}"}).submit(user)), HasSubstr("bad manifest: the job's command"));
  EXPECT_THAT(refusal(SampleJob::range({"echo"}, {.low = 0, .step = 1, .high = 9}).submit(user)),
              HasSubstr("bad manifest: the job's command"));
  EXPECT_THAT(refusal(SampleJob::line("echo {= 1 =}").submit(user)), HasSubstr("bad manifest: the job's command"));
}

TEST_F(RootJobTest, ChunksMustFollowEachOther) {
  const SampleJob job;
  auto root = opened(job);
  EXPECT_EQ(root->append_items(items_of(job.id(), 0, 0, {"a", "b"}, false)), 2U);
  for (const client::Items& wrong :
       {items_of(job.id(), 0, 0, {"a", "b"}, false), items_of(job.id(), 2, 2, {"c"}, false),
        items_of(job.id(), 1, 3, {"c"}, false), items_of(job.id(), 1, 1, {"c"}, false)}) {
    const auto refused = root->append_items(wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, RefusalCode::bad_items);
  }
  EXPECT_EQ(root->append_items(items_of(job.id(), 1, 2, {"c"}, false)), 3U);
  EXPECT_FALSE(root->items_ended());
  EXPECT_EQ(root->append_items(items_of(job.id(), 2, 3, {}, true)), 3U);
  EXPECT_TRUE(root->items_ended());
  EXPECT_FALSE(root->append_items(items_of(job.id(), 3, 3, {}, true)));
}

TEST_F(RootJobTest, ChunksOutsideTheirBoundsAreRefused) {
  const SampleJob job;
  auto root = opened(job);
  EXPECT_FALSE(root->append_items(items_of(job.id(), 0, 0, {}, false))) << "empty, and not the last";
  EXPECT_FALSE(root->append_items(items_of(job.id(), 0, 0, std::vector<std::string>(1'025, ""), false)));
  EXPECT_FALSE(root->append_items(items_of(job.id(), 0, 0, {std::string(60'000, 'a'), std::string(60'000, 'b')})));
  client::Items lie{.job = job.id(), .items = {client::TooLong{.size_bytes = 5}}, .last = true};
  EXPECT_FALSE(root->append_items(lie)) << "5 bytes are not too long";
  EXPECT_EQ(root->append_items(items_of(job.id(), 0, 0, {std::string(131'071, 'a')}, false)), 1U);
}

TEST_F(RootJobTest, OnlyListsTakeItems) {
  const SampleJob job = SampleJob::single({"true"});
  auto root = opened(job);
  const auto refused = root->append_items(items_of(job.id(), 0, 0, {"a"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().problem.message, "this job takes no arguments");
}

TEST_F(RootJobTest, AFullDiskRefusesItemsAndTheChainGoesOnAfterIt) {
  const SampleJob job;
  auto root = opened(job);
  {
    const FileSizeLimit limit(64);
    const auto refused = root->append_items(items_of(job.id(), 0, 0, {"a"}, false));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, RefusalCode::disk);
  }
  EXPECT_EQ(root->append_items(items_of(job.id(), 0, 0, {"a"}, false)), 1U);
}

TEST_F(RootJobTest, AnOrderIsExact) {
  SampleJob job({"prog", "-x", "{}", "{#}", "{%}"});
  job.manifest.environment["LANG"] = "C";
  job.manifest.directory = "/some/where";
  job.manifest.umask = 027;
  job.manifest.limits = {.time_ns = 5, .memory_bytes = 6, .file_bytes = 7, .processes = 8};
  auto root = opened(job);
  ASSERT_TRUE(root->append_items(items_of(job.id(), 0, 0, {"zero", "one two"})));
  const auto order = root->tasks().order(start_of(42, 1, 2, 5), "/scratch/dir");
  ASSERT_TRUE(order) << order.error();
  EXPECT_EQ(order->task, 42U);
  EXPECT_THAT(order->argv, ElementsAre("prog", "-x", "one two", "2", "3"));
  EXPECT_THAT(
      order->environment,
      UnorderedElementsAre("PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C", "GIBBON_JOB_ID=" + to_hex(job.manifest.job),
                           "GIBBON_SEQ=2", "GIBBON_BRANCH=1", "GIBBON_ATTEMPT=5", "GIBBON_SLOT=3", "GIBBON_CPUS=1",
                           "GIBBON_NODE=here", "GIBBON_ROOT_NODE=here", "GIBBON_BIN=/opt/gibbon",
                           "GIBBON_SCRATCH=/scratch/dir", "GIBBON_AGENT=themark", "GIBBON_ITEM=one two"));
  EXPECT_EQ(order->directory, "/some/where");
  EXPECT_EQ(order->umask, 027U);
  EXPECT_EQ(order->priority, exec::Priority::normal);
  EXPECT_EQ(order->limits, (exec::TaskLimits{.memory_bytes = 6, .file_bytes = 7}));
  EXPECT_EQ(order->time_limit_ns, 5);
  EXPECT_EQ(order->deadline_ns, 77'000'000'000);
}

TEST_F(RootJobTest, AJobLaunchedByATaskIsNotToldThatTasksNumbers) {
  SampleJob job = SampleJob::single({"prog"});
  job.manifest.environment = {{"GIBBON_SEQ", "99"},     {"GIBBON_LO", "5"},      {"GIBBON_HI", "6"},
                              {"GIBBON_ITEM", "outer"}, {"GIBBON_AGENT", "old"}, {"GIBBON_SCRATCH", "/old"},
                              {"MINE", "kept"},         {"GIBBON_SHELL", "dash"}};
  const auto order = opened(job)->tasks().order(start_of(1, 0, 1), "/new");
  ASSERT_TRUE(order);
  EXPECT_THAT(order->environment,
              UnorderedElementsAre("MINE=kept", "GIBBON_SHELL=dash", "GIBBON_JOB_ID=" + to_hex(job.manifest.job),
                                   "GIBBON_SEQ=1", "GIBBON_BRANCH=0", "GIBBON_ATTEMPT=0", "GIBBON_SLOT=3",
                                   "GIBBON_CPUS=1", "GIBBON_NODE=here", "GIBBON_ROOT_NODE=here",
                                   "GIBBON_BIN=/opt/gibbon", "GIBBON_SCRATCH=/new", "GIBBON_AGENT=themark"));
}

TEST_F(RootJobTest, TheShellIsTheUsersUnlessItIsEmpty) {
  for (const auto& [variable, shell] : std::map<std::string, std::string>{{"", "/bin/sh"}, {"/bin/zsh", "/bin/zsh"}}) {
    SampleJob job = SampleJob::line("echo {} | cat");
    job.manifest.environment["GIBBON_SHELL"] = variable;
    auto root = opened(job);
    ASSERT_TRUE(root->append_items(items_of(job.id(), 0, 0, {"it's"})));
    const auto order = root->tasks().order(start_of(1, 0, 1), "/s");
    ASSERT_TRUE(order);
    EXPECT_THAT(order->argv, ElementsAre(shell, "-c", "echo 'it'\"'\"'s' | cat"));
  }
}

TEST_F(RootJobTest, ArgumentsThatDoNotFitGiveAReasonInsteadOfAnOrder) {
  const SampleJob job;
  auto root = opened(job);
  client::Items too_long{.job = job.id(), .items = {client::TooLong{.size_bytes = 200'000}}, .last = false};
  ASSERT_TRUE(root->append_items(too_long));
  EXPECT_EQ(root->tasks().order(start_of(1, 0, 1), "/s").error(),
            "the argument is 200000 bytes long; the system takes at most 131071");
  ASSERT_TRUE(root->append_items(items_of(job.id(), 1, 1, {std::string(131'071, 'x')}, false)));
  const auto longest = root->tasks().order(start_of(2, 1, 2), "/s");
  ASSERT_TRUE(longest) << longest.error();
  EXPECT_EQ(longest->argv.back().size(), 131'071U);
  for (const std::string& variable : longest->environment) EXPECT_FALSE(variable.starts_with("GIBBON_ITEM="));
}

TEST_F(RootJobTest, ARangeTaskIsToldItsValues) {
  SampleJob job = SampleJob::range(
      {"p", "{lo}", "{hi}"}, {.low = 18'446'744'073'709'551'600U, .step = 1, .high = 18'446'744'073'709'551'615U});
  const auto root = opened(job);
  const auto order = root->tasks().order(start_of(1, 10, 16), "/s");
  ASSERT_TRUE(order) << order.error();
  EXPECT_THAT(order->argv, ElementsAre("p", "18446744073709551610", "18446744073709551616"));
  EXPECT_THAT(order->environment, testing::IsSupersetOf({std::string("GIBBON_LO=18446744073709551610"),
                                                         std::string("GIBBON_HI=18446744073709551616")}));
  root->commit({.covers = {.begin = 10, .end = 16}}, core::Outcome::ok);
  const auto batch = root->delivery().next_batch();
  ASSERT_TRUE(batch && batch->results.size() == 1);
  EXPECT_EQ(batch->results.front().low, "18446744073709551610");
  EXPECT_EQ(batch->results.front().high, "18446744073709551616");
}

TEST_F(RootJobTest, CommittedResultsAreDeliveredAndCounted) {
  const SampleJob job;
  auto root = opened(job);
  struct Case {
    core::Outcome outcome;
    int exit;
    int signal;
    client::Outcome expected;
  };
  const std::vector<Case> cases = {{core::Outcome::ok, 0, 0, client::Outcome::ok},
                                   {core::Outcome::hit, 7, 0, client::Outcome::hit},
                                   {core::Outcome::failed, 0, 9, client::Outcome::killed},
                                   {core::Outcome::failed, 3, 0, client::Outcome::failed},
                                   {core::Outcome::lost, 0, 0, client::Outcome::lost}};
  for (std::uint64_t i = 0; i < cases.size(); ++i) {
    client::Result result;
    result.covers = {.begin = i, .end = i + 1};
    result.exit = cases[i].exit;
    result.signal = cases[i].signal;
    result.duration_ns = 10;
    root->commit(std::move(result), cases[i].outcome);
  }
  EXPECT_EQ(root->task_time_ns(), 50U);
  ASSERT_TRUE(root->first_failure());
  EXPECT_EQ(root->first_failure()->signal, 9);
  const auto batch = root->delivery().next_batch();
  ASSERT_TRUE(batch && batch->results.size() == cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(batch->results[i].outcome, cases[i].expected);
}

TEST_F(RootJobTest, WhatIsLostWithoutATaskIsDeliveredAsSuchWithAReason) {
  auto root = opened(SampleJob());
  root->commit_lost({.begin = 4, .end = 5});
  const auto batch = root->delivery().next_batch();
  ASSERT_TRUE(batch && batch->results.size() == 1);
  EXPECT_EQ(batch->results.front().outcome, client::Outcome::lost);
  EXPECT_EQ(batch->results.front().covers, (protocol::Interval{.begin = 4, .end = 5}));
  EXPECT_FALSE(batch->results.front().reason.empty());
}

TEST_F(RootJobTest, WhatIsLostIsNamedByItsItemAlthoughThatHasLeftTheDisk) {
  const SampleJob job;
  auto root = opened(job);
  // More than is kept decoded, and large enough for the disk to be given back.
  for (std::uint64_t chunk = 0; chunk < 30; ++chunk) {
    const std::string item(60'000, static_cast<char>('a' + chunk % 26));
    ASSERT_TRUE(root->append_items(items_of(job.id(), chunk, chunk, {item}, /*last=*/false)));
  }
  core::IntervalSet lost({.begin = 1, .end = 2});
  lost.insert({.begin = 28, .end = 29});
  EXPECT_LT(root->items_bytes_ahead(27, lost), 4 * 61'000U);
  for (const std::uint64_t index : {1U, 28U}) root->commit_lost({.begin = index, .end = index + 1});
  const auto batch = root->delivery().next_batch();
  ASSERT_TRUE(batch && batch->results.size() == 2);
  EXPECT_EQ(batch->results[0].label, protocol::Bytes(60'000, std::byte{'b'}));
  EXPECT_EQ(batch->results[1].label, protocol::Bytes(60'000, std::byte{'c'}));
}

TEST_F(RootJobTest, AResultCarriesItsItem) {
  const SampleJob job;
  auto root = opened(job);
  ASSERT_TRUE(root->append_items(items_of(job.id(), 0, 0, {"zero", "one two"})));
  root->commit({.covers = {.begin = 1, .end = 2}, .node = "elsewhere"}, core::Outcome::ok);
  const auto batch = root->delivery().next_batch();
  ASSERT_TRUE(batch && batch->results.size() == 1);
  EXPECT_EQ(text_of(batch->results.front().label), "one two");
  EXPECT_EQ(batch->results.front().node, "elsewhere");
}

TEST_F(RootJobTest, AJobForAnotherPoolIsRefused) {
  SampleJob job;
  pool[0] = std::byte{1};
  EXPECT_EQ(refusal(job.submit(user)), "bad manifest: the job is for another pool than this agent is in now");
  job.manifest.pool = pool;
  EXPECT_NE(opened(job), nullptr);
}

TEST_F(RootJobTest, ItsItemsGoWithIt) {
  const SampleJob job;
  auto root = opened(job);
  ASSERT_TRUE(root->append_items(items_of(job.id(), 0, 0, {"zero"})));
  EXPECT_NE(items.find(job.id()), nullptr);
  root.reset();
  EXPECT_EQ(items.find(job.id()), nullptr);
}

}  // namespace
}  // namespace agent::shell
