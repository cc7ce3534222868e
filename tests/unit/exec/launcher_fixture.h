#pragma once
// A directory of its own for each test, a launcher in it, and a way to wait for facts instead of for time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/exec/launcher.h"

namespace agent::exec {

// Polls until `fact` holds; false after 20 s.
bool eventually(const std::function<bool()>& fact);

// Living processes (no zombies) whose environment has GIBBON_AGENT=<marker>.
std::vector<pid_t> processes_marked(const std::string& marker);

std::size_t open_descriptor_count();
// Of this process; zombies too.
std::size_t child_count();
std::string text_of(const Output& output);
std::int64_t boot_now_ns();

// A directory that is removed at the end with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::vector<std::string> entries() const;
  std::string make_file(const std::string& name, const std::string& content, unsigned mode) const;

 private:
  std::string path_;
};

struct Finished {
  std::optional<TaskStarted> started;
  TaskExited exited;
  std::string output;
  std::string error;
};

class LauncherTest : public ::testing::Test {
 protected:
  LauncherTest();

  [[nodiscard]] LauncherOptions options() const;
  // Started at the first call.
  Launcher& launcher();
  [[nodiscard]] TaskOrder order(std::vector<std::string> argv);
  [[nodiscard]] TaskOrder shell(const std::string& script) { return order({"/bin/sh", "-c", script}); }
  [[nodiscard]] TaskOrder own_task(const std::string& name);

  // The next event; a test failure and LauncherGone if none comes in 20 s.
  Event next_event(Launcher& from);
  // Starts it and waits for its end. Outputs that are files are read, too.
  Finished run(const TaskOrder& order);
  // Waits for the end of what was started.
  Finished wait_for_end();
  // Starts it and waits until its standard output is at least `length` long.
  void start_and_await_output(const TaskOrder& order, std::size_t length);

  TemporaryDirectory scratch_parent_;
  TemporaryDirectory outputs_;
  TemporaryDirectory place_;
  const std::string marker_;
  std::unique_ptr<Launcher> launcher_;
  std::uint64_t last_task_ = 0;
};

}  // namespace agent::exec
