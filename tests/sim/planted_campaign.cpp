#include "tests/sim/planted_campaign.h"

#include <cstdio>
#include <map>

#include "agent/core/planted.h"

namespace sim_test {

#ifdef GIBBON_PLANTED_DEFECTS

namespace {

namespace core = agent::core;

class Trial {
 public:
  explicit Trial(const CampaignOptions& options) : options_(options) {}

  // The first seed that passes as it is and fails with the defect.
  [[nodiscard]] bool catches(core::Defect defect) {
    const std::string name(core::defect_names[static_cast<std::size_t>(defect)]);
    std::size_t tried = 0;
    for (std::uint64_t seed = options_.first; seed <= options_.last; ++seed) {
      if (!passes(seed)) continue;
      ++tried;
      const SeedResult broken = live_with(defect, seed);
      if (broken.failure == Failure::none) continue;
      std::printf("%-18s seed %-4llu %-14s %s\n", name.c_str(), static_cast<unsigned long long>(seed),
                  std::string(name_of(broken.failure)).c_str(), broken.what.c_str());
      (void)std::fflush(stdout);
      return true;
    }
    std::printf("%-18s NOT CAUGHT by %zu seeds\n", name.c_str(), tried);
    (void)std::fflush(stdout);
    return false;
  }

 private:
  [[nodiscard]] bool passes(std::uint64_t seed) {
    const auto known = sound_.find(seed);
    if (known != sound_.end()) return known->second;
    return sound_[seed] = live_with(core::Defect::none, seed).failure == Failure::none;
  }

  [[nodiscard]] SeedResult live_with(core::Defect defect, std::uint64_t seed) const {
    core::plant(defect);
    SeedResult result = run_seed(seed, options_.reduction, 1, options_.seconds_per_seed_max);
    core::plant(core::Defect::none);
    return result;
  }

  CampaignOptions options_;
  std::map<std::uint64_t, bool> sound_;
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
