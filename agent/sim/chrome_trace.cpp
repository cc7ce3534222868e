#include "agent/sim/chrome_trace.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <variant>

namespace agent::sim {

namespace {

constexpr Duration word_length = std::chrono::microseconds(20);

// Microseconds with their fraction, as the format has them.
std::string stamp(Duration span) {
  std::array<char, 40> text{};
  const std::int64_t ns = span.count();
  const int length = std::snprintf(text.data(), text.size(), "%lld.%03d", static_cast<long long>(ns / 1000),
                                   static_cast<int>(ns % 1000));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string stamp(WorldTime at) {
  return stamp(at.time_since_epoch());
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

ChromeTrace::ChromeTrace(std::ostream& out) : out_(out) {
  out_ << "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
}

void ChromeTrace::begin_record() {
  out_ << (first_ ? "\n" : ",\n");
  first_ = false;
}

void ChromeTrace::name_thread(NodeIndex node, std::uint32_t thread) {
  if (!threads_.emplace(node, thread).second) return;
  begin_record();
  const std::string name = thread == messages_thread ? "messages" : "slot " + std::to_string(thread);
  out_ << R"({"ph":"M","name":"thread_name","pid":)" << node << R"(,"tid":)" << thread << R"(,"args":{"name":")" << name
       << "\"}}";
}

void ChromeTrace::on_node_started(NodeIndex node, WorldTime at) {
  if (processes_.insert(node).second) {
    begin_record();
    out_ << R"({"ph":"M","name":"process_name","pid":)" << node << R"(,"args":{"name":"node )" << node << "\"}}";
    begin_record();
    out_ << R"({"ph":"M","name":"process_sort_index","pid":)" << node << R"(,"args":{"sort_index":)" << node << "}}";
  }
  instant(node, at, "start");
}

void ChromeTrace::on_node_died(NodeIndex node, WorldTime at) {
  instant(node, at, "death");
}

void ChromeTrace::on_fault(std::string_view name, NodeIndex node, WorldTime at) {
  instant(node, at, name);
}

void ChromeTrace::slice(NodeIndex node, std::uint32_t thread, WorldTime from, WorldTime to, std::string_view name,
                        std::string_view category) {
  name_thread(node, thread);
  begin_record();
  out_ << R"({"ph":"X","pid":)" << node << R"(,"tid":)" << thread << R"(,"ts":)" << stamp(from) << R"(,"dur":)"
       << stamp(std::max(Duration(1), to - from)) << R"(,"name":")" << name << R"(","cat":")" << category << "\"}";
}

void ChromeTrace::instant(NodeIndex node, WorldTime at, std::string_view name) {
  name_thread(node, messages_thread);
  begin_record();
  out_ << R"({"ph":"i","s":"p","pid":)" << node << R"(,"tid":)" << messages_thread << R"(,"ts":)" << stamp(at)
       << R"(,"name":")" << name << "\"}";
}

ChromeTrace::Point ChromeTrace::word(NodeIndex node, WorldTime at, std::string_view name) {
  const WorldTime from = std::max(at, said_until_[node]);
  said_until_[node] = from + word_length;
  slice(node, messages_thread, from, from + word_length, name, "message");
  return {.node = node, .thread = messages_thread, .at = from + word_length / 2};
}

void ChromeTrace::arrow(std::string_view name, const Point& from, const Point& to) {
  const std::uint64_t number = next_arrow_++;
  for (const bool start : {true, false}) {
    const Point& end = start ? from : to;
    begin_record();
    out_ << R"({"ph":")" << (start ? "s" : "f") << R"(","pid":)" << end.node << R"(,"tid":)" << end.thread
         << R"(,"ts":)" << stamp(end.at) << R"(,"id":)" << number << (start ? "" : R"(,"bp":"e")") << R"(,"name":")"
         << name << R"(","cat":")" << name << "\"}";
  }
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
        arrow(name, sent->second, word(seen.node, seen.at, name));
        grants_.erase(sent);
      }
    }
  }
  for (const core::Action& action : seen.actions) {
    const auto* notice = std::get_if<core::Notice>(&action);
    if (notice == nullptr) continue;
    if (const std::string_view name = instant_name(notice->what); !name.empty()) instant(seen.node, seen.at, name);
  }
}

void ChromeTrace::on_sent(const SendSeen& seen) {
  if (const auto* ask = std::get_if<protocol::Ask>(&seen.send.message)) asks_.emplace(seen.from, ask->request);
  const auto* grant = std::get_if<protocol::Grant>(&seen.send.message);
  const auto to = index_of(seen.to);
  if (grant == nullptr || !to) return;
  const std::string name = "grant to node " + std::to_string(*to);
  grants_.insert_or_assign({seen.from, *to, grant->branch}, word(seen.from, seen.at, name));
}

void ChromeTrace::on_task_began(const TaskSeen& seen) {
  const core::StartTask& order = seen.order;
  open_.insert_or_assign({seen.node, order.task},
                         Open{.name = sim::name_of(order), .thread = order.slot, .from = seen.at});
  const Point here{.node = seen.node, .thread = order.slot, .at = seen.at};
  const auto key = std::pair(core::LoopId{.job = order.job, .path = order.path}, order.piece.begin);
  const auto [before, first] = runs_.try_emplace(key, here);
  if (first) return;
  arrow("redo", before->second, here);
  before->second = here;
}

void ChromeTrace::close(const TaskKey& key, WorldTime at, std::string_view category) {
  const auto open = open_.find(key);
  if (open == open_.end()) return;
  slice(key.first, open->second.thread, open->second.from, at, open->second.name, category);
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
  out_ << "\n]}\n";
}

}  // namespace agent::sim
