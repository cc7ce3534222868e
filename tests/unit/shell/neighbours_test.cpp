#include "agent/shell/neighbours.h"

#include <gtest/gtest.h>

#include "agent/core/agent.h"
#include "agent/shell/system.h"
#include "agent/sim/canned_notary.h"
#include "tests/unit/link/small_pool.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/loopback.h"

namespace agent::shell {
namespace {

using link::test::credentials_of;
using link::test::node_key;

// A member whose events are kept.
struct Member {
  Member(EventLoop& loop, unsigned char number)
      : credentials(credentials_of(number, wall_now_ms() - crypto::day_ms)),
        node(crypto::key_id(crypto::node_domain, node_key(number).public_key()).bytes),
        notary(node),
        neighbours(loop.get(), credentials, node, {.program_version = "1.0", .slots = number}, notary,
                   {.post = [this](core::Event event) { events.push_back(std::move(event)); },
                    .warn = [this](const std::string& text) { warnings.push_back(text); },
                    .on_met = [this](const PeerLinks::Met& of) { met.push_back(of.node); }}) {}

  template <class Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const core::Event& event : events) {
      if (const auto* one = std::get_if<Kind>(&event)) found.push_back(*one);
    }
    return found;
  }
  void say(const protocol::NodeId& to, core::Message message) {
    neighbours.carry_out(
        core::Send{.to = to, .sequence = 1, .heard = 0, .message = std::move(message), .attached = {}});
  }

  link::Credentials credentials;
  protocol::NodeId node;
  sim::CannedNotary notary;
  std::vector<core::Event> events;
  std::vector<std::string> warnings;
  std::vector<protocol::NodeId> met;
  Neighbours neighbours;
};

class NeighboursTest : public testing::Test {
 protected:
  void meet() {
    const auto address = two.neighbours.listen(loopback());
    ASSERT_TRUE(address);
    one.neighbours.carry_out(core::Dial{.address = *address, .peer = two.node});
    ASSERT_TRUE(loop.run_until([&] { return !one.all<core::LinkUp>().empty() && !two.all<core::LinkUp>().empty(); }));
  }

  EventLoop loop;
  Member one{loop, 1};
  Member two{loop, 2};
};

TEST_F(NeighboursTest, the_core_hears_of_a_link_what_the_certificate_says) {
  meet();
  const core::LinkUp up = one.all<core::LinkUp>().front();
  EXPECT_EQ(up.peer.node, two.node);
  EXPECT_TRUE(up.dialled);
  EXPECT_EQ(up.slots, 2U);
  EXPECT_EQ(up.roles, 0b11U) << "a member that may run";
}

TEST_F(NeighboursTest, what_one_core_sends_the_other_receives) {
  meet();
  one.say(two.node, protocol::Probe{.request = 7, .path = {}, .iterations = 3});
  ASSERT_TRUE(loop.run_until([&] { return two.all<core::MessageReceived>().size() == 1; }));
  const core::MessageReceived received = two.all<core::MessageReceived>().front();
  EXPECT_EQ(received.from, one.node);
  EXPECT_EQ(std::get<protocol::Probe>(received.message).request, 7U);
  two.say(one.node, protocol::Offer{.request = 7});
  two.say(one.node, protocol::Offer{.request = 8});  // to no question
  two.say(one.node, protocol::Note{});
  ASSERT_TRUE(loop.run_until([&] { return one.all<core::MessageReceived>().size() == 2; }));
  EXPECT_EQ(std::get<protocol::Offer>(one.all<core::MessageReceived>()[0].message).request, 7U);
}

TEST_F(NeighboursTest, who_passes_on_what_nobody_has_signed_is_hung_up_on) {
  meet();
  two.say(one.node, protocol::Walk{.record = link::Bytes(10), .hops_left = 1});
  ASSERT_TRUE(loop.run_until([&] { return !one.all<core::LinkDown>().empty() && !two.all<core::LinkDown>().empty(); }));
  ASSERT_FALSE(one.warnings.empty());
  EXPECT_NE(one.warnings.front().find("hung up"), std::string::npos);
}

TEST_F(NeighboursTest, who_is_hung_up_on_hears_of_it_and_so_does_our_core) {
  meet();
  one.neighbours.carry_out(core::HangUp{.peer = two.node, .why = protocol::ByeReason::idle});
  EXPECT_EQ(one.all<core::LinkDown>().size(), 1U);
  ASSERT_TRUE(loop.run_until([&] { return two.all<core::LinkDown>().size() == 1; }));
  one.say(two.node, protocol::Note{});  // harmless
  EXPECT_TRUE(two.warnings.empty());
}

TEST_F(NeighboursTest, nobody_there_is_told_with_the_address) {
  protocol::Address nobody = loopback(1);
  one.neighbours.carry_out(core::Dial{.address = nobody, .peer = std::nullopt});
  ASSERT_TRUE(loop.run_until([&] { return one.all<core::DialFailed>().size() == 1; }));
  EXPECT_EQ(one.all<core::DialFailed>().front().address, nobody);
  EXPECT_EQ(one.warnings.front(), "no link to 127.0.0.1:1: connection refused");
}

}  // namespace
}  // namespace agent::shell
