#include "agent/shell/job_list.h"

#include <gtest/gtest.h>

namespace agent::shell {
namespace {

namespace client = protocol::client;
using protocol::JobId;

// The id whose hexadecimal form begins with these bytes.
JobId id(unsigned first, unsigned second = 0, unsigned third = 0) {
  protocol::Bytes16 bytes{};
  bytes[0] = static_cast<std::byte>(first);
  bytes[1] = static_cast<std::byte>(second);
  bytes[2] = static_cast<std::byte>(third);
  return JobId(bytes);
}

using Selected = tl::expected<std::vector<JobId>, JobList::SelectError>;
Selected refused(JobList::SelectError error) {
  return tl::unexpected(error);
}

TEST(JobListTest, NumbersCountUpFromOneAndAreNotReused) {
  JobList list;
  EXPECT_EQ(list.add(id(1), "a", 10), 1U);
  list.end(id(1), client::Ending::done, {}, 5);
  EXPECT_EQ(list.add(id(2), "b", 20), 2U);
  EXPECT_EQ(list.running_count(), 1U);
}

TEST(JobListTest, RunningOnesAreListedNewestFirst) {
  JobList list;
  list.add(id(9), "old", 10);
  list.add(id(1), "new", 20);
  const auto rows = list.running();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "new");
  EXPECT_EQ(rows[0].number, 2U);
  EXPECT_EQ(rows[0].start_wall_ms, 20);
  EXPECT_EQ(rows[0].state, client::JobState::running);
  EXPECT_FALSE(rows[0].ending);
  EXPECT_EQ(rows[1].name, "old");
}

TEST(JobListTest, AnEndedOneKeepsItsRowWithTheEnding) {
  JobList list;
  list.add(id(1), "a", 10);
  list.end(id(1), client::Ending::not_found, {.total = 7, .committed = 7, .ok = 7}, 99);
  EXPECT_TRUE(list.running().empty());
  ASSERT_EQ(list.ended().size(), 1U);
  EXPECT_EQ(list.ended().front(), (client::JobRow{.job = id(1),
                                                  .number = 1,
                                                  .name = "a",
                                                  .state = client::JobState::ended,
                                                  .ending = client::Ending::not_found,
                                                  .counts = {.total = 7, .committed = 7, .ok = 7},
                                                  .start_wall_ms = 10,
                                                  .elapsed_ns = 99}));
}

TEST(JobListTest, RowsOfEndedJobsAreForgottenBeforeTheirIds) {
  JobList list;
  for (unsigned i = 0; i <= JobList::ended_ids_max; ++i) {
    const JobId job = id(i >> 16, (i >> 8) & 0xff, i & 0xff);
    list.add(job, "", 0);
    list.end(job, client::Ending::done, {}, 0);
  }
  EXPECT_EQ(list.ended().size(), JobList::ended_rows_max);
  EXPECT_EQ(list.ended().front().number, JobList::ended_ids_max + 1);
  EXPECT_FALSE(list.knows(id(0, 0, 0)));
  EXPECT_TRUE(list.knows(id(0, 0, 1)));
}

TEST(JobListTest, SelectsByNumberIdAllAndLast) {
  JobList list;
  list.add(id(0xab, 0x12), "a", 0);
  list.add(id(0xab, 0x34), "b", 0);
  list.add(id(0xcd, 0x56), "c", 0);
  EXPECT_EQ(list.select("%2"), Selected(std::vector{id(0xab, 0x34)}));
  EXPECT_EQ(list.select("ab12"), Selected(std::vector{id(0xab, 0x12)}));
  EXPECT_EQ(list.select("c"), Selected(std::vector{id(0xcd, 0x56)}));
  EXPECT_EQ(list.select("last"), Selected(std::vector{id(0xcd, 0x56)}));
  EXPECT_EQ(list.select("all"), Selected(std::vector{id(0xcd, 0x56), id(0xab, 0x34), id(0xab, 0x12)}));
  EXPECT_EQ(list.select("ab"), refused(JobList::SelectError::ambiguous));
  ASSERT_EQ(list.candidates("ab").size(), 2U);
  EXPECT_EQ(list.candidates("ab")[0].number, 2U);
  EXPECT_EQ(list.candidates("ab")[1].number, 1U);
}

TEST(JobListTest, SelectsByNameWhereOnlyOneIsMeant) {
  JobList list;
  list.add(id(0xab), "render", 0);
  list.add(id(0xcd), "twice", 0);
  list.add(id(0xef), "twice", 0);
  list.add(id(0x12), "ab", 0);
  EXPECT_EQ(list.select("render"), Selected(std::vector{id(0xab)}));
  EXPECT_EQ(list.select("rend"), refused(JobList::SelectError::nothing_such));
  EXPECT_EQ(list.select("twice"), refused(JobList::SelectError::ambiguous));
  EXPECT_EQ(list.select("ab"), refused(JobList::SelectError::ambiguous)) << "one by its id, one by its name";
  const std::string whole = "ab" + std::string(30, '0');
  list.add(id(0x34), whole, 0);
  EXPECT_EQ(list.select(whole), Selected(std::vector{id(0xab)})) << "a whole id is nothing else";
  list.end(id(0xab), client::Ending::done, {}, 0);
  EXPECT_EQ(list.select("render"), refused(JobList::SelectError::has_ended));
}

TEST(JobListTest, DigitsAloneAreNoNumber) {
  JobList list;
  list.add(id(0xab), "a", 0);
  list.add(id(0xcd), "b", 0);
  EXPECT_EQ(list.select("2"), refused(JobList::SelectError::number_without_percent));
  ASSERT_EQ(list.candidates("2").size(), 1U);
  EXPECT_EQ(list.candidates("2")[0].number, 2U);
  list.add(id(0x2f), "c", 0);
  EXPECT_EQ(list.select("2"), refused(JobList::SelectError::ambiguous)) << "the beginning of 2f, and number 2";
  EXPECT_EQ(list.candidates("2").size(), 2U);
  EXPECT_EQ(list.select("%2"), Selected(std::vector{id(0xcd)}));
  EXPECT_EQ(list.select("2f"), Selected(std::vector{id(0x2f)}));
  list.add(id(0x45), "d", 0);
  EXPECT_EQ(list.select("4"), Selected(std::vector{id(0x45)})) << "its id and its number";
  list.add(id(0x77), "e", 0);
  EXPECT_EQ(list.select("7"), Selected(std::vector{id(0x77)})) << "there never was a number 7";
}

TEST(JobListTest, TheLastOneIsNoOtherWhenItHasEnded) {
  JobList list;
  list.add(id(0xab), "a", 0);
  list.add(id(0xcd), "b", 0);
  EXPECT_EQ(list.select("last"), Selected(std::vector{id(0xcd)}));
  list.end(id(0xcd), client::Ending::done, {}, 0);
  EXPECT_EQ(list.select("last"), refused(JobList::SelectError::has_ended));
}

TEST(JobListTest, WhatFitsNothingIsRefused) {
  JobList list;
  EXPECT_EQ(list.select("all"), Selected(std::vector<JobId>{}));
  EXPECT_EQ(list.select("last"), refused(JobList::SelectError::nothing_such));
  list.add(id(0xab), "a", 0);
  for (const char* selector :
       {"", "%", "%%1", "%x", "x", "0", "%0", "2", "%2", "%ab", "-1", "1x", "ab0000000000000000000000000000001"}) {
    EXPECT_EQ(list.select(selector), refused(JobList::SelectError::nothing_such)) << selector;
  }
  EXPECT_EQ(list.select("99999999999999999999"), refused(JobList::SelectError::nothing_such));
}

TEST(JobListTest, AnEndedOneIsNamedAsSuch) {
  JobList list;
  list.add(id(0xab), "a", 0);
  list.end(id(0xab), client::Ending::done, {}, 0);
  for (const char* selector : {"1", "%1", "ab"}) {
    EXPECT_EQ(list.select(selector), refused(JobList::SelectError::has_ended)) << selector;
  }
}

TEST(JobListTest, TheNumberOfAnEndedJobNeverMeansAnotherOnesId) {
  JobList list;
  list.add(id(0x77), "ended", 0);
  list.end(id(0x77), client::Ending::done, {}, 0);
  list.add(id(0x1a), "running, and its id begins with 1", 0);
  EXPECT_EQ(list.select("1"), refused(JobList::SelectError::ambiguous));
  EXPECT_EQ(list.candidates("1").size(), 2U);
  EXPECT_EQ(list.select("%1"), refused(JobList::SelectError::has_ended));
  EXPECT_EQ(list.select("1a"), Selected(std::vector{id(0x1a)}));
}

}  // namespace
}  // namespace agent::shell
