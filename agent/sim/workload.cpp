#include "agent/sim/workload.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>

namespace agent::sim {

namespace {

constexpr std::uint64_t summed_max = 4'096;

enum Purpose : std::uint64_t {
  for_cost,
  for_second,
  for_failing,
  for_hopeless,
  for_deaf,
  for_launcher,
  for_agent,
  for_nesting,
  for_loops,
  for_size
};

// In (0, 1].
double unit_of(std::uint64_t number) {
  return (static_cast<double>(number >> 11) + 1.0) * 0x1.0p-53;
}

// A draw whose mean is 1.
double draw(const Lengths& lengths, std::uint64_t first, std::uint64_t second) {
  const double u = unit_of(first);
  switch (lengths.kind) {
    case Lengths::Kind::constant: return 1.0;
    case Lengths::Kind::exponential: return -std::log(u);
    case Lengths::Kind::pareto: return (lengths.shape - 1.0) / lengths.shape * std::pow(u, -1.0 / lengths.shape);
    case Lengths::Kind::lognormal: {
      const double normal = std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * unit_of(second));
      return std::exp(lengths.shape * normal - lengths.shape * lengths.shape / 2.0);
    }
  }
  assert(false);
  return 1.0;
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Lengths> parse_lengths(std::string_view text, Duration mean) {
  using Kind = Lengths::Kind;
  if (text == "constant") return Lengths{.kind = Kind::constant, .mean = mean};
  if (text == "exponential") return Lengths{.kind = Kind::exponential, .mean = mean};
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<double> shape = parse_number(text.substr(colon + 1));
  if (!shape) return std::nullopt;
  const std::string_view name = text.substr(0, colon);
  if (name == "pareto" && *shape > 1.0 && *shape <= 100.0)
    return Lengths{.kind = Kind::pareto, .mean = mean, .shape = *shape};
  if (name == "lognormal" && *shape > 0.0 && *shape <= 4.0)
    return Lengths{.kind = Kind::lognormal, .mean = mean, .shape = *shape};
  return std::nullopt;
}

Workload::Workload(std::uint64_t seed, std::vector<JobPlan> plans) : seed_(seed), plans_(std::move(plans)) {
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    assert(plans_[i].terms.job == job_id(static_cast<std::uint32_t>(i + 1)));
    assert(plans_[i].terms.size.has_value());
  }
}

const JobPlan& Workload::plan(const core::JobId& job) const {
  const std::uint32_t number = number_of(job);
  assert(number >= 1 && number <= plans_.size());
  return plans_[number - 1];
}

std::uint64_t Workload::number_for(const core::JobId& job, const core::LoopPath& path, std::uint64_t index,
                                   std::uint64_t purpose) const {
  std::uint64_t number = mixed(seed_ ^ mixed(number_of(job) * 64 + purpose));
  for (const protocol::PathStep& step : path) number = mixed(mixed(number ^ step.iteration) + step.ordinal);
  return mixed(number ^ mixed(index));
}

Duration Workload::cost(const core::JobId& job, const core::LoopPath& path, std::uint64_t index) const {
  const Lengths& lengths = plan(job).lengths;
  const double drawn = draw(lengths, number_for(job, path, index, for_cost), number_for(job, path, index, for_second));
  return std::max(Duration(1), from_seconds(seconds_of(lengths.mean) * std::min(drawn, lengths.longest)));
}

Duration Workload::cost(const core::JobId& job, const core::LoopPath& path, core::Interval piece) const {
  assert(piece.begin < piece.end);
  if (piece.count() > summed_max)
    return from_seconds(seconds_of(plan(job).lengths.mean) * static_cast<double>(piece.count()));
  Duration sum{};
  for (std::uint64_t index = piece.begin; index < piece.end; ++index) sum += cost(job, path, index);
  return sum;
}

Fate Workload::fate(const core::JobId& job, const core::LoopPath& path, std::uint64_t index,
                    std::uint32_t failures) const {
  const Mishaps& mishaps = plan(job).mishaps;
  auto struck = [&](std::uint64_t every, Purpose purpose) {
    return every != 0 && number_for(job, path, index, purpose) % every == 0;
  };
  if (path.empty() && std::ranges::count(mishaps.hits, index) > 0) return Fate::hits;
  if (struck(mishaps.agent_poison_every, for_agent)) return Fate::kills_agent;
  if (struck(mishaps.launcher_poison_every, for_launcher)) return Fate::kills_launcher;
  if (struck(mishaps.hopeless_every, for_hopeless)) return Fate::fails;
  if (struck(mishaps.failing_every, for_failing) && failures < mishaps.failures) return Fate::fails;
  return Fate::succeeds;
}

bool Workload::ignores_stop(const core::JobId& job, const core::LoopPath& path, std::uint64_t index) const {
  const std::uint64_t every = plan(job).mishaps.deaf_every;
  return every != 0 && number_for(job, path, index, for_deaf) % every == 0;
}

std::vector<LoopStep> Workload::loop_steps(const core::JobId& job, const core::LoopPath& path,
                                           std::uint64_t index) const {
  const Nesting& nesting = plan(job).nesting;
  std::vector<LoopStep> steps;
  if (path.size() >= nesting.depth) return steps;
  if (number_for(job, path, index, for_nesting) % 100 >= nesting.percent) return steps;
  const Duration whole = cost(job, path, index);
  const auto loops = static_cast<std::uint32_t>(1 + number_for(job, path, index, for_loops) % nesting.loops_max);
  for (std::uint32_t ordinal = 0; ordinal < loops; ++ordinal) {
    const std::uint64_t range = nesting.size_max - nesting.size_min + 1;
    const std::uint64_t size = nesting.size_min + number_for(job, path, index, for_size + ordinal) % range;
    // Forked at 1/3 of its share of the run, joined at 2/3.
    const Duration share = whole / loops;
    const Duration begin = share * ordinal;
    steps.push_back({.what = LoopStep::What::fork, .at = begin + share / 3, .ordinal = ordinal, .size = size});
    steps.push_back({.what = LoopStep::What::join, .at = begin + share / 3 * 2, .ordinal = ordinal});
  }
  return steps;
}

Duration Workload::work_below(const core::JobId& job, core::LoopPath& path, std::uint64_t index) const {
  Duration sum = cost(job, path, index);
  for (const LoopStep& step : loop_steps(job, path, index)) {
    if (step.what != LoopStep::What::fork) continue;
    path.push_back({.iteration = index, .ordinal = step.ordinal});
    for (std::uint64_t inner = 0; inner < step.size; ++inner) sum += work_below(job, path, inner);
    path.pop_back();
  }
  return sum;
}

Duration Workload::work(const core::JobId& job) const {
  const JobPlan& of = plan(job);
  if (of.nesting.depth == 0 && of.lengths.kind == Lengths::Kind::constant) {
    const double seconds = seconds_of(of.lengths.mean) * static_cast<double>(*of.terms.size);
    return from_seconds(seconds);
  }
  Duration sum{};
  core::LoopPath path;
  for (std::uint64_t index = 0; index < *of.terms.size; ++index) sum += work_below(job, path, index);
  return sum;
}

Duration Workload::longest(const core::JobId& job) const {
  const JobPlan& of = plan(job);
  if (of.lengths.kind == Lengths::Kind::constant) return of.lengths.mean;
  Duration longest{};
  for (std::uint64_t index = 0; index < *of.terms.size; ++index) longest = std::max(longest, cost(job, {}, index));
  return longest;
}

}  // namespace agent::sim
