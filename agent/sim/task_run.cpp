#include "agent/sim/task_run.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace agent::sim {

namespace {

constexpr double seconds_max = 1e9;  // no world lasts so long

}  // namespace

TaskRun::TaskRun(const core::StartTask& order, TaskScript script, WorldTime began)
    : order_(order), script_(std::move(script)), began_(began), deadline_(order.deadline), updated_(began) {
  assert(script_.whole > Duration::zero());
}

void TaskRun::begin(WorldTime now, double power) {
  assert(!begun_);
  begun_ = true;
  updated_ = now;
  proceed(now, power);
}

void TaskRun::proceed(WorldTime now, double power) {
  if (!begun_) return;
  assert(now >= updated_ && power >= 0);
  if (!parked_) {
    const Duration end = next_step_ < script_.steps.size() ? script_.steps[next_step_].at : script_.whole;
    done_ = std::min(end, done_ + from_seconds(seconds_of(now - updated_) * power_));
  }
  updated_ = now;
  power_ = power;
  ++plan_;
}

std::optional<WorldTime> TaskRun::next_point() const {
  if (!begun_ || parked_ || power_ <= 0) return std::nullopt;
  const Duration end = next_step_ < script_.steps.size() ? script_.steps[next_step_].at : script_.whole;
  const double seconds = seconds_of(end - done_) / power_;
  if (seconds > seconds_max) return std::nullopt;
  return updated_ + from_seconds(seconds);
}

std::optional<LoopStep> TaskRun::reach(WorldTime now) {
  assert(!parked_);
  updated_ = now;
  if (next_step_ == script_.steps.size()) {
    done_ = script_.whole;
    return std::nullopt;
  }
  const LoopStep step = script_.steps[next_step_++];
  done_ = step.at;
  ++plan_;
  return step;
}

void TaskRun::resume(WorldTime now, double power) {
  assert(parked_);
  updated_ = now;
  parked_ = false;
  proceed(now, power);
}

void TaskRun::extend(core::Instant deadline) {
  deadline_ = std::max(deadline_, deadline);
}

bool TaskRun::stop(core::StopHow how) {
  if (stop_ == core::StopHow::kill || stop_ == how) return false;
  stop_ = how;
  return true;
}

}  // namespace agent::sim
