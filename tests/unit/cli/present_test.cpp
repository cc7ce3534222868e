#include "agent/cli/present.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/wall_time.h"

namespace agent::cli {
namespace {

using namespace std::string_literals;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
namespace client = protocol::client;

TEST(Printable, LeavesNothingThatMovesTheCursor) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("a\nb\tc\rd\x1b[2Je\\f\x01\x7f"), "a\\nb\\tc\\rd\\e[2Je\\\\f\\x01\\x7f");
  EXPECT_EQ(printable("a\0b"s), "a\\x00b");
  EXPECT_EQ(printable("h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x90\x92"), "h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x90\x92");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xe2\x80\xae\xef\xbb\xbf\xf3\xa0\x80\x81"),
            "\\u{9b}31m\\u{202e}\\u{feff}\\u{e0001}");
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\\xffb");
  EXPECT_EQ(printable("\xc3"), "\\xc3");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(printable("\xe0\x80\x80"), "\\xe0\\x80\\x80");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe2\x82z"), "\\xe2\\x82z");
}

TEST(Printable, IsCutAtACharacter) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abc...");
  EXPECT_EQ(printable("ab\xe2\x82\xac"
                      "defg",
                      7),
            "ab...");
  EXPECT_EQ(printable("ab\nxyz", 6), "ab...");
  EXPECT_EQ(printable("abc", 2), "..");
  EXPECT_EQ(printable("", 0), "");
  EXPECT_EQ(printable("a", 0), "");
}

TEST(Printable, ShowsColumnsWithBlanks) {
  EXPECT_EQ(printable_item("a\0b\nc"s), "a b\\nc");
  EXPECT_EQ(printable_item(std::string(1'000'000, 'x'), 10), "xxxxxxx...");
}

TEST(Durations, AreShort) {
  EXPECT_EQ(human_duration(0ns), "0 ms");
  EXPECT_EQ(human_duration(35'400us), "35 ms");
  EXPECT_EQ(human_duration(99'499us), "99 ms");
  EXPECT_EQ(human_duration(99'500us), "0.1 s");
  EXPECT_EQ(human_duration(1s), "1.0 s");
  EXPECT_EQ(human_duration(59'949ms), "59.9 s");
  EXPECT_EQ(human_duration(59'950ms), "1m00s");
  EXPECT_EQ(human_duration(492s), "8m12s");
  EXPECT_EQ(human_duration(3599'500ms), "1h00m");
  EXPECT_EQ(human_duration(5h + 1min + 59s), "5h01m");
  EXPECT_EQ(human_duration(51h), "2d03h");
  EXPECT_EQ(human_duration(std::chrono::nanoseconds::max()), "106751d23h");
}

TEST(Sizes, AreBinary) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(999), "999 B");
  EXPECT_EQ(human_size(1000), "1.0 KiB");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size(65'536), "64 KiB");
  EXPECT_EQ(human_size(1'048'575), "1.0 MiB");
  EXPECT_EQ(human_size(12'582'912), "12 MiB");
  EXPECT_EQ(human_size(18446744073709551615U), "16 EiB");
}

TEST(Signals, HaveNames) {
  EXPECT_EQ(signal_name(9), "SIGKILL");
  EXPECT_EQ(signal_name(11), "SIGSEGV");
  EXPECT_EQ(signal_name(64), "signal 64");
}

std::string tagged(std::string_view item, std::string_view output, std::size_t cut) {
  Tagger tagger(item);
  std::string text;
  for (std::size_t i = 0; i < output.size(); i += cut) tagger.feed(output.substr(i, cut), text);
  return text;
}

TEST(Tags, StandInFrontOfEveryLine) {
  for (const std::size_t cut : {1U, 2U, 3U, 100U}) {
    EXPECT_EQ(tagged("a", "x\ny\n", cut), "a\tx\na\ty\n");
    EXPECT_EQ(tagged("a\0c d"s, "x\n\ny", cut), "a c d\tx\na c d\t\na c d\ty");
    EXPECT_EQ(tagged("a", "", cut), "");
  }
}

TEST(LastLine, IsTheLastThatSaysSomething) {
  EXPECT_EQ(last_line("a\nNo space left\n\n  \n"), "No space left");
  EXPECT_EQ(last_line("one"), "one");
  EXPECT_EQ(last_line("10 %\r20 %\rfailed\r\n"), "failed");
  EXPECT_EQ(last_line(" \n\n"), "");
  EXPECT_EQ(last_line(""), "");
}

TEST(Summary, OfARunThatWentWell) {
  RunSummary summary{.ok = 4, .wall = 1s, .slots = 8, .private_agent = true};
  EXPECT_EQ(end_summary(summary),
            "gibbon: 4 ok, 0 failed in 1.0 s on 1 node (8 slots). No agent was running: used a private one.\n");
  summary = {
      .ok = 9, .wall = 492s, .nodes = {{.node = "beta", .results = 5}, {.node = "alpha", .results = 4}}, .slots = 1};
  EXPECT_EQ(end_summary(summary), "gibbon: 9 ok, 0 failed in 8m12s on 2 nodes: beta 5, alpha 4.\n");
  summary.nodes.resize(1);
  EXPECT_EQ(end_summary(summary), "gibbon: 9 ok, 0 failed in 8m12s on 1 node (1 slot).\n");
  summary.nodes = std::vector<protocol::client::NodeShare>(12, {.node = "n", .results = 1});
  summary.nodes[1].node = "";
  EXPECT_EQ(end_summary(summary),
            "gibbon: 9 ok, 0 failed in 8m12s on 12 nodes: n 1, others 1, n 1, n 1, n 1, n 1, n 1, n 1 and 4 more.\n");
}

TEST(Summary, NamesWhatFailed) {
  RunSummary summary{.ok = 997, .failed = 4, .lost = 1, .skipped = 2, .wall = 2s, .slots = 8};
  summary.first_failed = {
      {.sequence = 17, .item = "frame\0017"s, .exit = 1, .last_error_line = "frame: No space left on \x1b[1mdevice"},
      {.sequence = 88, .item = "b\0c"s, .signal = 11},
      {.sequence = 90, .item = "d", .exit = 3, .reason = "timed out"},
  };
  EXPECT_EQ(end_summary(summary),
            "gibbon: 997 ok, 4 failed, 1 lost, 2 not finished in 2.0 s on 1 node (8 slots).\n"
            "  failed: 17 frame\\x017, exit 1: \"frame: No space left on \\e[1mdevice\"\n"
            "  failed: 88 b c, SIGSEGV\n"
            "  failed: 90 d, timed out\n"
            "  and 2 more\n");
}

TEST(Summary, ShowsTenFailedAtMost) {
  RunSummary summary{.failed = 12, .wall = 2s, .slots = 8};
  for (std::uint64_t i = 1; i <= 12; ++i) summary.first_failed.push_back({.sequence = i, .item = "x", .exit = 1});
  const auto text = end_summary(summary);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 12);
  EXPECT_THAT(text, ::testing::EndsWith("  failed: 10 x, exit 1\n  and 2 more\n"));
}

TEST(Summary, SaysHowASearchOrAnEarlyEndWent) {
  RunSummary summary{.ok = 3, .found = "3000 4000", .search = RunSummary::Search::hit, .wall = 1s, .slots = 8};
  EXPECT_EQ(end_summary(summary), "gibbon: found in 3000 4000: 3 ok, 0 failed in 1.0 s on 1 node (8 slots).\n");
  summary.search = RunSummary::Search::not_found;
  EXPECT_EQ(end_summary(summary), "gibbon: not found: 3 ok, 0 failed in 1.0 s on 1 node (8 slots).\n");
  summary.search = RunSummary::Search::none;
  summary.ending = RunSummary::Ending::cancelled;
  EXPECT_EQ(end_summary(summary), "gibbon: cancelled: 3 ok, 0 failed in 1.0 s on 1 node (8 slots).\n");
  summary.ending = RunSummary::Ending::halted;
  EXPECT_EQ(end_summary(summary), "gibbon: stopped by --halt: 3 ok, 0 failed in 1.0 s on 1 node (8 slots).\n");
  summary.ending = RunSummary::Ending::time_limit;
  EXPECT_EQ(end_summary(summary), "gibbon: time limit reached: 3 ok, 0 failed in 1.0 s on 1 node (8 slots).\n");
}

TEST(Progress, IsABarWithFigures) {
  const ProgressState state{.counts = {.total = 1000, .committed = 615, .ok = 612, .failed = 3, .running = 41},
                            .elapsed = 400s};
  EXPECT_EQ(progress_bar(state, 100), "[############--------] 615/1000 done  3 failed  41 running  ETA 4m10s");
  EXPECT_EQ(progress_bar(state, 50), "615/1000 done  3 failed  41 running  ETA 4m10s");
  EXPECT_EQ(progress_bar(state, 13), "615/1000 done");
  EXPECT_EQ(progress_bar(state, 0), "");
  EXPECT_EQ(progress_bar({.counts = {.committed = 5, .ok = 5, .running = 2}, .elapsed = 1s}, 80),
            "5/? done  2 running");
  EXPECT_EQ(progress_bar({.counts = {.total = 0}, .elapsed = 1s}, 80), "[####################] 0/0 done  0 running");
  const client::Counts huge{
      .total = 18446744073709551615U, .committed = 9223372036854775808U, .ok = 9223372036854775808U};
  EXPECT_EQ(progress_bar({.counts = huge, .elapsed = 1h}, 100),
            "[##########----------] 9223372036854775808/18446744073709551615 done  0 running  ETA 1h00m");
}

TEST(Progress, IsALineWithoutATerminal) {
  EXPECT_EQ(progress_line(
                {.counts = {.total = 1000, .committed = 615, .ok = 612, .failed = 3, .running = 41}, .elapsed = 62s}),
            "gibbon: 615 of 1000 done, 3 failed, 41 running, 1m02s\n");
  EXPECT_EQ(progress_line({.counts = {.committed = 7, .ok = 6, .lost = 1, .running = 4}, .elapsed = 2s}),
            "gibbon: 7 done, 0 failed, 1 lost, 4 running, 2.0 s\n");
}

TEST(Progress, OfARangeCountsValuesAndNamesPieces) {
  const ProgressState state{
      .counts = {.total = 1'000'000, .committed = 500'000, .ok = 6, .failed = 1, .lost = 2, .running = 4},
      .mode = RunMode::range,
      .elapsed = 60s};
  EXPECT_EQ(progress_bar(state, 120),
            "[##########----------] 500000/1000000 done  1 piece failed  2 pieces lost  4 pieces running  ETA 1m00s");
  EXPECT_EQ(progress_line(state),
            "gibbon: 500000 of 1000000 done, 1 piece failed, 2 pieces lost, 4 pieces running, 1m00s\n");
  EXPECT_EQ(end_summary({.ok = 27, .mode = RunMode::range, .wall = 1s, .slots = 8}),
            "gibbon: 27 pieces ok, 0 failed in 1.0 s on 1 node (8 slots).\n");
}

protocol::JobId job_id(std::initializer_list<unsigned> beginning) {
  protocol::Bytes16 bytes{};
  std::size_t i = 0;
  for (const auto byte : beginning) bytes[i++] = static_cast<std::byte>(byte);
  return protocol::JobId{bytes};
}

TEST(Jobs, HaveTheShortestIdsThatDiffer) {
  const std::vector<client::JobRow> jobs = {
      {.job = job_id({0x7f, 0x3a, 0x10})}, {.job = job_id({0x7f, 0x3a, 0x1f})}, {.job = job_id({0x90, 0x3a})}};
  EXPECT_THAT(short_ids(jobs), ElementsAre("7f3a10", "7f3a1f", "903a"));
  EXPECT_EQ(job_ids(jobs), "7f3a10\n7f3a1f\n903a\n");
  EXPECT_EQ(full_id(jobs.front().job), "7f3a1000000000000000000000000000");
  EXPECT_EQ(job_ids({}), "");
}

TEST(Jobs, AreATable) {
  const std::vector<client::JobRow> jobs = {
      {.job = job_id({0x7f, 0x3a}),
       .number = 12,
       .name = "render\nshot",
       .state = client::JobState::running,
       .counts = {.total = 1000, .committed = 615, .ok = 612, .failed = 3, .running = 8},
       .elapsed_ns = 62'000'000'000},
      {.job = job_id({0x80}),
       .number = 11,
       .name = "behind it",
       .state = client::JobState::running,
       .counts = {.total = 9},
       .elapsed_ns = 2'000'000'000},
      {.job = job_id({0x90}),
       .number = 3,
       .name = "true",
       .state = client::JobState::ended,
       .ending = client::Ending::cancelled,
       .counts = {.total = 1'000'000'000, .committed = 1'000'000'000, .ok = 27},
       .elapsed_ns = 1'000'000'000},
  };
  EXPECT_EQ(job_table(jobs),
            "JOB  ID    STATE      DONE                   FAILED  RUNNING  TIME   NAME\n"
            "%12  7f3a  running    615/1000               3       8        1m02s  render\\nshot\n"
            "%11  8000  waiting    0/9                    0       0        2.0 s  behind it\n"
            "%3   9000  cancelled  1000000000/1000000000  0       0        1.0 s  true\n");
  EXPECT_EQ(job_table({}), "no jobs\n");
}

TEST(Status, IsAFewLines) {
  const client::Status status{.node = "alpha",
                              .program_version = "0.1.0",
                              .slots = 8,
                              .running = 3,
                              .jobs = 1,
                              .uptime_ns = 62'000'000'000,
                              .state_directory = "/home/a/x",
                              .notes = {"a note", "two"}};
  EXPECT_EQ(status_table(status, 4711, 0),
            "node    alpha\n"
            "agent   gibbon 0.1.0, pid 4711, up 1m02s\n"
            "slots   3 of 8 in use\n"
            "jobs    1\n"
            "state   /home/a/x\n"
            "note    a note\n"
            "note    two\n");
}

client::PoolState sample_pool() {
  client::PoolState pool{.name = "alpha", .node = "beta", .links = 1, .not_after_ms = 100 * crypto::day_ms};
  pool.pool.fill(std::byte{0xab});
  protocol::Address address{.port = 4'422};
  address.ip[10] = address.ip[11] = std::byte{0xff};
  address.ip[12] = std::byte{10};
  address.ip[15] = std::byte{7};
  pool.reachable.push_back(address);
  return pool;
}

TEST(Status, TellsOfThePool) {
  client::Status status{.node = "beta", .program_version = "0.1.0", .slots = 1, .state_directory = "/x"};
  status.pool = sample_pool();
  EXPECT_EQ(status_table(status, 1, 0),
            "node    beta\n"
            "agent   gibbon 0.1.0, pid 1, up 0 ms\n"
            "slots   0 of 1 in use\n"
            "jobs    0\n"
            "state   /x\n"
            "pool    the pool of alpha (abababab), as beta\n"
            "at      10.0.0.7:4422\n"
            "linked  with 1 peer\n");
  status.pool->reachable.clear();
  status.pool->links = 0;
  status.pool->why_no_help = "nobody is linked";
  EXPECT_THAT(
      status_table(status, 1, 41 * crypto::day_ms),
      testing::EndsWith("at      no address: it only dials\n"
                        "linked  with 0 peers\n"
                        "help    none: nobody is linked\n"
                        "note    this node's certificate ends in 59 days: then join again with a new invitation\n"));
}

TEST(Pool, TheEndOfACertificateIsToldWhenItIsNear) {
  const client::PoolState pool = sample_pool();
  EXPECT_EQ(end_warning(pool, 39 * crypto::day_ms), std::nullopt);
  EXPECT_EQ(end_warning(pool, 99 * crypto::day_ms),
            "this node's certificate ends in 1 day: then join again with a new invitation");
  EXPECT_EQ(end_warning(pool, 100 * crypto::day_ms),
            "this node's certificate has ended: join again with a new invitation");
}

TEST(Peers, AreATableOrColumns) {
  client::PeerRow peer{.node = {},
                       .name = "be ta",
                       .address = sample_pool().reachable.front(),
                       .linked_ns = 62'000'000'000,
                       .round_trip_ns = 1'250'000,
                       .slots = 8,
                       .roles = 0b11,
                       .program_version = "0.1.0",
                       .refusal = "no sandbox"};
  EXPECT_EQ(peer_table({peer}),
            "NAME   ID        ADDRESS        LINKED  RTT     SLOTS  ROLES       VERSION\n"
            "be ta  00000000  10.0.0.7:4422  1m02s   1.2 ms  8      member+run  0.1.0\n"
            "be ta refused: no sandbox\n");
  EXPECT_EQ(peer_columns({peer}), std::string(64, '0') + " be_ta 10.0.0.7:4422 62 1.250 8 member+run 0.1.0\n");
  peer.address.port = 0;
  EXPECT_EQ(peer_columns({peer}), std::string(64, '0') + " be_ta - 62 1.250 8 member+run 0.1.0\n");
  EXPECT_EQ(peer_table({}), "no peers\n");
  EXPECT_EQ(role_names(0b11110), "run+submit+admin+issue");
}

TEST(Errors, HaveAHintIfThereIsOne) {
  EXPECT_EQ(error_text("no agent", "gibbon up"), "gibbon: no agent\ngibbon: gibbon up\n");
  EXPECT_EQ(error_text("no agent", ""), "gibbon: no agent\n");
}

}  // namespace
}  // namespace agent::cli
