#include "agent/shell/event_record.h"

#include <cassert>
#include <nlohmann/json.hpp>
#include <variant>

#include "agent/shell/system.h"

namespace agent::shell {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(core::Interval interval) {
  return Json::array({interval.begin, interval.end});
}

Json json_of(const std::vector<core::Interval>& intervals) {
  Json list = Json::array();
  for (const core::Interval& each : intervals) list.push_back(json_of(each));
  return list;
}

std::uint64_t count_of(const std::vector<core::Interval>& intervals) {
  std::uint64_t count = 0;
  for (const core::Interval& each : intervals) count += each.count();
  return count;
}

const char* word_of(core::Outcome outcome) {
  switch (outcome) {
    case core::Outcome::ok: return "ok";
    case core::Outcome::hit: return "hit";
    case core::Outcome::failed: return "failed";
    case core::Outcome::lost: return "lost";
  }
  assert(false);
  return "";
}

const char* word_of(core::TaskEnded::How how) {
  switch (how) {
    case core::TaskEnded::How::exited: return "exited";
    case core::TaskEnded::How::killed: return "killed";
    case core::TaskEnded::How::timed_out: return "timed_out";
    case core::TaskEnded::How::stopped: return "stopped";
    case core::TaskEnded::How::could_not_start: return "could_not_start";
  }
  assert(false);
  return "";
}

const char* word_of(core::TaskLost::Cause cause) {
  switch (cause) {
    case core::TaskLost::Cause::launcher_died: return "launcher_died";
    case core::TaskLost::Cause::deadline_passed: return "deadline_passed";
    case core::TaskLost::Cause::no_room: return "no_room";
    case core::TaskLost::Cause::cannot_start: return "cannot_start";
  }
  assert(false);
  return "";
}

const char* word_of(core::Verdict verdict) {
  switch (verdict) {
    case core::Verdict::done: return "done";
    case core::Verdict::hit: return "hit";
    case core::Verdict::halted: return "halted";
    case core::Verdict::cancelled: return "cancelled";
  }
  assert(false);
  return "";
}

const char* word_of(protocol::RefuseReason why) {
  using enum protocol::RefuseReason;
  switch (why) {
    case no_slot: return "no_slot";
    case owner: return "owner";
    case draining: return "draining";
    case sandbox_level: return "sandbox_level";
    case program_missing: return "program_missing";
    case content_missing: return "content_missing";
    case not_permitted: return "not_permitted";
    case job_ended: return "job_ended";
    case no_mandate: return "no_mandate";
    case too_deep: return "too_deep";
    case malformed: return "malformed";
  }
  assert(false);
  return "";
}

// Nothing: what other lines say already, or what nobody asks for.
const char* word_of(core::Notice::What what) {
  using enum core::Notice::What;
  switch (what) {
    case task_lost: return "task_lost";
    case piece_given_up: return "given_up";
    case stalled: return "stall";
    case suspected: return "silent";
    case heard_again: return "heard_again";
    case lease_ended: return "lease_ended";
    case lease_lapsed: return "lease_lapsed";
    case returned_to_todo: return "taken_back";
    case redone: return "redo";
    case copied: return "copy";
    case overlapped: return "overlap";
    case late_result: return "late_result";
    case stolen: return "stolen";
    case orphaned: return "orphaned";
    case adopted: return "adopted";
    case mended: return "mended";
    case strange: return "strange";
    case lost: return "lost";
    case no_room:
    case cannot_start:
    case refused:
    case referred:
    case called_back:
    case recalled: return nullptr;
  }
  assert(false);
  return nullptr;
}

}  // namespace

// Written when it goes.
class EventRecord::Line {
 public:
  Line(EventRecord& record, const char* what, const std::optional<core::JobId>& job) : record_(record), job_(job) {
    json_ = {{"v", 1}, {"at", iso_time(record.wall_ms_)}, {"node", record.callbacks_.node()}};
    if (job) json_["job"] = to_hex(job->value());
    json_["what"] = what;
  }
  ~Line() { record_.callbacks_.write(job_, json_.dump(-1, ' ', false, Json::error_handler_t::replace)); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  template <class Value>
  Line& with(const char* name, Value&& value) {
    json_[name] = std::forward<Value>(value);
    return *this;
  }
  Line& of(const core::NodeId& peer) { return with("peer", record_.callbacks_.name_of(peer)); }
  Line& of(core::BranchId branch) { return with("branch", branch.value()); }
  Line& of(const std::vector<core::Interval>& intervals) {
    return with("iterations", count_of(intervals)).with("intervals", json_of(intervals));
  }

 private:
  EventRecord& record_;
  std::optional<core::JobId> job_;
  Json json_;
};

EventRecord::Line EventRecord::line(const char* what, const std::optional<core::JobId>& job) {
  return {*this, what, job};
}

const core::JobId* EventRecord::lent(const core::NodeId& helper, core::BranchId branch) const {
  const auto at = lent_.find({helper, branch});
  return at == lent_.end() ? nullptr : &at->second;
}

const core::JobId* EventRecord::held(const core::NodeId& master, core::BranchId branch) const {
  const auto at = held_.find({master, branch});
  return at == held_.end() ? nullptr : &at->second;
}

void EventRecord::retain(const std::function<bool(const core::JobId&)>& job) {
  const auto of_another = [&](const auto& entry) { return !job(entry.second); };
  std::erase_if(lent_, of_another);
  std::erase_if(held_, of_another);
  std::erase_if(probes_, of_another);
  std::erase_if(tasks_, [&](const auto& entry) { return !job(entry.second.first); });
}

void EventRecord::on_step(std::int64_t wall_ms, const core::Event& event, const std::vector<core::Action>& actions) {
  wall_ms_ = wall_ms;
  if (const auto* message = std::get_if<core::MessageReceived>(&event)) received(*message);
  if (const auto* ended = std::get_if<core::TaskEnded>(&event)) {
    if (const auto task = tasks_.extract(ended->task); !task.empty()) {
      line("end", task.mapped().first)
          .with("piece", json_of(task.mapped().second))
          .with("how", word_of(ended->how))
          .with("exit", ended->exit);
    }
  }
  if (const auto* lost = std::get_if<core::TaskLost>(&event)) {
    if (const auto task = tasks_.extract(lost->task); !task.empty())
      line("end", task.mapped().first).with("piece", json_of(task.mapped().second)).with("how", word_of(lost->cause));
  }
  for (const core::Action& action : actions) carried_out(action);
}

void EventRecord::on_commit(std::int64_t wall_ms, const core::CommitReceived& committed, const std::string& executor) {
  wall_ms_ = wall_ms;
  line("commit", committed.job)
      .with("piece", json_of(committed.piece))
      .with("attempt", committed.attempt.value())
      .with("outcome", word_of(committed.outcome))
      .with("by", executor);
}

void EventRecord::received(const core::MessageReceived& event) {
  const core::NodeId& from = event.from;
  if (const auto* offer = std::get_if<protocol::Offer>(&event.message)) {
    if (const auto probe = probes_.find(offer->request); probe != probes_.end())
      line("offer", probe->second).of(from).with("slots", offer->slots);
  } else if (const auto* busy = std::get_if<protocol::Busy>(&event.message)) {
    if (const auto probe = probes_.find(busy->request); probe != probes_.end()) line("busy", probe->second).of(from);
  } else if (const auto* grant = std::get_if<protocol::Grant>(&event.message)) {
    held_[{from, grant->branch}] = grant->loop.job;
    line("granted", grant->loop.job)
        .of(from)
        .of(grant->branch)
        .with("attempt", grant->attempt.value())
        .of(grant->intervals);
  } else if (const auto* accept = std::get_if<protocol::Accept>(&event.message)) {
    if (const core::JobId* job = lent(from, accept->branch)) line("accept", *job).of(from).of(accept->branch);
  } else if (const auto* refuse = std::get_if<protocol::Refuse>(&event.message)) {
    if (const core::JobId* job = lent(from, refuse->branch)) {
      line("refuse", *job).of(from).of(refuse->branch).with("why", word_of(refuse->why)).with("reason", refuse->reason);
    }
  } else if (const auto* returned = std::get_if<protocol::Returned>(&event.message)) {
    if (const core::JobId* job = lent(from, returned->branch))
      line("returned", *job).of(from).of(returned->branch).of(returned->intervals);
  }
}

void EventRecord::sent(const core::Send& order) {
  const core::NodeId& to = order.to;
  if (const auto* probe = std::get_if<protocol::Probe>(&order.message)) {
    probes_[probe->request] = probe->job;
    line("probe", probe->job).of(to).with("iterations", probe->iterations);
  } else if (const auto* grant = std::get_if<protocol::Grant>(&order.message)) {
    lent_[{to, grant->branch}] = grant->loop.job;
    line("grant", grant->loop.job)
        .of(to)
        .of(grant->branch)
        .with("attempt", grant->attempt.value())
        .with("copies", grant->copies)
        .with("helpers", callbacks_.helpers_of(grant->loop.job))
        .of(grant->intervals);
  } else if (const auto* recall = std::get_if<protocol::Recall>(&order.message)) {
    if (const core::JobId* job = lent(to, recall->branch)) line("recall", *job).of(to).of(recall->branch);
  } else if (const auto* cancel = std::get_if<protocol::Cancel>(&order.message)) {
    if (const core::JobId* job = lent(to, cancel->branch))
      line("cancel", *job).of(to).of(cancel->branch).of(cancel->intervals);
  } else if (const auto* refuse = std::get_if<protocol::Refuse>(&order.message)) {
    if (const core::JobId* job = held(to, refuse->branch)) {
      line("refused", *job).of(to).of(refuse->branch).with("why", word_of(refuse->why)).with("reason", refuse->reason);
    }
  }
}

void EventRecord::carried_out(const core::Action& action) {
  if (const auto* order = std::get_if<core::Send>(&action)) return sent(*order);
  if (const auto* notice = std::get_if<core::Notice>(&action)) return noticed(*notice);
  if (const auto* start = std::get_if<core::StartTask>(&action)) {
    tasks_[start->task] = {start->job, start->piece};
    line("start", start->job)
        .with("piece", json_of(start->piece))
        .with("attempt", start->attempt.value())
        .with("slot", start->slot);
  } else if (const auto* committed = std::get_if<core::CommitResult>(&action)) {
    line("commit", committed->job)
        .with("piece", json_of(committed->piece))
        .with("attempt", committed->attempt.value())
        .with("outcome", word_of(committed->outcome))
        .with("by", callbacks_.node());
  } else if (const auto* lost = std::get_if<core::CommitLost>(&action)) {
    line("commit", lost->job).with("piece", json_of(lost->piece)).with("outcome", "lost");
  } else if (const auto* answer = std::get_if<core::AnswerVerdict>(&action)) {
    line("verdict", answer->job)
        .with("verdict", word_of(answer->verdict))
        .with("committed", answer->counts.committed)
        .with("redone", answer->counts.redone)
        .with("lost", answer->counts.lost);
  }
}

void EventRecord::noticed(const core::Notice& notice) {
  const char* what = word_of(notice.what);
  if (what == nullptr) return;
  const bool of_a_job = notice.job != core::JobId{};
  Line line = this->line(what, of_a_job ? std::optional(notice.job) : std::nullopt);
  if (notice.peer) line.of(*notice.peer);
  if (notice.piece.begin < notice.piece.end) line.with("piece", json_of(notice.piece));
  if (!notice.reason.empty()) line.with("why", notice.reason);
}

}  // namespace agent::shell
