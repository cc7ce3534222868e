#include "agent/sim/chrome_trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/sim/world.h"

namespace agent::sim {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

core::StartTask order(std::uint64_t task, std::uint32_t slot, std::uint64_t begin) {
  return {.task = core::TaskId(task), .job = job_id(1), .piece = {begin, begin + 1}, .slot = slot};
}

class ChromeTraceTest : public ::testing::Test {
 protected:
  json finished(WorldTime at = WorldTime(100s)) {
    trace.finish(at);
    return json::parse(out.str()).at("traceEvents");
  }
  void grant_passes(NodeIndex from, NodeIndex to, std::uint64_t request, WorldTime at) {
    const protocol::Grant grant{.branch = core::BranchId(1), .request = request};
    const core::Send send{.to = node_id(to), .message = grant};
    trace.on_sent({.from = from, .to = node_id(to), .at = at, .send = send});
    const core::Event event = core::MessageReceived{.from = node_id(from), .message = grant};
    const std::vector<core::Action> none;
    trace.on_step({.node = to, .at = at + 1ms, .event = event, .actions = none});
  }
  static std::vector<json> of_phase(const json& events, const char* phase) {
    std::vector<json> all;
    for (const json& event : events) {
      if (event.at("ph") == phase) all.push_back(event);
    }
    return all;
  }
  // The slice of that thread around the moment.
  static bool on_slice(const json& events, const json& point) {
    for (const json& slice : of_phase(events, "X")) {
      if (slice.at("pid") != point.at("pid") || slice.at("tid") != point.at("tid")) continue;
      const double from = slice.at("ts");
      const double to = from + slice.at("dur").get<double>();
      if (point.at("ts") >= from && point.at("ts") <= to) return true;
    }
    return false;
  }

  std::ostringstream out;
  ChromeTrace trace{out};
};

TEST_F(ChromeTraceTest, AnEmptyRunIsAWholeFile) {
  EXPECT_TRUE(finished().empty());
}

TEST_F(ChromeTraceTest, ATaskIsASliceOnItsSlotOfItsNode) {
  trace.on_node_started(3, WorldTime(1s));
  const core::StartTask task = order(1, 2, 7);
  trace.on_task_began({.node = 3, .at = WorldTime(2s), .order = task});
  trace.on_task_gone({.node = 3, .at = WorldTime(2s + 1500ns), .order = task}, TaskEnding::exited);
  const json events = finished();
  const std::vector<json> slices = of_phase(events, "X");
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ(slices[0].at("pid"), 3);
  EXPECT_EQ(slices[0].at("tid"), 2);
  EXPECT_EQ(slices[0].at("ts"), 2'000'000.0);
  EXPECT_EQ(slices[0].at("dur"), 1.5);
  EXPECT_EQ(slices[0].at("name"), "J1 7");
  std::set<std::string> names;
  for (const json& meta : of_phase(events, "M")) {
    if (meta.at("args").contains("name")) names.insert(meta.at("args").at("name"));
  }
  EXPECT_EQ(names, (std::set<std::string>{"node 3", "slot 2", "messages"}));
}

TEST_F(ChromeTraceTest, GrantsStealsAndRepetitionsAreArrowsBetweenSlices) {
  grant_passes(0, 1, 0, WorldTime(1s));
  const core::Send ask{.to = node_id(0), .message = protocol::Ask{.request = 9}};
  trace.on_sent({.from = 2, .to = node_id(0), .at = WorldTime(2s), .send = ask});
  grant_passes(0, 2, 9, WorldTime(3s));
  const core::StartTask first = order(1, 1, 7);
  const core::StartTask second = order(5, 3, 7);
  trace.on_task_began({.node = 1, .at = WorldTime(4s), .order = first});
  trace.on_task_began({.node = 2, .at = WorldTime(5s), .order = second});
  trace.on_task_gone({.node = 1, .at = WorldTime(6s), .order = first}, TaskEnding::lost);
  const json events = finished(WorldTime(9s));
  const std::vector<json> starts = of_phase(events, "s");
  const std::vector<json> ends = of_phase(events, "f");
  ASSERT_EQ(starts.size(), 3U);
  ASSERT_EQ(ends.size(), 3U);
  const std::vector<std::string> names{"grant", "steal", "redo"};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(starts[i].at("name"), names[i]);
    EXPECT_EQ(starts[i].at("id"), ends[i].at("id"));
    EXPECT_TRUE(on_slice(events, starts[i])) << i;
    EXPECT_TRUE(on_slice(events, ends[i])) << i;
  }
}

TEST_F(ChromeTraceTest, WhatANodeSaysAtOnceIsSaidOneAfterTheOther) {
  for (NodeIndex to = 1; to < 5; ++to) grant_passes(0, to, 0, WorldTime(1s));
  double end = 0;
  for (const json& slice : of_phase(finished(), "X")) {
    if (slice.at("pid") != 0) continue;
    EXPECT_GE(slice.at("ts"), end);
    end = slice.at("ts").get<double>() + slice.at("dur").get<double>();
  }
}

TEST_F(ChromeTraceTest, DeathSuspicionAndFaultsAreInstants) {
  trace.on_node_died(4, WorldTime(1s));
  trace.on_fault("partition", 4, WorldTime(2s));
  const core::Event event = core::DeadlinePassed{};
  const std::vector<core::Action> actions{core::Notice{.what = core::Notice::What::suspected},
                                          core::Notice{.what = core::Notice::What::adopted},
                                          core::Notice{.what = core::Notice::What::recalled}};
  trace.on_step({.node = 4, .at = WorldTime(3s), .event = event, .actions = actions});
  std::vector<std::string> names;
  for (const json& instant : of_phase(finished(), "i")) names.push_back(instant.at("name"));
  EXPECT_EQ(names, (std::vector<std::string>{"death", "partition", "suspected", "adopted"}));
}

TEST_F(ChromeTraceTest, AWholeWorldHasNoOverlapOnAnySlot) {
  World world({.nodes = {{.slots = 3}, {.slots = 2}},
               .jobs = {{.terms = {.job = job_id(1), .size = 40},
                         .submitted = WorldTime(2s),
                         .lengths = {.kind = Lengths::Kind::exponential}}}});
  world.watch(trace);
  EXPECT_TRUE(world.run_jobs(WorldTime(1h)));
  std::map<std::pair<int, int>, std::vector<std::pair<double, double>>> threads;
  for (const json& slice : of_phase(finished(world.now()), "X"))
    threads[{slice.at("pid"), slice.at("tid")}].emplace_back(slice.at("ts"), slice.at("dur"));
  std::size_t slices = 0;
  for (auto& [thread, spans] : threads) {
    std::ranges::sort(spans);
    for (std::size_t i = 1; i < spans.size(); ++i)
      EXPECT_LE(spans[i - 1].first + spans[i - 1].second, spans[i].first + 0.002);
    if (thread.second > 0) slices += spans.size();
  }
  EXPECT_GE(slices, 40U);
}

}  // namespace
}  // namespace agent::sim
