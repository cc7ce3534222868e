#include "agent/shell/nameless_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

std::vector<std::byte> pattern(std::size_t size, unsigned seed) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 31 + seed) & 0xff);
  return bytes;
}

TEST(NamelessFileTest, IsPrivateAndLeavesNoName) {
  const TemporaryDirectory directory;
  const auto file = open_nameless_file(directory.path());
  ASSERT_TRUE(file);
  struct stat status {};
  ASSERT_EQ(fstat(file->get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(status.st_nlink, 0U);
  EXPECT_TRUE(directory.entries().empty());
  EXPECT_EQ(fcntl(file->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(NamelessFileTest, NoDirectoryIsAProblemThatNamesIt) {
  const auto file = open_nameless_file("/nonexistent/place");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "cannot make a file in /nonexistent/place: No such file or directory");
}

TEST(NamelessFileTest, GivesBackWhatWasWrittenAtEachPlace) {
  const TemporaryDirectory directory;
  const auto file = open_nameless_file(directory.path());
  ASSERT_TRUE(file);
  const auto first = pattern(300'000, 1);
  const auto second = pattern(17, 2);
  ASSERT_TRUE(write_at(file->get(), second, 300'000));
  ASSERT_TRUE(write_at(file->get(), first, 0));
  EXPECT_EQ(read_at(file->get(), 0, first.size()), first);
  EXPECT_EQ(read_at(file->get(), 300'000, second.size()), second);
  EXPECT_EQ(read_at(file->get(), 5, 0)->size(), 0U);
}

TEST(NamelessFileTest, ReadingPastTheEndIsAProblem) {
  const TemporaryDirectory directory;
  const auto file = open_nameless_file(directory.path());
  ASSERT_TRUE(file);
  ASSERT_TRUE(write_at(file->get(), pattern(10, 0), 0));
  const auto got = read_at(file->get(), 5, 6);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "cannot read from the state directory's disk: Input/output error");
}

TEST(NamelessFileTest, AFullDiskIsAProblemAndWhatIsThereStays) {
  const TemporaryDirectory directory;
  const auto file = open_nameless_file(directory.path());
  ASSERT_TRUE(file);
  const auto before = pattern(4'096, 3);
  ASSERT_TRUE(write_at(file->get(), before, 0));
  {
    const FileSizeLimit limit(8'192);
    EXPECT_FALSE(write_at(file->get(), pattern(8'192, 4), 4'096));
  }
  EXPECT_EQ(read_at(file->get(), 0, before.size()), before);
  EXPECT_TRUE(write_at(file->get(), pattern(8'192, 4), 4'096));
}

}  // namespace
}  // namespace agent::shell
