// Delivery against a naive model of itself: lists, and a set of the files that must exist.

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "agent/shell/delivery.h"
#include "agent/shell/system.h"
#include "tests/unit/shell/delivered_result.h"

namespace agent::shell {
namespace {

using Order = Delivery::Order;

class DeliveryModelTest : public testing::TestWithParam<unsigned> {
 protected:
  DeliveryModelTest() : random(GetParam()), order(GetParam() % 2 == 0 ? Order::of_arrival : Order::of_index) {}

  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random() % bound; }

  // Indices come roughly in order, as from several slots.
  std::uint64_t next_index() {
    while (unused.size() < 12) unused.push_back(fresh++);
    const std::size_t at = below(unused.size());
    const std::uint64_t index = unused[at];
    unused.erase(unused.begin() + static_cast<std::ptrdiff_t>(at));
    return index;
  }

  void add() {
    const std::uint64_t index = next_index();
    const bool with_file = below(20) == 0;
    client::Result result =
        with_file ? result_with_file(index, directory) : result_of(index, below(3) == 0 ? below(65'537) : below(300));
    if (with_file) files.insert(std::to_string(index) + ".out");
    if (dropped_from && index >= *dropped_from) return;
    waiting.push_back(result);
    if (order == Order::of_index) std::ranges::sort(waiting, {}, [](const auto& each) { return each.covers.begin; });
    delivery.add(std::move(result));
  }

  [[nodiscard]] bool may_go() const {
    return !waiting.empty() && (order == Order::of_arrival || ended || waiting.front().covers.begin <= sent_below);
  }

  void take() {
    const bool expected = under_way.size() < Delivery::batches_under_way && may_go();
    const auto batch = delivery.next_batch();
    ASSERT_EQ(batch.has_value(), expected);
    if (!batch) return;
    ASSERT_EQ(batch->sequence, sequence);
    std::size_t bytes = client::results_overhead_bytes;
    std::set<std::string> its_files;
    for (const client::Result& result : batch->results) {
      ASSERT_TRUE(may_go());
      ASSERT_EQ(result, waiting.front());
      sent_below = std::max(sent_below, result.covers.end);
      bytes += client::encoded_size_bound(result);
      if (std::holds_alternative<client::File>(result.out))
        its_files.insert(std::to_string(result.covers.begin) + ".out");
      waiting.pop_front();
    }
    EXPECT_TRUE(!may_go() || batch->results.size() == protocol::limits::results_per_message_max ||
                bytes >= Delivery::batch_bytes_max)
        << "a batch takes what there is";
    under_way.emplace_back(sequence++, std::move(its_files));
  }

  void show() {
    if (sequence == 0) return;
    const std::uint64_t shown = sequence - 1 - below(std::min<std::uint64_t>(sequence, 2));
    ASSERT_TRUE(delivery.shown(shown));
    while (!under_way.empty() && under_way.front().first <= shown) {
      for (const std::string& file : under_way.front().second) files.erase(file);
      under_way.pop_front();
    }
  }

  void drop_from() {
    const std::uint64_t index = sent_below + below(400);
    dropped_from = std::min(index, dropped_from.value_or(index));
    delivery.drop_from(index);
    while (!waiting.empty() && waiting.back().covers.begin >= index) {
      files.erase(std::to_string(waiting.back().covers.begin) + ".out");
      waiting.pop_back();
    }
  }

  void check() {
    ASSERT_EQ(delivery.all_sent(), waiting.empty());
    ASSERT_EQ(delivery.all_shown(), waiting.empty() && under_way.empty());
    ASSERT_FALSE(delivery.full());
    ASSERT_LE(delivery.memory_bytes(), Delivery::memory_bytes_max + Delivery::run_bytes_max + 70'000);
    ASSERT_EQ(delivery.lost_results(), 0U);
  }

  TemporaryDirectory directory;
  std::mt19937_64 random;
  const Order order;
  Delivery delivery{protocol::JobId(random_bytes16()), order, directory.path()};
  std::uint64_t fresh = 0;
  std::vector<std::uint64_t> unused;
  std::deque<client::Result> waiting;
  std::deque<std::pair<std::uint64_t, std::set<std::string>>> under_way;
  std::set<std::string> files;
  std::uint64_t sent_below = 0;
  std::uint64_t sequence = 0;
  std::optional<std::uint64_t> dropped_from;
  bool ended = false;
};

TEST_P(DeliveryModelTest, DoesWhatTheModelDoes) {
  // Phases of a quick reader and of a slow one, so that memory fills, spills and empties several times.
  for (int phase = 0; phase < 6; ++phase) {
    const std::uint64_t adding = 30 + below(65);
    for (int step = 0; step < 600; ++step) {
      if (below(100) < adding) {
        add();
      } else if (below(2) == 0) {
        take();
      } else {
        show();
      }
      if (HasFatalFailure()) return;
      check();
    }
    if (order == Order::of_index && below(3) == 0) drop_from();
    ASSERT_EQ(directory.entries(), files);
  }
  ended = true;
  delivery.end();
  while (!delivery.all_shown()) {
    take();
    show();
    if (HasFatalFailure()) return;
  }
  // What came above a hit after it was known is the caller's to remove.
  for (const std::string& file : directory.entries()) EXPECT_TRUE(files.contains(file));
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeliveryModelTest, testing::Range(0U, 16U));

}  // namespace
}  // namespace agent::shell
