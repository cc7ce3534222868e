#include "crypto/join.h"

#include <gtest/gtest.h>

#include "crypto/channel.h"
#include "crypto/noise.h"
#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::Bytes;

JoinGreeting greeting() {
  JoinGreeting it;
  it.trust = {samples::pool(), {samples::root_pair().public_key(), samples::pair(9).public_key()}};
  std::ranges::sort(it.trust.roots);
  const Sealed issuer = sign_certificate(samples::issuer_certificate(), samples::root_pair()).value();
  it.chain = encode_chain({samples::CertificateKind::sealed().bytes, issuer.bytes}).value();
  return it;
}

JoinAnswer answer() {
  JoinAnswer it;
  it.network_psk = Secret<32>(samples::filled<Bytes32>(0xd1));
  it.node_chain = greeting().chain;
  it.user_chain = samples::bytes_of("user chain");
  it.inviter = samples::user_pair().public_key();
  it.revocations = {samples::RevocationKind::sealed().bytes};
  it.peers = {samples::PeerRecordKind::sealed().bytes, samples::bytes_of("another")};
  return it;
}

TEST(join, greeting_comes_back_and_has_one_encoding) {
  const JoinGreeting it = greeting();
  const Bytes bytes = encode_greeting(it).value();
  const auto back = decode_greeting(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->trust.pool, it.trust.pool);
  EXPECT_EQ(back->trust.roots, it.trust.roots);
  EXPECT_EQ(back->chain, it.chain);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_greeting(std::span(bytes).first(size)));
  }
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_EQ(decode_greeting(longer).error(), StatementError::malformed);
}

TEST(join, greeting_names_one_to_eight_root_keys_in_order) {
  JoinGreeting it = greeting();
  std::swap(it.trust.roots[0], it.trust.roots[1]);
  EXPECT_EQ(encode_greeting(it).error(), StatementError::bad_field);
  it.trust.roots[0] = it.trust.roots[1];
  EXPECT_EQ(encode_greeting(it).error(), StatementError::bad_field);
  it.trust.roots.clear();
  EXPECT_EQ(encode_greeting(it).error(), StatementError::bad_field);
  for (unsigned char i = 0; i < 8; ++i) it.trust.roots.push_back(PublicKey{samples::filled<Bytes32>(i)});
  EXPECT_TRUE(encode_greeting(it));
  it.trust.roots.push_back(PublicKey{samples::filled<Bytes32>(8)});
  EXPECT_EQ(encode_greeting(it).error(), StatementError::bad_field);
}

TEST(join, the_largest_greeting_fits_the_second_message_of_a_handshake) {
  JoinGreeting it = greeting();
  it.chain.assign(chain_bytes_max, std::byte{0});
  it.trust.roots.clear();
  for (unsigned char i = 0; i < 8; ++i) it.trust.roots.push_back(PublicKey{samples::filled<Bytes32>(i)});
  const auto bytes = encode_greeting(it);
  ASSERT_TRUE(bytes);
  EXPECT_LE(bytes->size() + 32 + 48 + 16, handshake_message_bytes_max);
}

TEST(join, a_newcomer_goes_on_only_with_the_root_key_that_its_token_pins) {
  const PublicKey root = samples::root_pair().public_key();
  EXPECT_EQ(pinned_root(greeting().trust, root_pin(root)), root);
  EXPECT_EQ(pinned_root(greeting().trust, root_pin(samples::pair(9).public_key())), samples::pair(9).public_key());
  EXPECT_EQ(pinned_root(greeting().trust, root_pin(samples::user_pair().public_key())), std::nullopt);
}

TEST(join, request_says_who_would_join_with_both_keys_bound_to_the_session) {
  const auto request = open_join_request(samples::join_request().bytes, samples::session);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->name, "beta");
  EXPECT_EQ(request->node_key, samples::node_pair().public_key());
  EXPECT_EQ(request->user_key, samples::user_pair().public_key());
}

TEST(join, request_of_another_session_is_refused) {
  EXPECT_EQ(open_join_request(samples::join_request().bytes, samples::filled<Bytes64>(1)).error(),
            StatementError::bad_field);
}

TEST(join, nobody_joins_with_a_users_key_that_he_does_not_hold) {
  // The proof that the user gave in another session, or to another node.
  auto forged = [](auto change) {
    JoinRequest it = open_join_request(samples::join_request().bytes, samples::session).value();
    change(it);
    const Sealed sealed = seal(join_domain, encode_body(it).value(), samples::node_pair());
    return open_join_request(sealed.bytes, it.session);
  };
  EXPECT_TRUE(forged([](JoinRequest&) {}));
  EXPECT_EQ(forged([](JoinRequest& it) { it.session[0] ^= std::byte{1}; }).error(), StatementError::bad_signature);
  EXPECT_EQ(forged([](JoinRequest& it) { it.name = "gamma"; }).error(), StatementError::bad_signature);
  EXPECT_EQ(forged([](JoinRequest& it) { it.user_key = samples::admin_pair().public_key(); }).error(),
            StatementError::bad_signature);
  EXPECT_EQ(forged([](JoinRequest& it) { it.node_key = samples::job_pair().public_key(); }).error(),
            StatementError::bad_signature);
  EXPECT_EQ(forged([](JoinRequest& it) { it.user_proof.bytes[0] ^= std::byte{1}; }).error(),
            StatementError::bad_signature);
}

TEST(join, request_has_a_name_as_certificates_have) {
  auto named = [](const std::string& name) {
    return sign_join_request(samples::session, name, samples::node_pair(), samples::user_pair()).has_value();
  };
  EXPECT_TRUE(named("b") && named(std::string(64, 'n')));
  EXPECT_FALSE(named("") || named(std::string(65, 'n')) || named("a\x1b"));
}

TEST(join, answer_comes_back_and_has_one_encoding) {
  const SecretBytes bytes = encode_answer(answer()).value();
  const auto back = decode_answer(bytes.bytes());
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->network_psk.same(answer().network_psk));
  EXPECT_EQ(back->node_chain, answer().node_chain);
  EXPECT_EQ(back->user_chain, answer().user_chain);
  EXPECT_EQ(back->inviter, answer().inviter);
  EXPECT_EQ(back->revocations, answer().revocations);
  EXPECT_EQ(back->peers, answer().peers);
  for (std::size_t size = 0; size < bytes.bytes().size(); ++size) {
    EXPECT_FALSE(decode_answer(bytes.bytes().first(size)));
  }
  Bytes longer(bytes.bytes().begin(), bytes.bytes().end());
  longer.push_back(std::byte{0});
  EXPECT_EQ(decode_answer(longer).error(), StatementError::malformed);
}

TEST(join, answer_has_bounds) {
  JoinAnswer it = answer();
  it.node_chain.assign(chain_bytes_max, std::byte{0});
  it.user_chain = it.node_chain;
  it.revocations.assign(answered_revocations_max, Bytes(revocation_signed_bytes_max));
  it.peers.assign(answered_peers_max, Bytes(peer_record_signed_bytes_max));
  const auto largest = encode_answer(it);
  ASSERT_TRUE(largest);
  EXPECT_TRUE(decode_answer(largest->bytes()));
  EXPECT_EQ(decode_answer(Bytes(join_answer_bytes_max + 1)).error(), StatementError::bad_field);
  auto refused = [](auto change) {
    JoinAnswer other = answer();
    change(other);
    return encode_answer(other).error() == StatementError::bad_field;
  };
  EXPECT_TRUE(refused([](JoinAnswer& other) { other.peers.resize(answered_peers_max + 1); }));
  EXPECT_TRUE(refused([](JoinAnswer& other) { other.revocations.resize(answered_revocations_max + 1); }));
  EXPECT_TRUE(refused([](JoinAnswer& other) { other.user_chain.resize(chain_bytes_max + 1); }));
}

// All of it together, as two machines would say it.
TEST(join, a_machine_with_a_token_becomes_a_member_through_one_handshake) {
  const ExchangePair inviter_static = samples::noise_pair();
  const ExchangePair newcomer_static(Secret<32>(samples::filled<Bytes32>(0x61)));
  JoinToken token;
  token.root = root_pin(samples::root_pair().public_key());
  token.secret = Secret<32>(samples::filled<Bytes32>(0x62));
  std::vector<Secret<32>> psks;
  psks.push_back(joining_psk(token));
  const Bytes prologue = joining_prologue(token.id);
  Handshake newcomer({.side = HandshakeSide::initiator, .prologue = prologue, .own = newcomer_static, .psks = psks},
                     Secret<32>(samples::filled<Bytes32>(0x63)));
  Handshake inviter({.side = HandshakeSide::responder, .prologue = prologue, .own = inviter_static, .psks = psks},
                    Secret<32>(samples::filled<Bytes32>(0x64)));

  ASSERT_TRUE(inviter.read(newcomer.write({}).value()));
  const auto greeted = newcomer.read(inviter.write(encode_greeting(greeting()).value()).value());
  ASSERT_TRUE(greeted);
  const JoinGreeting heard = decode_greeting(*greeted).value();
  const auto root = pinned_root(heard.trust, token.root);
  ASSERT_TRUE(root);
  const auto membership =
      judge(heard.chain, {heard.trust.pool, {*root}}, samples::created_ms, RevocationSet{}, Purpose::membership);
  ASSERT_TRUE(membership);
  ASSERT_EQ(membership->certificate.noise_key, newcomer.remote());
  ASSERT_TRUE(inviter.read(newcomer.write({}).value()));

  Channel up(newcomer.take_session());
  Channel down(inviter.take_session());
  Bytes64 session{};
  std::ranges::copy(up.session_hash(), session.begin());
  const Sealed said = sign_join_request(session, "gamma", samples::pair(10), samples::pair(11)).value();
  const Bytes frame = up.seal(said.bytes).value();
  Bytes64 session_there{};
  std::ranges::copy(down.session_hash(), session_there.begin());
  const auto request = open_join_request(down.open(frame).value(), session_there);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->name, "gamma");
  EXPECT_EQ(down.remote(), newcomer_static.public_key());
  const auto answered = up.open(down.seal(encode_answer(answer())->bytes()).value());
  ASSERT_TRUE(answered);
  EXPECT_TRUE(decode_answer(*answered)->network_psk.same(answer().network_psk));
}

}  // namespace
}  // namespace crypto
