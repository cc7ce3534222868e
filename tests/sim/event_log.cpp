#include "tests/sim/event_log.h"

#include <iomanip>
#include <ostream>

#include "tests/sim/notation.h"

namespace sim_test {

namespace sim = agent::sim;

namespace {

std::ostream& put_time(std::ostream& out, sim::WorldTime at) {
  return out << std::fixed << std::setprecision(6) << sim::seconds_of(at.time_since_epoch());
}

}  // namespace

void EventLog::on_step(const sim::StepSeen& seen) {
  put_time(out_, seen.at) << " N" << seen.node << " " << print(seen.event) << '\n';
  for (const agent::core::Action& action : seen.actions) out_ << "    " << print(action) << '\n';
  out_.flush();  // what is carried out now may be the last that anybody sees
}

void EventLog::on_fault(std::string_view name, sim::NodeIndex node, sim::WorldTime at) {
  put_time(out_, at) << " FAULT " << name << " N" << node << '\n';
}

}  // namespace sim_test
