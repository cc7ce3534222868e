#include "agent/cli/simulate_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/cli/duration.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/run_options.h"
#include "agent/core/random.h"
#include "agent/sim/adversity.h"
#include "agent/sim/chrome_trace.h"
#include "agent/sim/summary.h"

namespace agent::cli {
namespace {

constexpr std::uint32_t nodes_max = 100'000;
constexpr std::chrono::seconds warm_up{10};  // agents find each other before the job comes
constexpr std::chrono::seconds live_line_period{1};

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

tl::unexpected<ScanError> mistake(const std::string& option, const std::string& text, std::string_view wanted) {
  return tl::make_unexpected(ScanError{fmt::format("{} takes {}, not \"{}\"", option, wanted, text), {}});
}

// "2" or "1:4".
bool read_powers(const std::string& text, SimulateOptions& options) {
  const auto colon = text.find(':');
  const auto low = decimal(text.substr(0, colon));
  const auto high = colon == text.npos ? low : decimal(text.substr(colon + 1));
  if (!low || !high || *low <= 0 || *high < *low || *high > 1e6) return false;
  options.power_low = *low;
  options.power_high = *high;
  return true;
}

bool read_share(std::string text, double& share) {
  if (!text.ends_with('%')) return false;
  text.pop_back();
  const auto percent = decimal(text);
  if (!percent || *percent < 0 || *percent > 100) return false;
  share = *percent / 100;
  return true;
}

tl::expected<void, ScanError> read_counts(const RawOptions& raw, SimulateOptions& options) {
  struct Count {
    const char* name;
    std::uint32_t lowest, highest;
    std::uint32_t& into;
  };
  const Count counts[] = {{"nodes", 1, nodes_max, options.nodes},
                          {"iterations", 1, 1'000'000'000, options.iterations},
                          {"branch-number", 0, 1'000, options.branch_number},
                          {"slots", 1, slots_max, options.slots},
                          {"seed", 0, ~0U, options.seed}};
  for (const Count& count : counts) {
    const auto text = raw.value(count.name);
    if (!text) continue;
    const auto number = bounded_number(std::string("--") + count.name, *text, count.lowest, count.highest);
    if (!number) return tl::make_unexpected(number.error());
    count.into = *number;
  }
  return {};
}

tl::expected<void, ScanError> read_durations(const RawOptions& raw, SimulateOptions& options) {
  const auto read = [&](const char* name, std::chrono::nanoseconds& into) -> tl::expected<void, ScanError> {
    const auto text = raw.value(name);
    if (!text) return {};
    const auto duration = parse_duration(*text);
    if (!duration || *duration <= std::chrono::nanoseconds::zero())
      return mistake(std::string("--") + name, *text, "a duration such as 1s, 250ms or 0.5ms");
    into = *duration;
    return {};
  };
  if (auto cost = read("cost", options.cost); !cost) return cost;
  return read("rtt", options.round_trip);
}

sim::WorldOptions world_of(const SimulateOptions& options) {
  sim::WorldOptions world{.seed = options.seed};
  core::Random random(options.seed);
  for (std::uint32_t i = 0; i < options.nodes; ++i) {
    const double power = options.power_low + (options.power_high - options.power_low) * random.unit();
    world.nodes.push_back({.slots = options.slots, .power = power});
  }
  world.network.latency = options.round_trip / 2;
  sim::JobPlan job{.submitted = sim::WorldTime(warm_up)};
  job.terms = {.job = sim::job_id(1), .size = options.iterations, .branch_number = options.branch_number};
  job.lengths = *sim::parse_lengths(options.lengths, options.cost);
  world.jobs.push_back(job);
  return world;
}

// Simulated time and what is done, on a terminal, once per simulated second.
void run_with_live_line(sim::World& world, const sim::SummaryCollector& collector, sim::WorldTime end, bool live) {
  while (!world.jobs_ended() && world.now() < end) {
    (void)world.run_jobs(std::min(end, world.now() + live_line_period));
    if (!live) continue;
    const double share =
        100.0 * static_cast<double>(collector.committed()) / static_cast<double>(*world.options().jobs[0].terms.size);
    fmt::print(stderr, "\r\033[Ksimulating: {:.0f} s, {:.1f}% done", sim::seconds_of(world.now().time_since_epoch()),
               share);
    (void)std::fflush(stderr);
  }
  if (live) fmt::print(stderr, "\r\033[K");
}

}  // namespace

std::string present_simulation(const sim::Summary& s) {
  std::string text;
  if (s.ended) {
    text += fmt::format("{} iterations on {} nodes in {:.2f} s\n", s.committed, s.nodes, sim::seconds_of(s.makespan));
  } else {
    text += fmt::format("no verdict after {:.2f} s: {} of {} iterations done\n", sim::seconds_of(s.makespan),
                        s.committed, s.iterations);
  }
  const auto row = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<12}{}\n", name, value);
  };
  row("ideal", fmt::format("{:.2f} s, ratio {:.3f}", sim::seconds_of(s.ideal), s.ratio));
  if (s.recruited_99)
    row("recruited", fmt::format("99% of the nodes after {:.1f} ms", sim::seconds_of(*s.recruited_99) * 1e3));
  row("helped", fmt::format("{} of {} nodes, tree of depth {}", s.helped, s.nodes, s.depth));
  row("messages", fmt::format("{:.2f} per node and second, {:.1f} at the busiest, {:.0f} B/s", s.messages_mean,
                              s.messages_busiest, s.bytes_mean));
  row("redone", fmt::format("{} iterations ({:.2f}%)", s.redone,
                            100.0 * static_cast<double>(s.redone) / static_cast<double>(s.iterations)));
  if (s.failed > 0) row("failed", fmt::format("{} iterations", s.failed));
  if (s.nodes_alive < s.nodes) row("died", fmt::format("{} nodes", s.nodes - s.nodes_alive));
  return text;
}

std::string json_simulation(const sim::Summary& s) {
  nlohmann::ordered_json json{{"v", 1},
                              {"ended", s.ended},
                              {"nodes", s.nodes},
                              {"nodes_alive", s.nodes_alive},
                              {"iterations", s.iterations},
                              {"committed", s.committed},
                              {"failed", s.failed},
                              {"makespan", sim::seconds_of(s.makespan)},
                              {"ideal", sim::seconds_of(s.ideal)},
                              {"ratio", s.ratio},
                              {"started", s.started},
                              {"redone", s.redone},
                              {"helped", s.helped},
                              {"depth", s.depth},
                              {"messages_mean", s.messages_mean},
                              {"messages_busiest", s.messages_busiest},
                              {"bytes_mean", s.bytes_mean}};
  json["recruited_99"] = nullptr;
  if (s.recruited_99) json["recruited_99"] = sim::seconds_of(*s.recruited_99);
  return json.dump() + "\n";
}

tl::expected<SimulateOptions, ScanError> simulate_options(const RawOptions& raw) {
  SimulateOptions options;
  if (auto read = read_counts(raw, options); !read) return tl::make_unexpected(read.error());
  if (auto read = read_durations(raw, options); !read) return tl::make_unexpected(read.error());
  if (const auto powers = raw.value("powers"); powers && !read_powers(*powers, options))
    return mistake("--powers", *powers, "a power or a range of powers, such as 1 or 1:4");
  if (const auto killed = raw.value("kill"); killed && !read_share(*killed, options.killed))
    return mistake("--kill", *killed, "a share such as 10%");
  options.lengths = raw.value("lengths").value_or(options.lengths);
  if (!sim::parse_lengths(options.lengths, options.cost))
    return mistake("--lengths", options.lengths, "constant, exponential, pareto:1.5 or lognormal:1");
  options.trace = raw.value("trace");
  options.format = raw.has("json") ? OutputFormat::json : OutputFormat::text;
  return options;
}

int simulate(const SimulateOptions& options, Verbosity verbosity) {
  sim::World world(world_of(options));
  sim::SummaryCollector collector(world);
  world.watch(collector);
  std::ofstream file;
  std::unique_ptr<sim::ChromeTrace> trace;
  if (options.trace) {
    file.open(*options.trace);
    if (!file) {
      fmt::print(stderr, "gibbon: cannot write {}\n", *options.trace);
      return exit_failed;
    }
    trace = std::make_unique<sim::ChromeTrace>(file);
    world.watch(*trace);
  }
  // Random moments of the time that the job would take at best; the root lives.
  sim::plan(world, {.killed = options.killed, .from = sim::WorldTime(warm_up), .within = sim::even_span(world)},
            options.seed + 1);
  // One node alone may have to do it all.
  const double alone = sim::seconds_of(world.workload().work(sim::job_id(1))) /
                       (world.options().nodes[0].power * world.options().nodes[0].slots);
  const sim::Duration limit = sim::from_seconds(std::min(1e9, 3600 + 2 * alone));
  const bool live = verbosity != Verbosity::quiet && options.format == OutputFormat::text && isatty(STDERR_FILENO) == 1;
  run_with_live_line(world, collector, sim::WorldTime(limit), live);
  if (trace) {
    trace->finish(world.now());
    if (!file.flush()) {
      fmt::print(stderr, "gibbon: cannot write all of {}\n", *options.trace);
      return exit_failed;
    }
  }
  const sim::Summary summary = collector.summary();
  const std::string text =
      options.format == OutputFormat::json ? json_simulation(summary) : present_simulation(summary);
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written && summary.ended && summary.failed == 0 ? exit_ok : exit_failed;
}

}  // namespace agent::cli
