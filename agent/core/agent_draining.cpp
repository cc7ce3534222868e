// Loops of which nothing more is to begin (`--halt soon`): what was lent and has not been begun comes back.
//
//   owner --recall (all)--> helper --recall (all)--> its helpers ...
//      ^                      |  ^                        |
//      +-------returned-------+  +--------returned--------+
//
// Each helper is told once, and once more when its link was lost or the two ends differed. From then on nothing of that
// branch begins there or is lent on, and whatever becomes unstarted there goes up at once: what it has, what its own
// helpers return, what dead ones held. What runs goes on to its end and its result counts; so do the loops that such a
// task opens, since it waits for them. The owner ends the loop when nothing is out any more. It would wait for ever
// where a helper says that something runs and it never ends: what takes too long there is copied by its master, as
// always; it had begun.
//
// Who gives nothing back is treated as all who hoard (agent_hoarders.cpp), whether we are busy or not.
#include "agent/core/agent.h"

namespace agent::core {

void Agent::drain_branches() {
  for (auto& [key, branch] : branches_) {
    if (!branch.drains()) continue;
    const auto* master = std::get_if<Master>(&branch.upstream());
    if (master != nullptr && branch.partition().has_todo() && is_up(master->node))
      send_returned(*master, branch.return_unstarted(), protocol::ReturnReason::recalled);
    for (const auto& [node, known] : branch.helpers()) {
      if (known.recalled_all || known.held.empty() || known.reconciling || !is_up(node)) continue;
      branch.helper(node)->recalled_all = true;
      send(node, protocol::Recall{.branch = known.id, .what = protocol::recall_all});
    }
  }
}

}  // namespace agent::core
