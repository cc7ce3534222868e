#pragma once
// One branch, whose tasks and helpers are played by hand; its invariants are checked at the end of each test.

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "agent/core/branch.h"
#include "tests/unit/core/driver.h"
#include "tests/unit/core/peers_driver.h"

namespace agent::core {

class BranchLoans : public testing::Test {
 protected:
  void TearDown() override {
    if (branch) branch->check_invariants();
  }

  void begin_as_owner(std::uint64_t size) {
    terms.size = size;
    branch.emplace(LoopId{.job = terms.job, .path = {}}, terms, ClientId(1));
  }
  // For node 99, as its branch 7.
  void begin_as_helper(Interval granted) {
    branch.emplace(LoopId{.job = terms.job, .path = {}}, terms, std::vector<LoopTerms>{},
                   Master{.node = node(99), .id = BranchId(7)});
    branch->on_granted(IntervalSet(granted), {}, {});
  }

  TaskId start() {
    EXPECT_TRUE(branch->wants_slot());
    const TaskId task(next_task_++);
    (void)branch->start_next(task, 1, now);
    return task;
  }
  // The piece of a running task.
  Piece running_at(TaskId task) {
    for (const auto& [begin, running] : branch->running()) {
      if (running.task == task) return running.piece;
    }
    ADD_FAILURE() << "the task does not run";
    return {};
  }
  void end(TaskId task, TaskEnded::How how, int exit = 0, Duration ran = std::chrono::milliseconds(1)) {
    branch->on_ended(task, {.task = task, .how = how, .exit = exit, .ran = ran}, now, losers, actions);
    branch->check_invariants();
  }
  void lose(TaskId task, TaskLost::Cause cause, bool started = true) {
    branch->on_lost(task, started, cause, now, losers, actions);
    branch->check_invariants();
  }

  // Node n is lent so many from the back, or that copy; it has accepted.
  Helper& lend(std::uint32_t number, std::uint64_t count) { return lend(number, branch->share_back(count)); }
  Helper& lend_copy(std::uint32_t number, Interval piece) { return lend(number, branch->copy(piece)); }
  Helper& lend(std::uint32_t number, const Share& share) {
    Helper& helper = branch->lend(node(number), BranchId(number), share, now);
    helper.unanswered.reset();
    helper.state = Helper::State::live;
    return helper;
  }
  bool report(std::uint32_t number, Interval piece, Attempt attempt = {}, Outcome outcome = Outcome::ok) {
    const ResultSource source{.task = {}, .batch = BatchId(++batches_), .index = 0, .executor = node(number)};
    const bool accepted = branch->on_reported(
        *branch->helper(node(number)),
        {.piece = piece, .attempt = attempt, .outcome = outcome, .size_bytes = 100, .source = source},
        std::chrono::seconds(1), now, losers, actions);
    branch->check_invariants();
    return accepted;
  }

  // Helper n says that these run there, and that it lent those on.
  void progress(std::uint32_t number, std::vector<Interval> started, std::vector<Interval> lent = {}) {
    protocol::Report report{.branch = BranchId(number), .batches = {}, .started = std::move(started)};
    if (!lent.empty()) report.lent.push_back({.helper = node(50), .attempt = {}, .what = std::move(lent)});
    branch->on_progress(*branch->helper(node(number)), report, now);
  }
  const Partition& partition() const { return branch->partition(); }

  template <class Kind>
  std::vector<Kind> done() const {
    std::vector<Kind> found;
    for (const Action& action : actions) {
      if (const auto* each = std::get_if<Kind>(&action)) found.push_back(*each);
    }
    return found;
  }
  std::size_t notices(Notice::What what) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(done<Notice>(), [&](const Notice& notice) { return notice.what == what; }));
  }

  JobTerms terms{.job = job_named(1)};
  std::optional<Branch> branch;
  Instant now = start_of_time;
  Losers losers;
  std::vector<Action> actions;

 private:
  static constexpr Instant start_of_time{std::chrono::hours(1)};
  std::uint64_t next_task_ = 1;
  std::uint64_t batches_ = 0;
};

inline IntervalSet span(std::uint64_t begin, std::uint64_t end) {
  return IntervalSet(Interval{.begin = begin, .end = end});
}

}  // namespace agent::core
