// Before and between jobs: how fast a pool is recruited, and how quiet it is when nothing is asked of it.
#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "tests/bench/scale/cases.h"

namespace scale {

double peak_gibibytes() {
  rusage usage{};
  (void)getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1024.0 * 1024.0);
}

constexpr Duration root_watched = std::chrono::seconds(2);

void recruiting(const Setting& setting) {
  for (const std::uint32_t branch_number : {1U, 2U, 4U, 8U, 16U, 32U, 64U}) {
    Pool pool{.seed = setting.seed, .agents = setting.agents};
    pool.branch_number = branch_number;
    pool.patience = root_watched;
    Measured measured = run(pool, setting.talk);
    const double root_messages = measured.root_messages;
    if (!measured.recruited_99) {
      pool.patience = std::chrono::seconds(60);
      measured = run(pool, setting.talk);
    }
    const std::string name = "recruiting " + std::to_string(branch_number);
    const auto milliseconds = [&](const std::optional<Duration>& recruited) {
      return 1e3 * sim::seconds_of(recruited.value_or(*pool.patience));
    };
    setting.table.row(name, "ms until 90 % work (60000: not by then)", milliseconds(measured.recruited_90));
    constexpr std::string_view nearly_all = "ms until 99 % work (60000: not by then)";
    if (branch_number == 8) {
      setting.table.row(name, nearly_all, milliseconds(measured.recruited_99), 120);
    } else {
      setting.table.row(name, nearly_all, milliseconds(measured.recruited_99));
    }
    setting.table.row(name, "levels below the root", measured.summary.depth);
    setting.table.row(name, "messages per second, root, first 2 s", root_messages);
  }
}

void idle(const Setting& setting) {
  constexpr std::chrono::minutes settling{10};
  constexpr std::chrono::minutes watched{10};
  const Pool pool{.seed = setting.seed, .agents = setting.agents};
  sim::WorldOptions options = world_of(pool);
  options.jobs.clear();
  sim::World world(std::move(options));
  const auto sent = [&] {
    std::pair<std::uint64_t, std::uint64_t> sum;  // messages, bytes
    for (sim::NodeIndex node = 0; node < world.node_count(); ++node) {
      sum.first += world.traffic(node).messages_sent;
      sum.second += world.traffic(node).bytes_sent;
    }
    return sum;
  };
  world.run_until(WorldTime(settling));
  const auto before = sent();
  world.run_until(WorldTime(settling + watched));
  const auto after = sent();
  const double agent_seconds = sim::seconds_of(watched) * pool.agents;
  setting.table.row("idle", "messages per agent and second",
                    static_cast<double>(after.first - before.first) / agent_seconds, 0.2);
  setting.table.row("idle", "bytes per agent and second",
                    static_cast<double>(after.second - before.second) / agent_seconds);
}

}  // namespace scale
