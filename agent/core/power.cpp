#include "agent/core/power.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace agent::core {

namespace {

constexpr double window_seconds = std::chrono::duration<double>(PowerMeter::window).count();
// After so many windows nothing is left of any evidence before them.
constexpr double windows_remembered = 100.0;

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void PowerMeter::held(Instant now) {
  if (!held_since_) held_since_ = now;
}

void PowerMeter::dry(Instant now) {
  unreported_ = unreported_seconds(now);
  held_since_.reset();
}

double PowerMeter::unreported_seconds(Instant now) const {
  assert(!held_since_ || *held_since_ <= now);
  return unreported_ + (held_since_ ? seconds_of(now - *held_since_) : 0.0);
}

void PowerMeter::done(Instant now, std::uint64_t iterations) {
  if (!held_since_) return;
  Evidence left{.iterations = static_cast<double>(iterations), .seconds = unreported_seconds(now)};
  unreported_ = 0.0;
  held_since_ = now;
  const double rate = left.seconds > 0.0 ? left.iterations / left.seconds : 0.0;
  // Whole windows of one rate all look alike: of very many, the oldest need not be gone through.
  if (left.seconds > windows_remembered * window_seconds) {
    left = {.iterations = rate * windows_remembered * window_seconds, .seconds = windows_remembered * window_seconds};
  }
  while (open_.seconds + left.seconds >= window_seconds) {
    const double part = window_seconds - open_.seconds;
    add({.iterations = rate * part, .seconds = part});
    left.iterations = std::max(0.0, left.iterations - rate * part);
    left.seconds = std::max(0.0, left.seconds - part);
  }
  add(left);
}

void PowerMeter::add(Evidence evidence) {
  open_.iterations += evidence.iterations;
  open_.seconds += evidence.seconds;
  if (open_.seconds < window_seconds) return;
  constexpr double kept = 1.0 - weight_of_newest;
  closed_.iterations = kept * (closed_.iterations + open_.iterations);
  closed_.seconds = kept * (closed_.seconds + open_.seconds);
  open_ = {};
}

std::optional<double> PowerMeter::per_second(Instant now, std::optional<double> mean) const {
  assert(!mean || *mean > 0.0);
  double iterations = closed_.iterations + open_.iterations;
  double seconds = closed_.seconds + open_.seconds + unreported_seconds(now);
  if (mean) {
    iterations += pseudo_iterations;
    seconds += pseudo_iterations / *mean;
  }
  if (iterations <= 0.0) return std::nullopt;
  return iterations / std::max(seconds, seconds_of(Duration(1)));
}

void PowerMeter::check_invariants() const {
  assert(closed_.iterations >= 0.0 && closed_.seconds >= 0.0);
  assert(open_.iterations >= 0.0 && open_.seconds >= 0.0 && open_.seconds < window_seconds);
  assert(unreported_ >= 0.0);
}

void CostMeter::observe(std::uint64_t iterations, Duration took) {
  assert(iterations >= 1);
  iterations_ += static_cast<double>(iterations);
  const double took_ns = static_cast<double>(std::max(took, Duration::zero()).count());
  took_ns_ += took_ns;
  squares_ns2_ += took_ns * took_ns / static_cast<double>(iterations);
}

namespace {

Duration duration_of(double ns) {
  if (ns >= static_cast<double>(Duration::max().count())) return Duration::max();
  return std::max(Duration(1), Duration(static_cast<Duration::rep>(ns)));
}

}  // namespace

std::optional<Duration> CostMeter::mean() const {
  if (iterations_ <= 0.0) return std::nullopt;
  return duration_of(took_ns_ / iterations_);
}

std::optional<Duration> CostMeter::straggling() const {
  if (iterations_ <= 0.0) return std::nullopt;
  const double mean_ns = took_ns_ / iterations_;
  const double variance = std::max(0.0, squares_ns2_ / iterations_ - mean_ns * mean_ns);
  return duration_of(1.5 * mean_ns + 2.0 * std::sqrt(variance));
}

}  // namespace agent::core
