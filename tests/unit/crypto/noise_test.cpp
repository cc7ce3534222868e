#include "crypto/noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "crypto/channel.h"
#include "crypto/noise_state.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/place.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using Bytes = std::vector<std::byte>;

const Bytes prologue = samples::bytes_of("prologue");
const Bytes payload = samples::bytes_of("payload");

Secret<32> seed(unsigned char which) {
  return Secret<32>(samples::filled<Bytes32>(which));
}
ExchangePair pair(unsigned char which) {
  return ExchangePair(seed(which));
}
constexpr unsigned char initiator_key = 0x21;
constexpr unsigned char responder_key = 0x22;
constexpr unsigned char initiator_ephemeral = 0x31;
constexpr unsigned char responder_ephemeral = 0x32;
constexpr unsigned char psk_byte = 0x41;

struct Keys {
  NoiseSuite suite = link_suite;
  unsigned char psk = psk_byte;
  Bytes said = prologue;
};

template <class Make>
auto with_setup(HandshakeSide side, const Keys& keys, Make make) {
  const bool initiator = side == HandshakeSide::initiator;
  const NoisePatternRow& row = noise_pattern_row(keys.suite.pattern);
  std::vector<Secret<32>> psks;
  for (std::size_t i = 0; i < row.psks; ++i) {
    psks.emplace_back(samples::filled<Bytes32>(static_cast<unsigned char>(keys.psk + i)));
  }
  const ExchangePair own = pair(initiator ? initiator_key : responder_key);
  std::optional<ExchangeKey> remote;
  if (initiator && row.knows_responder) remote = pair(responder_key).public_key();
  const Handshake::Setup setup{
      .suite = keys.suite, .side = side, .prologue = keys.said, .own = own, .psks = psks, .remote = remote};
  return make(setup, seed(initiator ? initiator_ephemeral : responder_ephemeral));
}

Handshake end(HandshakeSide side, const Keys& keys = {}) {
  return with_setup(side, keys, [](const Handshake::Setup& setup, Secret<32> ephemeral) {
    return Handshake(setup, std::move(ephemeral));
  });
}
Handshake initiator(const Keys& keys = {}) {
  return end(HandshakeSide::initiator, keys);
}
Handshake responder(const Keys& keys = {}) {
  return end(HandshakeSide::responder, keys);
}

// Both ends up to the message `at`, which the first of the two is to write.
struct Ends {
  Handshake sender;
  Handshake receiver;
};
Ends before_message(std::size_t at, const Keys& keys = {}) {
  Ends ends{initiator(keys), responder(keys)};
  for (std::size_t i = 0; i < at; ++i) {
    EXPECT_EQ(ends.receiver.read(ends.sender.write(payload).value()), payload);
    std::swap(ends.sender, ends.receiver);
  }
  return ends;
}

class EverySuite : public testing::TestWithParam<std::tuple<NoisePattern, NoiseHash>> {
 protected:
  static Keys keys() { return {.suite = {std::get<0>(GetParam()), std::get<1>(GetParam())}}; }
  static std::size_t messages() { return noise_pattern_row(keys().suite.pattern).message_count; }
};

TEST_P(EverySuite, tells_each_end_who_the_other_is_and_gives_both_the_same_keys) {
  Ends ends = before_message(messages(), keys());
  if (messages() % 2 == 1) std::swap(ends.sender, ends.receiver);
  Session left = ends.sender.take_session();
  Session right = ends.receiver.take_session();
  EXPECT_EQ(left.remote, pair(responder_key).public_key());
  EXPECT_EQ(right.remote, pair(initiator_key).public_key());
  EXPECT_EQ(left.hash, right.hash);
  EXPECT_TRUE(left.send.same(right.receive));
  EXPECT_TRUE(left.receive.same(right.send));
  EXPECT_FALSE(left.send.same(left.receive));
}

TEST_P(EverySuite, takes_payloads_up_to_the_size_it_says_and_no_longer_ones) {
  for (std::size_t at = 0; at < messages(); ++at) {
    Ends ends = before_message(at, keys());
    const std::size_t limit = at == 0 ? first_handshake_message_bytes_max : handshake_message_bytes_max;
    const Bytes longest(ends.sender.payload_bytes_max(), std::byte{7});
    const auto message = ends.sender.write(longest);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->size(), limit);
    EXPECT_EQ(ends.receiver.read(*message), longest);

    Ends other = before_message(at, keys());
    EXPECT_EQ(other.sender.write(Bytes(longest.size() + 1)), tl::unexpected(HandshakeError::too_long));
    EXPECT_EQ(other.sender.error(), HandshakeError::too_long);
    EXPECT_EQ(other.receiver.read(Bytes(limit + 1)), tl::unexpected(HandshakeError::too_long));
    EXPECT_EQ(other.receiver.error(), HandshakeError::too_long);
  }
}

TEST_P(EverySuite, fails_at_both_ends_when_the_prologues_differ) {
  Keys other = keys();
  other.said = samples::bytes_of("prologuf");
  Handshake left = initiator(keys());
  Handshake right = responder(other);
  const auto first = right.read(left.write(payload).value());
  // A first message that nothing seals does not tell; the answer to it does.
  const auto seen = first ? left.read(right.write(payload).value()).error() : first.error();
  EXPECT_EQ(seen, HandshakeError::bad_tag);
}

TEST_P(EverySuite, takes_no_message_that_was_cut) {
  for (std::size_t at = 0; at < messages(); ++at) {
    const std::size_t size = before_message(at, keys()).sender.write({}).value().size();
    for (std::size_t left = 0; left < size; ++left) {
      Ends ends = before_message(at, keys());
      const Bytes message = ends.sender.write({}).value();
      EXPECT_EQ(ends.receiver.read(std::span(message).first(left)).error(), HandshakeError::truncated) << at;
      EXPECT_FALSE(ends.receiver.to_write() || ends.receiver.finished());
    }
  }
}

std::string suite_name(const testing::TestParamInfo<std::tuple<NoisePattern, NoiseHash>>& suite) {
  std::string name = protocol_name({std::get<0>(suite.param), std::get<1>(suite.param)}).substr(6);
  std::erase(name, '+');
  return name;
}
INSTANTIATE_TEST_SUITE_P(all, EverySuite,
                         testing::Combine(testing::Values(NoisePattern::xx, NoisePattern::xx_psk0,
                                                          NoisePattern::xx_psk3, NoisePattern::xx_psk0_psk3,
                                                          NoisePattern::ik, NoisePattern::ik_psk2),
                                          testing::Values(NoiseHash::sha512, NoiseHash::sha256, NoiseHash::blake2b)),
                         suite_name);

TEST(noise, ends_take_turns_and_the_initiator_is_first) {
  Handshake left = initiator();
  Handshake right = responder();
  EXPECT_TRUE(left.to_write() && !right.to_write());
  ASSERT_TRUE(right.read(left.write({}).value()));
  EXPECT_TRUE(!left.to_write() && right.to_write());
  ASSERT_TRUE(left.read(right.write({}).value()));
  EXPECT_TRUE(left.to_write() && !right.to_write());
  ASSERT_TRUE(right.read(left.write({}).value()));
  EXPECT_TRUE(left.finished() && right.finished());
  EXPECT_FALSE(left.to_write() || right.to_write());
}

TEST(noise, a_machine_that_is_used_out_of_turn_is_a_mistake_of_ours) {
  Handshake left = initiator();
  Handshake right = responder();
  EXPECT_DEATH(static_cast<void>(right.write({})), "");
  EXPECT_DEATH(static_cast<void>(left.read({})), "");
  EXPECT_DEATH(static_cast<void>(left.take_session()), "");
}

TEST(noise, any_bit_changed_in_any_message_of_a_link_is_noticed_at_once) {
  for (std::size_t at = 0; at < 3; ++at) {
    const std::size_t size = before_message(at).sender.write(payload).value().size();
    for (std::size_t byte = 0; byte < size; ++byte) {
      Ends ends = before_message(at);
      Bytes message = ends.sender.write(payload).value();
      message[byte] ^= std::byte{1} << (byte % 8);
      EXPECT_EQ(ends.receiver.read(message), tl::unexpected(HandshakeError::bad_tag)) << at << " " << byte;
    }
    Ends ends = before_message(at);
    Bytes message = ends.sender.write(payload).value();
    message.push_back(std::byte{0});
    EXPECT_EQ(ends.receiver.read(message), tl::unexpected(HandshakeError::bad_tag)) << at;
  }
}

TEST(noise, an_answer_to_another_handshake_is_refused) {
  Handshake right = responder();
  ASSERT_TRUE(right.read(initiator().write(payload).value()));
  const Bytes answer = right.write({}).value();
  Handshake left = initiator();
  ASSERT_TRUE(left.write(samples::bytes_of("payloae")));
  EXPECT_EQ(left.read(answer), tl::unexpected(HandshakeError::bad_tag));
}

// The first message of an initiator that knows the psk and sends this ephemeral key.
Bytes first_message_with(const Bytes32& ephemeral, unsigned char psk) {
  NoiseState state(NoiseHash::sha512, protocol_name(link_suite));
  state.mix_hash(prologue);
  state.mix_key_and_hash(samples::filled<Bytes32>(psk));
  state.mix_hash(ephemeral);
  state.mix_key(ephemeral);
  Bytes message(ephemeral.begin(), ephemeral.end());
  const Bytes sealed = state.encrypt_and_hash({}).value();
  message.insert(message.end(), sealed.begin(), sealed.end());
  return message;
}

TEST(noise, a_stranger_is_told_by_the_tag_of_his_first_message_before_any_key_of_ours_is_used) {
  EXPECT_EQ(responder({.psk = 0x42}).read(initiator().write(payload).value()), tl::unexpected(HandshakeError::bad_tag));
  // Combining this key with ours would be another error.
  EXPECT_EQ(responder().read(first_message_with(Bytes32{}, 0x42)), tl::unexpected(HandshakeError::bad_tag));
}

TEST(noise, a_key_of_low_order_is_refused_where_it_is_used) {
  Handshake right = responder();
  ASSERT_TRUE(right.read(first_message_with(Bytes32{}, psk_byte)));
  EXPECT_EQ(right.write({}), tl::unexpected(HandshakeError::low_order_key));
  EXPECT_FALSE(right.to_write() || right.finished());

  Handshake left = initiator({.suite = {NoisePattern::xx, NoiseHash::sha512}});
  ASSERT_TRUE(left.write({}));
  EXPECT_EQ(left.read(Bytes(32 + 48 + 16)), tl::unexpected(HandshakeError::low_order_key));
}

TEST(noise, the_first_error_stays) {
  Handshake right = responder();
  EXPECT_EQ(right.read({}), tl::unexpected(HandshakeError::truncated));
  EXPECT_EQ(right.error(), HandshakeError::truncated);
  EXPECT_EQ(right.read(initiator().write({}).value()), tl::unexpected(HandshakeError::truncated));
  EXPECT_EQ(right.write({}), tl::unexpected(HandshakeError::truncated));
  EXPECT_FALSE(right.to_write() || right.finished());
}

TEST(noise, who_says_a_static_key_without_its_secret_half_is_not_let_in) {
  Ends ends = before_message(2);
  Bytes message = ends.sender.write({}).value();
  // The key stays as it was sent; the tag behind it hangs on the secret half.
  message.resize(48);
  message.resize(64);
  EXPECT_EQ(ends.receiver.read(message), tl::unexpected(HandshakeError::bad_tag));
  EXPECT_EQ(ends.receiver.remote(), pair(initiator_key).public_key());
  EXPECT_FALSE(ends.receiver.finished());
}

TEST(noise, keeps_no_secret_longer_than_it_needs_it) {
  const Bytes32 own = samples::filled<Bytes32>(responder_key);
  const Bytes32 ephemeral = samples::filled<Bytes32>(responder_ephemeral);
  const Bytes32 psk = samples::filled<Bytes32>(psk_byte);
  enum class End { finished, bad_tag, low_order_key };
  for (const End how : {End::finished, End::bad_tag, End::low_order_key}) {
    samples::Place<Handshake> place;
    Handshake* right = with_setup(HandshakeSide::responder, {}, [&](const Handshake::Setup& setup, Secret<32> fresh) {
      return place.make(setup, std::move(fresh));
    });
    ASSERT_TRUE(place.contains(own) && place.contains(ephemeral) && place.contains(psk));
    if (how == End::bad_tag) {
      ASSERT_FALSE(right->read(Bytes(48)));
    } else if (how == End::low_order_key) {
      ASSERT_TRUE(right->read(first_message_with(Bytes32{}, psk_byte)));
      EXPECT_FALSE(place.contains(std::span(psk).first(4)));
      ASSERT_FALSE(right->write({}));
    } else {
      Handshake left = initiator();
      ASSERT_TRUE(right->read(left.write({}).value()));
      EXPECT_FALSE(place.contains(std::span(psk).first(4)));
      ASSERT_TRUE(left.read(right->write({}).value()));
      ASSERT_TRUE(right->read(left.write({}).value()));
    }
    EXPECT_FALSE(place.contains(std::span(own).first(4)));
    EXPECT_FALSE(place.contains(std::span(ephemeral).first(4)));
    EXPECT_FALSE(place.contains(std::span(psk).first(4)));
    if (how == End::finished) {
      const Session session = right->take_session();
      EXPECT_FALSE(place.contains(session.send.bytes()) || place.contains(session.receive.bytes()));
    }
    right->~Handshake();
  }
}

TEST(noise, who_wrote_the_last_message_keeps_no_key_either) {
  samples::Place<Handshake> place;
  Handshake* left = with_setup(HandshakeSide::initiator, {}, [&](const Handshake::Setup& setup, Secret<32> fresh) {
    return place.make(setup, std::move(fresh));
  });
  const Bytes32 own = samples::filled<Bytes32>(initiator_key);
  const Bytes32 ephemeral = samples::filled<Bytes32>(initiator_ephemeral);
  Handshake right = responder();
  ASSERT_TRUE(right.read(left->write({}).value()));
  ASSERT_TRUE(left->read(right.write({}).value()));
  ASSERT_TRUE(place.contains(own) && place.contains(ephemeral));
  ASSERT_TRUE(right.read(left->write({}).value()));
  EXPECT_FALSE(place.contains(std::span(own).first(4)) || place.contains(std::span(ephemeral).first(4)));
  left->~Handshake();
}

TEST(noise, what_was_derived_is_forgotten_with_the_first_error) {
  // The chaining key and the key of the cipher when the tag of this first message is looked at.
  Bytes begin = samples::bytes_of(protocol_name(link_suite));
  begin.resize(64);
  const DerivedSecrets of_psk = derive(NoiseHash::sha512, begin, samples::filled<Bytes32>(psk_byte));
  const DerivedSecrets of_key = derive(NoiseHash::sha512, of_psk.outputs[0].bytes(), Bytes32{});
  samples::Place<Handshake> place;
  Handshake* right = with_setup(HandshakeSide::responder, {}, [&](const Handshake::Setup& setup, Secret<32> fresh) {
    return place.make(setup, std::move(fresh));
  });
  ASSERT_EQ(right->read(Bytes(48)), tl::unexpected(HandshakeError::bad_tag));
  EXPECT_FALSE(place.contains(of_key.outputs[0].bytes().first(8)));
  EXPECT_FALSE(place.contains(of_key.outputs[1].bytes().first(8)));
  right->~Handshake();
  right = with_setup(HandshakeSide::responder, {}, [&](const Handshake::Setup& setup, Secret<32> fresh) {
    return place.make(setup, std::move(fresh));
  });
  // One that is read leaves them there: that is where they would be.
  ASSERT_TRUE(right->read(first_message_with(Bytes32{}, psk_byte)));
  EXPECT_TRUE(place.contains(of_key.outputs[0].bytes()));
  EXPECT_TRUE(place.contains(of_key.outputs[1].bytes().first(32)));
  right->~Handshake();
}

TEST(noise, the_psk_seals_the_first_payload_and_the_link_is_another_for_each_ephemeral_key) {
  const Bytes first = initiator().write(payload).value();
  EXPECT_EQ(first.size(), 32 + payload.size() + seal_bytes);
  EXPECT_EQ(std::search(first.begin(), first.end(), payload.begin(), payload.end()), first.end());
  const Bytes plain = initiator({.suite = {NoisePattern::xx, NoiseHash::sha512}}).write(payload).value();
  EXPECT_EQ(plain.size(), 32 + payload.size());

  auto hash_with = [](unsigned char ephemeral) {
    const ExchangePair own = pair(initiator_key);
    std::vector<Secret<32>> psks;
    psks.emplace_back(samples::filled<Bytes32>(psk_byte));
    Handshake left({.prologue = prologue, .own = own, .psks = psks}, seed(ephemeral));
    Handshake right = responder();
    EXPECT_TRUE(right.read(left.write({}).value()));
    EXPECT_TRUE(left.read(right.write({}).value()));
    EXPECT_TRUE(right.read(left.write({}).value()));
    return right.take_session().hash;
  };
  EXPECT_NE(hash_with(1), hash_with(2));
}

TEST(noise, errors_have_texts_of_their_own) {
  EXPECT_NE(to_string(HandshakeError::truncated), to_string(HandshakeError::too_long));
  EXPECT_NE(to_string(HandshakeError::bad_tag), to_string(HandshakeError::low_order_key));
}

}  // namespace
}  // namespace crypto
