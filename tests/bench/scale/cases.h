#pragma once
// The cases. Each fills rows of the table from runs of its own; the larger of the two sizes is the one the bars are
// for.

#include <cstdint>

#include "tests/bench/scale/pool.h"
#include "tests/bench/scale/table.h"

namespace scale {

struct Setting {
  Table& table;
  std::uint32_t agents = 1'000;  // that the bars are for
  std::uint64_t seed = 1;
  Talk talk = Talk::quiet;
  std::optional<Duration> patience;  // with a job that does not end
};

// Of this process, so far.
[[nodiscard]] double peak_gibibytes();

void equal(const Setting& setting);      // machines alike
void powers(const Setting& setting);     // 1:10
void lognormal(const Setting& setting);  // lengths
void pareto(const Setting& setting);     //
void killed(const Setting& setting);     // 10 % of them
void struck(const Setting& setting);     // powers 1:10, 10 % killed, 10 % slowed tenfold
void anywhere(const Setting& setting);   // launched at one of ten agents
void branch_numbers(const Setting& setting);
void recruiting(const Setting& setting);
void idle(const Setting& setting);
void step_cost(const Setting& setting);  // what a decision and a message take
void state(const Setting& setting);      // bytes of an agent that has been idle for an hour
void large(const Setting& setting);      // ten times as many machines as `equal`

}  // namespace scale
