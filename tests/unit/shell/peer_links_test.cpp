#include "agent/shell/peer_links.h"

#include <gtest/gtest.h>

#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"
#include "tests/unit/link/small_pool.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/loopback.h"

namespace agent::shell {
namespace {

namespace samples = crypto::samples;
using link::test::credentials_of;
using link::test::link_key;
using link::test::node_key;

// One member with its sockets, and what it was told.
struct Member {
  Member(EventLoop& loop, unsigned char number, unsigned char instance = 1)
      : credentials(credentials_of(number, wall_now_ms() - crypto::day_ms)),
        node(crypto::key_id(crypto::node_domain, node_key(number).public_key()).bytes),
        links(loop.get(), credentials, node,
              {.program_version = "1.0",
               .instance = protocol::InstanceKey(samples::filled<protocol::Bytes32>(instance)),
               .slots = number},
              {.on_up = [this](const PeerLinks::Met& met) { up.push_back(met); },
               .on_message = [this](const protocol::NodeId& from,
                                    protocol::Envelope envelope) { said.emplace_back(from, std::move(envelope)); },
               .on_down = [this](const protocol::NodeId& from,
                                 const link::Closing& why) { down.emplace_back(from, why); },
               .on_dial_failed = [this](const protocol::Address&, const std::optional<protocol::NodeId>&,
                                        const std::string& why) { failed.push_back(why); },
               .on_refused = [this](const protocol::Address&, const std::string& why) { refused.push_back(why); }}) {}

  void say(const protocol::NodeId& to, std::uint64_t request) {
    links.send(to, protocol::Queue::control,
               protocol::encode({.sequence = request, .heard = 0, .message = protocol::Release{.request = request}}));
  }

  link::Credentials credentials;
  protocol::NodeId node;
  std::vector<PeerLinks::Met> up;
  std::vector<std::pair<protocol::NodeId, protocol::Envelope>> said;
  std::vector<std::pair<protocol::NodeId, link::Closing>> down;
  std::vector<std::string> failed;
  std::vector<std::string> refused;
  PeerLinks links;
};

class PeerLinksTest : public testing::Test {
 protected:
  protocol::Address listening(Member& member) {
    const auto address = member.links.listen(loopback());
    EXPECT_TRUE(address);
    return address.value_or(protocol::Address{});
  }
  void meet(Member& dialler, Member& listener) {
    dialler.links.dial(listening(listener), listener.node);
    ASSERT_TRUE(loop.run_until([&] { return !dialler.up.empty() && !listener.up.empty(); }));
  }

  EventLoop loop;
};

TEST_F(PeerLinksTest, two_members_meet_over_a_socket_and_talk) {
  Member one(loop, 1), two(loop, 2);
  const protocol::Address ours = listening(one);
  meet(one, two);
  EXPECT_EQ(one.up[0].node, two.node);
  EXPECT_TRUE(one.up[0].dialled);
  EXPECT_EQ(two.up[0].node, one.node);
  EXPECT_EQ(two.up[0].address, ours) << "where the other end can be dialled in turn";
  EXPECT_GT(one.up[0].round_trip, core::Duration::zero());
  for (std::uint64_t request = 1; request <= 1'000; ++request) one.say(two.node, request);
  two.say(one.node, 7);
  ASSERT_TRUE(loop.run_until([&] { return two.said.size() == 1'000 && one.said.size() == 1; }));
  for (std::uint64_t request = 1; request <= 1'000; ++request)
    EXPECT_EQ(two.said[request - 1].second.sequence, request);
}

TEST_F(PeerLinksTest, who_hangs_up_says_why_and_both_sockets_go) {
  Member one(loop, 1), two(loop, 2);
  meet(one, two);
  one.links.hang_up(two.node, {.why = protocol::ByeReason::idle, .reason = "nothing to do"});
  ASSERT_TRUE(loop.run_until([&] { return one.links.socket_count() == 0 && two.links.socket_count() == 0; }));
  ASSERT_EQ(two.down.size(), 1U);
  EXPECT_EQ(two.down[0].second.said->reason, "nothing to do");
  ASSERT_EQ(one.down.size(), 1U);
  EXPECT_EQ(one.down[0].second.why, link::CloseReason::ours);
}

TEST_F(PeerLinksTest, nobody_there_is_told_and_harms_nothing) {
  Member one(loop, 1);
  protocol::Address nobody;
  {
    Member gone(loop, 3);
    nobody = listening(gone);
  }
  loop.settle();
  one.links.dial(nobody, std::nullopt);
  ASSERT_TRUE(loop.run_until([&] { return one.failed.size() == 1; }));
  EXPECT_EQ(one.failed[0], "connection refused");
}

TEST_F(PeerLinksTest, a_taken_port_is_named_with_what_to_do) {
  Member one(loop, 1), two(loop, 2);
  const protocol::Address taken = listening(one);
  const auto problem = two.links.listen(taken);
  ASSERT_FALSE(problem);
  EXPECT_EQ(problem.error().message, "cannot listen at " + text_of(taken) + ": address already in use");
  EXPECT_NE(problem.error().hint.find("--listen"), std::string::npos);
}

TEST_F(PeerLinksTest, two_that_dial_each_other_at_once_keep_one_link_and_agree_which) {
  for (unsigned round = 0; round < 10; ++round) {
    Member one(loop, 1), two(loop, 2);
    const protocol::Address first = listening(one), second = listening(two);
    one.links.dial(second, two.node);
    two.links.dial(first, one.node);
    ASSERT_TRUE(loop.run_until([&] { return one.links.socket_count() == 1 && two.links.socket_count() == 1; }));
    EXPECT_EQ(one.links.link_count(), 1U);
    EXPECT_EQ(two.links.link_count(), 1U);
    one.say(two.node, 5);
    two.say(one.node, 6);
    EXPECT_TRUE(loop.run_until([&] { return !one.said.empty() && !two.said.empty(); }));
  }
}

TEST_F(PeerLinksTest, a_newer_run_of_a_node_replaces_the_older_one) {
  Member one(loop, 1), two(loop, 2, 1);
  meet(two, one);
  Member again(loop, 2, 9);
  again.links.dial(*one.links.listen(loopback()), one.node);
  ASSERT_TRUE(loop.run_until([&] { return one.up.size() == 2 && two.links.socket_count() == 0; }));
  EXPECT_EQ(one.down.size(), 1U);
  EXPECT_EQ(one.links.link_count(), 1U);
  EXPECT_EQ(two.down[0].second.said->why, protocol::ByeReason::newer_instance);
  again.say(one.node, 3);
  EXPECT_TRUE(loop.run_until([&] { return one.said.size() == 1; }));
}

TEST_F(PeerLinksTest, whoever_is_revoked_is_hung_up_on_at_once) {
  Member one(loop, 1), two(loop, 2);
  meet(one, two);
  crypto::Revocation revocation = samples::revocation();
  revocation.what = crypto::RevokedNode{link_key(2).public_key()};
  const auto sealed = crypto::sign_revocation(revocation, samples::admin_pair()).value();
  (void)one.credentials.revoked.add(crypto::open_revocation(sealed.bytes, samples::pool()).value());
  one.links.judge_again();
  ASSERT_TRUE(loop.run_until([&] { return one.links.socket_count() == 0 && !two.down.empty(); }));
  EXPECT_EQ(two.down[0].second.said->why, protocol::ByeReason::revoked);
  two.links.dial(*one.links.listen(loopback()), one.node);
  ASSERT_TRUE(loop.run_until([&] { return !one.refused.empty() && !two.failed.empty(); }));
  EXPECT_NE(one.refused[0].find("revoked"), std::string::npos) << one.refused[0];
}

TEST_F(PeerLinksTest, a_link_that_is_there_works_on_while_strangers_knock) {
  Member one(loop, 1), two(loop, 2);
  meet(one, two);
  const protocol::Address at = *two.links.listen(loopback());
  const sockaddr_storage to = sockaddr_from(at);
  std::vector<UvHandle<uv_tcp_t>> strangers;
  std::vector<std::unique_ptr<uv_connect_t>> requests;
  for (int i = 0; i < 300; ++i) {
    strangers.emplace_back(new uv_tcp_t{});
    uv_tcp_init(loop.get(), strangers.back().get());
    requests.push_back(std::make_unique<uv_connect_t>());
    uv_tcp_connect(requests.back().get(), strangers.back().get(), reinterpret_cast<const sockaddr*>(&to),
                   [](uv_connect_t*, int) {});
  }
  for (std::uint64_t request = 1; request <= 20; ++request) {
    one.say(two.node, request);
    ASSERT_TRUE(loop.run_until([&] { return two.said.size() == request; }));
  }
  EXPECT_LE(two.links.socket_count(), 1 + link::Admission::strangers_max);
  strangers.clear();
  EXPECT_TRUE(loop.run_until([&] { return two.links.socket_count() == 1; }));
}

}  // namespace
}  // namespace agent::shell
