#include "agent/sim/chrome_trace.h"

#include <ostream>
#include <variant>

namespace agent::sim {

namespace {

Duration since_start(WorldTime at) {
  return at.time_since_epoch();
}

std::string name_of(const core::StartTask& order) {
  std::string name = "J" + std::to_string(number_of(order.job));
  for (const protocol::PathStep& step : order.path)
    name += "/" + std::to_string(step.iteration) + "." + std::to_string(step.ordinal);
  name += " " + std::to_string(order.piece.begin);
  if (order.piece.count() > 1) name += ".." + std::to_string(order.piece.end);
  if (order.attempt.value() > 0) name += " attempt " + std::to_string(order.attempt.value());
  return name;
}

std::string_view instant_name(core::Notice::What what) {
  using enum core::Notice::What;
  switch (what) {
    case suspected: return "suspected";
    case heard_again: return "heard again";
    case lease_ended: return "lease ended";
    case lease_lapsed: return "lease lapsed";
    case orphaned: return "orphaned";
    case adopted: return "adopted";
    case stalled: return "own stall";
    case piece_given_up: return "given up";
    case task_lost:
    case no_room:
    case cannot_start:
    case returned_to_todo:
    case redone:
    case copied:
    case overlapped:
    case late_result:
    case stolen:
    case mended:
    case refused:
    case referred:
    case called_back:
    case recalled:
    case strange:
    case lost: return {};
  }
  return {};
}

}  // namespace

ChromeTrace::ChromeTrace(std::ostream& out) : out_(out) {}

void ChromeTrace::on_node_started(NodeIndex node, WorldTime at) {
  if (processes_.insert(node).second) out_.process(node, "node " + std::to_string(node));
  out_.instant(node, since_start(at), "start");
}

void ChromeTrace::on_node_died(NodeIndex node, WorldTime at) {
  out_.instant(node, since_start(at), "death");
}

void ChromeTrace::on_fault(std::string_view name, NodeIndex node, WorldTime at) {
  out_.instant(node, since_start(at), name);
}

void ChromeTrace::on_step(const StepSeen& seen) {
  if (const auto* received = std::get_if<core::MessageReceived>(&seen.event)) {
    const auto* grant = std::get_if<protocol::Grant>(&received->message);
    const auto from = index_of(received->from);
    if (grant != nullptr && from) {
      const auto sent = grants_.find({*from, seen.node, grant->branch});
      if (sent != grants_.end()) {
        const bool stolen = grant->request != 0 && asks_.contains({seen.node, grant->request});
        const std::string_view name = stolen ? "steal" : "grant";
        out_.arrow(name, sent->second, out_.word(seen.node, since_start(seen.at), name));
        grants_.erase(sent);
      }
    }
  }
  for (const core::Action& action : seen.actions) {
    const auto* notice = std::get_if<core::Notice>(&action);
    if (notice == nullptr) continue;
    if (const std::string_view name = instant_name(notice->what); !name.empty())
      out_.instant(seen.node, since_start(seen.at), name);
  }
}

void ChromeTrace::on_sent(const SendSeen& seen) {
  if (const auto* ask = std::get_if<protocol::Ask>(&seen.send.message)) asks_.emplace(seen.from, ask->request);
  const auto* grant = std::get_if<protocol::Grant>(&seen.send.message);
  const auto to = index_of(seen.to);
  if (grant == nullptr || !to) return;
  const std::string name = "grant to node " + std::to_string(*to);
  grants_.insert_or_assign({seen.from, *to, grant->branch}, out_.word(seen.from, since_start(seen.at), name));
}

void ChromeTrace::on_task_began(const TaskSeen& seen) {
  const core::StartTask& order = seen.order;
  open_.insert_or_assign({seen.node, order.task},
                         Open{.name = sim::name_of(order), .thread = order.slot, .from = seen.at});
  const Point here{.process = seen.node, .thread = order.slot, .at = since_start(seen.at)};
  const auto key = std::pair(core::LoopId{.job = order.job, .path = order.path}, order.piece.begin);
  const auto [before, first] = runs_.try_emplace(key, here);
  if (first) return;
  out_.arrow("redo", before->second, here);
  before->second = here;
}

void ChromeTrace::close(const TaskKey& key, WorldTime at, std::string_view category) {
  const auto open = open_.find(key);
  if (open == open_.end()) return;
  out_.slice(key.first, open->second.thread, since_start(open->second.from), since_start(at), open->second.name,
             category);
  open_.erase(open);
}

void ChromeTrace::on_task_parked(const TaskSeen& seen) {
  close({seen.node, seen.order.task}, seen.at, "until join");
}

void ChromeTrace::on_task_resumed(const TaskSeen& seen) {
  open_.insert_or_assign({seen.node, seen.order.task},
                         Open{.name = sim::name_of(seen.order), .thread = seen.order.slot, .from = seen.at});
}

void ChromeTrace::on_task_gone(const TaskSeen& seen, TaskEnding ending) {
  std::string_view category = "done";
  if (ending == TaskEnding::failed) category = "failed";
  if (ending == TaskEnding::stopped) category = "stopped";
  if (ending == TaskEnding::lost) category = "lost";
  close({seen.node, seen.order.task}, seen.at, category);
}

void ChromeTrace::finish(WorldTime at) {
  while (!open_.empty()) close(open_.begin()->first, at, "unfinished");
  out_.end();
}

}  // namespace agent::sim
