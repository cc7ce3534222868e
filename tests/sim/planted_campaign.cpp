#include "tests/sim/planted_campaign.h"

#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "agent/core/planted.h"

namespace sim_test {

#ifdef GIBBON_PLANTED_DEFECTS

namespace {

namespace core = agent::core;

class Trial {
 public:
  explicit Trial(const CampaignOptions& options) : options_(options) {
    ways_.push_back(options.reduction);
    Reduction calm = options.reduction;
    calm.faults.emplace();  // some rules hold only where nothing strikes
    ways_.push_back(calm);
    Reduction with_liars = options.reduction;
    with_liars.liars = true;
    ways_.push_back(with_liars);
  }

  // The first seed that passes as it is and fails with the defect: as it was drawn, without faults, or with liars.
  [[nodiscard]] bool catches(core::Defect defect) {
    const std::string name = std::string(core::defect_names[static_cast<std::size_t>(defect)]);
    for (std::uint64_t seed = options_.first; seed <= options_.last; ++seed) {
      for (std::size_t way = 0; way < ways_.size(); ++way) {
        if (!passes(seed, way)) continue;
        const SeedResult broken = live_with(defect, seed, way);
        if (broken.failure == Failure::none) continue;
        std::printf("%-18s seed %llu%s: %s, %s\n", name.c_str(), static_cast<unsigned long long>(seed),
                    to_arguments(ways_[way]).c_str(), std::string(name_of(broken.failure)).c_str(),
                    broken.what.c_str());
        (void)std::fflush(stdout);
        return true;
      }
    }
    std::printf("%-18s NOT CAUGHT by seeds %llu to %llu\n", name.c_str(),
                static_cast<unsigned long long>(options_.first), static_cast<unsigned long long>(options_.last));
    (void)std::fflush(stdout);
    return false;
  }

 private:
  [[nodiscard]] bool passes(std::uint64_t seed, std::size_t way) {
    const std::pair key(seed, way);
    const auto known = sound_.find(key);
    if (known != sound_.end()) return known->second;
    return sound_[key] = live_with(core::Defect::none, seed, way).failure == Failure::none;
  }

  [[nodiscard]] SeedResult live_with(core::Defect defect, std::uint64_t seed, std::size_t way) const {
    core::plant(defect);
    SeedResult result = run_seed(seed, ways_[way], 1, options_.seconds_per_seed_max);
    core::plant(core::Defect::none);
    return result;
  }

  CampaignOptions options_;
  std::vector<Reduction> ways_;
  std::map<std::pair<std::uint64_t, std::size_t>, bool> sound_;  // by seed and way
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
