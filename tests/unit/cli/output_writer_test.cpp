#include "agent/cli/output_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <thread>

#include "tests/unit/cli/redirected.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {
namespace {

namespace client = protocol::client;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

protocol::Bytes bytes(const std::string& text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

client::Result result(const std::string& out, const std::string& err = "", const std::string& label = "") {
  client::Result made;
  made.covers = {.begin = 0, .end = 1};
  made.label = bytes(label);
  made.out = bytes(out);
  made.err = bytes(err);
  return made;
}

client::Results batch(std::uint64_t sequence, std::vector<client::Result> results) {
  return {.job = {}, .sequence = sequence, .results = std::move(results)};
}

class OutputWriterTest : public testing::Test {
 protected:
  OutputWriterTest()
      : writer(std::make_unique<OutputWriter>(
            loop.get(), options,
            OutputWriter::Callbacks{.on_written = [this](std::uint64_t sequence) { written.push_back(sequence); },
                                    .on_failed = [this](int error) { errors.push_back(error); },
                                    .on_drained = [this] { drained = true; }})) {}

  [[nodiscard]] bool wait_until_drained() {
    return loop.run_until([this] { return drained && !writer->busy(); });
  }
  // What is written to both streams by `act` and what follows from it; `out` and `err` are files.
  template <class Act>
  void write_to_files(const Act& act) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    act();
    const bool done = wait_until_drained();
    err = testing::internal::GetCapturedStderr();
    out = testing::internal::GetCapturedStdout();
    ASSERT_TRUE(done);
  }

  shell::EventLoop loop;
  RunOptions options;
  std::vector<std::uint64_t> written;
  std::vector<int> errors;
  bool drained = false;
  std::string out;
  std::string err;
  std::unique_ptr<OutputWriter> writer;
};

TEST_F(OutputWriterTest, BatchesAreWrittenInOrderToTheirStreams) {
  write_to_files([this] {
    writer->write(batch(0, {result("a\n", "e1\n"), result("b\n")}));
    writer->write(batch(1, {result("", "e2\n"), result("c")}));
    writer->write_text("the end\n");
    EXPECT_TRUE(writer->busy());
  });
  EXPECT_EQ(out, "a\nb\ncthe end\n");
  EXPECT_EQ(err, "e1\ne2\n");
  EXPECT_THAT(written, ElementsAre(0, 1));
  EXPECT_FALSE(writer->busy());
}

TEST_F(OutputWriterTest, OnATerminalTheStreamsKeepTheirOrder) {
  const Pipe both;
  {
    const Redirected as_out(STDOUT_FILENO, both.writing.get());
    const Redirected as_err(STDERR_FILENO, both.writing.get());
    writer->write(batch(0, {result("1\n", "2\n"), result("3\n"), result("", "4\n"), result("5\n", "6\n")}));
    ASSERT_TRUE(wait_until_drained());
  }
  const_cast<Pipe&>(both).writing.close();
  EXPECT_EQ(both.rest(), "1\n2\n3\n4\n5\n6\n");
}

TEST_F(OutputWriterTest, ResultsWithoutOutputAreAcknowledgedAtOnce) {
  writer->write(batch(0, {result(""), result("")}));
  EXPECT_THAT(written, ElementsAre(0));
  EXPECT_TRUE(drained);
  EXPECT_FALSE(writer->busy());
}

TEST_F(OutputWriterTest, TagsStandInFrontOfEveryLine) {
  options.tag = true;
  write_to_files([this] { writer->write(batch(0, {result("x\ny\n", "z", "it\0em"), result("w\n", "", "b")})); });
  EXPECT_EQ(out, "it\tx\nit\ty\nb\tw\n");
  EXPECT_EQ(err, "it\tz");
}

TEST_F(OutputWriterTest, LargeOutputsAreCopiedFromTheirFiles) {
  const shell::TemporaryDirectory directory;
  std::string large;
  for (int line = 0; line < 200'000; ++line) large += std::to_string(line) + "\n";
  shell::write_file(directory.file("large"), large);
  client::Result one = result("", "small\n", "t");
  one.out = client::File{.path = directory.file("large"), .size_bytes = large.size()};
  write_to_files([&] { writer->write(batch(0, {result("before\n"), one, result("after\n")})); });
  EXPECT_EQ(out, "before\n" + large + "after\n");
  EXPECT_EQ(err, "small\n");
  options.tag = true;
  write_to_files([&] { writer->write(batch(1, {one})); });
  EXPECT_TRUE(out.starts_with("t\t0\nt\t1\n"));
  EXPECT_TRUE(out.ends_with("\nt\t199999\n"));
  EXPECT_EQ(out.size(), large.size() + 2 * 200'000);
}

TEST_F(OutputWriterTest, AMissingFileIsAFailureAndNothingMoreIsWritten) {
  client::Result lost = result("");
  lost.out = client::File{.path = "/nonexistent/file", .size_bytes = 100'000};
  write_to_files([&] {
    writer->write(batch(0, {lost}));
    writer->write(batch(1, {result("never\n")}));
  });
  EXPECT_THAT(errors, ElementsAre(ENOENT));
  EXPECT_EQ(out, "");
  EXPECT_THAT(written, ElementsAre(0, 1)) << "so that the agent forgets them";
}

TEST_F(OutputWriterTest, AReaderThatBlocksDoesNotBlockTheLoop) {
  Pipe pipe;
  const Redirected as_out(STDOUT_FILENO, pipe.writing.get());
  const std::string much(1'000'000, 'm');
  writer->write(batch(0, {result(much)}));
  writer->write(batch(1, {result("second\n")}));
  int turns = 0;
  EXPECT_TRUE(loop.run_until([&] { return ++turns > 20; }));
  EXPECT_THAT(written, IsEmpty()) << "not before every byte of it is written";
  EXPECT_TRUE(writer->busy());
  EXPECT_EQ(fcntl(pipe.writing.get(), F_GETFL) & O_NONBLOCK, 0);
  std::string got(much.size() + 7, '\0');
  std::thread reader([&] {
    std::size_t taken = 0;
    while (taken < got.size()) {
      const ssize_t some = read(pipe.reading.get(), got.data() + taken, got.size() - taken);
      if (some <= 0) return;
      taken += static_cast<std::size_t>(some);
    }
  });
  EXPECT_TRUE(wait_until_drained());
  reader.join();
  EXPECT_EQ(got, much + "second\n");
  EXPECT_THAT(written, ElementsAre(0, 1));
}

TEST_F(OutputWriterTest, ANonBlockingReaderGetsEverythingToo) {
  Pipe pipe;
  fcntl(pipe.writing.get(), F_SETFL, O_NONBLOCK);
  const Redirected as_out(STDOUT_FILENO, pipe.writing.get());
  const std::string much(500'000, 'm');
  writer->write(batch(0, {result(much)}));
  std::string got;
  EXPECT_TRUE(loop.run_until([&] {
    std::array<char, 10'000> some{};
    const ssize_t size = read(pipe.reading.get(), some.data(), some.size());
    if (size > 0) got.append(some.data(), static_cast<std::size_t>(size));
    return got.size() == much.size();
  }));
  EXPECT_TRUE(wait_until_drained());
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(OutputWriterTest, AReaderThatHasGoneIsToldOnce) {
  {
    Pipe pipe;
    const Redirected as_out(STDOUT_FILENO, pipe.writing.get());
    pipe.reading.close();
    for (std::uint64_t sequence = 0; sequence < 5; ++sequence) writer->write(batch(sequence, {result("x\n")}));
    writer->write_text("y\n");
    ASSERT_TRUE(wait_until_drained());
  }
  EXPECT_THAT(errors, ElementsAre(EPIPE));
  EXPECT_THAT(written, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(OutputWriterTest, AFullDiskIsAFailure) {
  const exec::Descriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  {
    const Redirected as_out(STDOUT_FILENO, full.get());
    writer->write(batch(0, {result("x\n")}));
    ASSERT_TRUE(wait_until_drained());
  }
  EXPECT_THAT(errors, ElementsAre(ENOSPC));
}

TEST_F(OutputWriterTest, JsonIsOneListOrOneLineForEachResult) {
  options.format = OutputFormat::jsonl;
  write_to_files([this] { writer->write(batch(0, {result("a", "b", "l"), result("")})); });
  EXPECT_EQ(std::ranges::count(out, '\n'), 2);
  EXPECT_THAT(out, HasSubstr("\"stdout\":\"a\""));
  EXPECT_EQ(err, "");
  options.format = OutputFormat::json;
  write_to_files([this] {
    writer->write(batch(1, {result("a"), result("b")}));
    writer->write(batch(2, {result("c")}));
  });
  EXPECT_THAT(out, HasSubstr("\"stdout\":\"c\""));
}

TEST_F(OutputWriterTest, ItMayBeDestroyedWhileAThreadWrites) {
  Pipe pipe;
  const Redirected as_out(STDOUT_FILENO, pipe.writing.get());
  writer->write(batch(0, {result(std::string(1'000'000, 'x'))}));
  loop.settle();
  writer.reset();
  std::thread reader([&] {
    std::array<char, 65'536> some{};
    std::size_t taken = 0;
    while (taken < 1'000'000) taken += static_cast<std::size_t>(read(pipe.reading.get(), some.data(), some.size()));
  });
  reader.join();
  loop.settle();
  EXPECT_THAT(written, IsEmpty());
}

}  // namespace
}  // namespace agent::cli
