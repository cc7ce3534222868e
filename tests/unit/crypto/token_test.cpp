#include "crypto/token.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/base32.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/noise_hash.h"
#include "crypto/wall_time.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/place.h"
#include "tests/unit/crypto/samples.h"

namespace crypto {
namespace {

constexpr std::int64_t not_after_ms = samples::created_ms;
constexpr std::string_view letters = "0123456789abcdefghjkmnpqrstvwxyz";
const Bytes32 secret = samples::filled<Bytes32>(0x9d);

JoinToken token() {
  JoinToken it;
  it.root = root_pin(samples::root_pair().public_key());
  it.id = TokenId{samples::filled<std::array<std::byte, 8>>(0x71)};
  it.secret = Secret<32>(secret);
  it.not_after_ms = not_after_ms;
  it.addresses = {samples::address(10), NamedAddress{"alpha.example.org", 4'422},
                  Address{samples::filled<Bytes16>(0x20), 1}};
  return it;
}

std::string text_of(const JoinToken& it) {
  return std::string(write_token(it).value().view());
}

auto read(std::string_view text) {
  return read_token(text, not_after_ms, 0);
}

TEST(token, comes_back_as_it_was_written) {
  const JoinToken it = token();
  const std::string text = text_of(it);
  const auto back = read(text);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->root, it.root);
  EXPECT_EQ(back->id, it.id);
  EXPECT_TRUE(back->secret.same(it.secret));
  EXPECT_EQ(back->not_after_ms, it.not_after_ms);
  EXPECT_EQ(back->addresses, it.addresses);
  EXPECT_EQ(text_of(*back), text);
}

TEST(token, with_one_address_fits_two_lines_of_a_terminal) {
  JoinToken it = token();
  it.addresses.resize(1);
  const std::string text = text_of(it);
  EXPECT_EQ(text.substr(0, 5), "gib1-");
  EXPECT_LE(text.size(), 160u);
  EXPECT_EQ(text.substr(5).find_first_not_of(letters), std::string::npos);
}

TEST(token, is_read_in_capitals_between_blanks_and_with_characters_that_look_alike) {
  std::string text = text_of(token());
  const std::string good = text;
  for (char& c : text) {
    if ('a' <= c && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  EXPECT_TRUE(read("  " + text + "\r\n"));
  for (char& c : text) {
    if (c == '0') c = 'O';
    if (&c > &text[4] && c == '1') c = (&c - text.data()) % 2 == 0 ? 'l' : 'I';
  }
  ASSERT_NE(text, good);
  EXPECT_TRUE(read(text));
}

TEST(token, that_is_cut_anywhere_is_told_as_truncated) {
  const std::string text = text_of(token());
  for (std::size_t size = 5; size < text.size(); ++size) {
    EXPECT_EQ(read(text.substr(0, size)).error(), TokenError::truncated) << size;
  }
  for (std::size_t size = 0; size < 5; ++size) {
    EXPECT_EQ(read(text.substr(0, size)).error(), TokenError::not_a_token) << size;
  }
}

TEST(token, with_any_one_character_mistyped_is_told_as_mistyped) {
  const std::string text = text_of(token());
  for (std::size_t at = 5; at < text.size(); ++at) {
    for (const char other : letters) {
      if (other == text[at]) continue;
      std::string changed = text;
      changed[at] = other;
      ASSERT_EQ(read(changed).error(), TokenError::mistyped) << at << " " << other;
    }
  }
}

TEST(token, with_two_neighbours_exchanged_is_told_as_mistyped) {
  const std::string text = text_of(token());
  for (std::size_t at = 5; at + 1 < text.size(); ++at) {
    if (text[at] == text[at + 1]) continue;
    std::string changed = text;
    std::swap(changed[at], changed[at + 1]);
    EXPECT_EQ(read(changed).error(), TokenError::mistyped) << at;
  }
}

TEST(token, that_goes_on_after_its_end_is_told_so) {
  EXPECT_EQ(read(text_of(token()) + "0").error(), TokenError::too_long);
  EXPECT_EQ(read(text_of(token()) + std::string(100'000, 'z')).error(), TokenError::too_long);
  EXPECT_EQ(read(text_of(token()) + "!").error(), TokenError::bad_character);
}

TEST(token, is_told_from_other_texts_and_from_those_of_other_versions) {
  for (const char* text : {"", " ", "hello", "gib", "gib1", "gib-abc", "gibx-abc", "xgib1-abc", "gib1_abc"}) {
    EXPECT_EQ(read(text).error(), TokenError::not_a_token) << text;
  }
  EXPECT_EQ(read("gib2-abc").error(), TokenError::other_version);
  EXPECT_EQ(read("GIB10-abc").error(), TokenError::other_version);
  for (const char* text : {"gib1-abcu", "gib1-abc def", "gib1-abc@192.0.2.1:4422", "gib1-\xc3\xa9"}) {
    EXPECT_EQ(read(text).error(), TokenError::bad_character) << text;
  }
  EXPECT_EQ(read("gib1-").error(), TokenError::truncated);
  EXPECT_EQ(read("gib1-zzzzzzzzzzzzzzzzzzz").error(), TokenError::mistyped);
}

TEST(token, expires_after_its_last_millisecond_and_the_tolerance) {
  const std::string text = text_of(token());
  EXPECT_TRUE(read_token(text, not_after_ms, 0));
  EXPECT_EQ(read_token(text, not_after_ms + 1, 0).error(), TokenError::expired);
  EXPECT_TRUE(read_token(text, not_after_ms + 600'000, clock_tolerance_ms));
  EXPECT_EQ(read_token(text, not_after_ms + 600'001, clock_tolerance_ms).error(), TokenError::expired);
  // A mistyped one is not called expired.
  EXPECT_EQ(read_token(text.substr(0, 40), wall_ms_max, 0).error(), TokenError::truncated);
}

bool writable(auto change) {
  JoinToken it = token();
  change(it);
  const auto text = write_token(it);
  if (!text) {
    EXPECT_EQ(text.error(), TokenError::bad_field);
    return false;
  }
  const auto back = read_token(text->view(), 0, 0);
  EXPECT_TRUE(back && back->addresses == it.addresses && back->not_after_ms == it.not_after_ms);
  return true;
}

TEST(token, has_one_to_three_addresses_that_can_be_ones) {
  EXPECT_FALSE(writable([](JoinToken& it) { it.addresses.clear(); }));
  EXPECT_FALSE(writable([](JoinToken& it) { it.addresses.push_back(samples::address(1)); }));
  EXPECT_FALSE(writable([](JoinToken& it) { it.addresses = {Address{}}; }));
  auto host = [](std::string name, std::uint16_t port = 1) {
    return writable([&](JoinToken& it) { it.addresses.assign(3, NamedAddress{name, port}); });
  };
  EXPECT_TRUE(host("a") && host("A-1.b_c.") && host(std::string(253, 'h'), 65'535));
  EXPECT_FALSE(host("") || host(std::string(254, 'h')) || host("a b") || host("a/b") || host("a\n") || host("a:1"));
  EXPECT_FALSE(host("a", 0));
}

TEST(token, expires_at_a_whole_second_of_a_possible_year) {
  EXPECT_FALSE(writable([](JoinToken& it) { it.not_after_ms += 1; }));
  EXPECT_FALSE(writable([](JoinToken& it) { it.not_after_ms = -1'000; }));
  EXPECT_TRUE(writable([](JoinToken& it) { it.not_after_ms = 0; }));
  EXPECT_TRUE(writable([](JoinToken& it) { it.not_after_ms = wall_ms_max - 999; }));
  EXPECT_FALSE(writable([](JoinToken& it) { it.not_after_ms = wall_ms_max + 1; }));
}

// A token whose length and digest are right, whatever it says.
std::string crafted(const std::vector<std::byte>& counted) {
  const auto high = static_cast<std::byte>(counted.size() >> 8U);
  const auto low = static_cast<std::byte>(counted.size() & 0xffU);
  std::vector<std::byte> bytes{high, low, ~high, ~low};
  bytes.insert(bytes.end(), counted.begin(), counted.end());
  const Digest check = digest(token_domain, bytes);
  bytes.insert(bytes.end(), check.bytes.begin(), check.bytes.begin() + 4);
  std::vector<std::byte> characters(base32_size(bytes.size()));
  to_base32(bytes, characters);
  std::string text = "gib1-";
  for (const std::byte character : characters) text += std::to_integer<char>(character);
  return text;
}

TEST(token, that_was_made_wrong_is_told_so) {
  const std::vector<std::byte> secret_alone(32);
  EXPECT_EQ(read(crafted(secret_alone)).error(), TokenError::bad_field);
  for (std::size_t size = 0; size < 32; ++size) {
    EXPECT_EQ(read(crafted(std::vector<std::byte>(size))).error(), TokenError::mistyped) << size;
  }
  // Root, id, second 0, one address that is a host "a" with port 1.
  std::vector<std::byte> good(32 + 16 + 8);
  for (const int byte : {0, 1, 1, 1, 0x61, 1}) good.push_back(static_cast<std::byte>(byte));
  EXPECT_TRUE(read_token(crafted(good), 0, 0));
  std::vector<std::byte> bad = good;
  bad.back() = std::byte{0};
  EXPECT_EQ(read(crafted(bad)).error(), TokenError::bad_field);
  bad = good;
  bad.push_back(std::byte{0});
  EXPECT_EQ(read(crafted(bad)).error(), TokenError::bad_field);
  EXPECT_EQ(read(crafted(std::vector<std::byte>(5'000))).error(), TokenError::mistyped);
}

TEST(token, pins_the_first_half_of_the_root_keys_id) {
  const PublicKey root = samples::root_pair().public_key();
  const Digest id = root_id(root);
  EXPECT_TRUE(std::ranges::equal(root_pin(root).bytes, std::span(id.bytes).first(16)));
  EXPECT_NE(root_pin(root), root_pin(samples::user_pair().public_key()));
}

TEST(token, key_of_the_joining_handshake_comes_from_the_secret_alone_and_is_not_the_secret) {
  JoinToken other = token();
  other.not_after_ms += 1'000;
  EXPECT_TRUE(joining_psk(token()).same(joining_psk(other)));
  other.secret.writable()[31] ^= std::byte{1};
  EXPECT_FALSE(joining_psk(token()).same(joining_psk(other)));
  EXPECT_FALSE(joining_psk(token()).same(token().secret));
  // Computed with Python's hmac module: HKDF with the domain as salt.
  EXPECT_EQ(samples::to_hex(joining_psk(token()).bytes()),
            "a39c5a420b20fa6fc799f643ade589df18f52d505db2b79a202214423fdf58bf");
}

TEST(token, prologue_of_the_joining_handshake_names_the_token) {
  std::vector<std::byte> expected = samples::bytes_of(std::string_view("gibbon-join-v1\0", 15));
  expected.insert(expected.end(), 8, std::byte{0x71});
  EXPECT_EQ(joining_prologue(token().id), expected);
}

TEST(token, text_is_wiped_with_its_owner) {
  samples::Place<TokenText> place;
  TokenText* text = place.make(write_token(token()).value());
  const std::string copy(text->view());
  const auto bytes = std::as_bytes(std::span(copy));
  ASSERT_TRUE(place.contains(bytes));
  text->~TokenText();
  EXPECT_FALSE(place.contains(bytes.first(8)));
}

TEST(token, errors_have_texts_of_their_own) {
  std::set<std::string_view> texts;
  for (int error = 0; error <= static_cast<int>(TokenError::expired); ++error) {
    texts.insert(to_string(static_cast<TokenError>(error)));
  }
  EXPECT_EQ(texts.size(), 8u);
}

}  // namespace
}  // namespace crypto
