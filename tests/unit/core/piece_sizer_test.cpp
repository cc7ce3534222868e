#include "agent/core/piece_sizer.h"

#include <gtest/gtest.h>

namespace agent::core {
namespace {

using namespace std::chrono_literals;

// Runs pieces one after another; each iteration costs `cost`, each process `start_up` besides.
std::uint64_t size_after(PieceSizer& sizer, int rounds, Duration cost, Duration start_up, std::uint64_t unstarted) {
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t size = sizer.next(unstarted, 2);
    sizer.observe(size, start_up + cost * static_cast<std::int64_t>(size));
  }
  return sizer.next(unstarted, 2);
}

TEST(piece_sizer, begins_with_single_iterations) {
  EXPECT_EQ(PieceSizer(10s).next(1'000'000, 2), 1u);
}

TEST(piece_sizer, grows_to_the_grain_whatever_an_iteration_costs) {
  for (Duration cost : {Duration(1ns), Duration(1us), Duration(1ms), Duration(1s)}) {
    PieceSizer sizer(10s);
    const std::uint64_t size = size_after(sizer, 20, cost, 1ms, std::uint64_t{1} << 60);
    const double seconds = std::chrono::duration<double>(cost * static_cast<std::int64_t>(size)).count();
    EXPECT_NEAR(seconds, 10.0, std::max(0.5, std::chrono::duration<double>(cost).count()));
  }
}

TEST(piece_sizer, grows_although_starting_up_takes_most_of_the_grain) {
  PieceSizer sizer(1s);
  const std::uint64_t size = size_after(sizer, 20, 1us, 800ms, std::uint64_t{1} << 60);
  EXPECT_GT(size, 150'000u);
  EXPECT_LT(size, 260'000u);
}

TEST(piece_sizer, an_iteration_dearer_than_the_grain_is_a_piece_of_its_own) {
  PieceSizer sizer(1s);
  EXPECT_EQ(size_after(sizer, 5, 30s, 0ms, 1000), 1u);
}

TEST(piece_sizer, shrinks_when_iterations_become_dearer) {
  PieceSizer sizer(1s);
  const std::uint64_t cheap = size_after(sizer, 20, 1us, 0ms, std::uint64_t{1} << 60);
  EXPECT_LT(size_after(sizer, 6, 1ms, 0ms, std::uint64_t{1} << 60), cheap / 500);
}

TEST(piece_sizer, pieces_shrink_towards_the_end_but_stay_worth_a_process) {
  PieceSizer sizer(10s);
  size_after(sizer, 20, 1us, 1ms, std::uint64_t{1} << 60);
  EXPECT_EQ(sizer.next(4'000'000, 2), 1'000'000u);
  const std::uint64_t last = sizer.next(60'000, 2);
  EXPECT_GE(last, 45'000u);
  EXPECT_LE(last, 60'000u);
  EXPECT_EQ(sizer.next(10, 2), 10u);
}

TEST(piece_sizer, a_short_last_piece_does_not_spoil_the_estimate) {
  PieceSizer sizer(1s);
  const std::uint64_t size = size_after(sizer, 20, 1us, 1ms, std::uint64_t{1} << 60);
  sizer.observe(3, 2ms);
  EXPECT_EQ(sizer.next(std::uint64_t{1} << 60, 2), size);
}

TEST(piece_sizer, an_instant_piece_is_no_division_by_zero) {
  PieceSizer sizer(1s);
  sizer.observe(1, Duration::zero());
  EXPECT_EQ(sizer.next(1000, 2), 8u);
}

}  // namespace
}  // namespace agent::core
