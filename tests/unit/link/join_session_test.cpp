#include "agent/link/join_session.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/link/first_word.h"
#include "tests/unit/link/join_pair.h"

namespace agent::link::test {
namespace {

JoinEnding failure(JoiningPair& pair) {
  EXPECT_TRUE(pair.joiner->ended());
  auto outcome = pair.joiner->take_outcome();
  EXPECT_FALSE(outcome);
  return outcome ? JoinEnding{} : outcome.error();
}

TEST(Join, a_newcomer_gets_what_the_inviter_answers_wherever_the_stream_is_cut) {
  for (const std::size_t cut : {1U, 2U, 7U, 1'000U, 65'536U}) {
    JoiningPair pair;
    pair.cut = cut;
    pair.run();
    ASSERT_TRUE(pair.asked) << cut;
    EXPECT_EQ(pair.asked->token, pair.token.id);
    EXPECT_EQ(pair.asked->link_key, pair.link.public_key());
    EXPECT_EQ(pair.asked->request.name, "node 9");
    EXPECT_EQ(pair.asked->request.node_key, pair.node.public_key());
    EXPECT_EQ(pair.asked->request.user_key, pair.user.public_key());
    EXPECT_FALSE(pair.host->ended());
    pair.host->answer(sample_answer());
    pair.run();
    ASSERT_TRUE(pair.joiner->ended()) << cut;
    const auto joined = pair.joiner->take_outcome();
    ASSERT_TRUE(joined) << to_text(joined.error());
    EXPECT_TRUE(joined->answer.network_psk.same(secret(0x70)));
    EXPECT_EQ(joined->answer.peers, sample_answer().peers);
    EXPECT_EQ(joined->answer.inviter, samples::user_pair().public_key());
    EXPECT_EQ(joined->member.certificate, certificate_of(newcomer));
    EXPECT_EQ(joined->trust.pool, samples::pool());
    EXPECT_EQ(pair.host->ended(), JoinHost::End::answered);
    EXPECT_TRUE(pair.host->over());
    EXPECT_EQ(pair.host->deadline(), std::nullopt);
    EXPECT_EQ(pair.joiner->deadline(), std::nullopt);
  }
}

TEST(Join, an_answer_takes_as_many_frames_as_it_needs) {
  for (const std::size_t cut : {999U, 65'536U}) {
    JoiningPair pair;
    pair.cut = cut;
    pair.run();
    const crypto::JoinAnswer answer = long_answer();
    ASSERT_GT(crypto::encode_answer(answer)->bytes().size(), 2 * crypto::frame_plain_bytes_max);
    pair.host->answer(answer);
    pair.run();
    const auto joined = pair.joiner->take_outcome();
    ASSERT_TRUE(joined) << to_text(joined.error());
    EXPECT_EQ(joined->answer.revocations, answer.revocations);
  }
}

TEST(Join, each_refusal_comes_with_its_words) {
  const std::vector<std::pair<JoinRefusal, std::string>> all{
      {JoinRefusal::used, "the token has been used: ask for another one"},
      {JoinRefusal::expired, "the token has expired: ask for another one"},
      {JoinRefusal::name_taken, "a node of that pool has this name already: join under another one"},
      {JoinRefusal::unavailable, "it cannot let anybody in now: the disk is full"}};
  for (const auto& [refusal, text] : all) {
    JoiningPair pair;
    pair.run();
    ASSERT_TRUE(pair.asked);
    pair.host->refuse(refusal, refusal == JoinRefusal::unavailable ? "the disk is full" : "");
    pair.run();
    const JoinEnding ending = failure(pair);
    EXPECT_EQ(ending.why, JoinFailure::refused);
    EXPECT_EQ(ending.refusal, refusal);
    EXPECT_EQ(to_text(ending), text);
    EXPECT_EQ(pair.host->ended(), JoinHost::End::refused);
  }
}

TEST(Join, what_a_refusal_says_is_fit_for_a_terminal) {
  JoiningPair pair;
  pair.run();
  pair.host->refuse(JoinRefusal::unavailable, "\x1b[2Jgone" + std::string(1'000, 'x'));
  pair.run();
  EXPECT_EQ(failure(pair).said, "?[2Jgone" + std::string(refusal_text_bytes_max - 8, 'x'));
}

TEST(Join, of_a_token_that_is_unknown_there_nothing_is_said) {
  JoiningPair pair;
  pair.known = false;
  pair.run();
  EXPECT_EQ(pair.host->ended(), JoinHost::End::unknown_token);
  EXPECT_EQ(pair.host->token(), pair.token.id);
  EXPECT_EQ(failure(pair).why, JoinFailure::not_heard);
}

TEST(Join, another_secret_is_a_wrong_try_and_is_answered_by_silence) {
  JoiningPair pair;
  pair.known_secret = 0x32;
  pair.run();
  EXPECT_EQ(pair.host->ended(), JoinHost::End::wrong_secret);
  EXPECT_EQ(pair.host->token(), pair.token.id);
  EXPECT_FALSE(pair.asked);
  EXPECT_EQ(failure(pair).why, JoinFailure::not_heard);
}

TEST(Join, a_host_of_another_pool_is_not_told_who_we_are) {
  crypto::JoinToken token = sample_token();
  token.root = crypto::root_pin(samples::pair(0x66).public_key());
  JoiningPair pair(std::move(token));
  pair.run();
  EXPECT_EQ(failure(pair).why, JoinFailure::wrong_pool);
  EXPECT_FALSE(pair.asked);
  EXPECT_EQ(pair.host->ended(), JoinHost::End::lost);
}

TEST(Join, a_host_is_believed_only_with_a_nodes_certificate_of_its_own) {
  Credentials others = credentials_of(2);
  others.chain = chain_of(certificate_of(3));
  JoiningPair stolen(sample_token(), std::move(others));
  stolen.run();
  EXPECT_EQ(failure(stolen), JoinEnding{.why = JoinFailure::not_believed});

  Credentials person = credentials_of(2);
  person.chain = user_chain_of(newcomers_user());
  JoiningPair user(sample_token(), std::move(person));
  user.run();
  EXPECT_EQ(failure(user), JoinEnding{.why = JoinFailure::not_believed});

  crypto::Certificate expired = certificate_of(2);
  expired.not_before_ms -= 190 * crypto::day_ms;
  expired.not_after_ms = wall_ms - crypto::day_ms;
  Credentials late = credentials_of(2);
  late.chain = chain_of(expired);
  JoiningPair ended(sample_token(), std::move(late));
  ended.run();
  EXPECT_EQ(to_text(failure(ended)), "its certificates do not hold: expired (is the clock of this machine right?)");
}

TEST(Join, an_answer_about_other_keys_makes_nobody_a_member) {
  std::vector<crypto::JoinAnswer> bad;
  bad.push_back(sample_answer());
  bad.back().node_chain = chain_of(certificate_of(8));
  bad.push_back(sample_answer());
  bad.back().user_chain = user_chain_of(samples::user_pair());
  bad.push_back(sample_answer());
  std::swap(bad.back().user_chain, bad.back().node_chain);
  bad.push_back(sample_answer());
  bad.back().node_chain.back() ^= std::byte{1};
  bad.push_back(sample_answer());
  bad.back().revocations = {Bytes(80)};
  for (const crypto::JoinAnswer& answer : bad) {
    JoiningPair pair;
    pair.run();
    pair.host->answer(answer);
    pair.run();
    EXPECT_EQ(failure(pair).why, JoinFailure::bad_answer);
  }
}

TEST(Join, who_is_revoked_by_the_answer_itself_is_no_member) {
  JoiningPair pair;
  pair.run();
  crypto::JoinAnswer answer = sample_answer();
  crypto::Revocation entry = samples::revocation();
  entry.what = crypto::RevokedNode{pair.link.public_key()};
  answer.revocations = {crypto::sign_revocation(entry, samples::admin_pair()).value().bytes};
  pair.host->answer(answer);
  pair.run();
  EXPECT_EQ(failure(pair).certificate, crypto::CertificateError::revoked);
}

TEST(Join, a_changed_byte_ends_it_wherever_it_is) {
  std::size_t joined = 0;
  for (std::size_t at = 0; at < 2'400; at += 7) {
    JoiningPair pair;
    std::size_t passed = 0;
    const auto damaged = [&](Bytes bytes) {
      if (passed <= at && at < passed + bytes.size()) bytes[at - passed] ^= std::byte{0x10};
      passed += bytes.size();
      return bytes;
    };
    for (int round = 0; round < 6; ++round) {
      pair.host->receive(damaged(pair.joiner->take_output()), pair.now);
      if (pair.host->take_request()) pair.host->answer(sample_answer());
      pair.joiner->receive(damaged(pair.host->take_output()), pair.now);
    }
    pair.joiner->on_end();
    const bool whole = passed <= at;
    const auto outcome = pair.joiner->take_outcome();
    EXPECT_EQ(outcome.has_value(), whole) << at;
    joined += whole ? 1 : 0;
  }
  EXPECT_GT(joined, 0U);
}

TEST(Join, a_stream_that_ends_in_the_middle_is_told_from_silence) {
  JoiningPair pair;
  pair.run();
  ASSERT_TRUE(pair.asked);
  pair.joiner->on_end();
  pair.host->on_end();
  EXPECT_EQ(failure(pair).why, JoinFailure::lost);
  EXPECT_EQ(pair.host->ended(), JoinHost::End::lost);
  // Who decided meanwhile has not to know.
  pair.host->answer(sample_answer());
  pair.host->refuse(JoinRefusal::used, "");
  EXPECT_TRUE(pair.host->take_output().empty());
}

TEST(Join, both_ends_wait_for_so_long_and_no_longer) {
  JoiningPair silent;
  for (const Moment at : {Moment{silent.now.at + Connection::greeting_patience - 1ns, wall_ms},
                          Moment{silent.now.at + Connection::greeting_patience, wall_ms}}) {
    silent.joiner->on_time(at);
    silent.host->on_time(at);
    EXPECT_EQ(silent.joiner->ended(), at.at == silent.now.at + Connection::greeting_patience);
    EXPECT_EQ(silent.host->ended().has_value(), silent.joiner->ended());
  }
  EXPECT_EQ(failure(silent).why, JoinFailure::timed_out);
  EXPECT_EQ(silent.host->ended(), JoinHost::End::timed_out);

  JoiningPair slow;
  slow.run();
  EXPECT_EQ(slow.host->deadline(), slow.now.at + answer_patience);
  EXPECT_EQ(slow.joiner->deadline(), slow.now.at + answer_patience);
  slow.host->on_time({slow.now.at + answer_patience, wall_ms});
  EXPECT_EQ(slow.host->ended(), JoinHost::End::timed_out);
}

TEST(Join, of_a_stranger_no_more_is_read_than_a_newcomer_has_to_say) {
  JoiningPair other;
  other.host->receive(write_link_word(), other.now);
  EXPECT_EQ(other.host->ended(), JoinHost::End::no_joining);

  JoiningPair longer;
  Bytes word = write_join_word(longer.token.id);
  word.insert(word.end(), {std::byte{1}, std::byte{1}});  // promises 257 bytes
  longer.host->receive(word, longer.now);
  EXPECT_EQ(longer.host->ended(), JoinHost::End::too_long);

  JoiningPair flood;
  flood.host->receive(Bytes(Connection::stranger_bytes_max + 1), flood.now);
  EXPECT_EQ(flood.host->ended(), JoinHost::End::too_long);

  JoiningPair hasty;
  hasty.run();
  hasty.host->receive(Bytes{std::byte{0}, std::byte{1}, std::byte{0}}, hasty.now);
  EXPECT_EQ(hasty.host->ended(), JoinHost::End::malformed);
}

TEST(Join, every_end_has_words_of_its_own) {
  std::set<std::string_view> of_hosts;
  for (int end = 0; end <= static_cast<int>(JoinHost::End::lost); ++end)
    of_hosts.insert(to_string(static_cast<JoinHost::End>(end)));
  EXPECT_EQ(of_hosts.size(), static_cast<std::size_t>(JoinHost::End::lost) + 1);
  std::set<std::string> of_newcomers;
  for (int why = 0; why <= static_cast<int>(JoinFailure::lost); ++why)
    of_newcomers.insert(to_text({.why = static_cast<JoinFailure>(why)}));
  EXPECT_EQ(of_newcomers.size(), static_cast<std::size_t>(JoinFailure::lost) + 1);
}

TEST(Join, the_inviters_say_is_bounded_before_memory_is_taken_for_it) {
  const auto said = [](std::initializer_list<unsigned> bytes, std::size_t more = 0) {
    Bytes frame;
    for (const unsigned byte : bytes) frame.push_back(static_cast<std::byte>(byte));
    frame.resize(frame.size() + more, std::byte{'x'});
    JoinReply reply;
    return reply.take(frame);
  };
  EXPECT_TRUE(said({1, 0, 0, 0, 3}, 3));
  EXPECT_TRUE(said({1, 0, 0, 0, 3}, 1));
  EXPECT_FALSE(said({1, 0, 0, 0, 3}, 4));
  EXPECT_FALSE(said({1, 0, 0, 0, 3}));
  EXPECT_FALSE(said({1, 0, 0, 0, 0}, 1));
  EXPECT_FALSE(said({2, 0, 0, 0, 3}, 3));
  EXPECT_FALSE(said({1, 0, 0, 1, 0}, 3));
  EXPECT_TRUE(said({0, 0, 4, 128, 0}, 3));
  EXPECT_FALSE(said({0, 0, 4, 128, 1}, 3));
  EXPECT_FALSE(said({0, 255, 255, 255, 255}, 3));
  EXPECT_FALSE(said({0, 0, 0, 0}));
}

}  // namespace
}  // namespace agent::link::test
