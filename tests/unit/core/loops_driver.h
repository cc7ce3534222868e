#pragma once
// Drives a core::Agent whose tasks open loops, with peers played by hand.
//
// Mandates that are to be signed are seen at once, every message of a peer says that all of ours were heard, and after
// each step the agent's own invariants are checked, and that no more tasks run than there are slots.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "agent/core/agent.h"

namespace agent::core {

inline NodeId node_named(unsigned number) {
  protocol::Bytes32 bytes{};
  bytes[31] = std::byte(number & 0xffU);
  return NodeId(bytes);
}

inline JobId loops_job() {
  return JobId(protocol::Bytes16{std::byte{7}});
}

class LoopsDriver {
 public:
  struct Run {
    StartTask order;
    bool parked = false;
  };
  struct Sent {
    NodeId to;
    Message message;
    Attached attached;
  };

  explicit LoopsDriver(std::uint32_t slots)
      : agent({.slots = slots, .node = node_named(1), .address = {}, .seeds = {}}) {}

  void step(const Event& event) {
    events_.push_back(event);
    while (!events_.empty()) {
      const Event next = events_.front();
      events_.pop_front();
      std::vector<Action> actions;
      agent.step(now, next, actions);
      agent.check_invariants();
      for (const Action& action : actions) take(action);
    }
  }

  void submit(std::uint64_t size, std::uint32_t branch_number = 8, std::uint32_t slots_max = 0) {
    terms.size = size;
    terms.branch_number = branch_number;
    terms.slots_max = slots_max;
    step(JobSubmitted{.client = ClientId(1), .terms = terms});
  }

  void fork(TaskId task, std::uint32_t ordinal, std::uint64_t size, std::uint32_t branch_number = 4) {
    step(LoopForked{.task = task, .terms = loop_of(task, ordinal, size, branch_number)});
  }
  void join(TaskId task, std::uint32_t ordinal = 0) {
    tasks.at(task).parked = true;
    step(LoopJoined{.task = task, .ordinal = ordinal});
  }
  void exit_with(TaskId task, int code) { end(task, TaskEnded::How::exited, code); }
  void obey(TaskId task) { end(task, TaskEnded::How::stopped, 0); }
  void lose(TaskId task) {
    tasks.erase(task);
    step(TaskLost{.task = task, .cause = TaskLost::Cause::launcher_died});
  }

  LoopTerms loop_of(TaskId task, std::uint32_t ordinal, std::uint64_t size, std::uint32_t branch_number) {
    const StartTask& order = tasks.at(task).order;
    LoopPath path = order.path;
    path.push_back({.iteration = order.piece.begin, .ordinal = ordinal});
    return {
        .path = path, .size = size, .branch_number = branch_number, .opener = node_named(1), .instance = ++openings_};
  }

  // The task that runs that iteration of that loop, parked or not, or fails the test.
  TaskId task_at(const LoopPath& path, std::uint64_t index) const {
    for (const auto& [id, run] : tasks) {
      if (run.order.path == path && run.order.piece.begin == index) return id;
    }
    ADD_FAILURE() << "iteration " << index << " does not run";
    return TaskId{};
  }
  std::size_t running() const {
    return static_cast<std::size_t>(std::ranges::count_if(tasks, [](const auto& each) { return !each.second.parked; }));
  }

  void link(NodeId peer) {
    protocol::Bytes32 key{};
    key[0] = std::byte{1};
    step(LinkUp{.peer = {.node = peer, .instance = InstanceKey(key), .address = {}}, .slots = 1, .round_trip = {}});
  }
  void receive(NodeId from, const Message& message, const Proofs& proofs = {}) {
    step(MessageReceived{
        .from = from, .sequence = ++heard_[from], .heard = said_[from], .message = message, .proofs = proofs});
  }
  void receive_grant(NodeId from, BranchId branch, const std::vector<LoopTerms>& loops, Interval what) {
    Proofs proofs{.terms = terms, .loops = loops};
    proofs.mandates.push_back(
        {.job = loops_job(), .epoch = {}, .sequence = 1, .time_to_live = std::chrono::seconds(60)});
    const LoopPath path = loops.empty() ? LoopPath{} : loops.back().path;
    receive(from, protocol::Grant{.branch = branch, .loop = {.job = loops_job(), .path = path}, .intervals = {what}},
            proofs);
  }
  // A result of a helper's, in a batch of its own.
  void receive_result(NodeId from, BranchId branch, Interval piece) {
    Proofs proofs;
    proofs.batches.push_back({.batch = BatchId(++batches_), .executor = from, .results = {{.piece = piece}}});
    receive(from, protocol::Report{.branch = branch, .number = batches_}, proofs);
  }
  template <class Kind>
  std::vector<Kind> sent_to(NodeId to) const {
    std::vector<Kind> found;
    for (const Sent& each : sent) {
      const auto* message = std::get_if<Kind>(&each.message);
      if (each.to == to && message != nullptr) found.push_back(*message);
    }
    return found;
  }

  void advance(Duration by) {
    const Instant until = now + by;
    while (auto deadline = agent.next_deadline()) {
      if (deadline->at > until) break;
      now = std::max(now, deadline->at);
      step(DeadlinePassed{});
    }
    now = until;
  }

  Agent agent;
  Instant now{std::chrono::seconds(1000)};
  JobTerms terms{.job = loops_job(), .size = std::nullopt, .retries = 0};
  std::map<TaskId, Run> tasks;  // started and not ended
  std::map<TaskId, StopHow> stops;
  std::map<TaskId, Instant> deadlines;
  std::vector<AnswerJoin> answers;
  std::vector<CommitResult> commits;
  std::vector<CommitReceived> received_commits;
  std::vector<CommitLost> lost_commits;
  std::vector<TaskId> dropped;
  std::vector<BatchId> dropped_batches;
  std::vector<Sent> sent;
  std::vector<Notice> notices;
  std::optional<AnswerVerdict> verdict;

 private:
  void end(TaskId task, TaskEnded::How how, int code) {
    tasks.erase(task);
    step(TaskEnded{.task = task, .how = how, .exit = code, .ran = std::chrono::milliseconds(1)});
  }

  void take(const Action& action) {
    if (const auto* sign = std::get_if<SignMandate>(&action)) {
      events_.push_back(
          MandateSeen{.job = sign->job, .sequence = sign->sequence, .time_to_live = sign->time_to_live, .age = {}});
    } else if (const auto* start = std::get_if<StartTask>(&action)) {
      tasks.emplace(start->task, Run{.order = *start});
      deadlines[start->task] = start->deadline;
      events_.push_back(TaskStarted{.task = start->task});
      std::map<std::uint32_t, int> in_slot;
      for (const auto& [id, run] : tasks) EXPECT_LE(in_slot[run.order.slot] += run.parked ? 0 : 1, 1);
    } else if (const auto* stop = std::get_if<StopTask>(&action)) {
      stops[stop->task] = stop->how;
    } else if (const auto* extended = std::get_if<ExtendDeadline>(&action)) {
      deadlines[extended->task] = extended->deadline;
    } else if (const auto* answer = std::get_if<AnswerJoin>(&action)) {
      EXPECT_TRUE(tasks.at(answer->task).parked);
      tasks.at(answer->task).parked = false;
      answers.push_back(*answer);
    } else if (const auto* own = std::get_if<CommitResult>(&action)) {
      commits.push_back(*own);
    } else if (const auto* come = std::get_if<CommitReceived>(&action)) {
      received_commits.push_back(*come);
    } else if (const auto* lost = std::get_if<CommitLost>(&action)) {
      lost_commits.push_back(*lost);
    } else if (const auto* drop = std::get_if<DropResult>(&action)) {
      dropped.push_back(drop->task);
    } else if (const auto* batch = std::get_if<DropBatch>(&action)) {
      dropped_batches.push_back(batch->batch);
    } else if (const auto* send = std::get_if<Send>(&action)) {
      said_[send->to] = send->sequence;
      sent.push_back({.to = send->to, .message = send->message, .attached = send->attached});
    } else if (const auto* notice = std::get_if<Notice>(&action)) {
      notices.push_back(*notice);
    } else if (const auto* answered = std::get_if<AnswerVerdict>(&action)) {
      EXPECT_TRUE(tasks.empty());
      verdict = *answered;
    }
  }

  std::deque<Event> events_;
  std::map<NodeId, std::uint64_t> heard_;
  std::map<NodeId, std::uint64_t> said_;
  std::uint64_t openings_ = 0;
  std::uint64_t batches_ = 0;
};

}  // namespace agent::core
