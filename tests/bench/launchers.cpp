// What the task launchers cost above the floor: two of them, driven by a bare loop, against spawn_floor.c with two
// children outstanding. Same command, same environment; rounds alternate, medians are compared.
//
//   launchers [COUNT [ROUNDS]]      by default 10000 x /bin/true, 5 rounds
//
// The program finds spawn_floor beside itself. Outputs and scratch directories are below /var/tmp.

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/exec/launcher.h"

namespace {

using agent::exec::Launcher;
using agent::exec::LauncherOptions;
using agent::exec::TaskExited;
using agent::exec::TaskOrder;

constexpr int launcher_count = 2;

struct Cost {
  double wall_seconds = 0;
  double cpu_seconds = 0;
};

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "launchers: %s\n", what);
  std::exit(1);
}

double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double cpu_seconds_of_all() {
  return cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
}

const std::vector<std::string>& environment() {
  static const std::vector<std::string> variables{
      "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/root",   "LANG=C.UTF-8", "GIBBON_AGENT=bench",
      "GIBBON_JOB_ID=0123456789abcdef",    "GIBBON_SEQ=1", "GIBBON_SLOT=1"};
  return variables;
}

template <class Run>
Cost measure(Run run) {
  const double cpu_before = cpu_seconds_of_all();
  const auto begun = std::chrono::steady_clock::now();
  run();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
  return {.wall_seconds = wall.count(), .cpu_seconds = cpu_seconds_of_all() - cpu_before};
}

void run_floor(const std::string& program, int count) {
  std::vector<std::string> words{program, std::to_string(launcher_count), std::to_string(count), "/bin/true"};
  std::vector<std::string> variables = environment();
  const auto pointers_to = [](std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    for (std::string& string : strings) pointers.push_back(string.data());
    pointers.push_back(nullptr);
    return pointers;
  };
  posix_spawn_file_actions_t silent;
  ::posix_spawn_file_actions_init(&silent);
  ::posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  int status = -1;
  const int failed =
      ::posix_spawn(&pid, program.c_str(), &silent, nullptr, pointers_to(words).data(), pointers_to(variables).data());
  ::posix_spawn_file_actions_destroy(&silent);
  if (failed != 0) give_up("spawn_floor does not start");
  if (::waitpid(pid, &status, 0) != pid || status != 0) give_up("spawn_floor failed");
}

void run_launchers(const std::string& directory, int count) {
  const LauncherOptions options{.scratch_parent = directory, .output_directory = directory, .marker = "bench"};
  std::array<std::unique_ptr<Launcher>, launcher_count> launchers;
  std::array<pollfd, launcher_count> watched{};
  TaskOrder order{.argv = {"/bin/true"}, .environment = environment()};
  int started = 0;
  int ended = 0;
  const auto start_next = [&](Launcher& launcher) {
    if (started == count) return;
    order.task = static_cast<std::uint64_t>(++started);
    if (!launcher.start_task(order)) give_up("an order was refused");
  };
  for (std::size_t i = 0; i < launcher_count; ++i) {
    auto launcher = Launcher::start(options);
    if (!launcher) give_up("no launcher");
    launchers[i] = *std::move(launcher);
    watched[i] = {.fd = launchers[i]->fd(), .events = POLLIN, .revents = 0};
    start_next(*launchers[i]);
  }
  while (ended < count) {
    ::poll(watched.data(), watched.size(), -1);
    for (std::size_t i = 0; i < launcher_count; ++i) {
      if (watched[i].revents == 0) continue;
      for (const auto& event : launchers[i]->read_events()) {
        const auto* exited = std::get_if<TaskExited>(&event);
        if (exited == nullptr) continue;
        if (exited->status.code != 0 || exited->failure || !launchers[i]->take_outputs()) give_up("a task failed");
        ++ended;
        start_next(*launchers[i]);
      }
    }
  }
}

Cost median(std::vector<Cost> costs) {
  const auto middle = [&](double Cost::*part) {
    std::ranges::sort(costs, {}, part);
    return costs[costs.size() / 2].*part;
  };
  return {.wall_seconds = middle(&Cost::wall_seconds), .cpu_seconds = middle(&Cost::cpu_seconds)};
}

}  // namespace

int main(int argc, char** argv) {
  if (agent::exec::is_launcher_invocation(argc, argv)) return agent::exec::launcher_main(argc, argv);
  const int count = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (count < 1 || rounds < 1) give_up("usage: launchers [COUNT [ROUNDS]]");
  const std::string floor = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "spawn_floor";
  std::string directory = "/var/tmp/gibbon-bench-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) give_up("no directory below /var/tmp");
  std::vector<Cost> floor_costs;
  std::vector<Cost> launcher_costs;
  for (int round = 0; round < rounds; ++round) {
    floor_costs.push_back(measure([&] { run_floor(floor, count); }));
    launcher_costs.push_back(measure([&] { run_launchers(directory, count); }));
  }
  std::filesystem::remove_all(directory);
  const Cost base = median(floor_costs);
  const Cost ours = median(launcher_costs);
  std::printf("%d x /bin/true, two at once, medians of %d\n", count, rounds);
  std::printf("  floor      wall %.3f s   cpu %.3f s\n", base.wall_seconds, base.cpu_seconds);
  std::printf("  launchers  wall %.3f s   cpu %.3f s\n", ours.wall_seconds, ours.cpu_seconds);
  std::printf("  ratio      wall %.3f     cpu %.3f\n", ours.wall_seconds / base.wall_seconds,
              ours.cpu_seconds / base.cpu_seconds);
  return 0;
}
