#include "tests/sim/pool_story.h"

#include <gtest/gtest.h>

#include "tests/sim/transcript.h"

namespace sim_test {
namespace {

constexpr std::string_view story =
    "# Two machines share a job until one of them dies.\n"
    "pool 2 slots 1\n"
    "without beat shuffle shuffled walk ask busy\n"
    "1900ms ...\n"
    "2s N0 submits size=6 each=2s branch_number=1\n"
    "3s N1 dies\n"
    "20s until\n"
    "tells message=grant\n"
    "tells answer_verdict job=J1\n";

TEST(PoolStory, PutsWhatAgentsDoBetweenWhatBefallsThem) {
  const auto told = run_transcript(story);
  ASSERT_TRUE(told) << told.error();
  const auto submitted = told->find("2s N0 submits");
  const auto granted = told->find("N0 send to=N1 message=grant");
  const auto died = told->find("3s N1 dies");
  const auto suspected = told->find("N0 notice what=suspected peer=N1");
  ASSERT_NE(suspected, std::string::npos) << *told;
  EXPECT_LT(submitted, granted);
  EXPECT_LT(granted, died);
  EXPECT_LT(died, suspected);
  EXPECT_EQ(told->find("message=ask"), std::string::npos);
  EXPECT_NE(told->find("counts={total=6 committed=6 ok=6"), std::string::npos);
}

TEST(PoolStory, ToldAgainItIsTheSame) {
  const auto once = run_transcript(story);
  ASSERT_TRUE(once);
  EXPECT_EQ(run_transcript(*once), once);
}

TEST(PoolStory, FailsWhenItNoLongerTellsItsPoint) {
  // The heading and the lines of the story do not count.
  EXPECT_EQ(run_transcript("# dies\npool 1 slots 1\n1s N0 dies\n2s until\ntells dies\n").error(),
            "line 5: it does not tell that");
}

TEST(PoolStory, SaysWhereItCannotGoOn) {
  EXPECT_EQ(run_transcript("# A.\npool 0 slots 1\n").error(), "line 2: pool N slots N");
  EXPECT_EQ(run_transcript("# A.\npool 1 slots 1\n1s N1 dies\n").error(), "line 3: no agent N1");
  EXPECT_EQ(run_transcript("# A.\npool 1 slots 1\n1s N0 dances\n").error(),
            "line 3: nothing that befalls an agent: dances");
  EXPECT_EQ(run_transcript("# A.\npool 1 slots 1\n2s until\n1s until\n").error(),
            "line 4: a line is TIME AGENT WHAT, and time goes on");
  EXPECT_EQ(run_transcript("# A.\npool 1 slots 1\n1s N0 submits size=1 each=often\n").error(),
            "line 3: not understood: each=often");
  EXPECT_EQ(run_transcript("# A.\npool 1 slots 1\n1s N0 submits each=1s\n").error(), "line 3: a job here has a size");
}

}  // namespace
}  // namespace sim_test
