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
  EXPECT_EQ(config.error().hint, "known settings: slots, listen, seeds, allow_weak_sandbox");
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

tl::expected<Config, Problem> read_whole(const std::string& content) {
  const TemporaryDirectory directory;
  write_file(directory.file("gibbon.toml"), content);
  return read_config(directory.file("gibbon.toml"));
}

TEST(ConfigTest, PlacesAreTextsOrListsOfThem) {
  const auto config =
      read_whole("listen = \"[::1]:0\"\nseeds = [\"alpha\", \"10.0.0.1:80\"]\nallow_weak_sandbox = true\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen, (std::vector{*parse_endpoint("[::1]:0")}));
  EXPECT_EQ(config->seeds, (std::vector{*parse_endpoint("alpha:4422"), *parse_endpoint("10.0.0.1:80")}));
  EXPECT_TRUE(config->allow_weak_sandbox);
}

TEST(ConfigTest, WithoutAWordNoPlaceIsNamedAndNobodyElseRunsAnything) {
  const auto config = read_whole("");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->listen.empty() && config->seeds.empty());
  EXPECT_FALSE(config->allow_weak_sandbox);
}

TEST(ConfigTest, WrongPlacesNameTheLineAndTheReason) {
  EXPECT_EQ(read("\nlisten = 4422\n").problem, "line 2: listen is a text \"HOST:PORT\", or a list of such texts");
  EXPECT_EQ(read("\nlisten = \"a:b\"\n").problem, "line 2: listen: the port is no number from 0 to 65535");
  EXPECT_EQ(read("seeds = [\n\"alpha:1\",\n\"*:1\"]\n").problem, "line 3: seeds: nobody in particular is there");
  EXPECT_EQ(read("\nallow_weak_sandbox = 1\n").problem, "line 2: allow_weak_sandbox is true or false");
  std::string many = "seeds = [";
  for (int i = 0; i < 65; ++i) many += "\"alpha:1\",";
  EXPECT_EQ(read(many + "]").problem, "line 1: seeds has at most 64 entries");
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
