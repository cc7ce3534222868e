#include "agent/cli/simulate_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/cli/duration.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/present.h"
#include "agent/cli/present_json.h"
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
// What keeps every moment of a simulation within the 292 years that a clock of nanoseconds has.
constexpr std::chrono::hours duration_max{24};
constexpr std::chrono::seconds round_trip_max{1};  // agents wait two seconds for each other's answers
constexpr double power_min = 0.01;
constexpr double power_max = 1e6;
constexpr double even_span_max = 1e9;  // s
// What was seen at 100 to 10,000 nodes, rounded up: of a node with its links, and of a task that runs.
constexpr double node_bytes = 180e3;
constexpr double task_bytes = 1e3;

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
  if (!low || !high || *low < power_min || *high < *low || *high > power_max) return false;
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
  const auto read = [&](const char* name, std::chrono::nanoseconds& into, std::chrono::nanoseconds max,
                        std::string_view wanted) -> tl::expected<void, ScanError> {
    const auto text = raw.value(name);
    if (!text) return {};
    const auto duration = parse_duration(*text);
    if (!duration || *duration <= std::chrono::nanoseconds::zero() || *duration > max)
      return mistake(std::string("--") + name, *text, wanted);
    into = *duration;
    return {};
  };
  auto cost = read("cost", options.cost, duration_max, "a duration above 0 and up to a day (ms, s, m, h), such as 1s");
  if (!cost) return cost;
  return read("rtt", options.round_trip, round_trip_max, "a duration above 0 and up to a second, such as 0.5ms");
}

// A simulation that is too large would take the machine down with it long before it says anything.
tl::expected<void, ScanError> fits_memory(const SimulateOptions& options) {
  const double tasks = std::min(static_cast<double>(options.iterations), double{1} * options.nodes * options.slots);
  const double wanted = options.nodes * node_bytes + tasks * task_bytes;
  const double there = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (wanted <= there / 2) return {};
  return tl::make_unexpected(
      ScanError{fmt::format("simulating that takes some {:.0f} GB of memory, and this machine has {:.0f} GB",
                            wanted / 1e9, there / 1e9),
                "take fewer nodes or slots: --nodes, --slots"});
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

// The first Ctrl-C, TERM or HUP ends the simulation, and what there is of it is told; the second ends the program.
class StopSignals {
 public:
  StopSignals() {
    latest_ = 0;
    struct sigaction action {};
    action.sa_handler = [](int signal) { latest_ = signal; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < signals.size(); ++i) {
      (void)sigaction(signals[i], nullptr, &before_[i]);
      // Who starts a program with nohup means it.
      if (before_[i].sa_handler != SIG_IGN) (void)sigaction(signals[i], &action, nullptr);
    }
  }
  ~StopSignals() {
    for (std::size_t i = 0; i < signals.size(); ++i) (void)sigaction(signals[i], &before_[i], nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // 0: none came.
  [[nodiscard]] static int latest() { return latest_; }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};
  static inline volatile std::sig_atomic_t latest_ = 0;
  std::array<struct sigaction, signals.size()> before_{};
};

// The file of --trace.
class Timeline {
 public:
  // Errors: the reason why the file cannot be written.
  [[nodiscard]] static tl::expected<std::unique_ptr<Timeline>, std::string> open(const std::string& path,
                                                                                 sim::World& world) {
    auto timeline = std::make_unique<Timeline>();
    errno = 0;
    timeline->file_.open(path);
    if (!timeline->file_) return tl::make_unexpected(std::string(std::strerror(errno)));
    timeline->trace_.emplace(timeline->file_);
    world.watch(*timeline->trace_);
    return timeline;
  }

  [[nodiscard]] bool failed() const { return !file_; }
  [[nodiscard]] bool finish(sim::WorldTime at) {
    if (file_) trace_->finish(at);
    return static_cast<bool>(file_.flush());
  }
  // The stream has forgotten why it failed: it is made to fail again.
  [[nodiscard]] std::string reason() {
    file_.clear();
    errno = 0;
    (void)file_.flush();
    return std::strerror(errno == 0 ? EIO : errno);
  }

 private:
  std::ofstream file_;
  std::optional<sim::ChromeTrace> trace_;
};

// Until the job has ended, its time is up, a signal came or the timeline cannot be written. Shows simulated time and
// what is done, on a terminal, once per simulated second.
void run_with_live_line(sim::World& world, const sim::SummaryCollector& collector, const Timeline* timeline,
                        sim::WorldTime end, bool live) {
  while (!world.jobs_ended() && world.now() < end && StopSignals::latest() == 0) {
    (void)world.run_jobs(std::min(end, world.now() + live_line_period), [] { return StopSignals::latest() != 0; });
    if (timeline != nullptr && timeline->failed()) break;
    if (!live) continue;
    const double share =
        100.0 * static_cast<double>(collector.committed()) / static_cast<double>(*world.options().jobs[0].terms.size);
    fmt::print(stderr, "\r\033[Ksimulating: {:.0f} s, {:.1f}% done", sim::seconds_of(world.now().time_since_epoch()),
               share);
    (void)std::fflush(stderr);
  }
  if (live) fmt::print(stderr, "\r\033[K");
}

int complain(const SimulateOptions& options, const std::string& message, const std::string& hint) {
  const bool json = options.format == OutputFormat::json;
  const std::string text = json ? json_error("simulate", message, hint) : error_text(message, hint);
  (void)std::fwrite(text.data(), 1, text.size(), json ? stdout : stderr);
  return exit_failed;
}

// Returns the exit code, `good` if all went well.
int print(const SimulateOptions& options, const sim::Summary& summary, int good) {
  const std::string text =
      options.format == OutputFormat::json ? json_simulation(summary) : present_simulation(summary);
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return good;
  if (errno == EPIPE) return exit_broken_pipe;
  const std::string message = fmt::format("cannot write to standard output: {}", std::strerror(errno));
  const std::string complaint = error_text(message, "");
  (void)std::fwrite(complaint.data(), 1, complaint.size(), stderr);
  return exit_failed;
}

}  // namespace

namespace {

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

}  // namespace

std::string present_simulation(const sim::Summary& s) {
  std::string text;
  if (s.ended) {
    text += fmt::format("{} on {} in {:.2f} s\n", counted(s.committed, "iteration"), counted(s.nodes, "node"),
                        sim::seconds_of(s.makespan));
  } else {
    text += fmt::format("not ended after {:.2f} s: {} of {} done\n", sim::seconds_of(s.makespan), s.committed,
                        counted(s.iterations, "iteration"));
  }
  const auto row = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<12}{}\n", name, value);
  };
  row("ideal", fmt::format("{:.2f} s", sim::seconds_of(s.ideal)) +
                   (s.ended ? fmt::format(", ratio {:.3f}", s.ratio) : std::string()));
  if (s.recruited_99)
    row("recruited", fmt::format("99% of the living nodes after {:.1f} ms", sim::seconds_of(*s.recruited_99) * 1e3));
  row("worked", fmt::format("{} of {}, tree of depth {}", s.helped, counted(s.nodes, "node"), s.depth));
  row("messages", fmt::format("{:.2f} per node and second, {:.1f} at the busiest, {:.0f} B/s", s.messages_mean,
                              s.messages_busiest, s.bytes_mean));
  if (s.ended) {
    row("redone", fmt::format("{} iterations ({:.2f}%)", s.redone,
                              100.0 * static_cast<double>(s.redone) / static_cast<double>(s.iterations)));
  }
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
  if (!s.ended) json["ratio"] = json["redone"] = nullptr;  // as long as something runs, nobody knows
  json["recruited_99"] = nullptr;
  if (s.recruited_99) json["recruited_99"] = sim::seconds_of(*s.recruited_99);
  return json.dump() + "\n";
}

tl::expected<SimulateOptions, ScanError> simulate_options(const RawOptions& raw) {
  SimulateOptions options;
  if (auto read = read_counts(raw, options); !read) return tl::make_unexpected(read.error());
  if (auto read = read_durations(raw, options); !read) return tl::make_unexpected(read.error());
  if (const auto powers = raw.value("powers"); powers && !read_powers(*powers, options))
    return mistake("--powers", *powers, "a power from 0.01 to 1000000 or a range from low to high, such as 1 or 1:4");
  if (const auto killed = raw.value("kill"); killed && !read_share(*killed, options.killed))
    return mistake("--kill", *killed, "a share from 0% to 100%, such as 10%");
  options.lengths = raw.value("lengths").value_or(options.lengths);
  if (!sim::parse_lengths(options.lengths, options.cost))
    return mistake("--lengths", options.lengths,
                   "constant, exponential, pareto:ALPHA (above 1, up to 100) or lognormal:SIGMA (above 0, up to 4)");
  const double power = options.nodes * options.slots * (options.power_low + options.power_high) / 2;
  if (sim::seconds_of(options.cost) * options.iterations / power > even_span_max) {
    return tl::make_unexpected(ScanError{"even all nodes together would need more than 30 years for that",
                                         "take fewer iterations or shorter ones: --iterations, --cost"});
  }
  if (const auto enough = fits_memory(options); !enough) return tl::make_unexpected(enough.error());
  options.trace = raw.value("trace");
  options.format = raw.has("json") ? OutputFormat::json : OutputFormat::text;
  return options;
}

int simulate(const SimulateOptions& options, Verbosity verbosity) {
  sim::World world(world_of(options));
  sim::SummaryCollector collector(world);
  world.watch(collector);
  std::unique_ptr<Timeline> timeline;
  if (options.trace) {
    auto opened = Timeline::open(*options.trace, world);
    if (!opened) {
      return complain(options, fmt::format("cannot write the timeline {}: {}", *options.trace, opened.error()),
                      "name a file in a directory that you can write to: --trace FILE");
    }
    timeline = *std::move(opened);
  }
  const StopSignals signals;
  // Random moments of the time that the job would take at best; the root lives.
  sim::plan(world, {.killed = options.killed, .from = sim::WorldTime(warm_up), .within = sim::even_span(world)},
            options.seed + 1);
  // One node alone may have to do it all.
  const double alone = sim::seconds_of(world.workload().work(sim::job_id(1))) /
                       (world.options().nodes[0].power * world.options().nodes[0].slots);
  const sim::Duration limit = sim::from_seconds(std::min(2 * even_span_max, 3600 + 2 * alone));
  const bool live = verbosity != Verbosity::quiet && options.format == OutputFormat::text && isatty(STDERR_FILENO) == 1;
  run_with_live_line(world, collector, timeline.get(), sim::WorldTime(limit), live);
  if (timeline && !timeline->finish(world.now())) {
    return complain(options, fmt::format("cannot write all of the timeline {}: {}", *options.trace, timeline->reason()),
                    "name a file elsewhere: --trace FILE");
  }
  const sim::Summary summary = collector.summary();
  const int good = summary.ended && summary.failed == 0 ? exit_ok : exit_failed;
  const int signal = StopSignals::latest();
  if (signal == 0) return print(options, summary, good);
  return print(options, summary, signal == SIGINT ? exit_interrupted : exit_terminated);
}

}  // namespace agent::cli
