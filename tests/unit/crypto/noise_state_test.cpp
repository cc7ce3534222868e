#include "crypto/noise_state.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/place.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::string_view name = "Noise_XXpsk0_25519_ChaChaPoly_SHA512";
const Bytes material = samples::bytes_of("key material");
const Bytes plain = samples::bytes_of("what is said");

Bytes hash_of(const NoiseState& state) {
  return {state.hash().begin(), state.hash().end()};
}

TEST(noise_state, begins_with_its_name_filled_up_or_digested) {
  Bytes filled = samples::bytes_of(name);
  filled.resize(64);
  EXPECT_EQ(hash_of(NoiseState(NoiseHash::sha512, name)), filled);

  std::array<std::byte, noise_hash_bytes_max> digest{};
  noise_hash_row(NoiseHash::sha256).digest({samples::bytes_of(name)}, digest);
  EXPECT_EQ(hash_of(NoiseState(NoiseHash::sha256, name)), Bytes(digest.begin(), digest.begin() + 32));

  const std::string exact(32, 'n');
  EXPECT_EQ(hash_of(NoiseState(NoiseHash::sha256, exact)), samples::bytes_of(exact));
}

TEST(noise_state, hands_on_what_it_is_given_as_long_as_there_is_no_key) {
  NoiseState state(NoiseHash::sha512, name);
  NoiseState twin(NoiseHash::sha512, name);
  EXPECT_FALSE(state.has_key());
  EXPECT_EQ(state.encrypt_and_hash(plain), plain);
  EXPECT_EQ(twin.decrypt_and_hash(plain), plain);
  EXPECT_EQ(hash_of(state), hash_of(twin));
  twin.mix_hash(plain);
  EXPECT_NE(hash_of(state), hash_of(twin));
}

TEST(noise_state, of_two_ends_stays_the_same_and_opens_only_what_was_said_at_the_same_point) {
  NoiseState sender(NoiseHash::sha512, name);
  NoiseState receiver(NoiseHash::sha512, name);
  for (NoiseState* state : {&sender, &receiver}) {
    state->mix_key(material);
    state->mix_key_and_hash(plain);
  }
  EXPECT_TRUE(sender.has_key());
  const Bytes wire = sender.encrypt_and_hash(plain).value();
  EXPECT_EQ(wire.size(), plain.size() + seal_bytes);
  NoiseState elsewhere(NoiseHash::sha512, name);
  elsewhere.mix_key(material);
  EXPECT_FALSE(elsewhere.decrypt_and_hash(wire));
  const Bytes before = hash_of(receiver);
  Bytes changed = wire;
  changed[0] ^= std::byte{1};
  EXPECT_FALSE(receiver.decrypt_and_hash(changed));
  EXPECT_EQ(hash_of(receiver), before);
  EXPECT_EQ(receiver.decrypt_and_hash(wire), plain);
  EXPECT_EQ(hash_of(receiver), hash_of(sender));
  EXPECT_FALSE(receiver.decrypt_and_hash(wire));
}

TEST(noise_state, splits_into_the_same_two_keys_at_both_ends) {
  NoiseState one(NoiseHash::sha256, name);
  NoiseState other(NoiseHash::sha256, name);
  one.mix_key(material);
  other.mix_key(material);
  const NoiseState::Split left = one.split();
  const NoiseState::Split right = other.split();
  EXPECT_TRUE(left.from_initiator.same(right.from_initiator));
  EXPECT_TRUE(left.from_responder.same(right.from_responder));
  EXPECT_FALSE(left.from_initiator.same(left.from_responder));
}

// The chaining key and the key of the cipher, computed again from outside.
struct Secrets {
  Bytes chaining;
  Bytes cipher;
};
Secrets secrets_of_first_mixing() {
  Bytes padded = samples::bytes_of(name);
  padded.resize(64);
  const DerivedSecrets derived = derive(NoiseHash::sha512, padded, material);
  const auto chaining = derived.outputs[0].bytes();
  const auto cipher = derived.outputs[1].bytes().first(32);
  return {{chaining.begin(), chaining.end()}, {cipher.begin(), cipher.end()}};
}

TEST(noise_state, keeps_no_secret_that_was_replaced_split_or_forgotten) {
  const Secrets secrets = secrets_of_first_mixing();
  enum class End { replaced, split, forgotten };
  for (const End end : {End::replaced, End::split, End::forgotten}) {
    samples::Place<NoiseState> place;
    NoiseState* state = place.make(NoiseHash::sha512, name);
    state->mix_key(material);
    ASSERT_TRUE(place.contains(secrets.chaining));
    ASSERT_TRUE(place.contains(secrets.cipher));
    switch (end) {
      case End::replaced: state->mix_key(plain); break;
      case End::split: static_cast<void>(state->split()); break;
      case End::forgotten: state->forget(); break;
    }
    EXPECT_FALSE(place.contains(std::span(secrets.chaining).first(4)));
    EXPECT_FALSE(place.contains(std::span(secrets.cipher).first(4)));
    state->~NoiseState();
  }
}

}  // namespace
}  // namespace crypto
