#pragma once
// A libuv loop for tests: runs until a condition holds, with a deadline, and must be left empty.

#include <gtest/gtest.h>
#include <uv.h>

#include <chrono>
#include <functional>

#include "agent/shell/uv_handle.h"

namespace agent::shell {

// Rules: the condition is looked at after every turn of the loop and every 5 ms. At the end no handle may be left open:
// that is what makes a leaked or doubly owned handle a failed test.
class EventLoop {
 public:
  EventLoop() { uv_loop_init(&loop_); }
  ~EventLoop() {
    const auto until = std::chrono::steady_clock::now() + patience;
    int closed = uv_loop_close(&loop_);
    while (closed != 0 && std::chrono::steady_clock::now() < until) {
      uv_run(&loop_, UV_RUN_NOWAIT);
      closed = uv_loop_close(&loop_);
    }
    EXPECT_EQ(closed, 0) << "a handle was left open";
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] uv_loop_t* get() { return &loop_; }

  // False: it did not come true within the patience.
  [[nodiscard]] bool run_until(std::function<bool()> condition, std::chrono::milliseconds wait = patience) {
    if (condition()) return true;
    Wait state{.condition = std::move(condition), .until = std::chrono::steady_clock::now() + wait};
    UvHandle<uv_check_t> turn(new uv_check_t{});
    uv_check_init(&loop_, turn.get());
    turn->data = &state;
    uv_check_start(turn.get(), [](uv_check_t* handle) { look(handle->loop, self_of<Wait>(handle)); });
    UvHandle<uv_timer_t> tick(new uv_timer_t{});
    uv_timer_init(&loop_, tick.get());
    tick->data = &state;
    uv_timer_start(
        tick.get(), [](uv_timer_t* handle) { look(handle->loop, self_of<Wait>(handle)); }, 5, 5);
    uv_run(&loop_, UV_RUN_DEFAULT);
    return state.came_true;
  }

  // Does what is ready now, and what that makes ready.
  void settle() {
    for (int turn = 0; turn < 20; ++turn) uv_run(&loop_, UV_RUN_NOWAIT);
  }

  static constexpr std::chrono::milliseconds patience{60'000};

 private:
  struct Wait {
    std::function<bool()> condition;
    std::chrono::steady_clock::time_point until;
    bool came_true = false;
  };
  static void look(uv_loop_t* loop, Wait* wait) {
    if (wait == nullptr || wait->came_true) return;
    wait->came_true = wait->condition();
    if (wait->came_true || std::chrono::steady_clock::now() > wait->until) uv_stop(loop);
  }

  uv_loop_t loop_{};
};

}  // namespace agent::shell
