#include "tests/unit/exec/launcher_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "agent/exec/clock.h"
#include "agent/exec/proc_file.h"
#include "agent/exec/process_tree.h"
#include "agent/exec/remove_tree.h"
#include "tests/unit/exec/task_programs.h"

namespace agent::exec {

namespace {

constexpr auto patience = std::chrono::seconds(20);

std::string unique_marker() {
  static int count = 0;
  return "test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

bool eventually(const std::function<bool()>& fact) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!fact()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    ::usleep(1000);
  }
  return true;
}

std::vector<pid_t> processes_marked(const std::string& marker) {
  const std::string mark = std::string(marker_variable) + "=" + marker + '\0';
  std::vector<pid_t> found;
  for (pid_t pid : numbered_entries("/proc")) {
    const std::string environment = '\0' + read_proc_file("/proc/" + std::to_string(pid) + "/environ");
    if (environment.find('\0' + mark) != std::string::npos) found.push_back(pid);
  }
  return found;
}

std::size_t open_descriptor_count() {
  return numbered_entries("/proc/self/fd").size();
}

std::size_t child_count() {
  return tree_below_us({}).size();
}

std::string text_of(const Output& output) {
  const auto text = [](const std::vector<std::byte>& bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  if (!output.file) return text(output.bytes);
  return text(output.file->read(0, static_cast<std::size_t>(*output.file->size())).value());
}

std::int64_t boot_now_ns() {
  return clock_ns(CLOCK_BOOTTIME);
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = "/var/tmp/gibbon-test-XXXXXX";
  path_ = ::mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  const int parent = ::open("/var/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  EXPECT_EQ(remove_tree(parent, path_.substr(path_.rfind('/') + 1)), 0);
  ::close(parent);
}

std::vector<std::string> TemporaryDirectory::entries() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
  return names;
}

std::string TemporaryDirectory::make_file(const std::string& name, const std::string& content, unsigned mode) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path) << content;
  EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  return path;
}

LauncherTest::LauncherTest() : marker_(unique_marker()) {}

LauncherOptions LauncherTest::options() const {
  return {.scratch_parent = scratch_parent_.path(),
          .output_directory = outputs_.path(),
          .marker = marker_,
          .grace_ns = 200'000'000};
}

Launcher& LauncherTest::launcher() {
  if (launcher_ == nullptr) launcher_ = Launcher::start(options()).value();
  return *launcher_;
}

TaskOrder LauncherTest::order(std::vector<std::string> argv) {
  TaskOrder order;
  order.task = ++last_task_;
  order.argv = std::move(argv);
  order.environment = {"PATH=/usr/bin:/bin", "GIBBON_AGENT=" + marker_, "GIBBON_SCRATCH=" + launcher().scratch()};
  return order;
}

TaskOrder LauncherTest::own_task(const std::string& name) {
  return order({own_program(), "--task", name});
}

Event LauncherTest::next_event(Launcher& from) {
  static std::vector<Event> waiting;
  if (waiting.empty()) {
    EXPECT_TRUE(eventually([&] {
      pollfd readable{.fd = from.fd(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, 1000);
      waiting = from.read_events();
      return !waiting.empty();
    }));
  }
  if (waiting.empty()) return LauncherGone{};
  Event event = waiting.front();
  waiting.erase(waiting.begin());
  return event;
}

Finished LauncherTest::wait_for_end() {
  Finished finished;
  while (true) {
    const Event event = next_event(*launcher_);
    if (const auto* started = std::get_if<TaskStarted>(&event)) {
      finished.started = *started;
      continue;
    }
    const auto* exited = std::get_if<TaskExited>(&event);
    EXPECT_NE(exited, nullptr) << "the launcher is gone";
    if (exited == nullptr) return finished;
    finished.exited = *exited;
    break;
  }
  const Outputs outputs = launcher_->take_outputs().value();
  finished.output = text_of(outputs.standard_output);
  finished.error = text_of(outputs.standard_error);
  return finished;
}

Finished LauncherTest::run(const TaskOrder& order) {
  const auto started = launcher().start_task(order);
  EXPECT_TRUE(started) << to_string(started.error());
  if (!started) return {};
  return wait_for_end();
}

void LauncherTest::start_and_await_output(const TaskOrder& order, std::size_t length) {
  ASSERT_TRUE(launcher().start_task(order));
  const Event event = next_event(*launcher_);
  const auto* started = std::get_if<TaskStarted>(&event);
  ASSERT_NE(started, nullptr);
  const std::string file = "/proc/" + std::to_string(started->pid) + "/fd/1";
  ASSERT_TRUE(eventually([&] {
    struct stat status {};
    return ::stat(file.c_str(), &status) == 0 && static_cast<std::size_t>(status.st_size) >= length;
  }));
}

}  // namespace agent::exec
