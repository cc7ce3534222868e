// Taking faults and nodes away from a seed that fails, as long as it fails in the same way.

#include <algorithm>
#include <cstdio>

#include "tests/sim/campaign.h"

namespace sim_test {

namespace {

constexpr int seconds_per_try = 120;

class Shrinker {
 public:
  Shrinker(std::uint64_t seed, Failure wanted)
      : seed_(seed), lives_(wanted == Failure::determinism ? 2 : 1), wanted_(wanted) {}

  [[nodiscard]] bool fails(const Reduction& reduction) {
    ++tries_;
    return run_seed(seed_, reduction, lives_, seconds_per_try).failure == wanted_;
  }

  // Halves, quarters, ... of the faults, then single ones.
  void drop_faults(Reduction& reduction) {
    for (std::size_t part = reduction.faults->size(); part >= 1; part /= 2) {
      std::vector<std::size_t> left(reduction.faults->begin(), reduction.faults->end());
      for (std::size_t from = 0; from < left.size(); from += part) {
        Reduction smaller = reduction;
        for (std::size_t i = from; i < std::min(from + part, left.size()); ++i) smaller.faults->erase(left[i]);
        if (smaller.faults->size() < reduction.faults->size() && fails(smaller)) reduction = smaller;
      }
    }
  }

  void drop_nodes(Reduction& reduction) {
    for (std::uint32_t least = 1; least < *reduction.nodes;) {
      Reduction smaller = reduction;
      smaller.nodes = least + (*reduction.nodes - least) / 2;
      if (fails(smaller)) {
        reduction = smaller;
      } else {
        least = *smaller.nodes + 1;
      }
    }
  }

  [[nodiscard]] int tries() const { return tries_; }

 private:
  std::uint64_t seed_;
  int lives_;
  Failure wanted_;
  int tries_ = 0;
};

}  // namespace

int shrink(std::uint64_t seed, const Reduction& begin, const std::string& program) {
  const SeedResult whole = run_seed(seed, begin, 2, std::nullopt);
  if (whole.failure == Failure::none) {
    std::printf("seed %llu does not fail\n", static_cast<unsigned long long>(seed));
    return 0;
  }
  const Scenario scenario = draw_scenario(seed, begin);
  Reduction reduction = begin;
  reduction.nodes = static_cast<std::uint32_t>(scenario.world.nodes.size());
  if (!reduction.faults) {
    reduction.faults.emplace();
    for (std::size_t i = 0; i < scenario.faults.size(); ++i) reduction.faults->insert(i);
  }
  Shrinker shrinker(seed, whole.failure);
  if (Reduction flat = reduction; !begin.flat && (flat.flat = true, shrinker.fails(flat))) reduction = flat;
  shrinker.drop_faults(reduction);
  shrinker.drop_nodes(reduction);
  shrinker.drop_faults(reduction);
  const SeedResult least = run_seed(seed, reduction, 1, std::nullopt);
  std::printf("%s: %s\n%u nodes, %zu of %zu faults, after %d tries\n    %s --seed %llu --replay%s\n",
              std::string(name_of(whole.failure)).c_str(), least.what.c_str(), *reduction.nodes,
              reduction.faults->size(), scenario.faults.size(), shrinker.tries(), program.c_str(),
              static_cast<unsigned long long>(seed), to_arguments(reduction).c_str());
  return static_cast<int>(whole.failure);
}

}  // namespace sim_test
