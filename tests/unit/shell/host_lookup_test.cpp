#include "agent/shell/host_lookup.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "agent/shell/endpoint.h"
#include "tests/unit/shell/event_loop.h"

namespace agent::shell {
namespace {

class HostLookupTest : public testing::Test {
 protected:
  HostLookup::Answers look_up(const std::vector<std::string>& hosts) {
    std::optional<HostLookup::Answers> answers;
    auto lookup = std::make_unique<HostLookup>(loop.get(), hosts, [&](HostLookup::Answers found) {
      EXPECT_FALSE(answers) << "told twice";
      answers = std::move(found);
    });
    EXPECT_FALSE(answers) << "told before anybody could know the lookup";
    EXPECT_TRUE(loop.run_until([&] { return answers.has_value(); }));
    lookup.reset();
    return std::move(answers).value_or(HostLookup::Answers{});
  }

  EventLoop loop;
};

TEST_F(HostLookupTest, localhost_is_this_machine) {
  const auto answers = look_up({"localhost"});
  ASSERT_EQ(answers.size(), 1U);
  const HostLookup::Answer& answer = answers.at("localhost");
  ASSERT_FALSE(answer.addresses.empty()) << answer.why_none;
  for (const protocol::Address& address : answer.addresses) {
    EXPECT_TRUE(is_loopback(address));
    EXPECT_EQ(address.port, 0);
  }
}

// RFC 6761: nobody has a name in .invalid, whether a name server is there to say so or not.
TEST_F(HostLookupTest, who_has_no_address_has_a_reason_and_the_others_have_theirs) {
  const auto answers = look_up({"localhost", "nobody.invalid"});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers.at("nobody.invalid").addresses.empty());
  EXPECT_FALSE(answers.at("nobody.invalid").why_none.empty());
  EXPECT_FALSE(answers.at("localhost").addresses.empty());
}

TEST_F(HostLookupTest, nobody_to_look_for_is_found_at_once) {
  EXPECT_TRUE(look_up({}).empty());
}

TEST_F(HostLookupTest, one_that_is_destroyed_tells_nothing) {
  bool told = false;
  {
    const HostLookup lookup(loop.get(), {"nobody.invalid", "localhost"},
                            [&](const HostLookup::Answers&) { told = true; });
  }
  loop.settle();
  EXPECT_FALSE(told);
}

TEST_F(HostLookupTest, it_may_be_destroyed_when_it_tells) {
  std::unique_ptr<HostLookup> lookup;
  lookup = std::make_unique<HostLookup>(loop.get(), std::vector<std::string>{"localhost"},
                                        [&](const HostLookup::Answers&) { lookup.reset(); });
  EXPECT_TRUE(loop.run_until([&] { return lookup == nullptr; }));
}

}  // namespace
}  // namespace agent::shell
