#pragma once
// What the tasks of this node are doing or brought, from their start until the core says what becomes of it.
//
//   begin --TaskEnded, TaskLost--> the core says one of:  take (committed here)   keep, until drop (others commit it)
//   drop
//
// A long output is a file, which goes with its result unless it is taken.

#include <map>
#include <string>

#include "agent/core/action.h"
#include "agent/link/signed_notary.h"
#include "agent/shell/job_tasks.h"
#include "protocol/client.h"

namespace agent::shell {

class OwnTasks : public link::OwnResults {
 public:
  struct Task {
    core::LoopId loop;
    protocol::client::Result result;  // its outcome is not known before it is kept or taken
    core::Outcome outcome = core::Outcome::failed;
  };

  OwnTasks() = default;
  ~OwnTasks() override;

  // A blank result, for whoever knows more to fill it in.
  protocol::client::Result& begin(const core::StartTask& start);
  // Nothing: it is none of ours, or not any more.
  [[nodiscard]] Task* find(core::TaskId task);
  void keep(const core::KeepResult& kept);
  // REQUIRES: it is there.
  [[nodiscard]] protocol::client::Result take(core::TaskId task);
  void drop(core::TaskId task);
  [[nodiscard]] std::size_t count() const { return tasks_.size(); }

  [[nodiscard]] Result own_result(core::TaskId task) const override;

 private:
  std::map<core::TaskId, Task> tasks_;
};

// Of somebody else's task, as it was reported.
[[nodiscard]] protocol::client::Result received_result_of(const crypto::Result& result);
[[nodiscard]] protocol::client::Outcome outcome_of(core::Outcome outcome, std::int32_t signal);

}  // namespace agent::shell
