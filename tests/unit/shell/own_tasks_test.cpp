#include "agent/shell/own_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/shell/delivered_result.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

namespace client = protocol::client;
using testing::ElementsAre;
using testing::IsEmpty;

core::StartTask start_of(std::uint64_t task) {
  return {.task = core::TaskId(task),
          .job = protocol::JobId(protocol::Bytes16{std::byte{7}}),
          .path = {},
          .piece = {.begin = task, .end = task + 1},
          .attempt = core::Attempt(4),
          .slot = 1,
          .deadline = {}};
}

TEST(OwnTasksTest, what_is_signed_about_a_task_is_what_it_brought_and_what_the_core_made_of_it) {
  OwnTasks tasks;
  client::Result& brought = tasks.begin(start_of(9));
  brought.exit = 3;
  brought.reason = std::string(1'000, 'r');
  brought.start_wall_ms = 1;
  brought.duration_ns = 2;
  brought.user_ns = 3;
  brought.system_ns = 4;
  brought.peak_kib = 5;
  brought.out = protocol::Bytes{std::byte{'o'}};
  brought.err = protocol::Bytes{std::byte{'e'}};
  tasks.keep({.task = core::TaskId(9), .outcome = core::Outcome::hit});
  const link::OwnResults::Result own = tasks.own_result(core::TaskId(9));
  EXPECT_EQ(own.loop.job, start_of(9).job);
  EXPECT_EQ(own.result.covers, (std::vector<crypto::Interval>{{.begin = 9, .end = 10}}));
  EXPECT_EQ(own.result.attempt, 4U);
  EXPECT_EQ(own.result.outcome, crypto::Outcome::hit);
  EXPECT_EQ(own.result.reason.size(), crypto::result_reason_bytes_max);

  client::Result again = received_result_of(own.result);
  again.reason = brought.reason;
  EXPECT_EQ(again, brought) << "what comes back is what was sent";
}

TEST(OwnTasksTest, who_was_killed_is_told_from_who_failed) {
  OwnTasks tasks;
  tasks.begin(start_of(1)).signal = 9;
  (void)tasks.begin(start_of(2));
  for (std::uint64_t task : {1U, 2U}) tasks.keep({.task = core::TaskId(task), .outcome = core::Outcome::failed});
  EXPECT_EQ(tasks.own_result(core::TaskId(1)).result.outcome, crypto::Outcome::killed);
  EXPECT_EQ(tasks.own_result(core::TaskId(2)).result.outcome, crypto::Outcome::failed);
}

TEST(OwnTasksTest, files_of_results_that_nobody_wants_are_removed) {
  TemporaryDirectory directory;
  {
    OwnTasks tasks;
    for (std::uint64_t task : {1U, 2U, 3U}) {
      const std::string path = directory.file(std::to_string(task));
      write_file(path, "x");
      tasks.begin(start_of(task)).out = client::File{.path = path, .size_bytes = 1};
    }
    tasks.drop(core::TaskId(1));
    tasks.drop(core::TaskId(1));
    (void)tasks.take(core::TaskId(2));
    EXPECT_THAT(directory.entries(), testing::UnorderedElementsAre("2", "3")) << "what is taken keeps its files";
    EXPECT_EQ(tasks.find(core::TaskId(2)), nullptr);
  }
  EXPECT_THAT(directory.entries(), ElementsAre("2"));
}

}  // namespace
}  // namespace agent::shell
