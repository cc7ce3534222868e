#include "agent/shell/own_tasks.h"

#include <cassert>
#include <utility>

#include "agent/shell/delivery.h"

namespace agent::shell {

namespace client = protocol::client;

namespace {

crypto::Outcome signed_outcome(core::Outcome outcome, std::int32_t signal) {
  switch (outcome) {
    case core::Outcome::ok: return crypto::Outcome::ok;
    case core::Outcome::hit: return crypto::Outcome::hit;
    case core::Outcome::failed: return signal == 0 ? crypto::Outcome::failed : crypto::Outcome::killed;
    case core::Outcome::lost: return crypto::Outcome::lost;
  }
  assert(false);
  return {};
}

crypto::Output signed_output(const client::Output& output) {
  if (const auto* bytes = std::get_if<protocol::Bytes>(&output)) return *bytes;
  return crypto::BlobReference{.digest = {}, .size_bytes = std::get<client::File>(output).size_bytes};
}

client::Output received_output(const crypto::Output& output) {
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&output)) return *bytes;
  return protocol::Bytes();
}

}  // namespace

client::Outcome outcome_of(core::Outcome outcome, std::int32_t signal) {
  switch (outcome) {
    case core::Outcome::ok: return client::Outcome::ok;
    case core::Outcome::hit: return client::Outcome::hit;
    case core::Outcome::failed: return signal == 0 ? client::Outcome::failed : client::Outcome::killed;
    case core::Outcome::lost: return client::Outcome::lost;
  }
  assert(false);
  return {};
}

OwnTasks::~OwnTasks() {
  for (const auto& [id, task] : tasks_) remove_output_files(task.result);
}

client::Result& OwnTasks::begin(const core::StartTask& start) {
  const auto [at, added] = tasks_.try_emplace(start.task);
  assert(added);
  Task& task = at->second;
  task.loop = {.job = start.job, .path = start.path};
  task.result.covers = start.piece;
  task.result.attempt = start.attempt.value();
  return task.result;
}

OwnTasks::Task* OwnTasks::find(core::TaskId task) {
  const auto at = tasks_.find(task);
  return at == tasks_.end() ? nullptr : &at->second;
}

void OwnTasks::keep(const core::KeepResult& kept) {
  tasks_.at(kept.task).outcome = kept.outcome;
}

client::Result OwnTasks::take(core::TaskId task) {
  const auto at = tasks_.find(task);
  assert(at != tasks_.end());
  client::Result result = std::move(at->second.result);
  tasks_.erase(at);
  return result;
}

void OwnTasks::drop(core::TaskId task) {
  const auto at = tasks_.find(task);
  if (at == tasks_.end()) return;
  remove_output_files(at->second.result);
  tasks_.erase(at);
}

link::OwnResults::Result OwnTasks::own_result(core::TaskId id) const {
  const Task& task = tasks_.at(id);
  const client::Result& from = task.result;
  crypto::Result result;
  result.covers = {{.begin = from.covers.begin, .end = from.covers.end}};
  result.attempt = from.attempt;
  result.outcome = signed_outcome(task.outcome, from.signal);
  result.exit_code = from.exit;
  result.signal = from.signal;
  result.reason = from.reason.substr(0, crypto::result_reason_bytes_max);
  result.start_wall_ms = from.start_wall_ms;
  result.duration_ns = from.duration_ns;
  result.user_ns = from.user_ns;
  result.system_ns = from.system_ns;
  result.peak_kib = from.peak_kib;
  result.out = signed_output(from.out);
  result.err = signed_output(from.err);
  return {.loop = task.loop, .result = std::move(result)};
}

client::Result received_result_of(const crypto::Result& from) {
  client::Result result;
  result.covers = {.begin = from.covers.front().begin, .end = from.covers.front().end};
  result.attempt = from.attempt;
  result.exit = from.exit_code;
  result.signal = from.signal;
  result.reason = from.reason;
  result.start_wall_ms = from.start_wall_ms;
  result.duration_ns = from.duration_ns;
  result.user_ns = from.user_ns;
  result.system_ns = from.system_ns;
  result.peak_kib = from.peak_kib;
  result.out = received_output(from.out);
  result.err = received_output(from.err);
  return result;
}

}  // namespace agent::shell
