#pragma once
// How fast others are, and how dear an iteration is: measured on the work itself, declared by nobody.
//
// PowerMeter: the power of the subtree behind one link, for one loop, as its master sees it: iterations done there per
// second of the time in which it held some (Kalajdzic, eq. 4: P = W / t). What is reported was done evenly since the
// report before. Held time is cut into windows. At the end of each, all evidence so far loses the share
// `weight_of_newest` of its weight; as windows are of equal length, that is the exponentially weighted mean of their
// rates. To the evidence, iterations over time, are added `pseudo_iterations`
// done at the job's mean: a single first iteration says little, and a helper that has finished none loses standing
// while it holds some. Only successes count: a node on which everything fails at once is not powerful. Time in which
// the helper held nothing counts for nothing, nor does what comes in meanwhile, for it was not given that time.
//
// CostMeter: the mean task time of one iteration of a loop and how far single ones are from it, over all that was run
// here and reported by others.
//
// Invariants: no evidence is negative; held time in the open window is less than a window.

#include <chrono>
#include <cstdint>
#include <optional>

#include "agent/core/time.h"

namespace agent::core {

class PowerMeter {
 public:
  static constexpr Duration window = std::chrono::seconds(30);
  static constexpr double weight_of_newest = 0.3;
  static constexpr double pseudo_iterations = 4.0;

  // The helper holds iterations from now on; or it has run dry. No effect if that was so before.
  void held(Instant now);
  void dry(Instant now);
  // So many iterations have succeeded there.
  void done(Instant now, std::uint64_t iterations);

  // Iterations per second, > 0. `mean`: what a helper of this job does on average, > 0, if that is known. Nothing:
  // there is neither a mean nor an iteration done.
  [[nodiscard]] std::optional<double> per_second(Instant now, std::optional<double> mean) const;

  void check_invariants() const;

 private:
  struct Evidence {
    double iterations = 0.0;
    double seconds = 0.0;
  };
  [[nodiscard]] double unreported_seconds(Instant now) const;
  // Adds what is less than the rest of the open window, or all of it; then the window is closed.
  void add(Evidence evidence);

  Evidence closed_;                    // of all closed windows, by weight
  Evidence open_;                      // of the open one
  double unreported_ = 0.0;            // seconds held since the last report, those since `held_since_` not counted
  std::optional<Instant> held_since_;  // or since the last report, if that was later
};

class CostMeter {
 public:
  // A task that ran `iterations` >= 1 took `took`; a negative time, which only a peer can claim, counts as none.
  void observe(std::uint64_t iterations, Duration took);
  // At least 1 ns; nothing before the first observation.
  [[nodiscard]] std::optional<Duration> mean() const;
  // How long one iteration may take before it is a straggler: one and a half times the mean, and two standard deviations
  // on top, so that lengths which differ by nature are not all taken for slow nodes.
  [[nodiscard]] std::optional<Duration> straggling() const;

 private:
  double iterations_ = 0.0;
  double took_ns_ = 0.0;
  double squares_ns2_ = 0.0;
};

}  // namespace agent::core
