#pragma once
// Whether what is wrong with a core would be seen: each planted defect (agent/core/planted.h) lives through seeds that
// pass without it until one of them fails.

#include <string>

#include "tests/sim/campaign.h"

namespace sim_test {

// `defect`: its name, or `all`. Prints defect, seed and what caught it. Returns 0 if all were caught, 1 if one was not,
// 2 if there is no such defect or this build can plant none.
[[nodiscard]] int try_defects(const std::string& defect, const CampaignOptions& options);

}  // namespace sim_test
