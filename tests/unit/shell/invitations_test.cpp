#include "agent/shell/invitations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/shell/pool_state.h"
#include "tests/unit/shell/small_disk.h"

namespace agent::shell {
namespace {

using testing::HasSubstr;

const std::vector<crypto::TokenAddress> addresses{crypto::NamedAddress{.host = "alpha.example", .port = 4'422}};

// The first machine of a pool, with what it remembers of its invitations.
struct Inviter {
  explicit Inviter(const std::string& path) : founder(path), pool(founder.pool()) { restart(); }
  void restart() {
    auto loaded = Invitations::load(founder.state, pool);
    ASSERT_TRUE(loaded) << loaded.error().message;
    invitations.emplace(*std::move(loaded));
  }
  crypto::JoinToken invite(std::uint32_t uses = 1) {
    const auto text = invitations->invite({.uses = uses, .addresses = addresses}, now_ms, random.maker());
    EXPECT_TRUE(text);
    return crypto::read_token(text->view(), now_ms, 0).value();
  }

  Founder founder;
  Pool pool;
  std::optional<Invitations> invitations;
  std::set<std::string> names{"alpha"};
  std::int64_t now_ms = founded_ms + crypto::day_ms;
  Secrets random{7};
};

enum class Reply : std::uint8_t { arrives, is_lost };

// A conversation of both machines about that token; what the newcomer got of it.
link::Joiner::Outcome join(Inviter& inviter, const crypto::JoinToken& token, const Machine& newcomer,
                           const std::string& name, Reply reply = Reply::arrives) {
  const NodeKeys keys = node_keys(newcomer.state).value();
  Secrets ephemeral(9);
  const link::Moment now{.at = core::Instant(std::chrono::seconds(1'000)), .wall_ms = inviter.now_ms};
  link::Joiner joiner({.token = token,
                       .link_key = keys.link,
                       .node_key = keys.node,
                       .user_key = keys.user,
                       .name = name,
                       .make_secret = ephemeral.maker()},
                      now);
  link::JoinHost host({.credentials = inviter.pool.credentials,
                       .find_secret = [&](const crypto::TokenId& id) { return inviter.invitations->secret_of(id); },
                       .make_secret = ephemeral.maker()},
                      now);
  for (int round = 0; round < 4 && !joiner.ended(); ++round) {
    host.receive(joiner.take_output(), now);
    if (const auto asked = host.take_request()) {
      auto answer = inviter.invitations->answer(
          *asked,
          {.now_wall_ms = inviter.now_ms,
           .peers = {},
           .is_others_name = [&](std::string_view each) { return inviter.names.contains(std::string(each)); }},
          inviter.random.maker());
      if (answer) {
        host.answer(*answer);
      } else {
        host.refuse(answer.error().why, answer.error().text);
      }
      if (reply == Reply::is_lost) break;
    }
    joiner.receive(host.take_output(), now);
  }
  if (host.ended() == link::JoinHost::End::wrong_secret) inviter.invitations->on_wrong_try(*host.token());
  joiner.on_end();
  return joiner.take_outcome();
}

link::JoinEnding failure(const link::Joiner::Outcome& outcome) {
  EXPECT_FALSE(outcome);
  return outcome ? link::JoinEnding{} : outcome.error();
}

void mistype(crypto::JoinToken& token) {
  token.secret.writable()[5] ^= std::byte{1};
}

TEST(InvitationsTest, ANewcomerIsAMemberAfterwardsAndAfterItsRestart) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const Machine newcomer(directory.file("b"));
  const auto joined = join(inviter, inviter.invite(), newcomer, "beta");
  ASSERT_TRUE(joined) << to_text(joined.error());
  ASSERT_TRUE(keep_joined(newcomer.state, joined->trust, joined->answer));
  const Pool pool = newcomer.pool();
  EXPECT_TRUE(pool.credentials.network_keys.at(0).same(inviter.pool.credentials.network_keys.at(0)));
  EXPECT_EQ(pool.credentials.trust.roots, inviter.pool.credentials.trust.roots);
  EXPECT_EQ(pool.pinned, std::vector{inviter.pool.user_key.public_key()});
  EXPECT_FALSE(pool.issuer);
  const auto roles_of = [&](const Bytes& chain) {
    const auto member =
        crypto::judge(chain, inviter.pool.credentials.trust, inviter.now_ms, {}, crypto::Purpose::membership);
    EXPECT_TRUE(member);
    EXPECT_EQ(member->certificate.name, "beta");
    EXPECT_EQ(member->not_after_ms, inviter.now_ms + year_ms);
    return member->roles;
  };
  EXPECT_EQ(roles_of(pool.credentials.chain), (crypto::Roles{crypto::Role::run}));
  EXPECT_EQ(roles_of(pool.user_chain), (crypto::Roles{crypto::Role::submit}));
  Invitations none = Invitations::load(newcomer.state, pool).value();
  const auto refused = none.invite({.addresses = addresses}, inviter.now_ms, inviter.random.maker());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "this machine cannot invite: it has no issuer key");
}

TEST(InvitationsTest, ALostReplyIsGivenAgainToTheSameKey) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const Machine newcomer(directory.file("b"));
  const crypto::JoinToken token = inviter.invite();
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta", Reply::is_lost)).why, link::JoinFailure::lost);
  const auto first = join(inviter, token, newcomer, "beta");
  ASSERT_TRUE(first) << to_text(first.error());
  const auto second = join(inviter, token, newcomer, "beta");
  ASSERT_TRUE(second);
  EXPECT_EQ(first->answer.node_chain, second->answer.node_chain);
  EXPECT_EQ(first->answer.user_chain, second->answer.user_chain);
}

TEST(InvitationsTest, WhatWasJournalledBeforeTheAnswerHoldsAfterARestart) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const Machine newcomer(directory.file("b"));
  const Machine second(directory.file("c"));
  const crypto::JoinToken token = inviter.invite();
  inviter.restart();
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta", Reply::is_lost)).why, link::JoinFailure::lost);
  const std::string journal = read_file(inviter.founder.state.file("pool/invitations"));
  inviter.restart();
  EXPECT_EQ(failure(join(inviter, token, second, "gamma")).refusal, link::JoinRefusal::used);
  EXPECT_TRUE(join(inviter, token, newcomer, "beta"));
  EXPECT_EQ(read_file(inviter.founder.state.file("pool/invitations")), journal);
}

TEST(InvitationsTest, ATokenLetsInAsManyMachinesAsItHasUses) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const crypto::JoinToken token = inviter.invite(2);
  for (const char* name : {"beta", "gamma"}) {
    EXPECT_EQ(inviter.invitations->open_tokens(inviter.now_ms), 1U);
    EXPECT_TRUE(join(inviter, token, Machine(directory.file(name)), name));
  }
  EXPECT_EQ(inviter.invitations->open_tokens(inviter.now_ms), 0U);
  const auto third = failure(join(inviter, token, Machine(directory.file("delta")), "delta"));
  EXPECT_EQ(to_text(third), "the token has been used: ask for another one");
}

TEST(InvitationsTest, AMachineThatCameWithOtherKeysDoesNotGetTheAnswerOfTheFirst) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const crypto::JoinToken token = inviter.invite();
  const Machine newcomer(directory.file("b"));
  ASSERT_TRUE(join(inviter, token, newcomer, "beta"));
  ASSERT_EQ(unlink(newcomer.state.file("user.key").c_str()), 0);
  EXPECT_EQ(to_text(failure(join(inviter, token, newcomer, "beta"))),
            "the token has been used: ask for another one: by this machine, with other keys");
}

TEST(InvitationsTest, FiveWrongTriesEndAToken) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  crypto::JoinToken token = inviter.invite();
  const Machine newcomer(directory.file("b"));
  mistype(token);
  for (int tries = 1; tries <= 4; ++tries)
    EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).why, link::JoinFailure::not_heard);
  EXPECT_EQ(inviter.invitations->open_tokens(inviter.now_ms), 1U);
  inviter.restart();
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).why, link::JoinFailure::not_heard);
  EXPECT_EQ(inviter.invitations->open_tokens(inviter.now_ms), 0U);
  mistype(token);  // back
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).why, link::JoinFailure::not_heard);
  inviter.restart();
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).why, link::JoinFailure::not_heard);
}

TEST(InvitationsTest, FourWrongTriesDoNot) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  crypto::JoinToken token = inviter.invite();
  const Machine newcomer(directory.file("b"));
  mistype(token);
  for (int tries = 1; tries <= 4; ++tries) (void)join(inviter, token, newcomer, "beta");
  mistype(token);  // back
  EXPECT_TRUE(join(inviter, token, newcomer, "beta"));
}

TEST(InvitationsTest, AnExpiredTokenIsSaidToBeSoForADay) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const crypto::JoinToken token = inviter.invite();
  const Machine newcomer(directory.file("b"));
  const std::int64_t end_ms = token.not_after_ms;
  inviter.now_ms = end_ms + 1;
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).refusal, link::JoinRefusal::expired);
  inviter.now_ms = end_ms;
  EXPECT_TRUE(join(inviter, token, newcomer, "beta"));
  inviter.now_ms = end_ms + Invitations::remembered_ms;
  (void)inviter.invite();
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).refusal, link::JoinRefusal::expired);
  inviter.now_ms = end_ms + Invitations::remembered_ms + 1;
  (void)inviter.invite();
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).why, link::JoinFailure::not_heard);
}

TEST(InvitationsTest, ANameIsGivenOnce) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const crypto::JoinToken token = inviter.invite(3);
  ASSERT_TRUE(join(inviter, token, Machine(directory.file("b")), "beta"));
  const Machine second(directory.file("c"));
  for (const char* name : {"beta", "alpha"})
    EXPECT_EQ(failure(join(inviter, token, second, name)).refusal, link::JoinRefusal::name_taken);
  EXPECT_TRUE(join(inviter, token, second, "gamma"));
}

TEST(InvitationsTest, AHostOfAnotherPoolDoesNotKnowTheToken) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  Inviter other(directory.file("b"));
  const crypto::JoinToken token = inviter.invite();
  EXPECT_EQ(failure(join(other, token, Machine(directory.file("c")), "beta")).why, link::JoinFailure::not_heard);
}

TEST(InvitationsTest, WhatIsGivenEndsWithItsIssuer) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const std::int64_t end_ms = founded_ms + issuer_life_ms;
  inviter.now_ms = founded_ms + year_ms;  // later the inviter's own certificate has ended
  const crypto::JoinToken token = inviter.invite();
  const auto joined = join(inviter, token, Machine(directory.file("b")), "beta");
  ASSERT_TRUE(joined) << to_text(joined.error());
  EXPECT_EQ(joined->member.not_after_ms, inviter.now_ms + year_ms);
  EXPECT_LT(joined->member.not_after_ms, end_ms);
  inviter.now_ms = founded_ms + year_ms + crypto::day_ms;
  EXPECT_THAT(
      inviter.invitations->invite({.addresses = addresses}, inviter.now_ms, inviter.random.maker()).error().message,
      HasSubstr("its own certificate does not count now"));
  inviter.now_ms = end_ms + crypto::day_ms;
  EXPECT_EQ(
      inviter.invitations->invite({.addresses = addresses}, inviter.now_ms, inviter.random.maker()).error().message,
      "this machine cannot invite: its issuer certificate: expired");
}

TEST(InvitationsTest, NoMoreAreGivenOutThanAreRemembered) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  for (std::size_t i = 0; i < Invitations::tokens_max; ++i) (void)inviter.invite();
  const auto more = inviter.invitations->invite({.addresses = addresses}, inviter.now_ms, inviter.random.maker());
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().message, HasSubstr("64 invitations"));
  inviter.now_ms += 2 * crypto::day_ms;
  (void)inviter.invite();
  EXPECT_EQ(inviter.invitations->open_tokens(inviter.now_ms), 1U);
}

TEST(InvitationsTest, ADamagedFileIsNamedAndLeft) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  (void)inviter.invite();
  const std::string path = inviter.founder.state.file("pool/invitations");
  const std::string good = read_file(path);
  for (std::size_t size = 0; size < good.size(); size += 9) {
    write_file(path, good.substr(0, size));
    const auto loaded = Invitations::load(inviter.founder.state, inviter.pool);
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().message, HasSubstr(path + " is damaged"));
    EXPECT_EQ(read_file(path), good.substr(0, size));
  }
  write_file(path, good);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(Invitations::load(inviter.founder.state, inviter.pool).error().hint, "chmod 600 " + path);
}

TEST(InvitationsTest, AFileWithAGoodDigestMayStillSayWhatCannotBe) {
  const TemporaryDirectory directory;
  Inviter inviter(directory.file("a"));
  const auto folder = PoolFolder::open(inviter.founder.state).value();
  for (const Bytes& content : {Bytes{}, Bytes{std::byte{1}}, Bytes(34), Bytes(2, std::byte{0xff}),
                               Bytes{std::byte{0}, std::byte{1}}, Bytes{std::byte{0}, std::byte{0}, std::byte{0}}}) {
    ASSERT_TRUE(folder->write("invitations", content, FileMode::secret));
    EXPECT_FALSE(Invitations::load(inviter.founder.state, inviter.pool)) << content.size();
  }
}

TEST(InvitationsTest, OnAFullDiskNobodyIsLetInAndTheTokenStaysGood) {
  SmallDisk disk(1);
  if (!disk.is_mounted()) GTEST_SKIP() << "only root may mount";
  const TemporaryDirectory directory;
  Inviter inviter(disk.path() + "/a");
  const crypto::JoinToken token = inviter.invite();
  const std::string filler = disk.path() + "/filler";
  write_file(filler, std::string(2'000'000, 'x'));
  const std::string journal = read_file(inviter.founder.state.file("pool/invitations"));
  EXPECT_FALSE(inviter.invitations->invite({.addresses = addresses}, inviter.now_ms, inviter.random.maker()));
  const Machine newcomer(directory.file("b"));
  EXPECT_EQ(to_text(failure(join(inviter, token, newcomer, "beta"))),
            "it cannot let anybody in now: it cannot write to its disk");
  EXPECT_EQ(read_file(inviter.founder.state.file("pool/invitations")), journal);
  ASSERT_EQ(unlink(filler.c_str()), 0);
  EXPECT_EQ(inviter.invitations->open_tokens(inviter.now_ms), 1U);
  EXPECT_TRUE(join(inviter, token, Machine(directory.file("c")), "gamma"));
  EXPECT_EQ(failure(join(inviter, token, newcomer, "beta")).refusal, link::JoinRefusal::used);
}

}  // namespace
}  // namespace agent::shell
