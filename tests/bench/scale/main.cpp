// How a pool of agents scales: the deciding machine itself over a simulated network and clock, against the bars.
//
//   scale [--quick | --agents N] [--seeds FIRST:LAST] [--case NAME] [--for SECONDS] [--activity]
//
// Prints a row per figure, and ends with 1 if a bar is missed. The bars are for pools of 1,000 agents; `--quick` takes
// 200. Without --case all but `large` run. With --activity every job shows how busy the pool was, second by second, and
// what was said;
// --for gives every job up so long after it came.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "tests/bench/scale/cases.h"

namespace {

using scale::Setting;

struct Case {
  std::string_view name;
  void (*run)(const Setting&);
};

constexpr std::array<Case, 13> cases{{{"equal", scale::equal},
                                      {"powers", scale::powers},
                                      {"lognormal", scale::lognormal},
                                      {"pareto", scale::pareto},
                                      {"killed", scale::killed},
                                      {"struck", scale::struck},
                                      {"anywhere", scale::anywhere},
                                      {"branch-numbers", scale::branch_numbers},
                                      {"recruiting", scale::recruiting},
                                      {"idle", scale::idle},
                                      {"step", scale::step_cost},
                                      {"state", scale::state},
                                      {"large", scale::large}}};

struct Order {
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 1;
  std::uint32_t agents = 1'000;
  scale::Talk talk = scale::Talk::quiet;
  std::string_view only;
  std::optional<std::uint32_t> seconds;
};

template <class Number>
bool read(std::string_view text, Number& into) {
  return std::from_chars(text.data(), text.data() + text.size(), into).ptr == text.data() + text.size();
}

bool read_seeds(std::string_view text, Order& order) {
  const auto colon = text.find(':');
  if (!read(text.substr(0, colon), order.first_seed)) return false;
  order.last_seed = order.first_seed;
  if (colon != text.npos && !read(text.substr(colon + 1), order.last_seed)) return false;
  return order.first_seed <= order.last_seed;
}

bool read_order(int count, char** words, Order& order) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const bool has_value = i + 1 < count;
    if (word == "--quick") {
      order.agents = 200;
    } else if (word == "--activity") {
      order.talk = scale::Talk::shows_activity;
    } else if (word == "--agents" && has_value) {
      if (!read(words[++i], order.agents) || order.agents == 0) return false;
    } else if (word == "--for" && has_value) {
      if (!read(words[++i], order.seconds.emplace())) return false;
    } else if (word == "--seeds" && has_value) {
      if (!read_seeds(words[++i], order)) return false;
    } else if (word == "--case" && has_value) {
      order.only = words[++i];
      if (std::ranges::find(cases, order.only, &Case::name) == cases.end()) return false;
    } else {
      return false;
    }
  }
  return true;
}

void explain() {
  std::fprintf(
      stderr,
      "usage: scale [--quick | --agents N] [--seeds FIRST:LAST] [--case NAME] [--for SECONDS] [--activity]\ncases:");
  for (const Case& each : cases) std::fprintf(stderr, " %.*s", static_cast<int>(each.name.size()), each.name.data());
  std::fprintf(stderr, "\n");
}

}  // namespace

int main(int count, char** words) {
  Order order;
  if (!read_order(count, words, order)) {
    explain();
    return 2;
  }
  std::optional<scale::Duration> patience;
  if (order.seconds) patience = std::chrono::seconds(*order.seconds);
  scale::Table table;
  for (std::uint64_t seed = order.first_seed; seed <= order.last_seed; ++seed) {
    std::printf("# seed %llu, %u agents\n", static_cast<unsigned long long>(seed), order.agents);
    for (const Case& each : cases) {
      if (order.only.empty() ? each.name == "large" : each.name != order.only) continue;
      each.run({.table = table, .agents = order.agents, .seed = seed, .talk = order.talk, .patience = patience});
    }
  }
  return table.good() ? 0 : 1;
}
