#include "tests/sim/transcript.h"

#include <gtest/gtest.h>

namespace sim_test {
namespace {

constexpr std::string_view story =
    "# One job.\n"
    "agents 1 slots 1\n"
    "10s N0 job_submitted client=C1 terms={job=J1 size=1 branch_number=0}\n"
    "10s N0 mandate_seen job=J1 time_to_live=1min\n"
    "11s N0 task_ended task=T1 ran=1s\n";

TEST(Transcript, PutsTheActionsBehindTheirEvents) {
  const auto told = run_transcript(story);
  ASSERT_TRUE(told) << told.error();
  EXPECT_NE(told->find("   sign_mandate job=J1"), std::string::npos) << *told;
  EXPECT_NE(told->find("   start_task task=T1 job=J1"), std::string::npos);
  EXPECT_NE(told->find("   answer_verdict job=J1"), std::string::npos);
  EXPECT_LT(told->find("sign_mandate"), told->find("mandate_seen"));
}

TEST(Transcript, ToldAgainItIsTheSame) {
  const auto once = run_transcript(story);
  ASSERT_TRUE(once);
  EXPECT_EQ(run_transcript(*once), once);
}

TEST(Transcript, SaysWhereItCannotGoOn) {
  EXPECT_EQ(run_transcript("agents 1 slots 1\n").error(), "line 1: a heading tells the story");
  EXPECT_EQ(run_transcript("# A.\nagents 3 slots 1\n").error(), "line 2: agents 1|2 slots N");
  EXPECT_EQ(run_transcript("# A.\nagents 1 slots 1\n1s N1 deadline_passed\n").error(), "line 3: no agent N1");
  EXPECT_EQ(run_transcript("# A.\nagents 1 slots 1\n1s N0 dance\n").error(), "line 3: no event: dance");
  EXPECT_EQ(run_transcript("# A.\nagents 1 slots 1\n2s N0 deadline_passed\n1s N0 deadline_passed\n").error(),
            "line 4: time goes back");
  EXPECT_EQ(run_transcript("# A.\nagents 1 slots 1\n1s N0 passes\n").error(), "line 3: it has sent nothing");
}

}  // namespace
}  // namespace sim_test
