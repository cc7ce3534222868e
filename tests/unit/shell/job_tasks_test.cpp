#include "agent/shell/job_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/unit/shell/sample_job.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

class GuestTasks : public testing::Test {
 protected:
  GuestTasks() {
    surroundings.node = "helper";
    surroundings.program = "/opt/gibbon";
    surroundings.mark = "themark";
  }
  [[nodiscard]] JobTasks tasks_of(SampleJob job) {
    auto opened = crypto::open_manifest(job.submit(user).manifest, wall_now_ms(), 0);
    EXPECT_TRUE(opened);
    return JobTasks::of(*opened, JobTasks::Place::guest, surroundings, items).value();
  }
  static core::StartTask start_of(std::uint64_t begin) {
    return {.task = core::TaskId(1),
            .job = {},
            .path = {},
            .piece = {.begin = begin, .end = begin + 1},
            .attempt = core::Attempt(0),
            .slot = 1,
            .deadline = core::Instant(std::chrono::seconds(77))};
  }

  TemporaryDirectory directory;
  const crypto::SigningPair user{random_seed()};
  Surroundings surroundings;
  JobItems items{directory.path()};
};

TEST_F(GuestTasks, a_guest_runs_in_its_scratch_directory_at_idle_priority_and_keeps_to_itself) {
  SampleJob job = SampleJob::single({"prog"});
  job.manifest.directory = "/home/ursula";
  job.manifest.umask = 002;
  const auto order = tasks_of(job).order(start_of(0), "/scratch/here");
  ASSERT_TRUE(order) << order.error();
  EXPECT_EQ(order->directory, "");
  EXPECT_EQ(order->umask, 077U);
  EXPECT_EQ(order->priority, exec::Priority::guest);
}

TEST_F(GuestTasks, a_guest_has_this_machines_path_and_no_home_here) {
  SampleJob job = SampleJob::single({"prog"});
  job.manifest.environment = {{"PATH", "/far/away"}, {"HOME", "/home/ursula"}, {"MINE", "kept"}};
  const std::string root = "alpha";
  const auto bytes = std::as_bytes(std::span(root));
  job.manifest.extensions[root_node_extension] = {bytes.begin(), bytes.end()};
  const auto order = tasks_of(job).order(start_of(0), "/scratch/here");
  ASSERT_TRUE(order);
  EXPECT_THAT(order->environment,
              IsSupersetOf({std::string("PATH=") + std::getenv("PATH"), std::string("HOME=/scratch/here"),
                            std::string("TMPDIR=/scratch/here"), std::string("MINE=kept"),
                            std::string("GIBBON_NODE=helper"), std::string("GIBBON_ROOT_NODE=alpha")}));
}

TEST_F(GuestTasks, a_task_is_ready_when_its_item_is_here) {
  SampleJob job;
  const JobTasks tasks = tasks_of(job);
  EXPECT_FALSE(tasks.is_ready(start_of(5)));
  const crypto::SigningPair job_key{crypto::Seed(job.secret)};
  const std::string text = "five";
  const auto bytes = std::as_bytes(std::span(text));
  const crypto::ArgumentChunk chunk{.job = job.manifest.job,
                                    .number = 3,
                                    .first_index = 5,
                                    .items = {std::vector<std::byte>(bytes.begin(), bytes.end())},
                                    .last = false,
                                    .previous = {}};
  const auto sealed = crypto::sign_chunk(chunk, job_key);
  ASSERT_TRUE(sealed);
  items.keep_chunk(tasks.manifest(), {.chunk = chunk, .id = sealed->id}, sealed->bytes);
  EXPECT_TRUE(tasks.is_ready(start_of(5)));
  EXPECT_FALSE(tasks.is_ready(start_of(6)));
  EXPECT_THAT(tasks.order(start_of(5), "/s")->argv, Contains("five"));
}

TEST(PieceValuesTest, PiecesJoinWithoutGapUpToTheTop) {
  const std::uint64_t top = ~std::uint64_t{0};
  for (const crypto::ValueRange& range :
       {crypto::ValueRange{.low = 0, .step = 1, .high = 9}, crypto::ValueRange{.low = 5, .step = 7, .high = 100},
        crypto::ValueRange{.low = top - 40, .step = 3, .high = top},
        crypto::ValueRange{.low = 1, .step = top / 2, .high = top},
        crypto::ValueRange{.low = top, .step = 1, .high = top}}) {
    const std::uint64_t count = (range.high - range.low) / range.step + 1;
    EXPECT_EQ(values_of(range, {0, count}).low, std::to_string(range.low));
    std::string end = std::to_string(range.low);
    for (std::uint64_t begin = 0; begin < count; begin += 2) {
      const PieceValues values = values_of(range, {begin, std::min(begin + 2, count)});
      EXPECT_EQ(values.low, end);
      end = values.high;
    }
    EXPECT_EQ(end, values_of(range, {0, count}).high);
  }
  EXPECT_EQ(values_of({.low = 0, .step = 1, .high = top - 1}, {0, top}).high, "18446744073709551615");
  EXPECT_EQ(values_of({.low = 1, .step = 1, .high = top}, {top - 1, top}).high, "18446744073709551616");
  EXPECT_EQ(values_of({.low = 0, .step = 10, .high = 25}, {2, 3}).high, "21") << "one past its last value";
}

}  // namespace
}  // namespace agent::shell
