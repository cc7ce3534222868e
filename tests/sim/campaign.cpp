#include "tests/sim/campaign.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdio>
#include <map>
#include <sstream>
#include <utility>

namespace sim_test {

namespace {

using Steady = std::chrono::steady_clock;

Failure failure_of(Invariant invariant) {
  switch (invariant) {
    case Invariant::s1_commit_once:
    case Invariant::s3_branch_bound:
    case Invariant::s3_copies:
    case Invariant::s4_coverage:
    case Invariant::s6_attempts:
    case Invariant::s7_lease:
    case Invariant::s1_origin:
    case Invariant::s2_settled:
    case Invariant::s7_true_lease:
    case Invariant::s_started_once:
    case Invariant::s9_curfew:
    case Invariant::s7_mandate: return Failure::safety;
    case Invariant::r3_state:
    case Invariant::r5_messages:
    case Invariant::r6_reexecution: return Failure::bounds;
    case Invariant::p1_linked:
    case Invariant::p2_standing: return Failure::caller_duty;
    case Invariant::e1_nothing_left: return Failure::left_behind;
    case Invariant::l1_verdict: return Failure::liveness;
  }
  return Failure::safety;
}

int rank_of(Failure failure) {
  constexpr std::array order{Failure::none,   Failure::marks_missing, Failure::left_behind, Failure::liveness,
                             Failure::bounds, Failure::caller_duty,   Failure::determinism, Failure::hung,
                             Failure::safety, Failure::crashed};
  return static_cast<int>(std::ranges::find(order, failure) - order.begin());
}

// What a child tells its parent, as lines: numbers that are read back in the same order.
void write_result(std::ostream& out, const SeedResult& result) {
  const LifeReport& report = result.report;
  out << static_cast<int>(result.failure) << ' ' << report.trace_hash << ' ' << report.turns << ' ' << report.nodes
      << ' ' << report.planned_faults << ' ' << report.simulated.count() << '\n';
  for (const std::uint64_t count : report.marks) out << count << ' ';
  for (const std::uint64_t count : report.checks) out << count << ' ';
  out << report.faults.size() << '\n';
  for (const auto& [name, count] : report.faults) out << count << ' ' << name << '\n';
  out << result.what << '\n';
}

bool read_result(std::istream& in, SeedResult& result) {
  LifeReport& report = result.report;
  int failure = 0;
  std::int64_t simulated = 0;
  in >> failure >> report.trace_hash >> report.turns >> report.nodes >> report.planned_faults >> simulated;
  for (std::uint64_t& count : report.marks) in >> count;
  for (std::uint64_t& count : report.checks) in >> count;
  std::size_t faults = 0;
  in >> faults;
  for (std::size_t i = 0; in && i < faults; ++i) {
    std::uint64_t count = 0;
    std::string name;
    in >> count >> std::ws;
    std::getline(in, name);
    report.faults[name] = count;
  }
  in >> std::ws;
  std::getline(in, result.what);
  result.failure = static_cast<Failure>(failure);
  report.simulated = Duration(simulated);
  return !in.bad();
}

// Kinds of faults. (A death is a crash, and a restart is no fault.)
std::size_t kinds_that_struck(const LifeReport& report) {
  return static_cast<std::size_t>(std::ranges::count_if(
      report.faults, [](const auto& entry) { return entry.second > 0 && entry.first != "restart"; }));
}

// A seed in which little struck shows little.
std::string too_tame(const LifeReport& report) {
  const std::size_t kinds = kinds_that_struck(report);
  if (kinds < fault_kinds_min) return "only " + std::to_string(kinds) + " kinds of faults struck";
  return "";
}

SeedResult judge(std::uint64_t seed, const Reduction& reduction, int lives) {
  SeedResult result{.seed = seed, .report = live(seed, reduction, {})};
  for (const Violation& violation : result.report.violations) {
    const Failure failure = failure_of(violation.invariant);
    if (rank_of(failure) <= rank_of(result.failure)) continue;
    result.failure = failure;
    std::ostringstream what;
    what << name_of(violation.invariant) << " at " << agent::sim::seconds_of(violation.at.time_since_epoch())
         << " s: " << violation.what << " (" << result.report.violations.size() << " in all)";
    result.what = what.str();
  }
  if (result.failure == Failure::none && !reduction.faults && !reduction.nodes) {
    result.what = too_tame(result.report);
    if (!result.what.empty()) result.failure = Failure::marks_missing;
  }
  if (lives > 1 && live(seed, reduction, {}).trace_hash != result.report.trace_hash &&
      rank_of(Failure::determinism) > rank_of(result.failure)) {
    result.failure = Failure::determinism;
    result.what = "S10: two lives of this seed left different traces";
  }
  return result;
}

struct Child {
  pid_t pid = -1;
  int pipe = -1;
  std::uint64_t seed = 0;
};

Child start(std::uint64_t seed, const Reduction& reduction, int lives, std::optional<int> seconds_max) {
  std::array<int, 2> ends{};
  const int made = pipe(ends.data());
  assert(made == 0);
  (void)std::fflush(stdout);
  const pid_t pid = fork();
  assert(pid >= 0);
  if (pid == 0) {
    (void)close(ends[0]);
    (void)prctl(PR_SET_DUMPABLE, 0);  // a core file of each crash would take longer than its life
    if (seconds_max) (void)alarm(static_cast<unsigned>(*seconds_max));
    std::ostringstream out;
    write_result(out, judge(seed, reduction, lives));
    const std::string text = out.str();
    const bool written = write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(written ? 0 : 1);
  }
  (void)close(ends[1]);
  return {.pid = pid, .pipe = ends[0], .seed = seed};
}

SeedResult finish(const Child& child, int status) {
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = read(child.pipe, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(got));
  (void)close(child.pipe);
  SeedResult result{.seed = child.seed};
  if (WIFSIGNALED(status)) {
    result.failure = WTERMSIG(status) == SIGALRM ? Failure::hung : Failure::crashed;
    result.what = WTERMSIG(status) == SIGALRM ? "took too long" : "died of signal " + std::to_string(WTERMSIG(status));
    return result;
  }
  std::istringstream in(text);
  if (WEXITSTATUS(status) != 0 || !read_result(in, result)) {
    result.failure = Failure::crashed;
    result.what = "exit code " + std::to_string(WEXITSTATUS(status));
  }
  return result;
}

// What all seeds together have seen.
struct Totals {
  std::map<std::string, std::uint64_t> faults;
  MarkCounts marks{};
  std::array<std::uint64_t, invariant_count> checks{};
  std::uint64_t turns = 0;
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  double simulated_seconds = 0;
  std::size_t fewest_kinds = fault_kind_count;
  double shortest_seconds = 1e9;
  Failure worst = Failure::none;

  void add(const SeedResult& result) {
    ++seeds;
    failed += result.failure == Failure::none ? 0 : 1;
    if (rank_of(result.failure) > rank_of(worst)) worst = result.failure;
    for (const auto& [name, count] : result.report.faults) faults[name] += count;
    for (std::size_t i = 0; i < mark_count; ++i) marks[i] += result.report.marks[i];
    for (std::size_t i = 0; i < invariant_count; ++i) checks[i] += result.report.checks[i];
    turns += result.report.turns;
    if (result.failure == Failure::crashed || result.failure == Failure::hung) return;  // it left no report
    fewest_kinds = std::min(fewest_kinds, kinds_that_struck(result.report));
    shortest_seconds = std::min(shortest_seconds, agent::sim::seconds_of(result.report.simulated));
    simulated_seconds += agent::sim::seconds_of(result.report.simulated);
  }
};

void print_failure(const SeedResult& result, const Reduction& reduction, const std::string& program) {
  std::printf("FAILED seed %llu, %s: %s\n    %s --seed %llu --replay%s\n", static_cast<unsigned long long>(result.seed),
              std::string(name_of(result.failure)).c_str(), result.what.c_str(), program.c_str(),
              static_cast<unsigned long long>(result.seed), to_arguments(reduction).c_str());
  (void)std::fflush(stdout);
}

// What cannot happen in such lives: among liars nothing is asked to start at most once, and so nothing is lost.
bool is_awaited(Mark mark, const Reduction& reduction) {
  return mark != Mark::lost || !reduction.liars;
}

void print_row(std::string_view name, std::uint64_t count) {
  std::printf("  %-44.*s %12llu\n", static_cast<int>(name.size()), name.data(), static_cast<unsigned long long>(count));
}

void print_totals(const Totals& totals) {
  std::printf("\nfaults that struck\n");
  for (const auto& [name, count] : totals.faults) print_row(name, count);
  std::printf("\nmarks\n");
  for (std::size_t i = 0; i < mark_count; ++i) print_row(name_of(static_cast<Mark>(i)), totals.marks[i]);
  std::printf("\ninvariants checked (some hold in a calm pool only: --keep none)\n");
  for (std::size_t i = 0; i < invariant_count; ++i) print_row(name_of(static_cast<Invariant>(i)), totals.checks[i]);
  print_row("S10 determinism", totals.seeds);
}

}  // namespace

std::string_view name_of(Failure failure) {
  switch (failure) {
    case Failure::none: return "nothing";
    case Failure::marks_missing: return "marks missing";
    case Failure::left_behind: return "left behind";
    case Failure::liveness: return "liveness";
    case Failure::bounds: return "bounds";
    case Failure::caller_duty: return "caller's duty";
    case Failure::determinism: return "determinism";
    case Failure::safety: return "safety";
    case Failure::crashed: return "crashed";
    case Failure::hung: return "hung";
  }
  return "?";
}

SeedResult run_seed(std::uint64_t seed, const Reduction& reduction, int lives, std::optional<int> seconds_max) {
  const Child child = start(seed, reduction, lives, seconds_max);
  int status = 0;
  const pid_t gone = waitpid(child.pid, &status, 0);
  assert(gone == child.pid);
  return finish(child, status);
}

int run_campaign(const CampaignOptions& options, const std::string& program) {
  const auto began = Steady::now();
  const auto in_time = [&] {
    return !options.seconds_max || Steady::now() - began < std::chrono::seconds(*options.seconds_max);
  };
  Totals totals;
  std::map<pid_t, Child> children;
  std::uint64_t next = options.first;
  while (true) {
    while (children.size() < options.jobs && next <= options.last && in_time()) {
      const Child child = start(next++, options.reduction, 2, options.seconds_per_seed_max);
      children.emplace(child.pid, child);
    }
    if (children.empty()) break;
    int status = 0;
    const pid_t gone = waitpid(-1, &status, 0);
    const auto at = children.find(gone);
    if (at == children.end()) continue;
    const SeedResult result = finish(at->second, status);
    children.erase(at);
    totals.add(result);
    if (result.failure != Failure::none) print_failure(result, options.reduction, program);
  }
  print_totals(totals);
  const double seconds = std::chrono::duration<double>(Steady::now() - began).count();
  std::printf("\n%llu seeds, %llu failed, %.1f h simulated, %.1f M turns, %.1f s\n",
              static_cast<unsigned long long>(totals.seeds), static_cast<unsigned long long>(totals.failed),
              totals.simulated_seconds / 3600, static_cast<double>(totals.turns) / 1e6, seconds);
  std::printf("in each seed: %zu kinds of faults or more, %.0f s or more\n", totals.fewest_kinds,
              totals.shortest_seconds);
  if (next <= options.last)
    std::printf("time limit: seeds from %llu on were left out\n", static_cast<unsigned long long>(next));
  bool missing = false;
  for (std::size_t i = 0; options.marks_required && i < mark_count; ++i) {
    if (totals.marks[i] > 0 || !is_awaited(static_cast<Mark>(i), options.reduction)) continue;
    missing = true;
    std::printf("MISSING mark: %s never happened\n", std::string(name_of(static_cast<Mark>(i))).c_str());
  }
  if (missing && totals.worst == Failure::none) totals.worst = Failure::marks_missing;
  return static_cast<int>(totals.worst);
}

std::string to_arguments(const Reduction& reduction) {
  std::string text;
  if (reduction.flat) text += " --flat";
  if (reduction.liars) text += " --liars";
  if (reduction.nodes) text += " --nodes " + std::to_string(*reduction.nodes);
  if (!reduction.faults) return text;
  text += " --keep ";
  if (reduction.faults->empty()) return text + "none";
  for (const std::size_t fault : *reduction.faults) text += std::to_string(fault) + ",";
  text.pop_back();
  return text;
}

}  // namespace sim_test
