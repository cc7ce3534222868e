#include "agent/sim/world.h"

#include <gtest/gtest.h>

#include "tests/unit/sim/scripted_brain.h"

namespace agent::sim {
namespace {

using namespace std::chrono_literals;

// Nodes whose cores follow a script; costs nothing unless said otherwise.
class WorldTest : public ::testing::Test {
 protected:
  World& make(std::uint32_t nodes, Script script) {
    script_ = std::move(script);
    options.nodes.resize(nodes);
    options.start_spread = {};
    options.network.bytes_per_second = 0;
    options.make = [this](const BrainOptions& given) { return std::make_unique<ScriptedBrain>(given, heard, script_); };
    world = std::make_unique<World>(options);
    return *world;
  }
  static Script dialling_to(NodeIndex dialler, NodeIndex other) {
    return [=](NodeIndex node, Instant, const core::Event& event, std::vector<core::Action>& actions) {
      if (node == dialler && std::holds_alternative<core::DeadlinePassed>(event))
        actions.emplace_back(core::Dial{.address = address_of(other), .peer = node_id(other)});
    };
  }
  static core::Send note_to(NodeIndex to, std::uint32_t slots) {
    return {.to = node_id(to), .sequence = slots, .message = protocol::Note{.slots = slots}};
  }

  WorldOptions options;
  HeardBy heard;
  std::unique_ptr<World> world;
  Script script_;
};

TEST_F(WorldTest, ADialTakesTwoRoundTripsAndTheProcessorOfBothAndIsToldToBoth) {
  make(2, dialling_to(0, 1)).run_until(WorldTime(1s));
  const auto up = heard_of<core::LinkUp>(heard, 0);
  const auto other = heard_of<core::LinkUp>(heard, 1);
  ASSERT_EQ(up.size(), 1U);
  ASSERT_EQ(other.size(), 1U);
  EXPECT_TRUE(up[0].second.dialled);
  EXPECT_FALSE(other[0].second.dialled);
  EXPECT_EQ(up[0].second.peer, world->node(1).self());
  EXPECT_EQ(up[0].second.round_trip, 500us);
  EXPECT_EQ(up[0].first, Instant(5us + 1ms + 600us + 300us));
}

TEST_F(WorldTest, NobodyThereSomebodyElseThereAndNobodyAwakeAreDialFailures) {
  make(4, [](NodeIndex node, Instant, const core::Event& event, std::vector<core::Action>& actions) {
    if (node != 0 || !std::holds_alternative<core::DeadlinePassed>(event)) return;
    actions.emplace_back(core::Dial{.address = address_of(77), .peer = std::nullopt});
    actions.emplace_back(core::Dial{.address = address_of(1), .peer = node_id(2)});
    actions.emplace_back(core::Dial{.address = address_of(3), .peer = node_id(3)});
  });
  world->at(WorldTime{}, [this] { world->pause(3); });
  world->run_until(WorldTime(10s));
  const auto failed = heard_of<core::DialFailed>(heard, 0);
  ASSERT_EQ(failed.size(), 3U);
  EXPECT_EQ(failed[1].second.peer, node_id(2));
  EXPECT_GT(failed[2].first, Instant(5s));
  EXPECT_TRUE(heard_of<core::LinkUp>(heard, 0).empty());
}

TEST_F(WorldTest, OfTwoThatDialEachOtherTheLinkOfTheLowerIdStays) {
  make(2, [](NodeIndex node, Instant, const core::Event& event, std::vector<core::Action>& actions) {
    if (std::holds_alternative<core::DeadlinePassed>(event))
      actions.emplace_back(core::Dial{.address = address_of(1 - node), .peer = node_id(1 - node)});
  });
  world->run_until(WorldTime(1s));
  const NodeIndex lower = node_id(0) < node_id(1) ? 0 : 1;
  const auto link = world->network().link_between(0, 1);
  ASSERT_TRUE(link);
  EXPECT_EQ(world->network().dialler_of(*link), lower);
  EXPECT_EQ(world->network().link_count(), 1U);
  for (const NodeIndex node : {0U, 1U}) {
    EXPECT_EQ(heard_of<core::LinkUp>(heard, node).size(), heard_of<core::LinkDown>(heard, node).size() + 1);
    EXPECT_EQ(heard_of<core::LinkUp>(heard, node).back().second.dialled, node == lower);
  }
}

TEST_F(WorldTest, ADialToWhomOneIsLinkedToChangesNothing) {
  make(2, [](NodeIndex node, Instant, const core::Event& event, std::vector<core::Action>& actions) {
    if (node != 0 || !std::holds_alternative<core::DeadlinePassed>(event)) return;
    for (int i = 0; i < 2; ++i) actions.emplace_back(core::Dial{.address = address_of(1), .peer = node_id(1)});
  });
  world->run_until(WorldTime(1s));
  EXPECT_EQ(heard_of<core::LinkUp>(heard, 0).size(), 1U);
  EXPECT_EQ(heard_of<core::LinkUp>(heard, 1).size(), 1U);
  EXPECT_TRUE(heard_of<core::LinkDown>(heard, 0).empty());
}

TEST_F(WorldTest, MessagesGoThroughTheCodecAndABusyNodeMakesThemWait) {
  make(2, [](NodeIndex node, Instant, const core::Event& event, std::vector<core::Action>& actions) {
    if (node == 0 && std::holds_alternative<core::DeadlinePassed>(event))
      actions.emplace_back(core::Dial{.address = address_of(1), .peer = node_id(1)});
    if (node != 0 || !std::holds_alternative<core::LinkUp>(event)) return;
    for (std::uint32_t i = 1; i <= 3; ++i) actions.emplace_back(note_to(1, i));
  });
  world->at(WorldTime(2ms), [this] { world->stall(1, 100ms); });
  world->run_until(WorldTime(1s));
  const auto received = heard_of<core::MessageReceived>(heard, 1);
  ASSERT_EQ(received.size(), 3U);
  EXPECT_GE(received[0].first, Instant(102ms));
  EXPECT_EQ(received[1].first - received[0].first, 25us);  // one receives and steps after the other
  EXPECT_EQ(received[2].second.sequence, 3U);
  EXPECT_EQ(received[2].second.message, core::Message(protocol::Note{.slots = 3}));
  EXPECT_EQ(world->traffic(0).messages_sent, 3U);
  EXPECT_EQ(world->traffic(1).messages_received, 3U);
}

TEST_F(WorldTest, ABrokenLinkIsToldToBothAndToOneOfThemLate) {
  make(2, dialling_to(0, 1));
  world->at(WorldTime(1s), [this] { world->break_link(*world->network().link_between(0, 1), 7s); });
  world->run_until(WorldTime(20s));
  const auto first = heard_of<core::LinkDown>(heard, 0);
  const auto second = heard_of<core::LinkDown>(heard, 1);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_LT(first[0].first, Instant(1s + 1ms));
  EXPECT_GT(second[0].first, Instant(8s));
  EXPECT_EQ(second[0].second.peer, node_id(0));
}

TEST_F(WorldTest, AKilledAgentIsMissedAtOnceAndAVanishedOneLater) {
  for (const World::Death death : {World::Death::killed, World::Death::vanished}) {
    heard.clear();
    make(2, dialling_to(0, 1));
    world->at(WorldTime(1s), [this, death] { world->crash(1, death); });
    world->run_until(WorldTime(60s));
    const auto down = heard_of<core::LinkDown>(heard, 0);
    ASSERT_EQ(down.size(), 1U);
    if (death == World::Death::killed) {
      EXPECT_LT(down[0].first, Instant(1s + 1ms));
    } else {
      EXPECT_GT(down[0].first, Instant(11s));
    }
    EXPECT_FALSE(world->node(1).up());
  }
}

TEST_F(WorldTest, ARestartedNodeIsANewInstanceOfTheSameNode) {
  make(2, dialling_to(1, 0));
  world->at(WorldTime(1s), [this] { world->crash(1, World::Death::killed); });
  world->at(WorldTime(2s), [this] { world->restart(1); });
  world->run_until(WorldTime(3s));
  const auto up = heard_of<core::LinkUp>(heard, 0);
  ASSERT_EQ(up.size(), 2U);
  EXPECT_EQ(up[0].second.peer.node, up[1].second.peer.node);
  EXPECT_NE(up[0].second.peer.instance, up[1].second.peer.instance);
}

TEST_F(WorldTest, AnAgentThatComesBackBeforeItsEndWasNoticedIsToldDownAndUp) {
  make(2, dialling_to(1, 0));
  world->at(WorldTime(1s), [this] { world->crash(1, World::Death::vanished); });
  world->at(WorldTime(2s), [this] { world->restart(1); });
  world->run_until(WorldTime(60s));
  ASSERT_EQ(heard_of<core::LinkUp>(heard, 0).size(), 2U);
  ASSERT_EQ(heard_of<core::LinkDown>(heard, 0).size(), 1U);
  EXPECT_LT(heard_of<core::LinkDown>(heard, 0)[0].first, Instant(3s));
}

TEST_F(WorldTest, APausedAgentHearsItAllLater) {
  make(2, dialling_to(0, 1));
  world->at(WorldTime(1s), [this] { world->pause(1); });
  world->at(WorldTime(2s),
            [this] { world->forge(0, 1, {.sequence = 1, .heard = 0, .message = protocol::Note{.slots = 5}}); });
  world->at(WorldTime(4s), [this] { world->resume(1); });
  world->run_until(WorldTime(9s));
  const auto received = heard_of<core::MessageReceived>(heard, 1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_GE(received[0].first, Instant(4s));
}

TEST_F(WorldTest, ASleepingMachineIsUnreachableUntilItWakes) {
  make(2, dialling_to(0, 1));
  world->at(WorldTime(1s), [this] { world->fall_asleep(1); });
  world->at(WorldTime(2s),
            [this] { world->forge(0, 1, {.sequence = 1, .heard = 0, .message = protocol::Note{.slots = 5}}); });
  world->at(WorldTime(4s), [this] { world->wake_up(1); });
  world->run_until(WorldTime(9s));
  EXPECT_EQ(messages_of<protocol::Note>(heard, 1).size(), 1U);
  EXPECT_EQ(world->network().partition_count(), 0U);
}

TEST_F(WorldTest, AForgedMessageWithoutStandingIsDroppedUnlessHostilityIsWanted) {
  for (const auto checks : {link::Exchange::Checks::on, link::Exchange::Checks::off}) {
    heard.clear();
    options.checks = checks;
    make(2, dialling_to(0, 1));
    world->at(WorldTime(1s), [this] {
      world->forge(0, 1,
                   {.sequence = 1, .heard = 0, .message = protocol::Recall{.branch = core::BranchId(1), .what = 3UL}});
      world->forge(0, 1, {.sequence = 2, .heard = 0, .message = protocol::Offer{.request = 1}});
    });
    world->run_until(WorldTime(2s));
    const std::size_t through = checks == link::Exchange::Checks::on ? 0 : 2;
    EXPECT_EQ(heard_of<core::MessageReceived>(heard, 1).size(), through);
  }
}

}  // namespace
}  // namespace agent::sim
