#include "tests/sim/trace_hash.h"

#include "agent/sim/names.h"

namespace sim_test {

namespace sim = agent::sim;

void TraceHash::add(std::uint64_t number) {
  value_ = sim::mixed(value_ ^ number);
}

void TraceHash::on_step(const sim::StepSeen& seen) {
  add(seen.node);
  add(static_cast<std::uint64_t>(seen.at.time_since_epoch().count()));
  add(static_cast<std::uint64_t>(seen.now.time_since_epoch().count()));
  add(seen.event.index());
  for (const agent::core::Action& action : seen.actions) add(action.index());
}

void TraceHash::on_sent(const sim::SendSeen& seen) {
  add(seen.send.message.index());
  add(seen.send.sequence);
  add(seen.send.heard);
  add(seen.bytes.size());
  add(sim::index_of(seen.to).value_or(~0U));
}

void TraceHash::on_task_began(const sim::TaskSeen& seen) {
  add(seen.order.task.value());
  add(seen.order.piece.begin);
  add(seen.order.piece.end);
  add(seen.order.attempt.value());
}

void TraceHash::on_task_gone(const sim::TaskSeen& seen, sim::TaskEnding ending) {
  add(seen.order.task.value());
  add(static_cast<std::uint64_t>(ending));
}

}  // namespace sim_test
