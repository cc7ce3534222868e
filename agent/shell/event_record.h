#pragma once
// What an agent does for jobs, and what it hears about them, as lines of JSON: the event record (--events).
//
// One object a line: {"v":1,"at":TIME,"node":NAME,"job":ID,"what":WORD, ...}. TIME is ISO 8601 in UTC by this machine's
// clock. Intervals are [[begin,end],...], half-open, of the job's outermost loop; peers are named as their certificates
// call them. What is of no single job (a peer that falls silent) has no "job", and belongs to all.
//
//   asking     probe, offer, busy        {peer, ...}            by us; answers of theirs
//   lending    grant, accept, refuse     {peer, branch, ...}    as master; with a grant how many helpers there are then
//              recall, returned, cancel, stolen
//   helping    granted, refused          {peer, branch, ...}    as helper
//   tasks      start, end                {piece, attempt, ...}  on this machine
//   results    commit                    {piece, attempt, outcome, by}   at the root, once for each iteration
//   again      redo {piece, peer, why: "lost"}, copy {piece, to, why: "silent"|"slow"}, retry after a task's own loss
//   trouble    silent, heard_again, lease_ended, lease_lapsed, orphaned, adopted, stall ...  {peer}
//   the end    verdict
//
// It watches and changes nothing. What it remembers of branches and questions goes when their jobs are forgotten.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/event.h"

namespace agent::shell {

class EventRecord {
 public:
  struct Callbacks {
    std::function<std::string()> node;  // our own name
    std::function<std::string(const core::NodeId&)> name_of;
    std::function<std::uint32_t(const core::JobId&)> helpers_of;  // of ours, in the job's outermost loop
    // Without a job: for all.
    std::function<void(const std::optional<core::JobId>&, std::string line)> write;
  };
  explicit EventRecord(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

  // `wall_ms`: since 1970, now.
  void on_step(std::int64_t wall_ms, const core::Event& event, const std::vector<core::Action>& actions);
  // Of a result that a peer brought: by whom it was made.
  void on_commit(std::int64_t wall_ms, const core::CommitReceived& committed, const std::string& executor);
  void forget(const core::JobId& job) {
    retain([&](const core::JobId& each) { return each != job; });
  }
  // Other jobs are forgotten.
  void retain(const std::function<bool(const core::JobId&)>& job);

 private:
  class Line;
  using BranchName = std::pair<core::NodeId, core::BranchId>;

  void received(const core::MessageReceived& event);
  void sent(const core::Send& order);
  void carried_out(const core::Action& action);
  void noticed(const core::Notice& notice);
  [[nodiscard]] Line line(const char* what, const std::optional<core::JobId>& job);
  [[nodiscard]] const core::JobId* lent(const core::NodeId& helper, core::BranchId branch) const;
  [[nodiscard]] const core::JobId* held(const core::NodeId& master, core::BranchId branch) const;

  Callbacks callbacks_;
  std::int64_t wall_ms_ = 0;
  std::map<BranchName, core::JobId> lent_;       // by us, to that helper
  std::map<BranchName, core::JobId> held_;       // by us, of that master
  std::map<std::uint64_t, core::JobId> probes_;  // by the request's number
  std::map<core::TaskId, std::pair<core::JobId, core::Interval>> tasks_;
};

}  // namespace agent::shell
