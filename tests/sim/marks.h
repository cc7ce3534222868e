#pragma once
// Rare things that a campaign must have seen: one that never happened was never tested.
//
// Each mark has a name for people and is counted from what agents say (notices) and send. They are derived here and not
// written into the core, which knows of no test.

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "agent/sim/world.h"

namespace sim_test {

enum class Mark {
  task_lost,
  piece_given_up,
  own_stall,
  suspicion,
  heard_again,
  lease_ended,
  lease_lapsed,
  redone,
  copied,
  third_copy,
  overlap,
  late_result,
  stolen,
  nested_steal,
  orphaned,
  adopted,
  mended,
  refused,
  referred,
  called_back,
  inner_loop_lent,
  forwarded_batch,
  hint_given,
  job_cancelled,
  verdict_hit,
  lowest_hit,
  halted,
  lost,
  recalled_on,
};
inline constexpr std::size_t mark_count = static_cast<std::size_t>(Mark::recalled_on) + 1;
[[nodiscard]] std::string_view name_of(Mark mark);

using MarkCounts = std::array<std::uint64_t, mark_count>;

class Marks : public agent::sim::Observer {
 public:
  explicit Marks(const agent::sim::World& world) : world_(world) {}

  void on_step(const agent::sim::StepSeen& seen) override;
  void on_sent(const agent::sim::SendSeen& seen) override;
  void on_task_began(const agent::sim::TaskSeen& seen) override;
  void on_task_gone(const agent::sim::TaskSeen& seen, agent::sim::TaskEnding ending) override;
  void on_fault(std::string_view name, agent::sim::NodeIndex, agent::sim::WorldTime) override { ++faults_[name]; }

  [[nodiscard]] const MarkCounts& counts() const { return counts_; }
  // Faults that really struck, by the world's name for them.
  [[nodiscard]] const std::map<std::string_view, std::uint64_t>& faults() const { return faults_; }

 private:
  void hit(Mark mark) { ++counts_[static_cast<std::size_t>(mark)]; }
  void on_notice(const agent::core::Notice& notice);

  const agent::sim::World& world_;
  MarkCounts counts_{};
  std::map<std::string_view, std::uint64_t> faults_;
  std::map<agent::core::JobId, std::vector<agent::core::Interval>> running_;  // of root loops
};

}  // namespace sim_test
