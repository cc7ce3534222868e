#include "agent/cli/simulate_command.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace agent::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const Surroundings at_terminal{};

SimulateOptions simulation(std::vector<std::string> words) {
  words.insert(words.begin(), "simulate");
  const auto parsed = parse(words, at_terminal);
  const auto* invocation = std::get_if<Invocation>(&parsed);
  if (invocation == nullptr) {
    ADD_FAILURE() << "refused: " << std::get<UsageError>(parsed).message;
    return {};
  }
  return std::get<SimulateOptions>(invocation->command);
}

TEST(Simulate, ReadsItsOptions) {
  const SimulateOptions options =
      simulation({"--nodes", "500",   "--powers", "1:4", "--iterations", "20000",  "--cost",    "250ms",
                  "-b",      "4",     "--kill",   "10%", "--slots",      "2",      "--lengths", "pareto:1.5",
                  "--rtt",   "0.5ms", "--seed",   "9",   "--trace",      "t.json", "--json"});
  EXPECT_EQ(options.nodes, 500U);
  EXPECT_EQ(options.power_low, 1.0);
  EXPECT_EQ(options.power_high, 4.0);
  EXPECT_EQ(options.iterations, 20'000U);
  EXPECT_EQ(options.cost, 250ms);
  EXPECT_EQ(options.branch_number, 4U);
  EXPECT_DOUBLE_EQ(options.killed, 0.1);
  EXPECT_EQ(options.slots, 2U);
  EXPECT_EQ(options.lengths, "pareto:1.5");
  EXPECT_EQ(options.round_trip, 500us);
  EXPECT_EQ(options.seed, 9U);
  EXPECT_EQ(options.trace, "t.json");
  EXPECT_EQ(options.format, OutputFormat::json);
}

TEST(Simulate, RefusesWhatIsNone) {
  const std::vector<std::vector<std::string>> bad{
      {"--nodes", "0"}, {"--powers", "4:1"},   {"--powers", "0"}, {"--kill", "10"}, {"--kill", "101%"},
      {"--cost", "0s"}, {"--lengths", "long"}, {"--rtt", "x"},    {"--slots", "0"}, {"word"}};
  for (std::vector<std::string> words : bad) {
    words.insert(words.begin(), "simulate");
    const auto parsed = parse(words, at_terminal);
    const auto* error = std::get_if<UsageError>(&parsed);
    ASSERT_NE(error, nullptr) << words[1];
    EXPECT_EQ(error->exit_code, 2);
  }
}

TEST(Simulate, ARefusalSaysWhatIsWantedInOneLine) {
  const auto parsed = parse({"simulate", "--kill", "10"}, at_terminal);
  const auto* error = std::get_if<UsageError>(&parsed);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->message, "--kill takes a share from 0% to 100%, such as 10%, not \"10\"");
}

TEST(Simulate, ATimelineThatCannotBeWrittenIsAFailure) {
  SimulateOptions options{.nodes = 1, .iterations = 1};
  options.trace = "/dev/full";
  EXPECT_EQ(simulate(options, Verbosity::quiet), 1);
}

TEST(Simulate, TheSummaryIsSentencesForPeopleAndOneValueForPrograms) {
  sim::Summary summary{.nodes = 500,
                       .nodes_alive = 450,
                       .iterations = 20'000,
                       .committed = 20'000,
                       .ended = true,
                       .makespan = 17s,
                       .ideal = 16s,
                       .ratio = 1.0625,
                       .redone = 200,
                       .helped = 499,
                       .recruited_99 = 120ms,
                       .depth = 4,
                       .messages_mean = 5.25,
                       .messages_busiest = 30};
  const std::string text = present_simulation(summary);
  EXPECT_THAT(text, HasSubstr("20000 iterations on 500 nodes in 17.00 s"));
  EXPECT_THAT(text, HasSubstr("16.00 s, ratio 1.062"));
  EXPECT_THAT(text, HasSubstr("99% of the living nodes after 120.0 ms"));
  EXPECT_THAT(text, HasSubstr("200 iterations (1.00%)"));
  EXPECT_THAT(text, HasSubstr("50 nodes"));
  EXPECT_THAT(text, Not(HasSubstr("failed")));
  const auto json = nlohmann::json::parse(json_simulation(summary));
  EXPECT_EQ(json.at("v"), 1);
  EXPECT_EQ(json.at("makespan"), 17.0);
  EXPECT_EQ(json.at("recruited_99"), 0.12);
  summary.ended = false;
  summary.recruited_99.reset();
  EXPECT_THAT(present_simulation(summary), HasSubstr("not ended after"));
  EXPECT_THAT(present_simulation(summary), Not(HasSubstr(", ratio")));
  EXPECT_THAT(present_simulation(summary), Not(HasSubstr("redone")));
  const auto unfinished = nlohmann::json::parse(json_simulation(summary));
  for (const char* unknown : {"recruited_99", "ratio", "redone"}) EXPECT_TRUE(unfinished.at(unknown).is_null());
}

}  // namespace
}  // namespace agent::cli
