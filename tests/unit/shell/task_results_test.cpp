#include "agent/shell/task_results.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

namespace agent::shell {
namespace {

namespace client = protocol::client;
using exec::EndReason;
using exec::SetUpStep;
using exec::StartFailureKind;
using How = core::TaskEnded::How;

exec::TaskExited exited(EndReason reason, exec::ExitStatus status) {
  return {.task = 1, .reason = reason, .status = status, .duration_ns = 1'000};
}

exec::TaskExited not_started(StartFailureKind kind, SetUpStep step, int error_number) {
  exec::TaskExited task = exited(EndReason::could_not_start, {});
  task.failure = exec::StartFailure{.kind = kind, .step = step, .error_number = error_number};
  return task;
}

crypto::Manifest manifest() {
  crypto::Manifest manifest;
  manifest.command = {"prog", "{}"};
  manifest.directory = "/some/where";
  return manifest;
}

client::Result described(const exec::TaskExited& task, const crypto::Manifest& from = manifest()) {
  client::Result result;
  describe(task, from, result);
  return result;
}

core::TaskEnded ended_of(const exec::TaskExited& task, bool outputs_kept = true) {
  const core::Event event = event_of(core::TaskId(7), task, described(task), outputs_kept);
  const auto* ended = std::get_if<core::TaskEnded>(&event);
  EXPECT_NE(ended, nullptr);
  return ended == nullptr ? core::TaskEnded{} : *ended;
}

TEST(TaskResultsTest, AnExitIsPassedOn) {
  exec::TaskExited task = exited(EndReason::ended, {.code = 3});
  task.user_ns = 5;
  task.system_ns = 6;
  task.peak_kib = 7;
  const client::Result result = described(task);
  EXPECT_EQ(result.exit, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.reason, "");
  EXPECT_EQ(result.duration_ns, 1'000U);
  EXPECT_EQ(result.user_ns, 5U);
  EXPECT_EQ(result.system_ns, 6U);
  EXPECT_EQ(result.peak_kib, 7U);
  const core::TaskEnded ended = ended_of(task);
  EXPECT_EQ(ended.task, core::TaskId(7));
  EXPECT_EQ(ended.how, How::exited);
  EXPECT_EQ(ended.exit, 3);
  EXPECT_EQ(ended.ran, core::Duration(1'000));
}

TEST(TaskResultsTest, NegativeFiguresOfTheSystemAreNone) {
  exec::TaskExited task = exited(EndReason::ended, {});
  task.user_ns = -1;
  task.peak_kib = -1;
  EXPECT_EQ(described(task).user_ns, 0U);
  EXPECT_EQ(described(task).peak_kib, 0U);
}

TEST(TaskResultsTest, ASignalIsPassedOn) {
  const auto task = exited(EndReason::ended, {.code = 0, .signal = SIGSEGV});
  EXPECT_EQ(described(task).signal, SIGSEGV);
  EXPECT_EQ(described(task).reason, "");
  EXPECT_EQ(ended_of(task).how, How::killed);
  EXPECT_NE(described(exited(EndReason::ended, {.code = 0, .signal = SIGKILL})).reason, "");
}

TEST(TaskResultsTest, StopsAndTimeLimitsAreToldApart) {
  const exec::ExitStatus killed{.code = 0, .signal = SIGTERM};
  EXPECT_EQ(ended_of(exited(EndReason::timed_out, killed)).how, How::timed_out);
  EXPECT_EQ(described(exited(EndReason::timed_out, killed)).reason, "timed out");
  EXPECT_EQ(ended_of(exited(EndReason::stopped, killed)).how, How::stopped);
  EXPECT_EQ(ended_of(exited(EndReason::stopped, {.code = 0})).how, How::stopped);
}

// Else it gathers more results than a batch has room for.
TEST(TaskResultsTest, TheCoreHearsHowMuchOfAResultTravels) {
  const exec::TaskExited task = exited(EndReason::ended, {.code = 0});
  client::Result result = described(task);
  result.reason = "r";
  result.out = protocol::Bytes(100);
  result.err = protocol::Bytes(20);
  EXPECT_EQ(std::get<core::TaskEnded>(event_of(core::TaskId(7), task, result, true)).size_bytes, 121U);
  result.out = client::File{.path = "/elsewhere", .size_bytes = 1'000'000};
  EXPECT_EQ(std::get<core::TaskEnded>(event_of(core::TaskId(7), task, result, true)).size_bytes, 21U);
}

TEST(TaskResultsTest, ADeadMansDeadlineIsOurFault) {
  const auto task = exited(EndReason::deadline_passed, {.code = 0, .signal = SIGKILL});
  const core::Event event = event_of(core::TaskId(7), task, described(task), true);
  ASSERT_TRUE(std::holds_alternative<core::TaskLost>(event));
  EXPECT_EQ(std::get<core::TaskLost>(event).cause, core::TaskLost::Cause::deadline_passed);
}

TEST(TaskResultsTest, WhatCouldNotStartSaysWhy) {
  struct Case {
    StartFailureKind kind;
    int error_number;
    int exit;
    std::string reason;
  };
  for (const Case& each : {
           Case{StartFailureKind::not_found, ENOENT, 127, "prog: command not found"},
           Case{StartFailureKind::bad_interpreter, ENOENT, 127, "prog: its interpreter does not exist"},
           Case{StartFailureKind::not_executable, EACCES, 126, "prog: cannot be executed: Permission denied"},
           Case{StartFailureKind::bad_directory, ENOENT, 126, "cannot enter /some/where: No such file or directory"},
           Case{StartFailureKind::too_long, E2BIG, 126, "the arguments are longer than the system accepts"},
       }) {
    const auto task = not_started(each.kind, SetUpStep::execute, each.error_number);
    EXPECT_EQ(described(task).exit, each.exit);
    EXPECT_EQ(described(task).signal, 0);
    EXPECT_EQ(described(task).reason, each.reason);
    EXPECT_EQ(ended_of(task).how, How::could_not_start);
    EXPECT_EQ(ended_of(task).exit, each.exit);
  }
}

TEST(TaskResultsTest, AMissingShellIsNamedAsTheShell) {
  crypto::Manifest from = manifest();
  from.through_shell = true;
  EXPECT_EQ(described(not_started(StartFailureKind::not_found, SetUpStep::execute, ENOENT), from).reason,
            "the shell: command not found");
}

TEST(TaskResultsTest, WantOfRoomAndBrokenLaunchersAreTheNodesTrouble) {
  for (const auto& task : {not_started(StartFailureKind::no_resources, SetUpStep::fork, EAGAIN),
                           not_started(StartFailureKind::set_up_failed, SetUpStep::scratch, ENOSPC),
                           not_started(StartFailureKind::set_up_failed, SetUpStep::launcher, EMFILE)}) {
    const core::Event event = event_of(core::TaskId(7), task, described(task), true);
    ASSERT_TRUE(std::holds_alternative<core::TaskLost>(event));
    EXPECT_EQ(std::get<core::TaskLost>(event).cause, core::TaskLost::Cause::no_room);
    EXPECT_NE(described(task).reason, "");
  }
}

TEST(TaskResultsTest, BrokenLaunchersWithoutHopeAreToldApartFromThem) {
  const auto broken = not_started(StartFailureKind::set_up_failed, SetUpStep::scratch, ENOTDIR);
  const core::Event event = event_of(core::TaskId(7), broken, described(broken), true, Hope::none);
  ASSERT_TRUE(std::holds_alternative<core::TaskLost>(event));
  EXPECT_EQ(std::get<core::TaskLost>(event).cause, core::TaskLost::Cause::cannot_start);
  EXPECT_EQ(described(broken).exit, 126);
}

TEST(TaskResultsTest, ATaskWhoseOutputIsLostHasFailed) {
  EXPECT_EQ(ended_of(exited(EndReason::ended, {.code = 0}), false).how, How::killed);
  EXPECT_EQ(ended_of(exited(EndReason::stopped, {.code = 0}), false).how, How::stopped);
}

TEST(TaskResultsTest, EndingsFollowTheVerdict) {
  core::AnswerVerdict answer;
  crypto::Manifest search = manifest();
  search.policy.found = 0;
  EXPECT_EQ(ending_of(answer, manifest()), client::Ending::done);
  EXPECT_EQ(ending_of(answer, search), client::Ending::not_found);
  answer.counts.hits = 1;
  EXPECT_EQ(ending_of(answer, search), client::Ending::done);
  answer.verdict = core::Verdict::hit;
  EXPECT_EQ(ending_of(answer, search), client::Ending::hit);
  answer.verdict = core::Verdict::halted;
  EXPECT_EQ(ending_of(answer, search), client::Ending::stopped);
  answer.verdict = core::Verdict::cancelled;
  EXPECT_EQ(ending_of(answer, search), client::Ending::cancelled);
}

TEST(TaskResultsTest, CountsArePassedOn) {
  EXPECT_EQ(
      counts_of({.total = 9, .committed = 8, .ok = 1, .failed = 2, .hits = 3, .running = 4, .retried = 5, .redone = 6}),
      (client::Counts{
          .total = 9, .committed = 8, .ok = 1, .failed = 2, .hits = 3, .running = 4, .retried = 5, .redone = 6}));
}

}  // namespace
}  // namespace agent::shell
