#include "tests/sim/planted_campaign.h"

#include <cstdio>
#include <map>
#include <utility>

#include "agent/core/planted.h"

namespace sim_test {

#ifdef GIBBON_PLANTED_DEFECTS

namespace {

namespace core = agent::core;

class Trial {
 public:
  explicit Trial(const CampaignOptions& options) : options_(options) {}

  // The first seed that passes as it is and fails with the defect: without liars, or else with them.
  [[nodiscard]] bool catches(core::Defect defect) { return catches(defect, false) || catches(defect, true); }

 private:
  [[nodiscard]] bool catches(core::Defect defect, bool liars) {
    const std::string name = std::string(core::defect_names[static_cast<std::size_t>(defect)]);
    options_.reduction.liars = liars;
    std::size_t tried = 0;
    for (std::uint64_t seed = options_.first; seed <= options_.last; ++seed) {
      if (!passes(seed)) continue;
      ++tried;
      const SeedResult broken = live_with(defect, seed);
      if (broken.failure == Failure::none) continue;
      std::printf("%-18s seed %-4llu%s %-14s %s\n", name.c_str(), static_cast<unsigned long long>(seed),
                  liars ? " --liars" : "", std::string(name_of(broken.failure)).c_str(), broken.what.c_str());
      (void)std::fflush(stdout);
      return true;
    }
    std::printf("%-18s NOT CAUGHT by %zu seeds%s\n", name.c_str(), tried, liars ? " with liars" : "");
    (void)std::fflush(stdout);
    return false;
  }

  [[nodiscard]] bool passes(std::uint64_t seed) {
    const std::pair key(seed, options_.reduction.liars);
    const auto known = sound_.find(key);
    if (known != sound_.end()) return known->second;
    return sound_[key] = live_with(core::Defect::none, seed).failure == Failure::none;
  }

  [[nodiscard]] SeedResult live_with(core::Defect defect, std::uint64_t seed) const {
    core::plant(defect);
    SeedResult result = run_seed(seed, options_.reduction, 1, options_.seconds_per_seed_max);
    core::plant(core::Defect::none);
    return result;
  }

  CampaignOptions options_;
  std::map<std::pair<std::uint64_t, bool>, bool> sound_;  // by seed, and whether there are liars
};

}  // namespace

int try_defects(const std::string& defect, const CampaignOptions& options) {
  Trial trial(options);
  bool found = false, caught = true;
  for (std::size_t i = 1; i < core::defect_names.size(); ++i) {
    if (defect != "all" && defect != core::defect_names[i]) continue;
    found = true;
    caught = trial.catches(static_cast<core::Defect>(i)) && caught;
  }
  if (!found) return 2;
  return caught ? 0 : 1;
}

#else

int try_defects(const std::string&, const CampaignOptions&) {
  (void)std::fputs("this build plants no defects: cmake --preset planted\n", stderr);
  return 2;
}

#endif

}  // namespace sim_test
