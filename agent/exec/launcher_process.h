#pragma once
// The launcher's own end: one task at a time, from its order to the last of its processes.

#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/exec/descriptor.h"
#include "agent/exec/received_order.h"
#include "agent/exec/scratch.h"
#include "agent/exec/spawn.h"
#include "agent/exec/wire.h"

namespace agent::exec {

// Where a task stands. `idle` is between tasks; only `running` leads anywhere but forward:
//
//   idle -> running -> idle                           ended by itself, nothing left below us
//           running -> killing -> idle                left something behind; killed at once; the deadline passed
//           running -> terminating -> [killing] -> idle   stopped politely, or its time was over
enum class Phase : std::uint8_t { idle, running, terminating, killing };

// A subreaper with one task: whatever is below this process belongs to that task, and the task has ended when waiting
// for children finds none. Single-threaded; all signals are blocked and those that matter are read from a signalfd. All
// instants are of CLOCK_BOOTTIME, in one timer that is set only to come earlier: a task without limits costs no call,
// and a deadline that is moved on costs one wake-up when the old one comes.
//
// When the agent hangs up, when it dies or when it says anything unintelligible, everything below is killed and the
// life of this process is over.
//
// A task can stop us (SIGSTOP). The agent, when it sees that, kills us. Should it be dead or stopped itself, then its
// death and the instants of the task come as SIGCONT as well, which undoes the stop.
class LauncherProcess {
 public:
  // `agent`: the parent of this process while it lives. `set_up_failure`: errno if this process could not be set up
  // itself: then no task is started, each is answered with it.
  LauncherProcess(pid_t agent, const std::string& scratch_path, int set_up_failure);
  ~LauncherProcess();
  LauncherProcess(const LauncherProcess&) = delete;
  LauncherProcess& operator=(const LauncherProcess&) = delete;

  // Until the agent hangs up. Returns the exit code.
  int run();

 private:
  void wait();
  [[nodiscard]] std::int64_t poll_timeout_ns(std::int64_t now_ns) const;
  void on_signals();
  void on_timer();
  void on_message();

  void on_order(const wire::Order& order, std::span<char> strings);
  void on_stop(const wire::Stop& stop);
  void on_extend(const wire::Extend& extend);
  [[nodiscard]] std::optional<StartFailure> start(std::span<char> strings, const wire::Order& order);
  void refuse(const wire::Order& order, EndReason reason, std::optional<StartFailure> failure);

  void reap();
  void add_usage(const rusage& usage);
  void begin_terminating(EndReason reason);
  void begin_killing(EndReason reason);
  void kill_again();
  void check_instants();
  void set_timer();
  void tell_started();
  void end_task();
  void report(const wire::Report& report);
  void end_everything();

  const pid_t agent_;
  Descriptor socket_;
  Descriptor signals_;
  Descriptor timer_;
  std::optional<timer_t> waker_;  // SIGCONT at the instant of timer_
  Scratch scratch_;
  Spawner spawner_;
  const int set_up_failure_;
  bool hung_up_ = false;
  std::int64_t timer_at_ns_ = 0;  // 0: not set

  // Of the task; meaningless while idle.
  Phase phase_ = Phase::idle;
  ReceivedOrder order_;
  TaskStarted started_;
  TaskExited exited_;
  bool told_started_ = false;
  bool main_ended_ = false;
  std::int64_t deadline_ns_ = 0;       // 0: none
  std::int64_t kill_at_ns_ = 0;        // end of the grace; only while terminating
  std::int64_t kill_again_at_ns_ = 0;  // only while killing
  std::int64_t kill_pause_ns_ = 0;

  std::array<Descriptor, wire::descriptors_max> received_;
  alignas(wire::Order) std::array<char, wire::message_bytes_max> message_;
};

}  // namespace agent::exec
