#pragma once
// How many iterations of a range one process gets at once.
//
// Nobody knows the cost of an iteration beforehand, so the first pieces are single iterations and grow, at most
// eightfold from one observation to the next, until one takes about `grain`. Start-up cost makes small pieces look
// dear, which only slows the growth; it can not stop it. Near the end pieces shrink so that the executors finish
// together, but not below what is worth a process (`worth_a_process`).
//
// Invariant: the size is at least 1; an estimate exists exactly after the first observation.

#include <cstdint>
#include <optional>

#include "agent/core/time.h"

namespace agent::core {

class PieceSizer {
 public:
  // `grain` > 0: the time that a piece should take.
  explicit PieceSizer(Duration grain);

  // A piece of `iterations` >= 1 took `elapsed`.
  void observe(std::uint64_t iterations, Duration elapsed);

  // The size of the next piece when `unstarted` >= 1 iterations remain for `executors` >= 1 slots; in [1, unstarted].
  [[nodiscard]] std::uint64_t next(std::uint64_t unstarted, std::uint32_t executors) const;

 private:
  struct Observation {
    double iterations = 0.0;
    double took = 0.0;  // nanoseconds
  };
  [[nodiscard]] double wanted_after(const Observation& latest) const;

  static constexpr double growth_max = 8.0;
  static constexpr Duration worth_a_process = std::chrono::milliseconds(50);

  Duration grain_;
  std::optional<Observation> smaller_;  // the latest one of a piece smaller than the latest
  std::optional<Observation> latest_;
  double size_ = 1.0;
  double floor_ = 1.0;  // iterations that take about `worth_a_process`
};

}  // namespace agent::core
