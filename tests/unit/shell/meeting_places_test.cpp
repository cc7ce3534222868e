#include "agent/shell/meeting_places.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/loopback.h"
#include "tests/unit/shell/pool_state.h"

namespace agent::shell {
namespace {

using Addresses = std::vector<protocol::Address>;

class MeetingPlacesTest : public testing::Test {
 protected:
  std::unique_ptr<MeetingPlaces> places_of(const std::vector<std::string>& named) {
    std::vector<Endpoint> endpoints;
    for (const std::string& text : named) endpoints.push_back(*parse_endpoint(text));
    return std::make_unique<MeetingPlaces>(
        loop.get(), founder.state, endpoints,
        MeetingPlaces::Callbacks{.is_lonely = [] { return true; },
                                 .on_change = [this] { ++changes; },
                                 .warn = [this](const std::string& text) { warnings.push_back(text); }});
  }

  TemporaryDirectory directory;
  Founder founder{directory.file("a")};
  EventLoop loop;
  int changes = 0;
  std::vector<std::string> warnings;
};

TEST_F(MeetingPlacesTest, addresses_are_known_at_once_and_names_when_they_are_found) {
  const auto places = places_of({"127.0.0.1:7", "localhost:8"});
  EXPECT_EQ(places->addresses(), (Addresses{loopback(7)}));
  ASSERT_TRUE(loop.run_until([&] { return changes > 0; }));
  const Addresses found = places->addresses();
  EXPECT_EQ(found.front(), loopback(7));
  EXPECT_EQ(std::ranges::count(found, loopback(8)), 1);
}

TEST_F(MeetingPlacesTest, who_was_met_is_known_after_a_restart_behind_who_was_named) {
  {
    const auto places = places_of({});
    places->on_met({.node = {}, .address = loopback(1)});
    places->on_met({.node = {}, .address = loopback(2)});
    places->on_met({.node = {}, .address = loopback(0)});  // it only dials
  }
  const auto places = places_of({"127.0.0.1:9"});
  EXPECT_EQ(places->addresses(), (Addresses{loopback(9), loopback(2), loopback(1)}));
  EXPECT_EQ(changes, 0);
}

TEST_F(MeetingPlacesTest, a_host_without_an_address_is_told_and_harms_nothing) {
  const auto places = places_of({"nobody.invalid:1", "localhost:8"});
  ASSERT_TRUE(loop.run_until([&] { return changes > 0 && !warnings.empty(); }));
  EXPECT_TRUE(warnings.front().starts_with("seed nobody.invalid: ")) << warnings.front();
  EXPECT_FALSE(places->addresses().empty());
}

TEST_F(MeetingPlacesTest, a_damaged_file_is_told_and_replaced) {
  ASSERT_TRUE(keep_peers(founder.state, {{.node = {}, .address = loopback(7)}}));
  write_file(founder.state.file("pool/peers"), "nonsense");
  {
    const auto places = places_of({});
    EXPECT_EQ(warnings.size(), 1U);
    EXPECT_TRUE(places->addresses().empty());
    places->on_met({.node = {}, .address = loopback(3)});
  }
  EXPECT_EQ(places_of({})->addresses(), (Addresses{loopback(3)}));
}

TEST_F(MeetingPlacesTest, of_a_pool_that_was_left_nothing_is_written) {
  auto places = places_of({});
  places->on_met({.node = {}, .address = loopback(3)});
  places->forget();
  ASSERT_TRUE(forget_pool(founder.state));
  places.reset();
  EXPECT_TRUE(warnings.empty());
  EXPECT_FALSE(PoolFolder::open(founder.state)->has_value());
}

}  // namespace
}  // namespace agent::shell
