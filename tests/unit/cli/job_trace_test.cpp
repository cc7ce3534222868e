#include "agent/cli/job_trace.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace agent::cli {
namespace {

using Json = nlohmann::json;
namespace client = protocol::client;

constexpr std::int64_t noon = 1'795'348'800'000;

client::Result result(std::uint64_t index, const std::string& node, std::int64_t start_ms, std::uint64_t ms) {
  return {.covers = {.begin = index, .end = index + 1},
          .start_wall_ms = noon + start_ms,
          .duration_ns = ms * 1'000'000,
          .node = node};
}

std::string grant(const std::string& at, const std::string& to, std::uint64_t begin, std::uint64_t end) {
  return R"({"v":1,"at":")" + at + R"(","node":"alpha","what":"grant","peer":")" + to + R"(","intervals":[[)" +
         std::to_string(begin) + "," + std::to_string(end) + "]]}\n";
}

Json drawn(const JobTrace& trace) {
  std::ostringstream out;
  trace.write(out);
  return Json::parse(out.str()).at("traceEvents");
}

std::vector<Json> of_kind(const Json& events, const std::string& kind) {
  std::vector<Json> found;
  for (const Json& event : events) {
    if (event.at("ph") == kind) found.push_back(event);
  }
  return found;
}

TEST(JobTraceTest, each_result_is_a_slice_on_its_machine_and_slices_do_not_overlap) {
  JobTrace trace;
  trace.add(result(0, "alpha", 0, 100));
  trace.add(result(1, "beta", 10, 100));
  trace.add(result(2, "beta", 50, 100));
  trace.add(result(3, "beta", 110, 10));
  const auto slices = of_kind(drawn(trace), "X");
  ASSERT_EQ(slices.size(), 4U);
  std::map<std::pair<int, int>, double> until;
  std::map<int, int> by_process;
  for (const Json& slice : slices) {
    double& free = until[{slice.at("pid"), slice.at("tid")}];
    EXPECT_GE(slice.at("ts").get<double>(), free);
    free = slice.at("ts").get<double>() + slice.at("dur").get<double>();
    ++by_process[slice.at("pid")];
  }
  EXPECT_EQ(until.size(), 3U) << "two rows at beta";
  EXPECT_EQ(by_process, (std::map<int, int>{{1, 1}, {2, 3}}));
}

TEST(JobTraceTest, an_arrow_leads_from_a_grant_to_the_first_task_that_came_of_it) {
  JobTrace trace;
  trace.add(result(5, "beta", 80, 10));
  trace.add(result(4, "beta", 20, 10));
  trace.add(grant("2026-11-22T12:00:00.005Z", "beta", 4, 6));
  const Json events = drawn(trace);
  const auto from = of_kind(events, "s"), to = of_kind(events, "f");
  ASSERT_EQ(from.size(), 1U);
  ASSERT_EQ(to.size(), 1U);
  EXPECT_EQ(from[0].at("id"), to[0].at("id"));
  EXPECT_EQ(to[0].at("ts").get<double>() - of_kind(events, "X").front().at("ts").get<double>(), 0) << "of 4";
}

TEST(JobTraceTest, what_never_ran_and_what_is_no_event_is_not_shown) {
  JobTrace trace;
  client::Result never = result(0, "alpha", 0, 0);
  never.start_wall_ms = 0;
  trace.add(never);
  trace.add("no json\n{}\n[1]\n{\"what\":\"redo\",\"at\":\"yesterday\"}\n");
  trace.add(R"({"what":"grant","at":"2026-11-22T12:00:00.000Z","node":"a","peer":"b","intervals":[]})");
  EXPECT_EQ(of_kind(drawn(trace), "X").size(), 1U) << "the word of the grant";
  EXPECT_TRUE(of_kind(drawn(JobTrace()), "X").empty());
}

TEST(JobTraceTest, hostile_fields_of_an_event_are_no_end_of_the_program) {
  JobTrace trace;
  for (const char* line : {R"({"what":5,"at":6})", R"({"what":"grant","at":"2026-11-22T12:00:00.000Z","peer":7})",
                           R"({"what":"grant","at":"2026-11-22T12:00:00.000Z","peer":"b","intervals":[[1]]})",
                           R"({"what":"grant","at":"2026-11-22T12:00:00.000Z","peer":"b","intervals":[["x",2]]})"})
    trace.add(line);
  (void)drawn(trace);
}

}  // namespace
}  // namespace agent::cli
