#include "agent/cli/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::cli {
namespace {

namespace client = protocol::client;
using testing::AllOf;
using testing::HasSubstr;

client::Result failed(std::uint64_t index, int exit, const std::string& reason = "") {
  client::Result result;
  result.covers = {.begin = index, .end = index + 1};
  result.outcome = client::Outcome::failed;
  result.exit = exit;
  result.reason = reason;
  return result;
}

template <class Act>
std::string said(const Act& act) {
  testing::internal::CaptureStderr();
  act();
  return testing::internal::GetCapturedStderr();
}

TEST(RunReportTest, WhatWasLostIsNoSuccess) {
  EXPECT_EQ(task_end_of(0, 0, client::Outcome::ok), TaskEnd{});
  EXPECT_EQ(task_end_of(5, 0, client::Outcome::hit), TaskEnd{.exit = 5});
  EXPECT_EQ(task_end_of(5, 0, client::Outcome::failed), TaskEnd{.exit = 5});
  EXPECT_EQ(task_end_of(0, 9, client::Outcome::killed), TaskEnd{.signal = 9});
  for (const client::Outcome lost : {client::Outcome::failed, client::Outcome::lost}) {
    EXPECT_EQ(exit_code_of(task_end_of(0, 0, lost)), exit_gibbon);
  }
}

TEST(RunReportTest, TheSummaryNamesTheFirstFailures) {
  const RunOptions options;
  RunReport report(options, Verbosity::normal);
  for (std::uint64_t index = 0; index < 15; ++index) report.note(failed(index, 3));
  const std::string text =
      said([&] { report.summarise({.counts = {.total = 20, .committed = 20, .ok = 5, .failed = 15}}, 4, true); });
  EXPECT_THAT(text, AllOf(HasSubstr("5 ok, 15 failed"), HasSubstr("and 5 more"), HasSubstr("4 slots")));
  EXPECT_EQ(said([&] { RunReport(options, Verbosity::quiet).summarise({}, 4, false); }), "");
}

TEST(RunReportTest, ASingleCommandSpeaksForItself) {
  RunOptions options;
  options.mode = RunMode::single;
  RunReport report(options, Verbosity::normal);
  report.note(failed(0, 3));
  EXPECT_EQ(report.single(), TaskEnd{.exit = 3});
  EXPECT_EQ(said([&] { report.summarise({.ending = client::Ending::done}, 1, true); }), "");
  RunReport late(options, Verbosity::normal);
  late.note(failed(0, 0, "timed out"));
  ASSERT_TRUE(late.single());
  EXPECT_EQ(late.single()->limit, TaskEnd::Limit::time_limit);
  EXPECT_EQ(said([&] { late.summarise({.ending = client::Ending::done}, 1, true); }), "gibbon: timed out\n");
}

TEST(RunReportTest, TheHitOfASearchIsNamed) {
  RunOptions options;
  options.mode = RunMode::range;
  options.found_code = 7;
  RunReport report(options, Verbosity::normal);
  client::Result hit = failed(0, 7);
  hit.outcome = client::Outcome::hit;
  hit.low = "3000";
  hit.high = "4000";
  report.note(hit);
  EXPECT_THAT(said([&] { report.summarise({.ending = client::Ending::hit, .counts = {.hits = 1}}, 1, true); }),
              HasSubstr("3000 4000"));
}

TEST(RunReportTest, TheBarIsTakenAwayBeforeAnythingElse) {
  RunOptions options;
  options.progress = ProgressStyle::bar;
  RunReport report(options, Verbosity::normal);
  const std::string text = said([&] {
    report.show_progress({.counts = {.total = 10, .committed = 5, .ok = 5}});
    report.say("a line\n");
    report.say("another\n");
  });
  EXPECT_TRUE(text.starts_with("\r")) << text;
  EXPECT_THAT(text, HasSubstr("5/10"));
  EXPECT_TRUE(text.ends_with("\r\033[Ka line\nanother\n")) << text;
}

TEST(RunReportTest, ProgressInPlainLinesHasNoControls) {
  RunOptions options;
  options.progress = ProgressStyle::plain;
  RunReport report(options, Verbosity::normal);
  const std::string text = said([&] { report.show_progress({.counts = {.total = 10, .committed = 5, .ok = 5}}); });
  EXPECT_TRUE(text.ends_with("\n"));
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(RunReport(options, Verbosity::quiet).progress_style(), ProgressStyle::none);
}

}  // namespace
}  // namespace agent::cli
