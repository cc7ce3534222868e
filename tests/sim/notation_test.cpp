#include "tests/sim/notation.h"

#include <gtest/gtest.h>

#include "agent/sim/names.h"

namespace sim_test {
namespace {

namespace core = agent::core;
namespace sim = agent::sim;
using namespace std::chrono_literals;

TEST(Notation, ReadsAsAPersonWouldWriteIt) {
  EXPECT_EQ(print(core::Event(core::TaskEnded{.task = core::TaskId(3), .exit = 1, .ran = 250ms})),
            "task_ended task=T3 exit=1 ran=250ms");
  EXPECT_EQ(print(core::Event(core::DeadlinePassed{})), "deadline_passed");
  EXPECT_EQ(print(core::Action(core::Send{.to = sim::node_id(2),
                                          .sequence = 4,
                                          .heard = 3,
                                          .message = protocol::Recall{.branch = core::BranchId(1), .what = 5UL}})),
            "send to=N2 sequence=4 heard=3 message=recall{branch=B1 what=#5}");
  EXPECT_EQ(print(core::Action(core::StartTask{.task = core::TaskId(1),
                                               .job = sim::job_id(2),
                                               .path = {{.iteration = 3, .ordinal = 0}},
                                               .piece = {4, 7},
                                               .slot = 1,
                                               .deadline = core::Instant(90s)})),
            "start_task task=T1 job=J2 path=/3.0 piece=4..7 slot=1 deadline=90s");
}

TEST(Notation, WhatIsPrintedIsReadBack) {
  for (const char* line : {
           "job_submitted client=C1 terms={job=J1 body=command_per_piece size=40 retries=2 found=42 halt={when=soon}}",
           "link_up peer={node=N2 instance=0 address=N2} dialled=yes slots=4 round_trip=500us",
           "message_received from=N1 sequence=1 message=grant{branch=B1 request=7 loop={job=J1} intervals=[0..4 7..8] "
           "histories=[{iteration=3 tries=1 deaths=[N4]}]} proofs={terms={job=J1 size=9}}",
           "message_received from=N1 sequence=2 message=report{branch=B1 number=3 started=[4..5]} "
           "proofs={batches=[{batch=K2 executor=N1 results=[{piece=1..2 outcome=failed ran=1s}]}]}",
           "message_received from=N1 message=recall{branch=B1 what=[1..2]}",
           "loop_forked task=T1 terms={path=/0.1 size=3 opener=N0 instance=5}",
           "dial_failed address=N3 peer=N3",
           "deadline_passed",
       }) {
    const auto event = parse_event(line);
    ASSERT_TRUE(event) << line;
    if (std::string_view(line).find("instance=0") == std::string_view::npos) {
      EXPECT_EQ(print(*event), line);
    }
  }
  for (const char* line : {
           "sign_mandate job=J1 sequence=3 time_to_live=1min",
           "commit_received batch=K1 index=2 executor=N3 job=J1 piece=2..3 attempt=A1 outcome=hit",
           "answer_verdict job=J1 verdict=halted counts={total=4 committed=2 failed=1} decisive=1..2",
           "dial address=N4",
           "hang_up peer=N1 why=idle",
           "send to=N1 sequence=1 message=beat{} attached={mandates=[J1] results=[T1 T2]}",
           "notice what=late_result job=J1 piece=3..4 peer=N2",
       }) {
    const auto action = parse_action(line);
    ASSERT_TRUE(action) << line;
    if (std::string_view(line).find("why=idle") == std::string_view::npos) {
      EXPECT_EQ(print(*action), line);
    }
  }
}

TEST(Notation, NonsenseIsRefused) {
  for (const char* line :
       {"", "task_endet task=T1", "task_ended task=3", "task_ended tusk=T3", "task_ended task=T3 exit",
        "task_ended ran=5", "link_down peer=N", "dial_failed address=N3}", "start_task task=T1"}) {
    EXPECT_FALSE(parse_event(line)) << line;
  }
  EXPECT_FALSE(parse_action("send to=N1 message=shout{}"));
  EXPECT_FALSE(parse_action("send to=N1 message=recall{branch=B1"));
}

}  // namespace
}  // namespace sim_test
