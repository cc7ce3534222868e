#include "agent/shell/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

// What `content` is read as: the slots, or the problem's message behind the file's path.
struct Outcome {
  std::optional<std::uint32_t> slots;
  std::string problem;
};

Outcome read(const std::string& content) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("gibbon.toml");
  write_file(path, content);
  const auto config = read_config(path);
  if (config) return {.slots = config->slots, .problem = ""};
  EXPECT_EQ(config.error().hint, "known settings: slots");
  EXPECT_TRUE(config.error().message.starts_with(path + ", ")) << config.error().message;
  return {.slots = {}, .problem = config.error().message.substr(path.size() + 2)};
}

TEST(ConfigTest, AMissingFileIsAnEmptyOne) {
  const auto config = read_config("/nonexistent/gibbon.toml");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->slots);
}

TEST(ConfigTest, OnlyARegularFileOfReasonableLengthIsRead) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("gibbon.toml");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(read_config(path).error().message, "cannot read " + path + ": it is not a regular file");
  EXPECT_FALSE(read_config("/dev/zero"));
  EXPECT_FALSE(read_config(directory.path()));
  std::filesystem::remove(path);
  write_file(path, std::string(std::size_t{1} << 20, '\n'));
  EXPECT_TRUE(read_config(path));
  write_file(path, std::string((std::size_t{1} << 20) + 1, '\n'));
  EXPECT_EQ(read_config(path).error().message, "cannot read " + path + ": it is longer than 1 MiB");
}

TEST(ConfigTest, EmptyAndCommentedFilesSettleNothing) {
  for (const char* content : {"", "\n", "# slots = 4\n"}) {
    const Outcome got = read(content);
    EXPECT_EQ(got.problem, "");
    EXPECT_FALSE(got.slots);
  }
}

TEST(ConfigTest, SlotsAreReadUpToTheBounds) {
  EXPECT_EQ(read("slots = 4\n").slots, 4U);
  EXPECT_EQ(read("slots = 1").slots, 1U);
  EXPECT_EQ(read("slots = 4096").slots, 4'096U);
}

TEST(ConfigTest, WrongValuesNameTheLine) {
  const std::string wanted = "line 2: slots is a whole number from 1 to 4096";
  for (const char* value : {"0", "-1", "4097", "\"4\"", "4.0", "true", "[4]", "9223372036854775807"}) {
    EXPECT_EQ(read(std::string("\nslots = ") + value + "\n").problem, wanted) << value;
  }
}

TEST(ConfigTest, UnknownSettingsNameTheLine) {
  EXPECT_EQ(read("slots = 2\n\nslot = 3\n").problem, "line 3: unknown setting 'slot'");
  EXPECT_EQ(read("[agent]\nslots = 2\n").problem, "line 1: unknown setting 'agent'");
}

TEST(ConfigTest, WhatIsNoTomlNamesTheLine) {
  for (const char* content : {"# fine\nslots = \n", "\nslots\n", "\nslots = 4 5\n", "\n\x01\xff\n"}) {
    EXPECT_TRUE(read(content).problem.starts_with("line 2: ")) << content << read(content).problem;
  }
}

TEST(ConfigTest, WhatCannotBeReadIsAProblem) {
  const TemporaryDirectory directory;
  const auto config = read_config(directory.path());
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, "cannot read " + directory.path() + ": Is a directory");
}

}  // namespace
}  // namespace agent::shell
