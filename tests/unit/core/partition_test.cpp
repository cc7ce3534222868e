#include "agent/core/partition.h"

#include <gtest/gtest.h>

#include <optional>

#include "agent/core/random.h"

namespace agent::core {
namespace {

using Intervals = std::vector<Interval>;

Partition of(std::uint64_t count) {
  Partition partition;
  partition.grant(IntervalSet(Interval{0, count}), Attempt(0));
  return partition;
}

TEST(partition, what_was_never_started_is_divided_freely_and_keeps_its_attempt) {
  Partition partition = of(10);
  const Share share = partition.share_back(4);
  EXPECT_EQ(share.intervals, IntervalSet(Interval{6, 10}));
  EXPECT_EQ(share.attempt, Attempt(0));
  EXPECT_TRUE(share.pieces.empty());
  partition.put_back(share.intervals, share.attempt, Partition::Rest::never_started, {});
  EXPECT_EQ(partition.todo(), IntervalSet(Interval{0, 10}));
  EXPECT_EQ(partition.share_back(10).attempt, Attempt(0));
}

TEST(partition, what_may_have_been_started_gets_a_higher_attempt) {
  Partition partition = of(10);
  const Share share = partition.share_back(4);
  partition.put_back(IntervalSet(Interval{8, 10}), share.attempt, Partition::Rest::maybe_started, {});
  EXPECT_EQ(partition.out(), IntervalSet(Interval{6, 8}));
  EXPECT_EQ(partition.attempt_of({0, 8}), Attempt(0));
  EXPECT_EQ(partition.share_back(10).attempt, Attempt(1));
}

TEST(partition, a_started_piece_keeps_bounds_and_history_and_goes_first) {
  Partition partition = of(100);
  const Piece first = partition.start_next(10);
  EXPECT_EQ(first.interval, (Interval{0, 10}));
  Piece failed = first;
  failed.tries = 1;
  partition.put_back(IntervalSet(first.interval), first.attempt, Partition::Rest::maybe_started, {failed});
  EXPECT_TRUE(partition.has_redo());
  const Piece again = partition.start_next(3);
  EXPECT_EQ(again.interval, first.interval);
  EXPECT_EQ(again.attempt, Attempt(1));
  EXPECT_EQ(again.tries, 1U);
}

TEST(partition, a_share_takes_started_pieces_whole) {
  Partition partition = of(10);
  Share all = partition.share_back(10);
  const Piece piece{.interval = {2, 7}};
  partition.put_back(IntervalSet(Interval{0, 10}), all.attempt, Partition::Rest::never_started, {piece});
  const Share share = partition.share_back(6);
  EXPECT_EQ(share.intervals, IntervalSet(Intervals{{0, 10}}));
  ASSERT_EQ(share.pieces.size(), 1U);
  EXPECT_EQ(share.pieces[0].interval, piece.interval);
  EXPECT_EQ(share.attempt, Attempt(1));
}

TEST(partition, half_leaves_a_lone_iteration_unless_told_to_give_it) {
  Partition partition = of(1);
  EXPECT_TRUE(partition.share_half(Partition::Last::keep).intervals.empty());
  EXPECT_EQ(partition.share_half(Partition::Last::give).intervals.count(), 1U);
  Partition two = of(2);
  EXPECT_EQ(two.share_half(Partition::Last::keep).intervals, IntervalSet(Interval{1, 2}));
}

TEST(partition, half_of_pieces_is_every_second) {
  Partition partition = of(40);
  std::vector<Piece> pieces;
  for (std::uint64_t begin = 0; begin < 40; begin += 10) pieces.push_back(Piece{.interval = {begin, begin + 10}});
  const Share all = partition.share_back(40);
  partition.put_back(all.intervals, all.attempt, Partition::Rest::maybe_started, pieces);
  const Share half = partition.share_half(Partition::Last::keep);
  EXPECT_EQ(half.intervals, IntervalSet(Intervals{{10, 20}, {30, 40}}));
  EXPECT_EQ(half.pieces.size(), 2U);
  partition.check_invariants();
}

TEST(partition, the_first_result_wins_wherever_the_iteration_is) {
  Partition partition = of(10);
  (void)partition.share_back(4);
  EXPECT_EQ(partition.finish({6, 8}), Partition::Finish::accepted);  // out
  EXPECT_EQ(partition.finish({0, 2}), Partition::Finish::accepted);  // todo
  EXPECT_EQ(partition.finish({1, 3}), Partition::Finish::overlaps);
  EXPECT_EQ(partition.finish({9, 11}), Partition::Finish::not_ours);
  partition.settle(IntervalSet(Interval{0, 10}));
  EXPECT_EQ(partition.settled(), IntervalSet(Intervals{{0, 2}, {6, 8}}));
  EXPECT_EQ(partition.finish({6, 8}), Partition::Finish::overlaps);
  EXPECT_EQ(partition.todo(), IntervalSet(Interval{2, 6}));
}

TEST(partition, a_result_that_cuts_a_piece_frees_the_rest_of_its_bounds) {
  Partition partition = of(10);
  const Share all = partition.share_back(10);
  partition.put_back(all.intervals, all.attempt, Partition::Rest::maybe_started, {Piece{.interval = {0, 10}}});
  EXPECT_EQ(partition.finish({3, 5}), Partition::Finish::accepted);
  EXPECT_FALSE(partition.has_redo());
  EXPECT_EQ(partition.todo(), IntervalSet(Intervals{{0, 3}, {5, 10}}));
  EXPECT_EQ(partition.start_next(99).attempt, Attempt(1));
  partition.check_invariants();
}

TEST(partition, a_copy_is_issued_under_a_new_attempt_and_moves_nothing) {
  Partition partition = of(3);
  const Piece piece = partition.start_next(1);
  EXPECT_EQ(partition.copy(piece.interval), Attempt(1));
  EXPECT_EQ(partition.copy(piece.interval), Attempt(2));
  EXPECT_EQ(partition.out(), IntervalSet(piece.interval));
}

TEST(partition, what_is_granted_twice_is_there_once) {
  Partition partition = of(4);
  (void)partition.start_next(2);
  partition.grant(IntervalSet(Interval{0, 6}), Attempt(3));
  EXPECT_EQ(partition.granted(), IntervalSet(Interval{0, 6}));
  EXPECT_EQ(partition.out(), IntervalSet(Interval{0, 2}));
  EXPECT_EQ(partition.attempt_of({2, 4}), Attempt(0));
  EXPECT_EQ(partition.attempt_of({4, 6}), Attempt(3));
  partition.check_invariants();
}

// Against a twin that has a state and an attempt for every iteration.
class Twin {
 public:
  enum class State { absent, todo, out, finished, settled };
  std::vector<State> states = std::vector<State>(size);
  std::vector<std::uint32_t> attempts = std::vector<std::uint32_t>(size);

  static constexpr std::uint64_t size = 40;
  [[nodiscard]] IntervalSet in(State wanted) const {
    IntervalSet set;
    for (std::uint64_t i = 0; i < size; ++i)
      if (states[i] == wanted) set.insert({i, i + 1});
    return set;
  }
  void move(const IntervalSet& what, State from, State to) {
    for (Interval interval : what.intervals())
      for (std::uint64_t i = interval.begin; i < interval.end; ++i)
        if (states[i] == from) states[i] = to;
  }
};

class PartitionHistory : public testing::TestWithParam<std::uint64_t> {
 protected:
  using State = Twin::State;
  Random random{GetParam()};
  Partition partition;
  Twin twin;

  Interval anywhere() {
    const std::uint64_t begin = random.below(Twin::size);
    return {begin, begin + 1 + random.below(std::min<std::uint64_t>(8, Twin::size - begin))};
  }
  void issued(const IntervalSet& what, Attempt attempt) {
    for (Interval interval : what.intervals()) {
      for (std::uint64_t i = interval.begin; i < interval.end; ++i) {
        EXPECT_EQ(twin.states[i], State::todo);
        EXPECT_GE(attempt.value(), twin.attempts[i]);
      }
    }
    twin.move(what, State::todo, State::out);
  }
  void share(const Share& share) {
    for (const Piece& piece : share.pieces) EXPECT_TRUE(share.intervals.contains(piece.interval));
    issued(share.intervals, share.attempt);
  }
  void put_back() {
    const IntervalSet what = partition.out().within({0, Twin::size}).both(IntervalSet(anywhere()));
    if (what.empty()) return;
    const Interval first = what.intervals().front();
    std::vector<Piece> started;
    if (random.chance(1, 2)) started.push_back(Piece{.interval = first, .attempt = partition.attempt_of(first)});
    partition.put_back(what, Attempt(0), Partition::Rest::never_started, started);
    twin.move(what, State::out, State::todo);
    for (const Piece& piece : started)
      for (std::uint64_t i = piece.interval.begin; i < piece.interval.end; ++i) ++twin.attempts[i];
  }
  void finish() {
    const Interval interval = anywhere();
    auto any = [&](auto is) {
      for (std::uint64_t i = interval.begin; i < interval.end; ++i)
        if (is(twin.states[i])) return true;
      return false;
    };
    auto expected = Partition::Finish::accepted;
    if (any([](State state) { return state == State::absent; }))
      expected = Partition::Finish::not_ours;
    else if (any([](State state) { return state == State::finished || state == State::settled; }))
      expected = Partition::Finish::overlaps;
    ASSERT_EQ(partition.finish(interval), expected);
    if (expected != Partition::Finish::accepted) return;
    twin.move(IntervalSet(interval), State::todo, State::finished);
    twin.move(IntervalSet(interval), State::out, State::finished);
  }
  void act() {
    switch (random.below(8)) {
      case 0: {
        const IntervalSet added(anywhere());
        partition.grant(added, Attempt(0));
        twin.move(added, State::absent, State::todo);
        break;
      }
      case 1:
        if (partition.has_todo()) {
          const Piece piece = partition.start_next(1 + random.below(4));
          issued(IntervalSet(piece.interval), piece.attempt);
        }
        break;
      case 2: share(partition.share_back(1 + random.below(6))); break;
      case 3: share(partition.share_half(random.chance(1, 2) ? Partition::Last::give : Partition::Last::keep)); break;
      case 4: put_back(); break;
      case 5: finish(); break;
      case 6: {
        const IntervalSet what(anywhere());
        partition.settle(what);
        twin.move(what, State::finished, State::settled);
        break;
      }
      case 7:
        if (random.chance(1, 4)) {
          const IntervalSet what(anywhere());
          partition.remove(what);
          for (State from : {State::todo, State::out, State::finished, State::settled})
            twin.move(what, from, State::absent);
          for (Interval interval : what.intervals())
            for (std::uint64_t i = interval.begin; i < interval.end; ++i) twin.attempts[i] = 0;
        }
        break;
    }
  }
};

TEST_P(PartitionHistory, agrees_with_a_twin_that_knows_every_iteration) {
  for (int turn = 0; turn < 400; ++turn) {
    act();
    partition.check_invariants();
    ASSERT_EQ(partition.unstarted(), twin.in(State::todo));
    ASSERT_EQ(partition.todo_count(), twin.in(State::todo).count());
    ASSERT_EQ(partition.out(), twin.in(State::out));
    ASSERT_EQ(partition.finished(), twin.in(State::finished));
    ASSERT_EQ(partition.settled(), twin.in(State::settled));
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, PartitionHistory, testing::Range<std::uint64_t>(0, 50),
                         [](const auto& about) { return "seed" + std::to_string(about.param); });

}  // namespace
}  // namespace agent::core
