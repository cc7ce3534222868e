// How nodes come into a pool and leave it, over real sockets on one loop: invitations asked for at the client socket,
// newcomers that join by them, and what becomes of both.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/shell/joining.h"
#include "agent/shell/known_peers.h"
#include "agent/shell/socket_address.h"
#include "tests/unit/shell/agent_client.h"
#include "tests/unit/shell/loopback.h"

namespace agent::shell {
namespace {

using client::RefusalCode;
using testing::HasSubstr;

// A machine with an agent of its own.
class Node {
 public:
  Node(EventLoop& loop, const std::string& path) : loop_(loop), state(*StateDir::open(path)) {
    EXPECT_TRUE(state.lock());
  }

  void start(const std::vector<protocol::Address>& seeds = {}) {
    const auto user = state.secret("user.key");
    ASSERT_TRUE(user);
    PoolMember::Places places;
    places.listen = std::vector{Endpoint{.host = {}, .port = 0, .address = loopback()}};
    for (const protocol::Address& seed : seeds)
      places.seeds.push_back({.host = {}, .port = seed.port, .address = seed});
    auto started = Agent::start(loop_.get(), state,
                                {.slots = 3,
                                 .program = "/opt/gibbon",
                                 .version = "9.9",
                                 .trusted_user = crypto::SigningPair(*user).public_key(),
                                 .places = places,
                                 .on_ended = [this] { ended = true; }});
    ASSERT_TRUE(started) << started.error().message;
    agent = *std::move(started);
    const auto entered = agent->take_up_membership();
    ASSERT_TRUE(entered) << entered.error().message;
  }
  AgentClient& greeted() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    agent->serve(ends[0]);
    AgentClient& made = *clients.emplace_back(std::make_unique<AgentClient>(loop_.get(), ends[1]));
    made.say(client::Hello{.program_version = "9.9"});
    EXPECT_TRUE(loop_.run_until([&] { return made.count<client::Welcome>() == 1; }));
    return made;
  }
  // The answer to a question, if it is of that kind.
  template <class Answer>
  std::optional<Answer> ask(const client::ClientMessage& question) {
    AgentClient& by = greeted();
    by.say(question);
    EXPECT_TRUE(loop_.run_until([&] { return by.messages.size() == 2; }));
    const auto* answer = std::get_if<Answer>(&by.messages.back());
    return answer == nullptr ? std::nullopt : std::optional(*answer);
  }
  std::size_t links() {
    const auto peers = ask<client::Peers>(client::ListPeers{});
    return peers ? peers->rows.size() : 0;
  }
  void down() {
    clients.clear();
    agent.reset();
  }

 private:
  EventLoop& loop_;

 public:
  StateDir state;
  std::unique_ptr<Agent> agent;
  std::vector<std::unique_ptr<AgentClient>> clients;
  bool ended = false;
};

class MembershipTest : public testing::Test {
 protected:
  ~MembershipTest() override {
    for (auto& each : nodes_) each->down();
    (void)loop.run_until([] { return exec::reap_orphans({}).left == 0; });
  }
  Node& node(const std::string& name) {
    return *nodes_.emplace_back(std::make_unique<Node>(loop, directory.file(name)));
  }
  // A machine whose agent has founded a pool.
  Node& founder() {
    Node& alpha = node("alpha");
    alpha.start();
    EXPECT_TRUE(alpha.ask<client::Invitation>(client::Invite{.name = "alpha"}));
    return alpha;
  }
  std::string token_of(Node& inviter, std::uint32_t uses = 1) {
    const auto invitation = inviter.ask<client::Invitation>(client::Invite{.uses = uses});
    EXPECT_TRUE(invitation);
    return invitation ? invitation->token : std::string();
  }
  Joining::Outcome join(Node& newcomer, const std::string& text, const std::string& name) {
    const auto token = crypto::read_token(text, wall_now_ms(), 0);
    EXPECT_TRUE(token);
    const auto keys = node_keys(newcomer.state);
    EXPECT_TRUE(keys);
    std::optional<Joining::Outcome> outcome;
    const Joining joining(
        loop.get(),
        {.token = *token, .link_key = keys->link, .node_key = keys->node, .user_key = keys->user, .name = name},
        [&](Joining::Outcome ended) { outcome.emplace(std::move(ended)); });
    EXPECT_TRUE(loop.run_until([&] { return outcome.has_value(); }));
    return *std::move(outcome);
  }
  // The whole way to a membership that is kept.
  void joins(Node& newcomer, const std::string& token, const std::string& name) {
    const auto joined = join(newcomer, token, name);
    ASSERT_TRUE(joined) << joined.error().back().why;
    ASSERT_TRUE(keep_joined(newcomer.state, joined->membership.trust, joined->membership.answer));
    ASSERT_TRUE(keep_peers(newcomer.state, {{.node = {}, .address = joined->inviter}}));
  }
  [[nodiscard]] bool linked(Node& node, std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
      if (node.links() == count) return true;
    }
    return false;
  }

  TemporaryDirectory directory;
  EventLoop loop;

 private:
  std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(MembershipTest, the_first_invitation_founds_a_pool_while_the_agent_runs) {
  Node& alpha = node("alpha");
  alpha.start();
  EXPECT_FALSE(alpha.ask<client::Status>(client::GetStatus{})->pool);
  const auto first = alpha.ask<client::Invitation>(client::Invite{.name = "alpha"});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->root_key, alpha.state.file("root.key"));
  EXPECT_EQ(first->pool.node, "alpha");
  EXPECT_EQ(first->pool.name, "alpha");
  ASSERT_EQ(first->pool.reachable.size(), 1U);
  const auto token = crypto::read_token(first->token, wall_now_ms(), 0);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->addresses.size(), 1U);
  // What it signs is what is in the file.
  const auto root = alpha.state.secret("root.key");
  ASSERT_TRUE(root);
  EXPECT_EQ(crypto::root_pin(crypto::SigningPair(*root).public_key()), token->root);
  const auto second = alpha.ask<client::Invitation>(client::Invite{.name = "other"});
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->root_key.empty());
  EXPECT_EQ(second->pool, first->pool);
  EXPECT_NE(second->token, first->token);
  EXPECT_EQ(alpha.ask<client::Status>(client::GetStatus{})->pool, first->pool);
}

TEST_F(MembershipTest, a_newcomer_is_let_in_and_linked_and_the_inviter_hears_of_both) {
  Node& alpha = founder();
  AgentClient& watcher = alpha.greeted();
  watcher.say(client::Invite{.uses = 1, .watch = true});
  ASSERT_TRUE(loop.run_until([&] { return watcher.count<client::Invitation>() == 1; }));
  Node& beta = node("beta");
  joins(beta, watcher.heard<client::Invitation>()[0].token, "beta");
  ASSERT_TRUE(loop.run_until([&] { return watcher.count<client::Joined>() == 1; }));
  EXPECT_EQ(watcher.heard<client::Joined>()[0].name, "beta");
  EXPECT_FALSE(watcher.heard<client::Joined>()[0].slots);
  beta.start();
  ASSERT_TRUE(loop.run_until([&] { return watcher.count<client::Joined>() == 2; }));
  EXPECT_EQ(watcher.heard<client::Joined>()[1].slots, 3U);
  const auto peers = beta.ask<client::Peers>(client::ListPeers{});
  ASSERT_TRUE(peers && peers->rows.size() == 1);
  EXPECT_EQ(peers->rows[0].name, "alpha");
  EXPECT_TRUE(peers->rows[0].dialled);
  EXPECT_EQ(peers->rows[0].slots, 3U);
  EXPECT_EQ(peers->rows[0].program_version, "9.9");
  EXPECT_EQ(peers->rows[0].address, alpha.agent->listening().front());
  EXPECT_EQ(peers->pool->node, "beta");
  EXPECT_EQ(peers->pool->name, "alpha");
}

TEST_F(MembershipTest, whose_jobs_run_here_without_a_sandbox_is_who_invited) {
  Node& alpha = founder();
  Node& beta = node("beta");
  joins(beta, token_of(alpha), "beta");
  const auto pool = load_pool(beta.state);
  ASSERT_TRUE(pool && *pool);
  EXPECT_EQ((*pool)->pinned, (std::vector{node_keys(alpha.state)->user.public_key()}));
  EXPECT_TRUE((*load_pool(alpha.state))->pinned.empty());
}

TEST_F(MembershipTest, an_agent_that_runs_enters_when_it_is_told) {
  Node& alpha = founder();
  Node& beta = node("beta");
  beta.start();
  const auto nothing = beta.ask<client::Refused>(client::EnterPool{});
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->code, RefusalCode::pool);
  joins(beta, token_of(alpha), "beta");
  EXPECT_EQ(beta.greeted().heard<client::Welcome>()[0].pool, protocol::Bytes32{});
  ASSERT_TRUE(beta.ask<client::Done>(client::EnterPool{}));
  EXPECT_EQ(beta.greeted().heard<client::Welcome>()[0].pool, alpha.greeted().heard<client::Welcome>()[0].pool);
  EXPECT_EQ(beta.greeted().heard<client::Welcome>()[0].node, "beta");
  EXPECT_TRUE(linked(beta, 1));
  EXPECT_TRUE(beta.ask<client::Done>(client::EnterPool{})) << "twice is no harm";
}

TEST_F(MembershipTest, a_used_token_lets_nobody_else_in_but_the_same_machine_again) {
  Node& alpha = founder();
  const std::string token = token_of(alpha);
  Node& beta = node("beta");
  ASSERT_TRUE(join(beta, token, "beta"));
  ASSERT_TRUE(join(beta, token, "beta")) << "its answer was lost";
  Node& gamma = node("gamma");
  const auto refused = join(gamma, token, "gamma");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().back().ending->refusal, link::JoinRefusal::used);
  EXPECT_EQ(refused.error().back().where, text_of(alpha.agent->listening().front()));
}

TEST_F(MembershipTest, a_name_that_a_node_has_is_refused) {
  Node& alpha = founder();
  const std::string token = token_of(alpha, 3);
  Node& beta = node("beta");
  const auto refused = join(beta, token, "alpha");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().back().ending->refusal, link::JoinRefusal::name_taken);
  EXPECT_TRUE(join(beta, token, "beta"));
}

TEST_F(MembershipTest, an_unknown_token_hears_nothing_and_nobody_there_is_said) {
  Node& alpha = founder();
  const std::string token = token_of(alpha);
  Node& beta = node("beta");
  ASSERT_TRUE(alpha.ask<client::Done>(client::LeavePool{}));
  ASSERT_TRUE(alpha.ask<client::Invitation>(client::Invite{.name = "alpha"}));
  // Another pool is at another port now.
  const auto nobody = join(beta, token, "beta");
  ASSERT_FALSE(nobody);
  EXPECT_FALSE(nobody.error().back().ending);
  EXPECT_EQ(nobody.error().back().why, "connection refused");
}

TEST_F(MembershipTest, five_wrong_tries_end_a_token) {
  Node& alpha = founder();
  const std::string text = token_of(alpha);
  Node& beta = node("beta");
  crypto::JoinToken wrong = *crypto::read_token(text, wall_now_ms(), 0);
  wrong.secret = crypto::Secret<32>();
  const std::string forged(crypto::write_token(wrong)->view());
  for (int i = 0; i < 5; ++i) {
    const auto refused = join(beta, forged, "beta");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().back().ending->why, link::JoinFailure::not_heard);
  }
  EXPECT_FALSE(join(beta, text, "beta"));
}

TEST_F(MembershipTest, a_pool_is_found_again_by_who_was_met_when_the_inviter_is_gone) {
  Node& alpha = founder();
  const std::string token = token_of(alpha, 2);
  Node& beta = node("beta");
  Node& gamma = node("gamma");
  joins(beta, token, "beta");
  joins(gamma, token, "gamma");
  beta.start();
  gamma.start();
  ASSERT_TRUE(linked(beta, 2) && linked(gamma, 2)) << "newcomers hear of each other";
  const protocol::Address at_gamma = gamma.agent->listening().front();
  beta.down();
  alpha.down();
  const auto known = load_peers(beta.state);
  ASSERT_TRUE(known);
  EXPECT_THAT(*known, testing::Contains(testing::Field(&KnownPeer::address, at_gamma)));
  beta.start();
  EXPECT_TRUE(linked(beta, 1));
  EXPECT_EQ(beta.ask<client::Peers>(client::ListPeers{})->rows[0].name, "gamma");
}

TEST_F(MembershipTest, who_leaves_says_good_bye_and_keeps_its_keys) {
  Node& alpha = founder();
  Node& beta = node("beta");
  joins(beta, token_of(alpha), "beta");
  beta.start();
  ASSERT_TRUE(linked(alpha, 1));
  const crypto::PublicKey node_key = node_keys(beta.state)->node.public_key();
  ASSERT_TRUE(beta.ask<client::Done>(client::LeavePool{}));
  EXPECT_TRUE(linked(alpha, 0));
  EXPECT_FALSE(load_pool(beta.state)->has_value());
  EXPECT_EQ(node_keys(beta.state)->node.public_key(), node_key);
  EXPECT_FALSE(beta.ask<client::Status>(client::GetStatus{})->pool);
  const auto again = beta.ask<client::Refused>(client::LeavePool{});
  ASSERT_TRUE(again);
  EXPECT_THAT(again->message, HasSubstr("in no pool"));
  // And it may come again, with a new invitation.
  joins(beta, token_of(alpha), "beta-2");
  ASSERT_TRUE(beta.ask<client::Done>(client::EnterPool{}));
  EXPECT_TRUE(linked(alpha, 1));
}

TEST_F(MembershipTest, invitations_have_bounds) {
  Node& alpha = founder();
  for (const client::Invite& wrong : {client::Invite{.life_ms = 59'999}, client::Invite{.life_ms = 31 * 86'400'000ULL},
                                      client::Invite{.uses = 0}, client::Invite{.uses = 65}}) {
    const auto refused = alpha.ask<client::Refused>(wrong);
    ASSERT_TRUE(refused);
    EXPECT_THAT(refused->hint, HasSubstr("gibbon invite"));
  }
}

TEST_F(MembershipTest, who_was_invited_cannot_invite) {
  Node& alpha = founder();
  Node& beta = node("beta");
  joins(beta, token_of(alpha), "beta");
  beta.start();
  const auto refused = beta.ask<client::Refused>(client::Invite{});
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->message, HasSubstr("no issuer key"));
  EXPECT_THAT(refused->hint, HasSubstr("where the pool began"));
}

}  // namespace
}  // namespace agent::shell
