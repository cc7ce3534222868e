#include "agent/exec/launcher_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <set>

#include "agent/exec/clock.h"
#include "agent/exec/message_socket.h"
#include "agent/exec/process_tree.h"

namespace agent::exec {

namespace {

constexpr std::int64_t tell_started_after_ns = 5'000'000;
// What was killed is looked at again after pauses that double: processes in uninterruptible sleep may take minutes.
constexpr std::int64_t kill_pause_ns_min = 10'000'000;
constexpr std::int64_t kill_pause_ns_max = ns_per_second;
constexpr std::int64_t end_patience_ns = 2 * ns_per_second;

std::int64_t boot_now_ns() {
  return clock_ns(CLOCK_BOOTTIME);
}

Descriptor open_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGCONT);
  return Descriptor(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::optional<timer_t> make_waker() {
  sigevent wake{};
  wake.sigev_notify = SIGEV_SIGNAL;
  wake.sigev_signo = SIGCONT;
  timer_t waker{};
  if (::timer_create(CLOCK_BOOTTIME, &wake, &waker) != 0) return std::nullopt;
  return waker;
}

std::int64_t ns_of(const timeval& time) {
  return std::int64_t{time.tv_sec} * ns_per_second + time.tv_usec * 1000;
}

ExitStatus decode(int status) {
  if (WIFSIGNALED(status)) return {.code = 0, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = 0};
}

// The earlier one, where 0 is never.
std::int64_t earlier(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

// True if anybody is left below us.
bool reap_strays() {
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(-1, nullptr, WNOHANG | __WALL);
  } while (reaped > 0);
  return reaped == 0;
}

template <class Record>
std::optional<Record> record_of(std::span<const char> message) {
  if (message.size() != sizeof(Record)) return std::nullopt;
  Record record;
  std::memcpy(&record, message.data(), sizeof record);
  return record;
}

}  // namespace

LauncherProcess::LauncherProcess(pid_t agent, const std::string& scratch_path, int set_up_failure)
    : agent_(agent),
      socket_(wire::socket_number),
      signals_(open_signals()),
      timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)),
      waker_(make_waker()),
      scratch_(scratch_path),
      set_up_failure_(set_up_failure != 0 || (signals_ && timer_ && waker_) ? set_up_failure : errno) {}

LauncherProcess::~LauncherProcess() {
  if (waker_) ::timer_delete(*waker_);
}

int LauncherProcess::run() {
  while (!hung_up_) wait();
  end_everything();
  return 0;
}

void LauncherProcess::wait() {
  enum { signals, timer, socket, count };
  std::array<pollfd, count> watched{};
  watched[signals] = {.fd = signals_.get(), .events = POLLIN, .revents = 0};
  watched[timer] = {.fd = timer_.get(), .events = POLLIN, .revents = 0};
  watched[socket] = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
  const std::int64_t timeout_ns = phase_ == Phase::idle ? -1 : poll_timeout_ns(boot_now_ns());
  const timespec timeout{.tv_sec = timeout_ns / ns_per_second, .tv_nsec = timeout_ns % ns_per_second};
  const int ready = ::ppoll(watched.data(), watched.size(), timeout_ns < 0 ? nullptr : &timeout, nullptr);
  if (ready < 0 && errno != EINTR) hung_up_ = true;
  if (ready < 0) return;
  // The end of a task counts before a word about it that came at the same moment.
  if (watched[signals].revents != 0) on_signals();
  if (watched[timer].revents != 0) on_timer();
  if (watched[socket].revents != 0) on_message();
  if (phase_ == Phase::idle) return;
  const std::int64_t now_ns = boot_now_ns();
  if (!told_started_ && now_ns >= started_.start_boot_ns + tell_started_after_ns) tell_started();
  if (phase_ == Phase::killing && now_ns >= kill_again_at_ns_) kill_again();
}

// What needs no sleep-proof clock: -1 if nothing of that kind is due.
std::int64_t LauncherProcess::poll_timeout_ns(std::int64_t now_ns) const {
  std::int64_t at_ns = 0;
  if (!told_started_) at_ns = started_.start_boot_ns + tell_started_after_ns;
  if (phase_ == Phase::killing) at_ns = earlier(at_ns, kill_again_at_ns_);
  return at_ns == 0 ? -1 : std::max<std::int64_t>(at_ns - now_ns, 0);
}

void LauncherProcess::on_signals() {
  std::array<signalfd_siginfo, 4> received;
  const ssize_t length = ::read(signals_.get(), received.data(), sizeof received);
  const std::size_t count = length <= 0 ? 0 : static_cast<std::size_t>(length) / sizeof received[0];
  for (std::size_t i = 0; i < count; ++i) {
    const bool orphaned = received[i].ssi_signo == SIGCONT && ::getppid() != agent_;
    if (received[i].ssi_signo == SIGTERM || orphaned) hung_up_ = true;
  }
  reap();
}

void LauncherProcess::on_timer() {
  std::uint64_t expirations = 0;
  static_cast<void>(::read(timer_.get(), &expirations, sizeof expirations));
  timer_at_ns_ = 0;
  if (phase_ == Phase::idle) return;
  check_instants();
  set_timer();
}

void LauncherProcess::on_message() {
  const auto length = receive_message(socket_.get(), message_, received_);
  if (!length) return;
  const std::span<char> message(message_.data(), *length);
  wire::Word word{};
  if (message.size() < sizeof word) {
    hung_up_ = true;
    return;
  }
  std::memcpy(&word, message.data(), sizeof word);
  if (word == wire::Word::order && message.size() >= sizeof(wire::Order) && phase_ == Phase::idle) {
    on_order(*record_of<wire::Order>(message.first(sizeof(wire::Order))), message.subspan(sizeof(wire::Order)));
  } else if (const auto stop = record_of<wire::Stop>(message); stop && word == wire::Word::stop) {
    report({});
    on_stop(*stop);
  } else if (const auto extend = record_of<wire::Extend>(message); extend && word == wire::Word::extend) {
    report({});
    on_extend(*extend);
  } else {
    hung_up_ = true;
  }
  for (Descriptor& descriptor : received_) descriptor.close();
}

void LauncherProcess::on_order(const wire::Order& order, std::span<char> strings) {
  const auto failure = start(strings, order);
  if (failure) return refuse(order, EndReason::could_not_start, failure);
  if (phase_ == Phase::idle) return refuse(order, EndReason::deadline_passed, std::nullopt);
  check_instants();
  set_timer();
}

// Nothing and still idle: the deadline had passed already.
std::optional<StartFailure> LauncherProcess::start(std::span<char> strings, const wire::Order& order) {
  const auto failed = [](SetUpStep step, int error_number) {
    return StartFailure{.kind = StartFailureKind::set_up_failed, .step = step, .error_number = error_number};
  };
  if (set_up_failure_ != 0) return failed(SetUpStep::launcher, set_up_failure_);
  auto next = received_.begin();
  if (order.new_standard_output && ::dup2((next++)->get(), STDOUT_FILENO) < 0) return failed(SetUpStep::order, errno);
  if (order.new_standard_error && ::dup2((next++)->get(), STDERR_FILENO) < 0) return failed(SetUpStep::order, errno);
  if (!order_.read(order, strings, *next)) return failed(SetUpStep::order, errno);
  if (order.deadline_ns != 0 && boot_now_ns() >= order.deadline_ns) return std::nullopt;
  if (const int error_number = scratch_.make_ready()) return failed(SetUpStep::scratch, error_number);

  const bool in_scratch = order_.directory()[0] == '\0';
  const Spawner::Program program{.argv = order_.argv(),
                                 .environment = order_.environment(),
                                 .search_path = order_.search_path(),
                                 .directory = in_scratch ? scratch_.path().c_str() : order_.directory(),
                                 .umask = static_cast<mode_t>(order.umask),
                                 .priority = order.priority,
                                 .limits = order.limits};
  started_ = {.task = order.task};
  started_.start_boot_ns = boot_now_ns();
  started_.start_wall_ms = clock_ns(CLOCK_REALTIME) / 1'000'000;
  const auto pid = spawner_.spawn(program);
  if (!pid && in_scratch && pid.error().step == SetUpStep::directory) {
    // Somebody removed it after it was found ready.
    return failed(SetUpStep::scratch, pid.error().error_number);
  }
  if (!pid) return pid.error();
  started_.pid = *pid;
  started_.layers = layer_base | (order.priority == Priority::guest ? layer_guest_priority : 0U);
  exited_ = {.task = order.task};
  phase_ = Phase::running;
  told_started_ = false;
  main_ended_ = false;
  deadline_ns_ = order.deadline_ns;
  kill_pause_ns_ = kill_pause_ns_min;
  return std::nullopt;
}

void LauncherProcess::refuse(const wire::Order& order, EndReason reason, std::optional<StartFailure> failure) {
  order_.forget();
  report({.has_exited = true, .exited = {.task = order.task, .reason = reason, .failure = failure}});
}

void LauncherProcess::on_stop(const wire::Stop& stop) {
  if (phase_ == Phase::idle || phase_ == Phase::killing || stop.task != started_.task) return;
  switch (stop.how) {
    case StopHow::terminate:
      if (phase_ == Phase::running) begin_terminating(EndReason::stopped);
      break;
    case StopHow::kill: begin_killing(EndReason::stopped); break;
  }
}

void LauncherProcess::on_extend(const wire::Extend& extend) {
  if (phase_ == Phase::idle || extend.task != started_.task || deadline_ns_ == 0) return;
  deadline_ns_ = std::max(deadline_ns_, extend.deadline_ns);
}

void LauncherProcess::reap() {
  while (true) {
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG | __WALL, &usage);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) {
      if (phase_ == Phase::idle) return;
      if (pid < 0) return end_task();
      break;
    }
    if (phase_ == Phase::idle) continue;
    add_usage(usage);
    if (pid != started_.pid) continue;
    main_ended_ = true;
    exited_.status = decode(status);
    exited_.duration_ns = boot_now_ns() - started_.start_boot_ns;
  }
  // Others are left. While the task is being stopped politely they have their grace, too.
  if (main_ended_ && phase_ == Phase::running) {
    exited_.survivors_killed = true;
    begin_killing(EndReason::ended);
  }
}

void LauncherProcess::add_usage(const rusage& usage) {
  exited_.user_ns += ns_of(usage.ru_utime);
  exited_.system_ns += ns_of(usage.ru_stime);
  exited_.peak_kib = std::max<std::int64_t>(exited_.peak_kib, usage.ru_maxrss);
}

void LauncherProcess::begin_terminating(EndReason reason) {
  assert(phase_ == Phase::running);
  phase_ = Phase::terminating;
  exited_.reason = reason;
  kill_at_ns_ = boot_now_ns() + order_.order().grace_ns;
  const std::vector<Process> tree = tree_below_us({});
  signal_all(tree, SIGTERM);
  signal_all(tree, SIGCONT);
  set_timer();
}

// The first reason stays.
void LauncherProcess::begin_killing(EndReason reason) {
  assert(phase_ == Phase::running || phase_ == Phase::terminating);
  if (phase_ == Phase::running) exited_.reason = reason;
  phase_ = Phase::killing;
  kill_again_at_ns_ = 0;  // at the end of this turn of `wait`
}

// May end the task, if all of it turns out to be dead.
void LauncherProcess::kill_again() {
  std::set<pid_t> stopped;
  for (int round = 0; round < stop_rounds_max && stop_tree_below_us({}, stopped); ++round) reap();
  kill_tree_below_us({});
  kill_again_at_ns_ = boot_now_ns() + kill_pause_ns_;
  kill_pause_ns_ = std::min(2 * kill_pause_ns_, kill_pause_ns_max);
}

void LauncherProcess::check_instants() {
  const std::int64_t now_ns = boot_now_ns();
  const auto is_over = [now_ns](std::int64_t at_ns) { return at_ns != 0 && now_ns >= at_ns; };
  if (phase_ == Phase::killing) return;
  if (is_over(deadline_ns_)) return begin_killing(EndReason::deadline_passed);
  if (phase_ == Phase::terminating && is_over(kill_at_ns_)) return begin_killing(exited_.reason);
  const std::int64_t limit_ns = order_.order().time_limit_ns;
  const bool late = limit_ns != 0 && now_ns - started_.start_boot_ns >= limit_ns;
  if (phase_ == Phase::running && late) begin_terminating(EndReason::timed_out);
}

void LauncherProcess::set_timer() {
  std::int64_t at_ns = 0;
  if (phase_ == Phase::running || phase_ == Phase::terminating) at_ns = deadline_ns_;
  if (phase_ == Phase::terminating) at_ns = earlier(at_ns, kill_at_ns_);
  const std::int64_t limit_ns = order_.order().time_limit_ns;
  if (phase_ == Phase::running && limit_ns != 0) {
    const std::int64_t room_ns = INT64_MAX - started_.start_boot_ns;
    at_ns = earlier(at_ns, started_.start_boot_ns + std::min(limit_ns, room_ns));
  }
  if (at_ns == 0 || (timer_at_ns_ != 0 && timer_at_ns_ <= at_ns)) return;
  const itimerspec setting{.it_interval = {},
                           .it_value = {.tv_sec = at_ns / ns_per_second, .tv_nsec = at_ns % ns_per_second}};
  // A task whose limits cannot be watched must not go on.
  const bool set = ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr) == 0 &&
                   ::timer_settime(*waker_, TIMER_ABSTIME, &setting, nullptr) == 0;
  if (!set) hung_up_ = true;
  timer_at_ns_ = at_ns;
}

void LauncherProcess::tell_started() {
  told_started_ = true;
  report({.has_started = true, .started = started_});
}

void LauncherProcess::end_task() {
  // A subreaper without children has lost nobody: the main process is among those that were waited for.
  assert(main_ended_);
  const wire::Report last{.has_started = !told_started_, .has_exited = true, .started = started_, .exited = exited_};
  phase_ = Phase::idle;
  order_.forget();
  report(last);
  scratch_.clean();
}

void LauncherProcess::report(const wire::Report& report) {
  if (!send_message(socket_.get(), {{&report, sizeof report}}, {})) hung_up_ = true;
}

void LauncherProcess::end_everything() {
  const std::int64_t give_up_at_ns = boot_now_ns() + end_patience_ns;
  std::set<pid_t> stopped;
  while (reap_strays() && boot_now_ns() < give_up_at_ns) {
    for (int round = 0; round < stop_rounds_max && stop_tree_below_us({}, stopped); ++round) reap_strays();
    kill_tree_below_us({});
    stopped.clear();
    pollfd dying{.fd = signals_.get(), .events = POLLIN, .revents = 0};
    constexpr timespec pause{.tv_sec = 0, .tv_nsec = kill_pause_ns_min};
    ::ppoll(&dying, 1, &pause, nullptr);
    std::array<signalfd_siginfo, 4> ignored;
    static_cast<void>(::read(signals_.get(), ignored.data(), sizeof ignored));
  }
  scratch_.remove();
}

}  // namespace agent::exec
