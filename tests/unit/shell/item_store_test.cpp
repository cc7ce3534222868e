#include "agent/shell/item_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "agent/shell/system.h"
#include "tests/unit/shell/open_files.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {
namespace {

crypto::Item text(const std::string& from) {
  const auto bytes = std::as_bytes(std::span(from));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

// Chunks as a job makes them: numbered, chained and signed.
class Chunks {
 public:
  Chunks() : key_(random_seed()), chain_(crypto::Digest{}) {}

  [[nodiscard]] const crypto::Bytes16& job() const { return job_; }
  [[nodiscard]] const crypto::PublicKey& key() const { return key_.public_key(); }

  [[nodiscard]] tl::expected<void, Problem> append(ItemStore& store, std::vector<crypto::Item> items) {
    const crypto::ArgumentChunk chunk{.job = job_,
                                      .number = chain_.next_number(),
                                      .first_index = chain_.next_index(),
                                      .items = std::move(items),
                                      .last = false,
                                      .previous = chain_.tip()};
    const auto sealed = crypto::sign_chunk(chunk, key_);
    EXPECT_TRUE(sealed) << to_string(sealed.error());
    auto kept = store.add(chunk, sealed->bytes);
    if (!kept) return kept;
    EXPECT_TRUE(chain_.extend({.chunk = chunk, .id = sealed->id}));
    return {};
  }

 private:
  const crypto::Bytes16 job_ = random_bytes16();
  const crypto::SigningPair key_;
  crypto::ChunkChain chain_;
};

std::string numbered(std::uint64_t index) {
  return "item number " + std::to_string(index);
}

class ItemStoreTest : public testing::Test {
 protected:
  ItemStoreTest() : store(*ItemStore::open(directory.path(), chunks.job(), chunks.key())) {}

  void append_numbered(std::uint64_t count, std::size_t at_once) {
    for (std::uint64_t index = store.count(); index < count;) {
      std::vector<crypto::Item> items;
      for (std::size_t i = 0; i < at_once && index < count; ++i) items.push_back(text(numbered(index++)));
      ASSERT_TRUE(chunks.append(store, std::move(items)));
    }
  }

  TemporaryDirectory directory;
  Chunks chunks;
  ItemStore store;
};

TEST_F(ItemStoreTest, AMillionItemsAreFoundAgainByIndex) {
  append_numbered(1'000'000, 1'024);
  ASSERT_EQ(store.count(), 1'000'000U);
  std::mt19937_64 random(42);
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t index = random() % store.count();
    ASSERT_EQ(store.item(index), text(numbered(index)));
  }
  for (std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1'023}, std::uint64_t{1'024}, store.count() - 1}) {
    EXPECT_EQ(store.item(index), text(numbered(index)));
  }
}

TEST_F(ItemStoreTest, ChunksOfAllSizesKeepTheirItems) {
  const std::string longest(crypto::item_bytes_max, 'x');
  ASSERT_TRUE(chunks.append(store, {text("")}));
  ASSERT_TRUE(chunks.append(store, {text(longest)}));
  ASSERT_TRUE(chunks.append(store, {text("a"), crypto::TooLong{.size_bytes = 200'000}, text(std::string("\0\n", 2))}));
  EXPECT_EQ(store.count(), 5U);
  EXPECT_EQ(store.item(0), text(""));
  EXPECT_EQ(store.item(1), text(longest));
  EXPECT_EQ(store.item(2), text("a"));
  EXPECT_EQ(store.item(3), crypto::Item(crypto::TooLong{.size_bytes = 200'000}));
  EXPECT_EQ(store.item(4), text(std::string("\0\n", 2)));
}

TEST_F(ItemStoreTest, AnEmptyLastChunkIsNotStored) {
  append_numbered(10, 10);
  const std::uint64_t bytes = store.bytes_from(0);
  ASSERT_TRUE(store.add({.first_index = 10, .items = {}, .last = true}, {}));
  EXPECT_EQ(store.count(), 10U);
  EXPECT_EQ(store.bytes_from(0), bytes);
}

TEST_F(ItemStoreTest, ChunksAreNamedByWhatTheyHoldAndGivenAsTheyCame) {
  append_numbered(40, 10);
  using Places = std::vector<link::ChunkPlace>;
  EXPECT_EQ(store.chunks_of({{.begin = 0, .end = 40}}),
            (Places{{.number = 0, .first_index = 0}, {1, 10}, {2, 20}, {3, 30}}));
  EXPECT_EQ(store.chunks_of({{.begin = 9, .end = 10}, {.begin = 12, .end = 13}, {.begin = 15, .end = 21}}),
            (Places{{0, 0}, {1, 10}, {2, 20}}));
  EXPECT_EQ(store.chunks_of({{.begin = 40, .end = 50}}), Places());
  EXPECT_TRUE(store.chunk({.number = 9, .first_index = 90}).empty());
  const link::Bytes bytes = store.chunk({.number = 2, .first_index = 20});
  const auto opened = crypto::open_chunk(bytes, chunks.job(), chunks.key());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->chunk.first_index, 20U);

  // On a helper they come in any order, and again.
  ItemStore some = *ItemStore::open(directory.path(), chunks.job(), chunks.key());
  ASSERT_TRUE(some.add(opened->chunk, bytes));
  ASSERT_TRUE(some.add(opened->chunk, bytes));
  EXPECT_FALSE(some.has(19));
  EXPECT_TRUE(some.has(20) && some.has(29));
  EXPECT_FALSE(some.has(30));
  EXPECT_EQ(some.item(25), text(numbered(25)));
  EXPECT_EQ(some.chunks_of({{.begin = 0, .end = 100}}), (Places{{2, 20}}));
}

TEST_F(ItemStoreTest, AnAlteredFileIsNoticed) {
  append_numbered(20, 5);
  const auto file = nameless_file_in(directory.path());
  ASSERT_TRUE(file);
  struct stat status {};
  ASSERT_EQ(fstat(*file, &status), 0);
  // One letter of each chunk: still a well-formed chunk of other arguments.
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  ASSERT_EQ(pread(*file, content.data(), content.size(), 0), status.st_size);
  for (std::size_t at = content.find("number"); at != std::string::npos; at = content.find("number", at + 1)) {
    ASSERT_EQ(pwrite(*file, "N", 1, static_cast<off_t>(at)), 1);
  }
  for (std::uint64_t index = 0; index < 20; ++index) {
    const auto item = store.item(index);
    ASSERT_FALSE(item);
    EXPECT_EQ(item.error().message, "the disk gave back other arguments than were written to it");
  }
}

TEST_F(ItemStoreTest, ACutFileIsNoticedAndTheRestServes) {
  append_numbered(20, 5);
  const auto file = nameless_file_in(directory.path());
  ASSERT_TRUE(file);
  struct stat status {};
  ASSERT_EQ(fstat(*file, &status), 0);
  ASSERT_EQ(ftruncate(*file, status.st_size - 1), 0);
  EXPECT_EQ(store.item(14), text(numbered(14)));
  ASSERT_FALSE(store.item(15));
  EXPECT_EQ(store.item(15).error().message, "cannot read from the state directory's disk: Input/output error");
}

TEST_F(ItemStoreTest, AnotherChunkInItsPlaceIsNoticed) {
  append_numbered(2, 1);
  const auto file = nameless_file_in(directory.path());
  ASSERT_TRUE(file);
  struct stat status {};
  ASSERT_EQ(fstat(*file, &status), 0);
  std::string half(static_cast<std::size_t>(status.st_size) / 2, '\0');
  ASSERT_EQ(pread(*file, half.data(), half.size(), 0), status.st_size / 2);
  ASSERT_EQ(pwrite(*file, half.data(), half.size(), status.st_size / 2), status.st_size / 2);
  EXPECT_TRUE(store.item(0));
  EXPECT_FALSE(store.item(1));
}

TEST_F(ItemStoreTest, AfterAFullDiskAppendingGoesOnWhereItWas) {
  append_numbered(1'000, 100);
  {
    const FileSizeLimit limit(store.bytes_from(0) + 100);
    const auto refused = chunks.append(store, {text("does"), text(std::string(1'000, 'n')), text("fit")});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().message.starts_with("cannot write to the state directory's disk: "));
    EXPECT_EQ(store.count(), 1'000U);
  }
  append_numbered(1'100, 100);
  for (std::uint64_t index = 0; index < 1'100; ++index) ASSERT_EQ(store.item(index), text(numbered(index)));
}

TEST_F(ItemStoreTest, WhatLiesBehindIsGivenBack) {
  const std::string item(60'000, 'i');
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(chunks.append(store, {text(item + std::to_string(i))}));
  const auto file = nameless_file_in(directory.path());
  ASSERT_TRUE(file);
  struct stat full {};
  ASSERT_EQ(fstat(*file, &full), 0);
  store.release_below(150);
  struct stat released {};
  ASSERT_EQ(fstat(*file, &released), 0);
  if (full.st_blocks > 0 && released.st_blocks == full.st_blocks) GTEST_SKIP() << "no holes on this file system";
  EXPECT_LT(released.st_blocks, full.st_blocks / 3);
  for (std::uint64_t index = 150; index < 200; ++index) {
    ASSERT_EQ(store.item(index), text(item + std::to_string(index)));
  }
  EXPECT_NEAR(static_cast<double>(store.bytes_from(150)), 50 * 60'000.0, 20'000);
  store.release_below(200);
  EXPECT_EQ(store.bytes_from(200), 0U);
  ASSERT_TRUE(chunks.append(store, {text("after")}));
  EXPECT_EQ(store.item(200), text("after"));
}

TEST_F(ItemStoreTest, NoDirectoryIsAProblem) {
  EXPECT_FALSE(ItemStore::open("/nonexistent", chunks.job(), chunks.key()));
}

}  // namespace
}  // namespace agent::shell
