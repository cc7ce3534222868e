#pragma once
// Drives a core::Agent by hand: the caller plays launchers and clients, the driver plays the shell's immediate answers
// (a mandate signed is a mandate seen) and checks after every step what must always hold:
//   - the agent's own invariants; never more tasks than slots or than a job's `slots_max`; slots are not shared
//   - an iteration is committed at most once, and never while it runs elsewhere
//   - a piece that is started again keeps its bounds and has a higher attempt

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "agent/core/agent.h"

namespace agent::core {

inline JobId job_named(unsigned number) {
  protocol::Bytes16 bytes{};
  bytes[15] = std::byte(number & 0xffU);
  return JobId(bytes);
}

class Driver {
 public:
  explicit Driver(std::uint32_t slots) : agent(Options{.slots = slots}), slots_(slots) {}

  struct JobRecord {
    JobTerms terms;
    IntervalSet committed;
    std::map<std::uint64_t, std::pair<Interval, Attempt>> started;  // the latest start of each piece
    std::vector<CommitResult> commits;
    std::optional<AnswerVerdict> verdict;
  };

  void step(const Event& event) {
    events_.push_back(event);
    while (!events_.empty()) {
      const Event next = events_.front();
      events_.pop_front();
      std::vector<Action> actions;
      agent.step(now, next, actions);
      agent.check_invariants();
      for (const Action& action : actions) {
        trace.push_back(action);
        std::visit([this](const auto& wanted) { carry_out(wanted); }, action);
      }
      EXPECT_LE(tasks.size(), slots_);
    }
  }

  void submit(const JobTerms& terms, ClientId client = ClientId(1)) {
    jobs[terms.job].terms = terms;
    step(JobSubmitted{.client = client, .terms = terms});
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

  // Ends a running task and forgets it.
  void end(TaskId task, TaskEnded::How how, int exit = 0, Duration ran = std::chrono::milliseconds(1)) {
    tasks.erase(task);
    step(TaskEnded{.task = task, .how = how, .exit = exit, .ran = ran});
  }
  void exit_with(TaskId task, int code, Duration ran = std::chrono::milliseconds(1)) {
    end(task, TaskEnded::How::exited, code, ran);
  }
  void lose(TaskId task, TaskLost::Cause cause) {
    tasks.erase(task);
    step(TaskLost{.task = task, .cause = cause});
  }

  // The running task whose piece begins at `begin`, or fails the test.
  TaskId task_at(std::uint64_t begin) const {
    for (const auto& [id, start] : tasks) {
      if (start.piece.begin == begin) return id;
    }
    ADD_FAILURE() << "no running task begins at " << begin;
    return TaskId{};
  }

  Agent agent;
  Instant now{std::chrono::seconds(1000)};
  std::map<JobId, JobRecord> jobs;
  std::map<TaskId, StartTask> tasks;  // started and not ended
  std::map<TaskId, StopHow> stops;
  std::map<TaskId, Instant> deadlines;
  std::vector<Action> trace;

 private:
  void carry_out(const SignMandate& wanted) {
    events_.push_back(
        MandateSeen{.job = wanted.job, .sequence = wanted.sequence, .time_to_live = wanted.time_to_live, .age = {}});
  }
  void carry_out(const StartTask& start) {
    JobRecord& job = jobs.at(start.job);
    EXPECT_FALSE(job.committed.intersects(start.piece));
    std::uint64_t of_job = 1;
    for (const auto& [id, other] : tasks) {
      EXPECT_NE(other.slot, start.slot);
      if (other.job != start.job) continue;
      ++of_job;
      EXPECT_TRUE(other.piece.end <= start.piece.begin || start.piece.end <= other.piece.begin);
    }
    EXPECT_LE(of_job, job.terms.slots_max == 0 ? slots_ : job.terms.slots_max);
    if (auto before = job.started.find(start.piece.begin); before != job.started.end()) {
      EXPECT_EQ(before->second.first, start.piece);
      EXPECT_LT(before->second.second, start.attempt);
    }
    EXPECT_GT(start.deadline, now);
    job.started[start.piece.begin] = {start.piece, start.attempt};
    tasks.emplace(start.task, start);
    deadlines[start.task] = start.deadline;
  }
  void carry_out(const StopTask& stop) { stops[stop.task] = stop.how; }
  void carry_out(const ExtendDeadline& extended) {
    EXPECT_GE(extended.deadline, deadlines.at(extended.task));
    deadlines[extended.task] = extended.deadline;
  }
  void carry_out(const CommitResult& result) {
    JobRecord& job = jobs.at(result.job);
    EXPECT_FALSE(job.committed.intersects(result.piece));
    EXPECT_FALSE(tasks.contains(result.task));
    job.committed.insert(result.piece);
    job.commits.push_back(result);
  }
  void carry_out(const CommitLost& lost) { jobs.at(lost.job).committed.insert(lost.piece); }
  void carry_out(const KeepResult&) { ADD_FAILURE(); }
  void carry_out(const DropResult&) {}
  void carry_out(const AnswerVerdict& answer) {
    JobRecord& job = jobs.at(answer.job);
    EXPECT_FALSE(job.verdict.has_value());
    for (const auto& [id, start] : tasks) EXPECT_NE(start.job, answer.job);
    EXPECT_EQ(answer.counts.committed, job.committed.count());
    if (answer.verdict == Verdict::done) {
      EXPECT_EQ(answer.counts.total, job.committed.count());
    }
    job.verdict = answer;
  }
  // One machine alone never does these.
  void carry_out(const CommitReceived&) { ADD_FAILURE(); }
  void carry_out(const DropBatch&) { ADD_FAILURE(); }
  void carry_out(const AnswerJoin&) { ADD_FAILURE(); }
  void carry_out(const Dial&) { ADD_FAILURE(); }
  void carry_out(const HangUp&) { ADD_FAILURE(); }
  void carry_out(const Send&) { ADD_FAILURE(); }
  void carry_out(const Notice&) {}

  std::uint32_t slots_;
  std::deque<Event> events_;
};

}  // namespace agent::core
