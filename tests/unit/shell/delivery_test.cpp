#include "agent/shell/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/shell/system.h"
#include "tests/unit/shell/delivered_result.h"
#include "tests/unit/shell/open_files.h"

namespace agent::shell {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Order = Delivery::Order;

class DeliveryTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Delivery> made(Order order) {
    return std::make_unique<Delivery>(job, order, directory.path());
  }
  // First indices of the batch that may be sent now.
  static std::vector<std::uint64_t> sent(Delivery& delivery) {
    std::vector<std::uint64_t> indices;
    if (const auto batch = delivery.next_batch()) {
      for (const client::Result& result : batch->results) indices.push_back(result.covers.begin);
    }
    return indices;
  }
  // Adds results of 64 KiB until memory is used up, and `more`; returns how many.
  static std::uint64_t add_beyond_memory(Delivery& delivery, std::uint64_t more) {
    std::uint64_t index = 0;
    while (index * protocol::limits::inline_output_bytes_max < Delivery::memory_bytes_max) {
      delivery.add(result_of(index++, protocol::limits::inline_output_bytes_max));
    }
    for (std::uint64_t i = 0; i < more; ++i) {
      delivery.add(result_of(index++, protocol::limits::inline_output_bytes_max));
    }
    return index;
  }
  // Takes everything, acknowledging each batch; fails unless it is [begin, end) with identical bytes.
  static void expect_all(Delivery& delivery, std::uint64_t begin, std::uint64_t end) {
    std::uint64_t next = begin;
    while (auto batch = delivery.next_batch()) {
      for (const client::Result& result : batch->results) {
        ASSERT_EQ(result, result_of(next, size_of_output(result)));
        ++next;
      }
      ASSERT_TRUE(delivery.shown(batch->sequence));
    }
    EXPECT_EQ(next, end);
  }

  TemporaryDirectory directory;
  const protocol::JobId job{random_bytes16()};
};

TEST_F(DeliveryTest, ALoneResultLeavesAtOnce) {
  auto delivery = made(Order::of_arrival);
  EXPECT_FALSE(delivery->next_batch());
  EXPECT_TRUE(delivery->all_shown());
  delivery->add(result_of(7, 3));
  EXPECT_FALSE(delivery->all_sent());
  EXPECT_EQ(delivery->next_batch(), (client::Results{.job = job, .sequence = 0, .results = {result_of(7, 3)}}));
  EXPECT_TRUE(delivery->all_sent());
  EXPECT_FALSE(delivery->all_shown());
  EXPECT_EQ(delivery->memory_bytes(), 0U);
  EXPECT_TRUE(delivery->shown(0));
  EXPECT_TRUE(delivery->all_shown());
}

TEST_F(DeliveryTest, ArrivalsKeepTheirOrder) {
  auto delivery = made(Order::of_arrival);
  for (std::uint64_t index : {5U, 1U, 9U, 0U}) delivery->add(result_of(index, 1));
  EXPECT_THAT(sent(*delivery), ElementsAre(5, 1, 9, 0));
}

TEST_F(DeliveryTest, TwoBatchesAreUnderWayAtMost) {
  auto delivery = made(Order::of_arrival);
  delivery->add(result_of(0, 1));
  EXPECT_THAT(sent(*delivery), ElementsAre(0));
  delivery->add(result_of(1, 1));
  EXPECT_THAT(sent(*delivery), ElementsAre(1));
  delivery->add(result_of(2, 1));
  delivery->add(result_of(3, 1));
  EXPECT_THAT(sent(*delivery), IsEmpty());
  EXPECT_TRUE(delivery->shown(0));
  EXPECT_THAT(sent(*delivery), ElementsAre(2, 3));
  EXPECT_TRUE(delivery->shown(2));
  EXPECT_TRUE(delivery->all_shown());
}

TEST_F(DeliveryTest, WhatWasNeverSentCanNotHaveBeenShown) {
  auto delivery = made(Order::of_arrival);
  EXPECT_FALSE(delivery->shown(0));
  delivery->add(result_of(0, 1));
  EXPECT_FALSE(delivery->shown(0));
  EXPECT_THAT(sent(*delivery), ElementsAre(0));
  EXPECT_FALSE(delivery->shown(1));
  EXPECT_FALSE(delivery->shown(~std::uint64_t{0}));
  EXPECT_TRUE(delivery->shown(0));
  EXPECT_TRUE(delivery->shown(0)) << "saying it again is harmless";
}

TEST_F(DeliveryTest, BatchesAreBoundedInNumberAndBytes) {
  auto delivery = made(Order::of_arrival);
  for (std::uint64_t index = 0; index < 300; ++index) delivery->add(result_of(index, 0));
  EXPECT_EQ(sent(*delivery).size(), protocol::limits::results_per_message_max);
  EXPECT_EQ(sent(*delivery).size(), 300 - protocol::limits::results_per_message_max);
  EXPECT_TRUE(delivery->shown(1));
  for (std::uint64_t index = 0; index < 20; ++index) {
    client::Result result = result_of(index, protocol::limits::inline_output_bytes_max);
    result.err = protocol::Bytes(protocol::limits::inline_output_bytes_max);
    result.label = protocol::Bytes(protocol::limits::item_bytes_max);
    delivery->add(std::move(result));
  }
  const auto batch = delivery->next_batch();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->results.size(), 2U) << "of 256 KiB each";
  EXPECT_LE(client::encode(*batch).size(), protocol::limits::message_bytes_max);
}

TEST_F(DeliveryTest, InOrderOfIndexAGapHoldsBackWhatFollows) {
  auto delivery = made(Order::of_index);
  delivery->add(result_of(1, 1));
  delivery->add(result_of(3, 1));
  EXPECT_THAT(sent(*delivery), IsEmpty());
  delivery->add(result_of(0, 1));
  EXPECT_THAT(sent(*delivery), ElementsAre(0, 1));
  delivery->add(result_of(2, 1));
  EXPECT_THAT(sent(*delivery), ElementsAre(2, 3));
}

TEST_F(DeliveryTest, PiecesOfARangeFollowEachOther) {
  auto delivery = made(Order::of_index);
  auto piece = [](std::uint64_t begin, std::uint64_t end) {
    client::Result result = result_of(begin, 1);
    result.covers.end = end;
    return result;
  };
  const std::uint64_t top = ~std::uint64_t{0};
  delivery->add(piece(100, top));
  delivery->add(piece(10, 100));
  EXPECT_THAT(sent(*delivery), IsEmpty());
  delivery->add(piece(0, 10));
  EXPECT_THAT(sent(*delivery), ElementsAre(0, 10, 100));
}

TEST_F(DeliveryTest, TheEndOfTheJobFillsGaps) {
  auto delivery = made(Order::of_index);
  delivery->add(result_of(5, 1));
  delivery->add(result_of(2, 1));
  EXPECT_THAT(sent(*delivery), IsEmpty());
  delivery->end();
  EXPECT_THAT(sent(*delivery), ElementsAre(2, 5));
}

TEST_F(DeliveryTest, WhatLiesAboveAHitIsDropped) {
  auto delivery = made(Order::of_index);
  for (std::uint64_t index : {0U, 1U, 4U, 5U, 6U}) delivery->add(result_with_file(index, directory));
  delivery->drop_from(5);
  EXPECT_EQ(directory.entries(), (std::set<std::string>{"0.out", "1.out", "4.out"}));
  delivery->end();
  EXPECT_THAT(sent(*delivery), ElementsAre(0, 1, 4));
  delivery->drop_from(0);
  EXPECT_EQ(directory.entries().size(), 3U) << "what is under way is still shown";
}

TEST_F(DeliveryTest, SpilledResultsAboveAHitAreDroppedWithTheirFiles) {
  auto delivery = made(Order::of_index);
  const std::uint64_t kept = add_beyond_memory(*delivery, 0);
  for (std::uint64_t index = kept; index < kept + 50; ++index) delivery->add(result_with_file(index, directory));
  ASSERT_LT(delivery->memory_bytes(), Delivery::memory_bytes_max);
  EXPECT_EQ(directory.entries().size(), 50U);
  delivery->drop_from(kept + 7);
  EXPECT_EQ(directory.entries().size(), 7U);
  std::uint64_t next = 0;
  while (auto batch = delivery->next_batch()) {
    for (const auto& result : batch->results) EXPECT_EQ(result.covers.begin, next++);
    ASSERT_TRUE(delivery->shown(batch->sequence));
  }
  EXPECT_EQ(next, kept + 7);
  EXPECT_THAT(directory.entries(), IsEmpty());
}

TEST_F(DeliveryTest, FilesAreRemovedWhenTheirBatchWasShownAndNotBefore) {
  auto delivery = made(Order::of_arrival);
  delivery->add(result_with_file(0, directory));
  delivery->add(result_with_file(1, directory));
  EXPECT_THAT(sent(*delivery), ElementsAre(0, 1));
  delivery->add(result_with_file(2, directory));
  EXPECT_THAT(sent(*delivery), ElementsAre(2));
  EXPECT_EQ(directory.entries().size(), 3U);
  EXPECT_TRUE(delivery->shown(0));
  EXPECT_THAT(directory.entries(), ElementsAre("2.out"));
  // Somebody else's file of that name is not ours to remove again.
  write_file(directory.file("0.out"), "new");
  EXPECT_TRUE(delivery->shown(0));
  EXPECT_TRUE(delivery->shown(1));
  EXPECT_THAT(directory.entries(), ElementsAre("0.out"));
}

TEST_F(DeliveryTest, NothingIsLeftWhenNobodyWantsAnything) {
  for (const bool dropped : {true, false}) {
    auto delivery = made(Order::of_arrival);
    const std::uint64_t count = add_beyond_memory(*delivery, 10);
    for (std::uint64_t index = count; index < count + 20; ++index) delivery->add(result_with_file(index, directory));
    ASSERT_TRUE(delivery->next_batch());
    EXPECT_EQ(directory.entries().size(), 20U);
    if (dropped) {
      delivery->drop_all();
      EXPECT_TRUE(delivery->all_shown());
      EXPECT_EQ(delivery->memory_bytes(), 0U);
      EXPECT_FALSE(delivery->next_batch());
    }
    delivery.reset();
    EXPECT_THAT(directory.entries(), IsEmpty());
  }
}

TEST_F(DeliveryTest, BeyondItsMemoryResultsWaitOnDiskAndComeBackIdentical) {
  for (const Order order : {Order::of_arrival, Order::of_index}) {
    auto delivery = made(order);
    const std::uint64_t count = add_beyond_memory(*delivery, 500);
    EXPECT_LE(delivery->memory_bytes(), Delivery::memory_bytes_max);
    ASSERT_TRUE(nameless_file_in(directory.path()));
    expect_all(*delivery, 0, count);
    EXPECT_EQ(delivery->memory_bytes(), 0U);
    EXPECT_EQ(delivery->lost_results(), 0U);
  }
}

TEST_F(DeliveryTest, WithoutSpillingThereIsNoFile) {
  auto delivery = made(Order::of_arrival);
  for (std::uint64_t index = 0; index < 1'000; ++index) delivery->add(result_of(index, 1'000));
  EXPECT_FALSE(nameless_file_in(directory.path()));
}

TEST_F(DeliveryTest, ASlowReaderCostsOnlyTheDiskOfWhatWaits) {
  auto delivery = made(Order::of_arrival);
  std::uint64_t added = add_beyond_memory(*delivery, 100);
  const auto file = nameless_file_in(directory.path());
  ASSERT_TRUE(file);
  struct stat first {};
  ASSERT_EQ(fstat(*file, &first), 0);
  std::uint64_t taken = 0;
  for (int round = 0; round < 2'000; ++round) {
    delivery->add(result_of(added++, 30'000));
    while (added - taken > 170) {
      const auto batch = delivery->next_batch();
      ASSERT_TRUE(batch);
      taken += batch->results.size();
      ASSERT_TRUE(delivery->shown(batch->sequence));
    }
  }
  struct stat later {};
  ASSERT_EQ(fstat(*file, &later), 0);
  EXPECT_LT(later.st_blocks * 512, 20 * 1024 * 1024) << "of some 60 MB that went through it";
  expect_all(*delivery, taken, added);
  ASSERT_EQ(fstat(*file, &later), 0);
  EXPECT_EQ(later.st_size, 0);
}

TEST_F(DeliveryTest, AFullDiskIsToldAndForgottenWhenRoomCameBack) {
  auto delivery = made(Order::of_arrival);
  std::uint64_t count = 0;
  {
    const FileSizeLimit limit(1024 * 1024);
    count = add_beyond_memory(*delivery, 10);
    EXPECT_FALSE(delivery->full());
    for (int i = 0; i < 20; ++i) delivery->add(result_of(count++, protocol::limits::inline_output_bytes_max));
    EXPECT_TRUE(delivery->full());
    EXPECT_GT(delivery->memory_bytes(), Delivery::memory_bytes_max);
  }
  std::uint64_t taken = 0;
  while (delivery->full()) {
    const auto batch = delivery->next_batch();
    ASSERT_TRUE(batch);
    for (const auto& result : batch->results) EXPECT_EQ(result.covers.begin, taken++);
    ASSERT_TRUE(delivery->shown(batch->sequence));
  }
  EXPECT_GT(taken, count / 3);
  expect_all(*delivery, taken, count);
}

TEST_F(DeliveryTest, NoPlaceForAFileIsAFullDisk) {
  Delivery delivery(job, Order::of_arrival, "/nonexistent");
  const std::uint64_t count = add_beyond_memory(delivery, 3);
  EXPECT_TRUE(delivery.full());
  expect_all(delivery, 0, count);
  EXPECT_FALSE(delivery.full());
}

TEST_F(DeliveryTest, ResultsThatTheDiskLostAreCountedAndTheOthersCome) {
  for (const Order order : {Order::of_arrival, Order::of_index}) {
    auto delivery = made(order);
    const std::uint64_t count = add_beyond_memory(*delivery, 40);
    const auto file = nameless_file_in(directory.path());
    ASSERT_TRUE(file);
    // All zeros: no message.
    struct stat status {};
    ASSERT_EQ(fstat(*file, &status), 0);
    const std::vector<char> zeros(static_cast<std::size_t>(status.st_size) / 2);
    ASSERT_EQ(pwrite(*file, zeros.data(), zeros.size(), 0), static_cast<ssize_t>(zeros.size()));
    delivery->end();
    std::uint64_t got = 0;
    std::uint64_t latest = 0;
    while (auto batch = delivery->next_batch()) {
      for (const auto& result : batch->results) {
        EXPECT_EQ(result, result_of(result.covers.begin, size_of_output(result)));
        EXPECT_TRUE(got == 0 || result.covers.begin > latest);
        latest = result.covers.begin;
        ++got;
      }
      ASSERT_TRUE(delivery->shown(batch->sequence));
    }
    EXPECT_GT(delivery->lost_results(), 15U);
    EXPECT_EQ(got + delivery->lost_results(), count);
    EXPECT_EQ(latest, count - 1);
    EXPECT_TRUE(delivery->all_shown());
  }
}

}  // namespace
}  // namespace agent::shell
