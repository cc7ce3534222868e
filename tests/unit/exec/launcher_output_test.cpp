// What a task writes: as bytes, as files, and never mixed with another one's.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/exec/launcher.h"
#include "agent/exec/proc_file.h"
#include "tests/unit/exec/launcher_fixture.h"

namespace agent::exec {

namespace {

class LauncherOutputTest : public LauncherTest {
 protected:
  // As `run`, with the outputs as they come.
  Outputs outputs_of(const TaskOrder& order) {
    EXPECT_TRUE(launcher().start_task(order));
    while (!std::holds_alternative<TaskExited>(next_event(launcher()))) {
    }
    return launcher().take_outputs().value();
  }
  TaskOrder zeros(std::size_t bytes) { return order({"head", "-c", std::to_string(bytes), "/dev/zero"}); }
};

std::int64_t private_kib(pid_t pid) {
  const std::string status = read_proc_file("/proc/" + std::to_string(pid) + "/status");
  return std::stoll(status.substr(status.find("RssAnon:") + 8));
}

TEST_F(LauncherOutputTest, streams_are_apart_and_each_task_has_its_own) {
  for (int i = 0; i < 3; ++i) {
    const std::string number = std::to_string(i);
    const Finished finished = run(shell("echo out" + number + "; echo err" + number + " >&2"));
    EXPECT_EQ(finished.output, "out" + number + "\n");
    EXPECT_EQ(finished.error, "err" + number + "\n");
  }
  const Finished silent = run(order({"true"}));
  EXPECT_EQ(silent.output + silent.error, "");
}

TEST_F(LauncherOutputTest, bytes_up_to_the_limit_a_file_beyond) {
  const Outputs inside = outputs_of(zeros(inline_output_bytes_max));
  EXPECT_EQ(inside.standard_output.bytes.size(), inline_output_bytes_max);
  EXPECT_FALSE(inside.standard_output.file);
  const Outputs beyond = outputs_of(zeros(inline_output_bytes_max + 1));
  EXPECT_TRUE(beyond.standard_output.bytes.empty());
  ASSERT_TRUE(beyond.standard_output.file);
  EXPECT_EQ(beyond.standard_output.file->size().value(), inline_output_bytes_max + 1);
  EXPECT_FALSE(beyond.standard_error.file);
}

TEST_F(LauncherOutputTest, file_that_was_taken_is_not_touched_by_the_next_task) {
  const Outputs first = outputs_of(shell("head -c 100000 /dev/zero | tr '\\0' a; echo err >&2"));
  EXPECT_EQ(run(shell("echo next; echo next >&2")).output, "next\n");
  const Outputs second = outputs_of(shell("head -c 100000 /dev/zero | tr '\\0' b >&2; echo out"));
  EXPECT_EQ(run(order({"echo", "last"})).output, "last\n");
  EXPECT_EQ(text_of(first.standard_output), std::string(100'000, 'a'));
  EXPECT_EQ(text_of(first.standard_error), "err\n");
  EXPECT_EQ(text_of(second.standard_error), std::string(100'000, 'b'));
  EXPECT_EQ(text_of(second.standard_output), "out\n");
}

TEST_F(LauncherOutputTest, outputs_not_taken_are_gone_with_the_next_task) {
  ASSERT_TRUE(launcher().start_task(shell("echo lost; echo lost >&2")));
  while (!std::holds_alternative<TaskExited>(next_event(launcher()))) {
  }
  const Finished finished = run(order({"echo", "kept"}));
  EXPECT_EQ(finished.output, "kept\n");
  EXPECT_EQ(finished.error, "");
}

TEST_F(LauncherOutputTest, writers_of_one_task_do_not_overwrite_each_other) {
  const Finished finished =
      run(shell("for i in 1 2 3 4; do (for j in 1 2 3 4 5; do echo line; done) & done; wait; echo end"));
  EXPECT_EQ(finished.output.size(), 20U * 5 + 4);
  EXPECT_TRUE(finished.output.ends_with("line\nend\n"));
}

TEST_F(LauncherOutputTest, flags_changed_by_a_task_do_not_reach_the_next) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(run(own_task("clear_append")).output, "0123456789");
    EXPECT_EQ(run(shell("echo a; echo b")).output, "a\nb\n");
  }
}

TEST_F(LauncherOutputTest, much_output_costs_no_memory) {
  ASSERT_EQ(run(zeros(1)).output.size(), 1U);
  const std::int64_t ours = private_kib(::getpid());
  const std::int64_t theirs = private_kib(launcher().pid());
  constexpr std::size_t much_bytes = std::size_t{512} << 20;
  const Outputs outputs = outputs_of(zeros(much_bytes));
  ASSERT_TRUE(outputs.standard_output.file);
  EXPECT_EQ(outputs.standard_output.file->size().value(), much_bytes);
  EXPECT_LT(private_kib(::getpid()) - ours, 4096);
  EXPECT_LT(private_kib(launcher().pid()) - theirs, 1024);
}

TEST_F(LauncherOutputTest, file_gets_a_name_by_link_and_across_file_systems_by_copy) {
  const Outputs outputs = outputs_of(shell("head -c 200000 /dev/zero | tr '\\0' x"));
  ASSERT_TRUE(outputs.standard_output.file);
  const OutputFile& file = *outputs.standard_output.file;
  EXPECT_TRUE(outputs_.entries().empty());
  for (const std::string& directory : {place_.path(), std::string("/dev/shm")}) {
    const std::string path = directory + "/gibbon-test-output-" + std::to_string(::getpid());
    ASSERT_TRUE(file.link_to(path)) << path;
    EXPECT_EQ(std::filesystem::file_size(path), 200'000U);
    std::string start(3, '\0');
    std::ifstream(path).read(start.data(), 3);
    EXPECT_EQ(start, "xxx");
    EXPECT_EQ(file.link_to(path).error(), OutputError::name_taken);
    std::filesystem::remove(path);
  }
  EXPECT_EQ(file.link_to("/no/such/directory/name").error(), OutputError::not_linkable);
}

TEST_F(LauncherOutputTest, emptied_file_is_appended_to_whatever_was_done_to_it) {
  OutputFile file = OutputFile::open(outputs_.path()).value();
  ASSERT_EQ(::write(file.descriptor(), "abc", 3), 3);
  EXPECT_EQ(file.read(1, 10).value().size(), 2U);
  ASSERT_EQ(::fcntl(file.descriptor(), F_SETFL, 0), 0);
  EXPECT_TRUE(file.empty());
  EXPECT_EQ(file.size().value(), 0U);
  ASSERT_EQ(::write(file.descriptor(), "de", 2), 2);
  ASSERT_EQ(::lseek(file.descriptor(), 0, SEEK_SET), 0);
  ASSERT_EQ(::write(file.descriptor(), "f", 1), 1);
  EXPECT_EQ(file.size().value(), 3U);
  EXPECT_EQ(OutputFile::open("/no/such").error(), OutputError::directory_unusable);
}

}  // namespace

}  // namespace agent::exec
