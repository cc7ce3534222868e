#include "agent/cli/halt.h"

#include <gtest/gtest.h>

#include <string>

namespace agent::cli {
namespace {

TEST(Halting, ReadsWhenAndWhat) {
  EXPECT_EQ(parse_halt("never"), Halt{});
  EXPECT_EQ(parse_halt("0"), Halt{});
  EXPECT_EQ(parse_halt("now,fail=1"), (Halt{HaltWhen::now, HaltEvent::fail, 1, Halt::Unit::tasks}));
  EXPECT_EQ(parse_halt("2"), parse_halt("now,fail=1"));
  EXPECT_EQ(parse_halt("1"), parse_halt("soon,fail=1"));
  EXPECT_EQ(parse_halt("soon,success=20"), (Halt{HaltWhen::soon, HaltEvent::success, 20, Halt::Unit::tasks}));
  EXPECT_EQ(parse_halt("now,done=100%"), (Halt{HaltWhen::now, HaltEvent::done, 100, Halt::Unit::percent}));
}

TEST(Halting, RefusesByName) {
  for (const auto* text : {"", "3", "foo", "now", "later,fail=1", ",fail=1"})
    EXPECT_EQ(parse_halt(text), tl::make_unexpected(HaltError::bad_when)) << text;
  for (const auto* text : {"now,", "now,fails=1", "now,=1", "soon,1"})
    EXPECT_EQ(parse_halt(text), tl::make_unexpected(HaltError::bad_event)) << text;
  EXPECT_EQ(parse_halt("now,fail"), tl::make_unexpected(HaltError::no_threshold));
  for (const auto* text : {"now,fail=", "now,fail=0", "now,fail=0%", "now,fail=101%", "now,fail=-1", "now,fail=+1",
                           "now,fail=1.5", "now,fail=x", "now,fail=%", "now,fail=99999999999999999999"})
    EXPECT_EQ(parse_halt(text), tl::make_unexpected(HaltError::bad_threshold)) << text;
}

std::string error_name(TasksAtOnceError error) {
  switch (error) {
    case TasksAtOnceError::bad_number: return "bad_number";
    case TasksAtOnceError::too_many: return "too_many";
    case TasksAtOnceError::too_few: return "too_few";
  }
  return "unknown";
}

TEST(TasksAtOnce, FollowsTheCores) {
  const auto number = [](std::string_view text, std::uint32_t cores) -> std::string {
    const auto wanted = parse_tasks_at_once(text);
    if (!wanted) return error_name(wanted.error());
    const auto tasks = resolve(*wanted, cores);
    if (!tasks) return error_name(tasks.error());
    return *tasks ? std::to_string(**tasks) : "all slots";
  };
  EXPECT_EQ(number("4", 8), "4");
  EXPECT_EQ(number("50%", 8), "4");
  EXPECT_EQ(number("50%", 3), "2");
  EXPECT_EQ(number("1%", 8), "1");
  EXPECT_EQ(number("150%", 8), "12");
  EXPECT_EQ(number("+2", 8), "10");
  EXPECT_EQ(number("-1", 8), "7");
  EXPECT_EQ(number("+0", 8), "8");
  EXPECT_EQ(number("0", 8), "all slots");
  EXPECT_EQ(number("-8", 8), "too_few");
  EXPECT_EQ(number("0%", 8), "too_few");
  EXPECT_EQ(number("1000001", 8), "too_many");
  EXPECT_EQ(number("65536", 4), "65536");
  EXPECT_EQ(number("65537", 4), "too_many");
  EXPECT_EQ(number("1000000%", 4'000'000'000), "too_many");
  EXPECT_EQ(number("+65536", 1), "too_many");
  for (const auto* text : {"", "x", "4x", "1.5", "+", "-", "%", "--1", "+5%", "4294967297"})
    EXPECT_EQ(number(text, 8), "bad_number") << text;
}

}  // namespace
}  // namespace agent::cli
