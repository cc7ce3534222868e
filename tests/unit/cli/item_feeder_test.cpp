#include "agent/cli/item_feeder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "protocol/limits.h"
#include "tests/unit/cli/redirected.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::cli {
namespace {

namespace client = protocol::client;
namespace limits = protocol::limits;
using shell::EventLoop;
using shell::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Source arguments(std::vector<std::string> words, Tie tie = Tie::product) {
  return {.kind = Source::Kind::arguments, .tie = tie, .arguments = std::move(words)};
}
Source file(const std::string& path) {
  return {.kind = Source::Kind::file, .path = path};
}
Source standard_input() {
  return {.kind = Source::Kind::standard_input};
}

class ItemFeederTest : public testing::Test {
 protected:
  // Opens the sources; the chunks are stored at once unless the test holds them back.
  [[nodiscard]] bool open(std::vector<Source> sources) {
    options.sources = std::move(sources);
    feeder = std::make_unique<ItemFeeder>(
        loop.get(), options,
        ItemFeeder::Callbacks{.on_chunk =
                                  [this](client::Items chunk) {
                                    chunks.push_back(std::move(chunk));
                                    if (on_chunk) on_chunk();
                                  },
                              .on_problem = [this](const std::string& problem) { problems.push_back(problem); }});
    return feeder->open_sources();
  }
  void start(std::vector<Source> sources) {
    ASSERT_TRUE(open(std::move(sources)));
    feeder->start(job);
  }
  [[nodiscard]] bool over() const { return (!chunks.empty() && chunks.back().last) || !problems.empty(); }
  // Runs to the end, acknowledging every chunk.
  void feed_all(std::vector<Source> sources) {
    start(std::move(sources));
    std::uint64_t stored = 0;
    ASSERT_TRUE(loop.run_until([&] {
      while (stored < chunks.size()) feeder->stored(chunks[stored++].chunk);
      return over();
    }));
  }
  // The items so far; too long ones as "#SIZE", columns with a | between.
  [[nodiscard]] std::vector<std::string> items() const {
    std::vector<std::string> all;
    for (const client::Items& chunk : chunks) {
      for (const client::Item& item : chunk.items) {
        if (const auto* too_long = std::get_if<client::TooLong>(&item)) {
          all.push_back("#" + std::to_string(too_long->size_bytes));
          continue;
        }
        const auto& bytes = std::get<protocol::Bytes>(item);
        std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        std::ranges::replace(text, '\0', '|');
        all.push_back(std::move(text));
      }
    }
    return all;
  }
  // Numbers, first indices and sizes fit together, and every chunk can travel.
  void expect_chain() const {
    std::uint64_t number = 0;
    std::uint64_t first = 0;
    for (const client::Items& chunk : chunks) {
      EXPECT_EQ(chunk.job, job);
      EXPECT_EQ(chunk.chunk, number++);
      EXPECT_EQ(chunk.first, first);
      EXPECT_EQ(chunk.last, &chunk == &chunks.back());
      EXPECT_TRUE(chunk.last || !chunk.items.empty());
      EXPECT_EQ(client::decode_client(client::encode(chunk)), client::ClientMessage(chunk));
      first += chunk.items.size();
    }
  }

  EventLoop loop;
  RunOptions options;
  const protocol::JobId job{protocol::Bytes16{std::byte{7}}};
  std::unique_ptr<ItemFeeder> feeder;
  std::vector<client::Items> chunks;
  std::vector<std::string> problems;
  std::function<void()> on_chunk;
};

TEST_F(ItemFeederTest, ArgumentsAreFedInOneChunkIfTheyFit) {
  feed_all({arguments({"a", "", "b c"})});
  EXPECT_THAT(items(), ElementsAre("a", "", "b c"));
  expect_chain();
}

TEST_F(ItemFeederTest, ArgumentsHaveColumnsAndDelimitersToo) {
  options.column_separator = *ColumnSeparator::parse(",");
  feed_all({arguments({"a,b", "", "c\nd,e"})});
  EXPECT_THAT(items(), ElementsAre("a|b", "", "c\nd|e"));
}

TEST_F(ItemFeederTest, ADelimiterCutsArgumentsAsItCutsFiles) {
  options.delimiter = ",";
  feed_all({arguments({"a,,b", "", "c,"})});
  EXPECT_THAT(items(), ElementsAre("a", "", "b", "", "c"));
}

TEST_F(ItemFeederTest, ChunksHoldAtMostTheirNumberOfItems) {
  for (const std::size_t count : {limits::chunk_items_max - 1, limits::chunk_items_max, limits::chunk_items_max + 1,
                                  3 * limits::chunk_items_max}) {
    chunks.clear();
    feed_all({arguments(std::vector<std::string>(count, "x"))});
    EXPECT_EQ(items().size(), count);
    expect_chain();
  }
}

TEST_F(ItemFeederTest, ChunksHoldAtMostTheirBytesButForALoneLongItem) {
  const std::string half(limits::chunk_bytes_max / 2, 'h');
  const std::string longest(limits::item_bytes_max, 'l');
  feed_all({arguments({half, half, "", "x", longest, "y", longest, longest + "!", half + "z", half})});
  EXPECT_THAT(items(), ElementsAre(half, half, "", "x", longest, "y", longest, "#131072", half + "z", half));
  expect_chain();
}

TEST_F(ItemFeederTest, ProductsAndLinksComeInTheOrderOfNestedLoops) {
  feed_all({arguments({"a", "b"}), arguments({"1", "2", "3"})});
  EXPECT_THAT(items(), ElementsAre("a|1", "a|2", "a|3", "b|1", "b|2", "b|3"));
  chunks.clear();
  feed_all({arguments({"a", "b", "c"}), arguments({"1", "2"}, Tie::linked)});
  EXPECT_THAT(items(), ElementsAre("a|1", "b|2"));
  expect_chain();
}

TEST_F(ItemFeederTest, FilesAreSplitAndTakenApart) {
  const TemporaryDirectory directory;
  shell::write_file(directory.file("list"), "a,1\nb,2\n\nlast,3");
  options.column_separator = *ColumnSeparator::parse(",");
  feed_all({file(directory.file("list"))});
  EXPECT_THAT(items(), ElementsAre("a|1", "b|2", "", "last|3"));
  chunks.clear();
  options.column_separator.reset();
  options.delimiter = std::string("\0", 1);
  options.rows_per_item = 2;
  shell::write_file(directory.file("list"), std::string("x\n\0y\0z", 6));
  feed_all({file(directory.file("list"))});
  EXPECT_THAT(items(), ElementsAre("x\n|y", "z"));
}

TEST_F(ItemFeederTest, AMillionLinesPassInBoundedChunks) {
  const TemporaryDirectory directory;
  std::string content;
  for (int i = 0; i < 1'000'000; ++i) content += std::to_string(i) + "\n";
  shell::write_file(directory.file("list"), content);
  feed_all({file(directory.file("list"))});
  const auto all = items();
  ASSERT_EQ(all.size(), 1'000'000U);
  EXPECT_EQ(all[0], "0");
  EXPECT_EQ(all[999'999], "999999");
  EXPECT_GE(chunks.size(), 1'000'000 / limits::chunk_items_max);
  EXPECT_LE(chunks.size(), 1'200U);
}

TEST_F(ItemFeederTest, EmptyInputsAreAnEmptyLastChunk) {
  const TemporaryDirectory directory;
  shell::write_file(directory.file("empty"), "");
  for (const std::string& path : {directory.file("empty"), std::string("/dev/null")}) {
    chunks.clear();
    feed_all({file(path)});
    EXPECT_THAT(items(), IsEmpty());
    expect_chain();
  }
  chunks.clear();
  feed_all({arguments({"a", "b"}), file("/dev/null")});
  EXPECT_THAT(items(), IsEmpty());
}

TEST_F(ItemFeederTest, AnItemLeavesBeforeTheInputEnds) {
  const Pipe pipe;
  const Redirected input(STDIN_FILENO, pipe.reading.get());
  pipe.say("first\nunfini");
  start({standard_input()});
  ASSERT_TRUE(loop.run_until([&] { return chunks.size() == 1; }));
  EXPECT_THAT(items(), ElementsAre("first"));
  pipe.say("shed\nsecond\n");
  loop.settle();
  EXPECT_EQ(chunks.size(), 1U) << "while one is not stored yet, the next is filled";
  feeder->stored(0);
  ASSERT_TRUE(loop.run_until([&] { return chunks.size() == 2; }));
  EXPECT_THAT(items(), ElementsAre("first", "unfinished", "second"));
  feeder->stored(1);
  loop.settle();
  EXPECT_EQ(chunks.size(), 2U);
}

TEST_F(ItemFeederTest, TheEndOfAPipeIsTheEndOfTheList) {
  auto pipe = std::make_unique<Pipe>();
  const Redirected input(STDIN_FILENO, pipe->reading.get());
  pipe->say("a\nb");
  start({standard_input()});
  ASSERT_TRUE(loop.run_until([&] { return !chunks.empty(); }));
  pipe.reset();
  feeder->stored(0);
  ASSERT_TRUE(loop.run_until([&] { return over(); }));
  EXPECT_THAT(items(), ElementsAre("a", "b"));
  expect_chain();
}

TEST_F(ItemFeederTest, AtMostEightChunksAreAheadAndTheInputIsNotReadIntoMemory) {
  const Pipe pipe;
  const Redirected input(STDIN_FILENO, pipe.reading.get());
  fcntl(pipe.writing.get(), F_SETFL, O_NONBLOCK);
  start({standard_input()});
  const std::string line(1'000, 'x');
  std::size_t written = 0;
  for (int round = 0; round < 5'000; ++round) {
    if (write(pipe.writing.get(), (line + "\n").data(), 1'001) == 1'001) ++written;
    uv_run(loop.get(), UV_RUN_NOWAIT);
  }
  EXPECT_EQ(chunks.size(), ItemFeeder::chunks_under_way);
  EXPECT_LT(written, 1'000U) << "the writer is held up";
  feeder->stored(0);
  feeder->stored(2);
  feeder->stored(1);
  feeder->stored(1'000'000);
  feeder->stored(~std::uint64_t{0});
  for (int round = 0; round < 5'000; ++round) {
    if (write(pipe.writing.get(), (line + "\n").data(), 1'001) == 1'001) ++written;
    uv_run(loop.get(), UV_RUN_NOWAIT);
  }
  EXPECT_EQ(chunks.size(), ItemFeeder::chunks_under_way + 3);
  feeder->stop();
}

TEST_F(ItemFeederTest, AnotherSourceMayBeAPipeThatTakesItsTime) {
  auto pipe = std::make_unique<Pipe>();
  const Redirected input(STDIN_FILENO, pipe->reading.get());
  start({arguments({"a", "b"}), standard_input(), arguments({"z"})});
  loop.settle();
  EXPECT_THAT(chunks, IsEmpty()) << "and the loop runs meanwhile";
  pipe->say("1\n2");
  loop.settle();
  EXPECT_THAT(chunks, IsEmpty());
  pipe.reset();
  ASSERT_TRUE(loop.run_until([&] { return over(); }));
  EXPECT_THAT(items(), ElementsAre("a|1|z", "a|2|z", "b|1|z", "b|2|z"));
}

TEST_F(ItemFeederTest, ASilentPipeCostsNoTime) {
  const Pipe pipe;
  const Redirected input(STDIN_FILENO, pipe.reading.get());
  for (const bool first : {true, false}) {
    const Source list = standard_input();
    start(first ? std::vector{list} : std::vector{arguments({"a"}), list});
    int turns = 0;
    const std::clock_t before = std::clock();
    (void)loop.run_until([&] { return ++turns > 60; });
    EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10);
    feeder->stop();
  }
}

TEST_F(ItemFeederTest, ASharedInputKeepsItsFlags) {
  const Pipe pipe;
  const Redirected input(STDIN_FILENO, pipe.reading.get());
  const int before = fcntl(STDIN_FILENO, F_GETFL);
  start({standard_input()});
  loop.settle();
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFL), before) << "while it is waited for";
  pipe.say("a\n");
  ASSERT_TRUE(loop.run_until([&] { return chunks.size() == 1; }));
  feeder.reset();
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFL), before);
  EXPECT_EQ(before & O_NONBLOCK, 0);
}

TEST_F(ItemFeederTest, ANonBlockingInputIsWaitedFor) {
  auto pipe = std::make_unique<Pipe>();
  fcntl(pipe->reading.get(), F_SETFL, O_NONBLOCK);
  const Redirected input(STDIN_FILENO, pipe->reading.get());
  start({standard_input()});
  loop.settle();
  EXPECT_THAT(problems, IsEmpty());
  pipe->say("a\n");
  pipe.reset();
  ASSERT_TRUE(loop.run_until([&] {
    if (!chunks.empty()) feeder->stored(chunks.size() - 1);
    return over();
  }));
  EXPECT_THAT(items(), ElementsAre("a"));
}

TEST_F(ItemFeederTest, WhatCannotBeReadIsNamed) {
  const TemporaryDirectory directory;
  EXPECT_FALSE(open({file(directory.file("missing"))}));
  EXPECT_THAT(problems, ElementsAre("cannot read " + directory.file("missing") + ": No such file or directory"));
  problems.clear();
  start({file(directory.path())});
  EXPECT_THAT(problems, ElementsAre("cannot read " + directory.path() + ": Is a directory"));
  problems.clear();
  start({arguments({"a"}), file(directory.path())});
  EXPECT_THAT(problems, ElementsAre("cannot read " + directory.path() + ": Is a directory"));
  EXPECT_THAT(chunks, IsEmpty());
}

TEST_F(ItemFeederTest, ABinaryFileIsAProblemThatNamesTheItem) {
  const TemporaryDirectory directory;
  shell::write_file(directory.file("binary"), std::string("good\nb\0d\n", 9));
  start({file(directory.file("binary"))});
  ASSERT_TRUE(loop.run_until([&] { return over(); }));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], HasSubstr(directory.file("binary") + ", item 2: the input has a NUL byte"));
  loop.settle();
  EXPECT_TRUE(chunks.empty() || !chunks.back().last) << "such a list has no end";
}

TEST_F(ItemFeederTest, ALineOfTenMegabytesIsOnlyMeasured) {
  const TemporaryDirectory directory;
  shell::write_file(directory.file("long"), "a\n" + std::string(10'000'000, 'x') + "\nb\n");
  feed_all({file(directory.file("long"))});
  EXPECT_THAT(items(), ElementsAre("a", "#10000000", "b"));
}

TEST_F(ItemFeederTest, StoppingInsideAChunkStopsAtOnce) {
  on_chunk = [this] { feeder->stop(); };
  start({arguments(std::vector<std::string>(5 * limits::chunk_items_max, "x"))});
  loop.settle();
  EXPECT_EQ(chunks.size(), 1U);
  feeder->stored(0);
  loop.settle();
  EXPECT_EQ(chunks.size(), 1U);
}

TEST_F(ItemFeederTest, NoDescriptorIsLeft) {
  const TemporaryDirectory directory;
  shell::write_file(directory.file("list"), "a\n");
  const Pipe pipe;
  const std::size_t before = shell::open_descriptor_count();
  for (int round = 0; round < 10; ++round) {
    const Redirected input(STDIN_FILENO, pipe.reading.get());
    start({standard_input(), file(directory.file("list"))});
    loop.settle();
    feeder.reset();
    loop.settle();
  }
  EXPECT_EQ(shell::open_descriptor_count(), before);
}

}  // namespace
}  // namespace agent::cli
