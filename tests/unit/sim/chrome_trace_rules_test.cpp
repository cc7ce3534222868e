// A whole run's trace against the rules of the Trace Event Format, and against what an observer saw of the run.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/sim/adversity.h"
#include "agent/sim/chrome_trace.h"
#include "agent/sim/world.h"

namespace agent::sim {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Track = std::pair<std::int64_t, std::int64_t>;  // process and thread

struct Span {
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0;
};

std::int64_t ns_of(const json& microseconds) {
  return std::llround(microseconds.get<double>() * 1e3);
}

Track track_of(const json& event) {
  return {event.at("pid").get<std::int64_t>(), event.at("tid").get<std::int64_t>()};
}

// What happened, counted by somebody else.
class Tally : public Observer {
 public:
  void on_sent(const SendSeen& seen) override {
    if (const auto* ask = std::get_if<protocol::Ask>(&seen.send.message)) asks_.emplace(seen.from, ask->request);
  }
  void on_step(const StepSeen& seen) override {
    const auto* received = std::get_if<core::MessageReceived>(&seen.event);
    if (received == nullptr) return;
    const auto* grant = std::get_if<protocol::Grant>(&received->message);
    if (grant == nullptr) return;
    ++(asks_.contains({seen.node, grant->request}) ? steals : grants);
  }
  void on_task_began(const TaskSeen& seen) override {
    ++began;
    if (!pieces_.emplace(core::LoopId{.job = seen.order.job, .path = seen.order.path}, seen.order.piece.begin).second)
      ++redone;
  }
  void on_node_died(NodeIndex, WorldTime) override { ++deaths; }

  std::size_t began = 0;
  std::size_t redone = 0;
  std::size_t grants = 0;
  std::size_t steals = 0;
  std::size_t deaths = 0;

 private:
  std::set<std::pair<NodeIndex, std::uint64_t>> asks_;
  std::set<std::pair<core::LoopId, std::uint64_t>> pieces_;
};

// Two jobs on a pool of unlike machines, some of which die, one of which comes back; iterations fail.
class ChromeTraceRules : public ::testing::Test {
 protected:
  static constexpr NodeIndex nodes = 12;

  static WorldOptions pool() {
    WorldOptions options{.seed = 7};
    for (NodeIndex node = 0; node < nodes; ++node)
      options.nodes.push_back({.slots = 1 + node % 3, .power = 1.0 + node});
    for (std::uint32_t job = 1; job <= 2; ++job) {
      options.jobs.push_back({.terms = {.job = job_id(job), .size = 400, .branch_number = 2},
                              .root = job,
                              .submitted = WorldTime(2s),
                              .lengths = {.kind = Lengths::Kind::exponential},
                              .mishaps = {.failing_every = 20}});
      options.jobs.back().terms.retries = 3;
    }
    return options;
  }

  void SetUp() override {
    World world(pool());
    world.watch(trace_);
    world.watch(tally_);
    plan(world, {.killed = 0.2, .slowed = 0.2, .spared = 1, .from = WorldTime(3s), .within = 5s}, 7);
    world.at(WorldTime(4s), [&] { world.crash(5, World::Death::killed); });
    world.at(WorldTime(6s), [&] { world.restart(5); });
    world.run_until(WorldTime(20s));
    trace_.finish(world.now());
    file_ = json::parse(out_.str());
    for (const json& event : file_.at("traceEvents")) by_phase_[event.at("ph")].push_back(event);
    for (const json& slice : by_phase_["X"]) {
      const std::int64_t from = ns_of(slice.at("ts"));
      tracks_[track_of(slice)].push_back({.from_ns = from, .to_ns = from + ns_of(slice.at("dur"))});
    }
  }

  [[nodiscard]] bool on_slice(const json& point) const {
    const auto track = tracks_.find(track_of(point));
    const std::int64_t at = ns_of(point.at("ts"));
    return track != tracks_.end() &&
           std::ranges::any_of(track->second, [&](const Span& span) { return span.from_ns <= at && at <= span.to_ns; });
  }
  [[nodiscard]] std::size_t arrows(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(by_phase_.at("s"), [&](const json& start) { return start.at("name") == name; }));
  }

  std::ostringstream out_;
  ChromeTrace trace_{out_};
  Tally tally_;
  json file_;
  std::map<std::string, std::vector<json>> by_phase_;
  std::map<Track, std::vector<Span>> tracks_;
};

TEST_F(ChromeTraceRules, TheRunHasSomethingOfEverything) {
  EXPECT_GT(tally_.grants, 10U);
  EXPECT_GT(tally_.steals, 0U);
  EXPECT_GT(tally_.redone, 50U);
  EXPECT_GE(tally_.deaths, 3U);
}

TEST_F(ChromeTraceRules, TheFileIsAnObjectOfKnownPhasesOnly) {
  EXPECT_EQ(file_.at("displayTimeUnit"), "ms");
  EXPECT_TRUE(file_.at("traceEvents").is_array());
  for (const auto& [phase, events] : by_phase_) EXPECT_THAT(phase, ::testing::AnyOf("M", "X", "s", "f", "i"));
}

TEST_F(ChromeTraceRules, TimesAreOfTheRun) {
  const std::int64_t end = std::chrono::nanoseconds(20s + 1ms).count();
  for (const auto& [phase, events] : by_phase_) {
    if (phase == "M") continue;
    for (const json& event : events) {
      EXPECT_GE(ns_of(event.at("ts")), 0);
      EXPECT_LE(ns_of(event.at("ts")), end);
    }
  }
  for (const auto& [track, spans] : tracks_) {
    for (const Span& span : spans) {
      EXPECT_LT(span.from_ns, span.to_ns);
      EXPECT_LE(span.to_ns, end);
    }
  }
}

TEST_F(ChromeTraceRules, SlicesOfATrackNest) {
  for (auto& [track, spans] : tracks_) {
    std::ranges::sort(spans, {}, [](const Span& span) { return std::pair(span.from_ns, -span.to_ns); });
    std::vector<std::int64_t> open;
    for (const Span& span : spans) {
      while (!open.empty() && open.back() <= span.from_ns) open.pop_back();
      EXPECT_TRUE(open.empty() || span.to_ns <= open.back())
          << track.first << "." << track.second << " at " << span.from_ns;
      open.push_back(span.to_ns);
    }
  }
}

TEST_F(ChromeTraceRules, EveryProcessAndTrackHasOneName) {
  std::map<std::int64_t, std::set<std::string>> processes;
  std::map<Track, std::set<std::string>> threads;
  for (const json& meta : by_phase_["M"]) {
    if (meta.at("name") == "process_name") {
      EXPECT_TRUE(processes[meta.at("pid")].insert(meta.at("args").at("name")).second) << meta;
    } else if (meta.at("name") == "thread_name") {
      EXPECT_TRUE(threads[track_of(meta)].insert(meta.at("args").at("name")).second) << meta;
    }
  }
  EXPECT_EQ(processes.size(), nodes);
  for (const char* phase : {"X", "s", "f", "i"}) {
    for (const json& event : by_phase_[phase]) {
      EXPECT_EQ(processes[event.at("pid")].size(), 1U) << event;
      EXPECT_EQ(threads[track_of(event)].size(), 1U) << event;
    }
  }
}

// Perfetto takes 0 for the number of the process, which a slot may have as well.
TEST_F(ChromeTraceRules, NoThreadHasTheNumberZero) {
  for (const auto& [phase, events] : by_phase_) {
    for (const json& event : events) {
      if (!event.contains("tid")) continue;
      EXPECT_NE(event.at("tid"), 0) << event;
    }
  }
}

TEST_F(ChromeTraceRules, EveryArrowGoesForwardFromSliceToSlice) {
  std::map<std::uint64_t, json> starts;
  for (const json& start : by_phase_["s"]) EXPECT_TRUE(starts.emplace(start.at("id"), start).second) << start;
  EXPECT_EQ(starts.size(), by_phase_["f"].size());
  for (const json& end : by_phase_["f"]) {
    const auto start = starts.find(end.at("id"));
    ASSERT_NE(start, starts.end()) << end;
    EXPECT_EQ(start->second.at("name"), end.at("name"));
    EXPECT_EQ(start->second.at("cat"), end.at("cat"));
    EXPECT_EQ(end.at("bp"), "e");
    EXPECT_LE(ns_of(start->second.at("ts")), ns_of(end.at("ts"))) << end;
    EXPECT_TRUE(on_slice(start->second)) << start->second;
    EXPECT_TRUE(on_slice(end)) << end;
    starts.erase(start);
  }
}

TEST_F(ChromeTraceRules, ItShowsWhatTheRunDid) {
  std::size_t runs = 0;
  for (const auto& [track, spans] : tracks_) runs += track.second != ChromeTrace::messages_thread ? spans.size() : 0;
  EXPECT_EQ(runs, tally_.began);
  EXPECT_EQ(arrows("grant"), tally_.grants);
  EXPECT_EQ(arrows("steal"), tally_.steals);
  EXPECT_EQ(arrows("redo"), tally_.redone);
  const auto deaths =
      std::ranges::count_if(by_phase_["i"], [](const json& instant) { return instant.at("name") == "death"; });
  EXPECT_EQ(static_cast<std::size_t>(deaths), tally_.deaths);
}

}  // namespace
}  // namespace agent::sim
