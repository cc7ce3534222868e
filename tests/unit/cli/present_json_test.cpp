#include "agent/cli/present_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::cli {
namespace {

using std::string_literals::operator""s;
namespace client = protocol::client;

protocol::Bytes bytes_of(std::string_view text) {
  protocol::Bytes bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

client::Result sample() {
  return {.covers = {4, 5},
          .attempt = 1,
          .exit = 0,
          .start_wall_ms = 1'700'000'000'123,
          .duration_ns = 1'500'000'000,
          .user_ns = 250'000'000,
          .system_ns = 0,
          .peak_kib = 2048,
          .label = bytes_of("a \"b\""),
          .out = bytes_of("x\n"),
          .err = protocol::Bytes{}};
}

TEST(JsonResult, OfAListHasItsItem) {
  EXPECT_EQ(json_result(sample(), RunMode::list),
            R"({"v":1,"seq":5,"item":"a \"b\"","outcome":"ok","exit":0,"signal":null,"attempt":1,)"
            R"("start":"2023-11-14T22:13:20.123Z","duration":1.5,"user":0.25,"system":0.0,"peak_kib":2048,)"
            R"("stdout":"x\n","stderr":""})"
            "\n");
}

TEST(JsonResult, OfAPieceHasItsBounds) {
  auto result = sample();
  result.low = "0";
  result.high = "18446744073709551616";
  result.outcome = client::Outcome::killed;
  result.signal = 9;
  result.reason = "timed out";
  result.out = client::File{.path = "/state/out", .size_bytes = 100'000};
  EXPECT_EQ(json_result(result, RunMode::range),
            R"({"v":1,"seq":5,"lo":"0","hi":"18446744073709551616","outcome":"killed","exit":null,"signal":9,)"
            R"("reason":"timed out","attempt":1,"start":"2023-11-14T22:13:20.123Z","duration":1.5,"user":0.25,)"
            R"("system":0.0,"peak_kib":2048,"stdout":{"path":"/state/out","size":100000},"stderr":""})"
            "\n");
}

TEST(JsonResult, OfALostOneHasNoExitAndNoStartThatNobodyKnows) {
  auto result = sample();
  result.outcome = client::Outcome::lost;
  result.start_wall_ms = 0;
  EXPECT_THAT(json_result(result, RunMode::list),
              testing::StartsWith(R"({"v":1,"seq":5,"item":"a \"b\"","outcome":"lost","attempt":1,"start":null,)"));
}

TEST(JsonResult, LosesNoByte) {
  auto result = sample();
  result.label = bytes_of("a\0\xff"s);
  result.out = bytes_of("\xff\xfe\n");
  result.outcome = client::Outcome::skipped;
  EXPECT_EQ(
      json_result(result, RunMode::list),
      "{\"v\":1,\"seq\":5,\"columns\":[\"a\",\"\xef\xbf\xbd\"],\"item\":\"a \xef\xbf\xbd\",\"item_base64\":\"YSD/\","
      "\"outcome\":\"skipped\",\"attempt\":1,\"start\":\"2023-11-14T22:13:20.123Z\",\"duration\":1.5,\"user\":0.25,"
      "\"system\":0.0,\"peak_kib\":2048,\"stdout\":\"\xef\xbf\xbd\xef\xbf\xbd\\n\",\"stdout_base64\":\"//4K\","
      "\"stderr\":\"\"}\n");
}

TEST(JsonResult, PadsBase64) {
  auto result = sample();
  result.out = bytes_of("\xff");
  EXPECT_NE(json_result(result, RunMode::single).find(R"("stdout_base64":"/w==")"), std::string::npos);
  result.out = bytes_of("\xff\xff");
  EXPECT_NE(json_result(result, RunMode::single).find(R"("stdout_base64":"//8=")"), std::string::npos);
}

const client::Verdict verdict{.ending = client::Ending::done,
                              .counts = {.total = 2, .committed = 2, .ok = 1, .failed = 1},
                              .wall_ns = 2'000'000'000,
                              .task_time_ns = 3'500'000'000};
const std::string verdict_text =
    R"({"job":"00000000000000000000000000000000","ending":"done","counts":{"total":2,"done":2,"ok":1,"failed":1,"lost":0,"hits":0,)"
    R"("running":0,"retried":0,"redone":0},"wall":2.0,"task_time":3.5,"exit_code":1})";

TEST(JsonVerdict, IsTheLastLine) {
  EXPECT_EQ(json_verdict(verdict, 1), "{\"v\":1,\"verdict\":" + verdict_text + "}\n");
}

TEST(JsonRun, IsOneValueWrittenAsItComes) {
  auto object = json_result(sample(), RunMode::single);
  object.pop_back();
  EXPECT_EQ(json_run_opening() + json_run_result(sample(), RunMode::single, 0) +
                json_run_result(sample(), RunMode::single, 1) + json_run_closing(verdict, 1),
            "{\"v\":1,\"results\":[\n" + object + ",\n" + object + "\n],\"verdict\":" + verdict_text + "}\n");
}

TEST(JsonJobs, HaveRows) {
  EXPECT_EQ(json_jobs({}), "{\"v\":1,\"jobs\":[]}\n");
  EXPECT_EQ(
      json_jobs({{.number = 3, .name = "x", .state = client::JobState::running, .elapsed_ns = 500'000'000}}),
      R"({"v":1,"jobs":[{"job":"00000000000000000000000000000000","number":3,"name":"x","state":"waiting",)"
      R"("ending":null,"counts":{"total":null,"done":0,"ok":0,"failed":0,"lost":0,"hits":0,"running":0,"retried":0,)"
      R"("redone":0},"start":"1970-01-01T00:00:00.000Z","elapsed":0.5}]})"
      "\n");
}

TEST(JsonStatus, HasEverything) {
  const client::Status status{.node = "alpha",
                              .program_version = "0.1.0",
                              .slots = 8,
                              .running = 3,
                              .jobs = 1,
                              .uptime_ns = 1'000'000'000,
                              .state_directory = "/x",
                              .notes = {"n"}};
  EXPECT_EQ(json_status(status, 7),
            R"({"v":1,"node":"alpha","version":"0.1.0","pid":7,"slots":8,"running":3,"jobs":1,"uptime":1.0,)"
            R"("state_directory":"/x","notes":["n"],"pool":null})"
            "\n");
}

TEST(JsonPeers, HaveThePoolAndItsRows) {
  EXPECT_EQ(json_peers({}), "{\"v\":1,\"pool\":null,\"peers\":[]}\n");
  client::Peers peers;
  peers.pool = client::PoolState{.name = "alpha", .node = "beta", .links = 1, .not_after_ms = 1'000};
  peers.rows.push_back({.name = "alpha",
                        .linked_ns = 2'000'000'000,
                        .round_trip_ns = 1'000'000,
                        .slots = 4,
                        .roles = 0b11,
                        .program_version = "1"});
  const std::string zeros(64, '0');
  EXPECT_EQ(
      json_peers(peers),
      R"({"v":1,"pool":{"id":")" + zeros +
          R"(","name":"alpha","node":"beta","addresses":[],"links":1,"certificate_ends":"1970-01-01T00:00:01.000Z",)"
          R"("why_no_help":null},"peers":[{"node":")" +
          zeros +
          R"(","name":"alpha","address":null,"dialled":false,"linked":2.0,"round_trip":0.001,"slots":4,)"
          R"("roles":["member","run"],"version":"1","refusal":null}]})"
          "\n");
}

TEST(JsonError, HasCodeMessageAndHint) {
  EXPECT_EQ(json_error("usage", "bad \xff", "try"),
            "{\"v\":1,\"error\":{\"code\":\"usage\",\"message\":\"bad \xef\xbf\xbd\",\"message_base64\":\"YmFkIP8=\","
            "\"hint\":\"try\"}}\n");
  EXPECT_EQ(json_version("0.1.0"), "{\"v\":1,\"version\":\"0.1.0\"}\n");
}

}  // namespace
}  // namespace agent::cli
