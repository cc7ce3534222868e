// One job on the whole pool: how close to the ideal, and what it takes in messages.
#include <algorithm>
#include <optional>
#include <string>

#include "agent/core/random.h"
#include "tests/bench/scale/cases.h"

namespace scale {

namespace {

constexpr double mean_messages_max = 8;
constexpr double busiest_messages_max = 60;

Pool pool_of(const Setting& setting) {
  return {.seed = setting.seed, .agents = setting.agents, .patience = setting.patience};
}

// What every job must show. Nothing may be lost.
void common_rows(const Setting& setting, const std::string& name, const Pool& pool, const Measured& measured) {
  const sim::Summary& s = measured.summary;
  Table& table = setting.table;
  table.row(name, "iterations without a result", static_cast<double>(s.iterations - s.committed), 0);
  if (pool.power_low + pool.power_high > 2) {
    // Faster agents end more iterations in a second; the bar is for one.
    const double per_iteration =
        s.messages_mean * sim::seconds_of(s.makespan) / static_cast<double>(pool.iterations_each);
    table.row(name, "messages per iteration", per_iteration, mean_messages_max);
    table.row(name, "messages per agent and second", s.messages_mean);
  } else {
    table.row(name, "messages per agent and second", s.messages_mean, mean_messages_max);
  }
  table.row(name, "messages per second, busiest agent", s.messages_busiest, busiest_messages_max);
  table.row(name, "helpers recruited by one master", static_cast<double>(measured.helpers_most), pool.branch_number);
  table.row(name, "links of an agent at the end", measured.links);
  table.row(name, "seconds of simulating", measured.wall_seconds);
  table.row(name, "things simulated per second of that", static_cast<double>(measured.turns) / measured.wall_seconds);
}

Measured against_ideal(const Setting& setting, const std::string& name, const Pool& pool, std::optional<double> bar) {
  const Measured measured = run(pool, setting.talk);
  if (bar) {
    setting.table.row(name, "makespan / ideal", measured.summary.ratio, *bar);
  } else {
    setting.table.row(name, "makespan / ideal", measured.summary.ratio);
  }
  common_rows(setting, name, pool, measured);
  return measured;
}

// Graham's bound, and a little.
void against_longest(const Setting& setting, const std::string& name, sim::Lengths::Kind kind) {
  Pool pool = pool_of(setting);
  pool.lengths = {.kind = kind, .shape = 1.5, .longest = 20};
  const Measured measured = run(pool, setting.talk);
  const sim::Summary& s = measured.summary;
  setting.table.row(name, "makespan / (work / power + longest)",
                    sim::seconds_of(s.makespan) / sim::seconds_of(s.even + s.longest), 1.05);
  setting.table.row(name, "makespan / ideal", s.ratio);
  common_rows(setting, name, pool, measured);
}

double redone_percent(const Measured& measured) {
  return 100.0 * static_cast<double>(measured.summary.redone) / static_cast<double>(measured.summary.iterations);
}

// As unlike each other as before, and an iteration takes a second on the average one.
void at_mean_power_one(Pool& pool) {
  const double mean = (pool.power_low + pool.power_high) / 2;
  pool.power_low /= mean;
  pool.power_high /= mean;
}

}  // namespace

void equal(const Setting& setting) {
  (void)against_ideal(setting, "equal", pool_of(setting), 1.05);
}

void powers(const Setting& setting) {
  Pool pool = pool_of(setting);
  pool.power_high = 10;
  (void)against_ideal(setting, "powers", pool, 1.12);
  at_mean_power_one(pool);
  (void)against_ideal(setting, "powers, mean 1", pool, 1.12);
}

void lognormal(const Setting& setting) {
  against_longest(setting, "lognormal", sim::Lengths::Kind::lognormal);
}

void pareto(const Setting& setting) {
  against_longest(setting, "pareto", sim::Lengths::Kind::pareto);
}

void killed(const Setting& setting) {
  Pool pool = pool_of(setting);
  pool.killed = 0.1;
  const Measured measured = against_ideal(setting, "killed", pool, 1.10);
  setting.table.row("killed", "% of the iterations redone", redone_percent(measured), 3);
}

void struck(const Setting& setting) {
  Pool pool = pool_of(setting);
  pool.power_high = 10;
  pool.killed = pool.slowed = 0.1;
  const Measured measured = against_ideal(setting, "struck", pool, 1.25);
  setting.table.row("struck", "% of the iterations redone", redone_percent(measured));
  at_mean_power_one(pool);
  // Without a bar: the slowest of the slowed need a minute for one iteration, of a job that ideally takes two.
  (void)against_ideal(setting, "struck, mean 1", pool, std::nullopt);
}

void anywhere(const Setting& setting) {
  Pool pool = pool_of(setting);
  core::Random random(pool.seed);
  double shortest = 0;
  double longest = 0;
  for (int i = 0; i < 10; ++i) {
    pool.root = static_cast<sim::NodeIndex>(random.below(pool.agents));
    const double makespan = sim::seconds_of(run(pool, setting.talk).summary.makespan);
    setting.table.row("anywhere", "makespan in s, root " + std::to_string(pool.root), makespan);
    shortest = i == 0 ? makespan : std::min(shortest, makespan);
    longest = std::max(longest, makespan);
  }
  setting.table.row("anywhere", "longest makespan / shortest", longest / shortest, 1.02);
}

// A chain of a thousand would take minutes for nothing.
constexpr std::uint32_t chain_max = 200;

void branch_numbers(const Setting& setting) {
  for (const std::uint32_t branch_number : {1U, 2U, 8U, 64U}) {
    Pool pool = pool_of(setting);
    pool.branch_number = branch_number;
    if (branch_number == 1) pool.agents = std::min(pool.agents, chain_max);
    const std::string name = "branch number " + std::to_string(branch_number);
    const Measured measured = run(pool, setting.talk);
    setting.table.row(name, "makespan / ideal", measured.summary.ratio);
    common_rows(setting, name, pool, measured);
  }
  Pool alone = pool_of(setting);
  alone.branch_number = 0;
  alone.iterations_each = 1;
  alone.patience = std::chrono::minutes(1);
  const Measured measured = run(alone, setting.talk);
  setting.table.row("branch number 0", "probes", static_cast<double>(measured.probes), 0);
  setting.table.row("branch number 0", "helpers recruited by one master", static_cast<double>(measured.helpers_most),
                    0);
}

void large(const Setting& setting) {
  Pool pool = pool_of(setting);
  pool.agents *= 10;
  const Measured measured = against_ideal(setting, "large", pool, 1.05);
  setting.table.row("large", "seconds of simulating", measured.wall_seconds, 600);
  setting.table.row("large", "GiB resident at most", peak_gibibytes(), 8);
}

}  // namespace scale
