#include "agent/shell/task_pool.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <set>
#include <utility>

#include "agent/exec/orphans.h"

namespace agent::shell {

namespace {

struct SweepWork {
  uv_work_t request{};
  std::string scratch_parent;
};

// Removing what a task left may take long, so it is done beside the loop.
void sweep_beside(uv_loop_t* loop, const std::string& scratch_parent) {
  auto work = std::make_unique<SweepWork>();
  work->scratch_parent = scratch_parent;
  work->request.data = work.get();
  auto sweep = [](uv_work_t* request) noexcept {
    (void)exec::sweep_scratch(static_cast<SweepWork*>(request->data)->scratch_parent);
  };
  auto done = [](uv_work_t* request, int) noexcept { delete static_cast<SweepWork*>(request->data); };
  if (uv_queue_work(loop, &work->request, sweep, done) == 0) (void)work.release();
}

// libuv makes its threads when it first needs one, and ends the program if the system refuses. So it makes them now,
// before tasks have taken what processes the system gives us.
void start_threads(uv_loop_t* loop) {
  auto request = std::make_unique<uv_work_t>();
  auto done = [](uv_work_t* finished, int) noexcept { delete finished; };
  if (uv_queue_work(
          loop, request.get(), [](uv_work_t*) noexcept {}, done) == 0)
    (void)request.release();
}

}  // namespace

bool is_launchers_fault(const exec::StartFailure& failure) {
  return failure.step == exec::SetUpStep::launcher || failure.step == exec::SetUpStep::scratch;
}

TaskPool::TaskPool(uv_loop_t* loop, exec::LauncherOptions options, Callbacks callbacks, std::int64_t answer_patience_ns)
    : loop_(loop),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      answer_patience_ns_(answer_patience_ns) {
  start_threads(loop);
  answers_.reset(new uv_timer_t{});
  uv_timer_init(loop, answers_.get());
  answers_->data = this;
  watch_children();
}

TaskPool::~TaskPool() {
  for (const auto& place : places_) place->launcher->finish();
}

tl::expected<exec::Launcher*, exec::LaunchFailure> TaskPool::idle_launcher() {
  // The one used last: its pages and its scratch directory are warm.
  for (auto at = places_.rbegin(); at != places_.rend(); ++at) {
    if (!(*at)->task && !(*at)->gone) return (*at)->launcher.get();
  }
  auto place = add_place();
  if (!place) return tl::unexpected(place.error());
  return (*place)->launcher.get();
}

void TaskPool::retire_idle_ones() {
  for (const auto& place : places_) {
    if (place->task || place->gone) continue;
    place->gone = true;
    place->launcher->finish();
  }
}

tl::expected<TaskPool::Place*, exec::LaunchFailure> TaskPool::add_place() {
  auto launcher = exec::Launcher::start(options_);
  if (!launcher) return tl::unexpected(launcher.error());
  auto place = std::make_unique<Place>();
  place->pool = this;
  place->launcher = *std::move(launcher);
  auto poll = std::make_unique<uv_poll_t>();
  if (const int error = uv_poll_init(loop_, poll.get(), place->launcher->fd()); error != 0)
    return tl::unexpected(
        exec::LaunchFailure{.error = exec::LaunchError::no_descriptors, .error_number = -error, .path = ""});
  place->poll.reset(poll.release());
  place->poll->data = place.get();
  auto on_readable = [](uv_poll_t* handle, int, int) noexcept {
    if (auto* self = self_of<Place>(handle)) self->pool->read(*self);
  };
  const int polling = uv_poll_start(place->poll.get(), UV_READABLE, on_readable);
  assert(polling == 0);
  places_.push_back(std::move(place));
  return places_.back().get();
}

tl::expected<void, exec::OrderError> TaskPool::start(exec::Launcher& launcher, core::TaskId task,
                                                     const exec::TaskOrder& order) {
  const auto at = std::ranges::find(places_, &launcher, [](const auto& place) { return place->launcher.get(); });
  assert(at != places_.end() && !(*at)->task);
  if (auto started = launcher.start_task(order); !started) {
    // Not to be handed out again before the loop has come round to burying it.
    (*at)->gone = started.error() == exec::OrderError::gone;
    return started;
  }
  (*at)->task = task;
  busy_.emplace(task, at->get());
  return {};
}

TaskPool::Place* TaskPool::place_of(core::TaskId task) {
  const auto at = busy_.find(task);
  return at == busy_.end() ? nullptr : at->second;
}

void TaskPool::stop(core::TaskId task, exec::StopHow how) {
  if (Place* place = place_of(task)) {
    place->launcher->stop_task(task.value(), how);
    await_answers();
  }
}

void TaskPool::extend_deadline(core::TaskId task, core::Instant deadline) {
  if (Place* place = place_of(task)) {
    place->launcher->extend_deadline(task.value(), deadline.time_since_epoch().count());
    await_answers();
  }
}

// The system tells a parent when a child was stopped, as it does when it died.
void TaskPool::watch_children() {
  children_.reset(new uv_signal_t{});
  uv_signal_init(loop_, children_.get());
  children_->data = this;
  auto on_signal = [](uv_signal_t* signalled, int) noexcept {
    if (auto* self = self_of<TaskPool>(signalled)) self->kill_stopped_ones();
  };
  const int watching = uv_signal_start(children_.get(), on_signal, SIGCHLD);
  assert(watching == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(children_.get()));
}

void TaskPool::kill_stopped_ones() {
  for (const auto& place : places_) {
    if (place->launcher->is_stopped()) kill(*place);
  }
}

void TaskPool::await_answers() {
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(answers_.get())) != 0) return;
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    if (auto* self = self_of<TaskPool>(timer)) self->kill_silent_ones();
  };
  const auto patience = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(answer_patience_ns_));
  uv_update_time(loop_);
  uv_timer_start(answers_.get(), on_timeout, static_cast<std::uint64_t>(patience.count()), 0);
}

void TaskPool::kill_silent_ones() {
  bool others_owe = false;
  for (const auto& place : places_) {
    if (place->launcher->is_silent_for(answer_patience_ns_)) {
      kill(*place);
    } else {
      others_owe |= place->launcher->owes_answer();
    }
  }
  if (others_owe) await_answers();
}

// What is below it falls to this process when it is dead.
void TaskPool::kill(Place& place) {
  killed_ = true;
  place.gone = true;
  place.launcher->kill();
}

void TaskPool::read(Place& place) {
  for (const exec::Event& event : place.launcher->read_events()) {
    if (const auto* started = std::get_if<exec::TaskStarted>(&event)) {
      if (place.task) callbacks_.on_started(*place.task, *started);
    } else if (const auto* exited = std::get_if<exec::TaskExited>(&event)) {
      if (!place.task) continue;
      const core::TaskId task = *std::exchange(place.task, std::nullopt);
      busy_.erase(task);
      // One that found no room for its task gives its own process back: fewer launchers leave room for tasks.
      if (exited->failure &&
          (is_launchers_fault(*exited->failure) || exited->failure->kind == exec::StartFailureKind::no_resources)) {
        place.gone = true;
        place.launcher->finish();
      }
      callbacks_.on_exited(task, *exited, *place.launcher);
    } else {
      return bury(place);
    }
  }
}

void TaskPool::bury(Place& place) {
  const std::optional<core::TaskId> task = place.task;
  if (task) busy_.erase(*task);
  std::erase_if(places_, [&](const auto& other) { return other.get() == &place; });
  if (!finishing_ || killed_) {
    reap_orphans();
    sweep_beside(loop_, options_.scratch_parent);
  }
  if (task) callbacks_.on_lost(*task);
  if (!finishing_ || !places_.empty()) return;
  patience_.reset();
  callbacks_.on_finished();
}

void TaskPool::reap_orphans() {
  std::set<pid_t> ours;
  for (const auto& place : places_) ours.insert(place->launcher->pid());
  orphans_left_ = exec::reap_orphans(ours).left > 0;
}

void TaskPool::finish() {
  finishing_ = true;
  if (places_.empty()) return callbacks_.on_finished();
  for (const auto& place : places_) place->launcher->finish();
  patience_.reset(new uv_timer_t{});
  uv_timer_init(loop_, patience_.get());
  patience_->data = this;
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    auto* self = self_of<TaskPool>(timer);
    if (self == nullptr) return;
    for (const auto& place : self->places_) self->kill(*place);
  };
  uv_timer_start(patience_.get(), on_timeout, finish_patience_ms, 0);
}

}  // namespace agent::shell
